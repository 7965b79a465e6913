#include "net/flow.hpp"

#include <cstring>

#include "net/headers.hpp"
#include "net/ip.hpp"
#include "net/vlan.hpp"

namespace valenic {

namespace {

/// Headers of headers that are looked into: QinQ Ethernet, MPLS, Ethernet, IPv4, GRE, IPv6 is six.
constexpr unsigned layers_max = 8;
/// Labels of one stack. Rings and entropy labels make five.
constexpr unsigned labels_max = 8;

uint64_t load64(const uint8_t* at) noexcept {
    uint64_t word;
    std::memcpy(&word, at, sizeof word);
    return word;
}
uint32_t load32(const uint8_t* at) noexcept {
    uint32_t word;
    std::memcpy(&word, at, sizeof word);
    return word;
}

/// 128 bits of a product folded into 64: every bit of both factors moves half of them.
uint64_t fold_product(uint64_t a, uint64_t b) noexcept {
    const auto product = static_cast<unsigned __int128>(a) * b;
    return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

/// Takes two words, each behind a secret one: a factor of zero cannot be chosen.
uint64_t mixed(uint64_t state, const FlowSeed& seed, uint64_t a, uint64_t b) noexcept {
    return fold_product(a ^ seed.words[1], b ^ state);
}
/// The last factor is well known: what it mixes is not.
uint32_t finished(uint64_t state) noexcept {
    return static_cast<uint32_t>(state * 0x9e37'79b9'7f4a'7c15 >> 32);
}

/// The next header: its type, and where it begins.
struct Layer {
    uint16_t ethertype;
    uint32_t at;
};
/// Nothing that is looked into.
constexpr Layer payload{0, 0};

struct Walk {
    const uint8_t* frame;
    uint32_t bytes;
    const FlowSeed& seed;
    uint64_t state;

    bool has(uint32_t at, uint32_t count) const noexcept { return at + count <= bytes; }
    void add(uint64_t a, uint64_t b) noexcept { state = mixed(state, seed, a, b); }
};

/// A length is in the place of a type, and differs from frame to frame. IEEE 802.3-2018, 3.2.6.
constexpr uint16_t smallest_ethertype = 0x0600;

Layer add_unknown(Walk& walk, uint16_t ethertype) noexcept {
    walk.add(ethertype < smallest_ethertype ? 0 : ethertype, 0);
    return payload;
}

uint64_t with_stations(uint64_t state, const FlowSeed& seed, const uint8_t* frame,
                       uint64_t vlans) noexcept {
    return mixed(state, seed, load64(frame), load32(frame + 8) | vlans << 32);
}

/// The tags' VLANs, not their priorities, which frames of one flow may have different ones of.
Layer add_ethernet(Walk& walk, uint32_t at) noexcept {
    const uint8_t* frame = walk.frame + at;
    const Tags tags = tags_of(frame, walk.bytes - at);
    walk.state =
        with_stations(walk.state, walk.seed, frame, tags.vlans[0] | uint64_t{tags.vlans[1]} << 16);
    return {tags.ethertype, at + tags.end};
}

/// What tells the flows of two addresses apart, four bytes or two of the transport's header.
enum class Told : uint8_t { nothing, first_four, second_four, echo4, echo6, gre, ipv4, ipv6 };
constexpr auto told_by_protocol = [] {
    struct {
        Told of[256] = {};
    } told;
    for (const uint8_t protocol : {protocol_tcp, protocol_udp, protocol_dccp, protocol_sctp,
                                   protocol_udp_lite, protocol_esp, protocol_l2tp})
        told.of[protocol] = Told::first_four;  // Ports, SPI, session.
    told.of[protocol_ah] = Told::second_four;  // SPI.
    told.of[protocol_icmp] = Told::echo4;
    told.of[protocol_icmp6] = Told::echo6;
    told.of[protocol_gre] = Told::gre;
    told.of[protocol_ipv4] = Told::ipv4;
    told.of[protocol_ipv6] = Told::ipv6;
    return told;
}();

/// RFC 792, RFC 4443, 4: requests and replies have an identifier behind type, code and checksum.
uint32_t echo_identifier(const Walk& walk, uint32_t at, bool v4) noexcept {
    const uint8_t type = walk.frame[at];
    const bool echo = v4 ? type == 8 || type == 0 : type == 128 || type == 129;
    return echo ? load_be16(walk.frame + at + 4) : 0u;
}

/// Of what has no ports; 0: the headers end before it, or it has nothing.
uint32_t rare_word(const Walk& walk, const Headers& headers) noexcept {
    const uint32_t at = headers.transport_at;
    const Told told = told_by_protocol.of[headers.protocol];
    if (!walk.has(at, 8)) return 0;
    if (told == Told::second_four) return load32(walk.frame + at + 4);
    if (told == Told::echo4 || told == Told::echo6)
        return echo_identifier(walk, at, told == Told::echo4);
    return 0;
}

/// `rest`: what there is beside the addresses.
[[gnu::always_inline]] inline uint64_t with_addresses(uint64_t state, const FlowSeed& seed,
                                                      const uint8_t* ip, unsigned version,
                                                      uint64_t rest) noexcept {
    if (version == 4) return mixed(state, seed, load64(ip + ipv4::addresses_at), rest);
    const uint8_t* addresses = ip + ipv6::addresses_at;
    state = mixed(state, seed, load64(addresses), load64(addresses + 8));
    state = mixed(state, seed, load64(addresses + 16), load64(addresses + 24));
    return mixed(state, seed, rest, 0);
}
void add_addresses(Walk& walk, const Headers& headers, uint64_t rest) noexcept {
    walk.state = with_addresses(walk.state, walk.seed, walk.frame + headers.network_at,
                                headers.version, rest);
}

/// All pieces of a datagram stay together: the first one has ports and the others have not, so none
/// are looked at.
Layer add_fragment(Walk& walk, const Headers& headers) noexcept {
    const uint32_t id = headers.version == 4
                            ? load_be16(walk.frame + headers.network_at + ipv4::id_at)
                            : load32(walk.frame + headers.transport_at - 4);
    add_addresses(walk, headers, id);
    return payload;
}

/// A whole datagram with a fragment's header. RFC 6946.
bool is_atomic(const Walk& walk, const Headers& headers) noexcept {
    constexpr uint16_t offset_and_more = 0xfff9;
    return headers.version == 6 &&
           (load_be16(walk.frame + headers.transport_at - 6) & offset_and_more) == 0;
}

/// RFC 2784, RFC 2890; version 1, of PPTP: RFC 2637, 4.1.
Layer add_gre(Walk& walk, uint32_t at) noexcept {
    constexpr uint16_t checksum = 0x8000;
    constexpr uint16_t routing = 0x4000;
    constexpr uint16_t key = 0x2000;
    constexpr uint16_t sequence = 0x1000;
    constexpr uint16_t version = 0x0007;
    if (!walk.has(at, 4)) return payload;
    const uint16_t flags = load_be16(walk.frame + at);
    const uint16_t type = load_be16(walk.frame + at + 2);
    if ((flags & routing) != 0 || (flags & version) > 1) return add_unknown(walk, type);
    at += 4 + ((flags & checksum) != 0 ? 4 : 0);
    uint32_t told = 0;
    if ((flags & key) != 0 && walk.has(at, 4)) {
        // Of PPTP the first half is a length.
        told = (flags & version) == 0 ? load32(walk.frame + at) : load_be16(walk.frame + at + 2);
    }
    walk.add(told, type);
    if ((flags & version) != 0) return payload;
    return {type, at + ((flags & key) != 0 ? 4 : 0) + ((flags & sequence) != 0 ? 4 : 0)};
}

Layer behind_ip(Walk& walk, const Headers& headers) noexcept {
    switch (told_by_protocol.of[headers.protocol]) {
        case Told::gre:
            return add_gre(walk, headers.transport_at);
        case Told::ipv4:
            return {ethertype_ipv4, headers.transport_at};
        case Told::ipv6:
            return {ethertype_ipv6, headers.transport_at};
        default:
            return payload;
    }
}

/// Ports, or what other protocols have in their place at the front of their header.
[[gnu::always_inline]] inline bool has_ports(uint32_t bytes, const Headers& headers) noexcept {
    return headers.found == HeadersFound::transport &&
           told_by_protocol.of[headers.protocol] == Told::first_four &&
           headers.transport_at + 4u <= bytes;
}
[[gnu::always_inline]] inline uint64_t ports_of(const uint8_t* frame,
                                                const Headers& headers) noexcept {
    return load32(frame + headers.transport_at) | uint64_t{headers.protocol} << 32;
}

/// The flow label of IPv6 counts where no ports do: senders may change it (RFC 6437, 3).
Layer add_ip(Walk& walk, Layer layer) noexcept {
    Headers headers = find_headers_at(walk.frame, walk.bytes, layer.at, layer.ethertype);
    if (headers.version == 0) return add_unknown(walk, layer.ethertype);
    if (headers.found == HeadersFound::fragment) {
        if (!is_atomic(walk, headers)) return add_fragment(walk, headers);
        headers = pass_extensions(walk.frame, walk.bytes, headers);
    }
    if (has_ports(walk.bytes, headers)) {
        add_addresses(walk, headers, ports_of(walk.frame, headers));
        return payload;
    }
    constexpr uint32_t label_mask = 0x000f'ffff;
    const uint32_t word = load_be32(walk.frame + headers.network_at);
    const uint64_t label = headers.version == 6 ? word & label_mask : 0;
    if (headers.found != HeadersFound::transport) {
        add_addresses(walk, headers, label << 40);
        return payload;
    }
    add_addresses(walk, headers,
                  rare_word(walk, headers) | uint64_t{headers.protocol} << 32 | label << 40);
    return behind_ip(walk, headers);
}

/// RFC 826, of IPv4 over Ethernet: who asks, and for whom.
Layer add_arp(Walk& walk, uint32_t at) noexcept {
    constexpr uint64_t ethernet_and_ipv4 = 0x0001'0800'0604;
    constexpr uint32_t sender_at = 14;
    constexpr uint32_t target_at = 24;
    if (!walk.has(at, target_at + 4)) return add_unknown(walk, ethertype_arp);
    const uint8_t* arp = walk.frame + at;
    if ((uint64_t{load_be32(arp)} << 16 | load_be16(arp + 4)) != ethernet_and_ipv4)
        return add_unknown(walk, ethertype_arp);
    walk.add(uint64_t{load32(arp + sender_at)} << 32 | load32(arp + target_at), ethertype_arp);
    return payload;
}

/// RFC 2516, 4 and 6: the session, and what PPP carries in it.
Layer add_pppoe(Walk& walk, uint32_t at) noexcept {
    constexpr uint32_t session_at = 2;
    constexpr uint32_t protocol_at = 6;
    constexpr uint32_t header_bytes = 8;
    if (!walk.has(at, header_bytes)) return add_unknown(walk, ethertype_pppoe);
    const uint16_t protocol = load_be16(walk.frame + at + protocol_at);
    walk.add(load_be16(walk.frame + at + session_at), protocol);
    if (protocol == ppp_ipv4) return {ethertype_ipv4, at + header_bytes};
    if (protocol == ppp_ipv6) return {ethertype_ipv6, at + header_bytes};
    return payload;
}

/// RFC 3032, 2.1. Nothing says what is behind the last label: it is taken for IP where it begins as
/// IP does, as routers take it (RFC 4928, 2).
Layer add_mpls(Walk& walk, uint32_t at) noexcept {
    constexpr uint32_t bottom = 0x100;
    for (unsigned label = 0; label < labels_max && walk.has(at, 4); ++label) {
        const uint32_t entry = load_be32(walk.frame + at);
        at += 4;
        walk.add(entry >> 12, ethertype_mpls);
        if ((entry & bottom) == 0) continue;
        if (!walk.has(at, 1)) return payload;
        if (walk.frame[at] >> 4 == 4) return {ethertype_ipv4, at};
        if (walk.frame[at] >> 4 == 6) return {ethertype_ipv6, at};
        return payload;
    }
    return payload;
}

Layer add_layer(Walk& walk, Layer layer) noexcept {
    switch (layer.ethertype) {
        case ethertype_ipv4:
        case ethertype_ipv6:
            return add_ip(walk, layer);
        case ethertype_bridged:
            return walk.has(layer.at, ethernet_header_bytes) ? add_ethernet(walk, layer.at)
                                                             : payload;
        case ethertype_arp:
            return add_arp(walk, layer.at);
        case ethertype_pppoe:
            return add_pppoe(walk, layer.at);
        case ethertype_mpls:
        case ethertype_mpls_multicast:
            return add_mpls(walk, layer.at);
        default:
            return add_unknown(walk, layer.ethertype);
    }
}

/// All layers, from one of `ethertype` at `at`.
[[gnu::noinline]] uint32_t hash_layers(const uint8_t* frame, uint32_t bytes, const FlowSeed& seed,
                                       uint64_t state, uint16_t ethertype, uint32_t at) noexcept {
    Walk walk{frame, bytes, seed, state};
    Layer layer{ethertype, at};
    for (unsigned depth = 0; layer.at != 0 && depth < layers_max; ++depth)
        layer = add_layer(walk, layer);
    return finished(walk.state);
}

/// What most frames have behind Ethernet, and no more: IP and ports. Inline for each kind of IP.
template <uint16_t ethertype>
[[gnu::always_inline]] inline uint32_t hash_ip(const uint8_t* frame, uint32_t bytes,
                                               const FlowSeed& seed, uint64_t state,
                                               uint32_t at) noexcept {
    const Headers headers = find_headers_at(frame, bytes, at, ethertype);
    if (!has_ports(bytes, headers)) [[unlikely]]
        return hash_layers(frame, bytes, seed, state, ethertype, at);
    return finished(with_addresses(state, seed, frame + at, ethertype == ethertype_ipv4 ? 4 : 6,
                                   ports_of(frame, headers)));
}

[[gnu::always_inline]] inline uint32_t hash_network(const uint8_t* frame, uint32_t bytes,
                                                    const FlowSeed& seed, uint64_t state,
                                                    uint16_t ethertype, uint32_t at) noexcept {
    if (ethertype == ethertype_ipv4) return hash_ip<ethertype_ipv4>(frame, bytes, seed, state, at);
    if (ethertype == ethertype_ipv6) return hash_ip<ethertype_ipv6>(frame, bytes, seed, state, at);
    return hash_layers(frame, bytes, seed, state, ethertype, at);
}

[[gnu::noinline]] uint32_t hash_tagged(const uint8_t* frame, uint32_t bytes,
                                       const FlowSeed& seed) noexcept {
    Walk walk{frame, bytes, seed, seed.words[0]};
    const Layer layer = add_ethernet(walk, 0);
    return hash_network(frame, bytes, seed, walk.state, layer.ethertype, layer.at);
}

[[gnu::always_inline]] inline uint32_t hash_one(const uint8_t* frame, uint32_t bytes,
                                                const FlowSeed& seed) noexcept {
    const uint16_t ethertype = load_be16(frame + tag_at);
    if (is_tag(ethertype)) return hash_tagged(frame, bytes, seed);
    const uint64_t state = with_stations(seed.words[0], seed, frame, 0);
    return hash_network(frame, bytes, seed, state, ethertype, ethernet_header_bytes);
}

/// A step of splitmix64 (Steele, Lea, Flood, 2014).
uint64_t next_word(uint64_t& state) noexcept {
    uint64_t word = state += 0x9e37'79b9'7f4a'7c15;
    word = (word ^ word >> 30) * 0xbf58'476d'1ce4'e5b9;
    word = (word ^ word >> 27) * 0x94d0'49bb'1331'11eb;
    return word ^ word >> 31;
}

}  // namespace

FlowSeed FlowSeed::of(uint64_t number) noexcept {
    FlowSeed seed;
    for (uint64_t& word : seed.words) word = next_word(number);
    return seed;
}

uint32_t flow_hash(const uint8_t* frame, uint32_t bytes, const FlowSeed& seed) noexcept {
    return hash_one(frame, bytes, seed);
}

void hash_flows(const Batch& batch, const FlowSeed& seed, uint32_t* hashes) noexcept {
    const size_t count = batch.count;
    for (size_t i = 0; i < count; ++i)
        hashes[i] = hash_one(batch.stages[i].bytes, batch.frames[i].stage_len, seed);
}

}  // namespace valenic
