#include "switch/security.hpp"

#include <algorithm>
#include <cstring>

#include "net/headers.hpp"

namespace valenic {

using spec::DropReason;

namespace {

constexpr DropReason passes = DropReason::count;

/// RFC 4861, 4 "Message Formats", and RFC 2710, 3810 for the listeners'.
namespace icmp6 {
constexpr uint8_t listener_report = 131;
constexpr uint8_t listener_done = 132;
constexpr uint8_t router_solicitation = 133;
constexpr uint8_t router_advertisement = 134;
constexpr uint8_t neighbor_solicitation = 135;
constexpr uint8_t neighbor_advertisement = 136;
constexpr uint8_t redirect = 137;
constexpr uint8_t listener_report_v2 = 143;
constexpr uint32_t target_at = 8;
constexpr uint8_t option_source_mac = 1;
constexpr uint8_t option_target_mac = 2;
}  // namespace icmp6

template <size_t bytes>
bool holds(const std::vector<std::array<uint8_t, bytes>>& list, const uint8_t* address) noexcept {
    return std::ranges::any_of(
        list, [&](const auto& one) { return std::memcmp(one.data(), address, bytes) == 0; });
}

bool is_zero(const uint8_t* bytes, size_t count) noexcept {
    return std::all_of(bytes, bytes + count, [](uint8_t byte) { return byte == 0; });
}

/// fe80::/64 with the interface identifier that the MAC makes. RFC 4291, appendix A.
Ipv6Address link_local_of(MacAddress mac) noexcept {
    const auto byte = [mac](unsigned i) { return static_cast<uint8_t>(mac >> 8 * i); };
    return {0xfe,    0x80,    0,
            0,       0,       0,
            0,       0,       static_cast<uint8_t>(byte(0) ^ 2),
            byte(1), byte(2), 0xff,
            0xfe,    byte(3), byte(4),
            byte(5)};
}

/// What is known of a frame when its packet is looked at.
struct Sight {
    const uint8_t* frame;
    uint32_t staged;
    const AllowedStation* station;  ///< Who sent it; nullptr: anybody may.
    MacAddress mac;
    bool ra_guard;

    bool restricted() const noexcept { return station != nullptr && station->has_addresses(); }
    bool may_own(const uint8_t* ipv6) const noexcept {
        if (!restricted() || holds(station->ipv6, ipv6)) return true;
        return std::memcmp(link_local_of(mac).data(), ipv6, 16) == 0;
    }
};

/// @spec RFC 826; RFC 5227, 1.1: a probe has no sender's IP address.
DropReason inspect_arp(const Sight& sight, uint32_t at) noexcept {
    if (sight.station == nullptr) return passes;
    const uint8_t* packet = sight.frame + at;
    if (sight.staged < at + arp::packet_bytes || !arp_is_ipv4(packet))
        return DropReason::tx_arp_refused;
    MacAddress sender = 0;
    std::memcpy(&sender, packet + arp::sender_mac_at, 6);
    if (sender != sight.mac) return DropReason::tx_arp_refused;
    const uint8_t* ip = packet + arp::sender_ip_at;
    const bool own = !sight.restricted() || holds(sight.station->ipv4, ip) || is_zero(ip, 4);
    return own ? passes : DropReason::tx_arp_refused;
}

/// RFC 2131, 4.1: a client without an address asks from 0.0.0.0, port 68.
bool asks_for_address(const Sight& sight, const Headers& headers) noexcept {
    const uint8_t* ports = sight.frame + headers.transport_at;
    return headers.found == HeadersFound::transport && headers.protocol == protocol_udp &&
           sight.staged >= headers.transport_at + 4u && load_be16(ports) == 68 &&
           load_be16(ports + 2) == 67;
}

DropReason inspect_ipv4(const Sight& sight, const Headers& headers) noexcept {
    if (!sight.restricted()) return passes;
    if (headers.version != 4) return DropReason::tx_ip_refused;
    const uint8_t* source = sight.frame + headers.network_at + ipv4::addresses_at;
    if (holds(sight.station->ipv4, source)) return passes;
    const bool asking = is_zero(source, 4) && asks_for_address(sight, headers);
    return asking ? passes : DropReason::tx_ip_refused;
}

/// The options of a message: link-layer addresses in them are the sender's own, and all of them
/// can be seen. RFC 4861, 4.6.
bool options_are_own(const Sight& sight, uint32_t at, uint32_t end) noexcept {
    while (at < end) {
        if (sight.staged < at + 2) return false;
        const uint8_t kind = sight.frame[at];
        const uint32_t bytes = sight.frame[at + 1] * 8u;
        if (bytes == 0 || at + bytes > end) return false;
        if (kind == icmp6::option_source_mac || kind == icmp6::option_target_mac) {
            MacAddress said = 0;
            if (bytes != 8 || sight.staged < at + 8) return false;
            std::memcpy(&said, sight.frame + at + 2, 6);
            if (said != sight.mac) return false;
        }
        at += bytes;
    }
    return true;
}

/// Neighbor Discovery says where neighbors are: a guest says it of itself alone.
DropReason inspect_discovery(const Sight& sight, const Headers& headers, uint32_t end) noexcept {
    const uint32_t at = headers.transport_at;
    const uint8_t type = sight.frame[at];
    if (type == icmp6::router_advertisement || type == icmp6::redirect)
        return sight.ra_guard ? DropReason::tx_ra_guard : passes;
    if (sight.station == nullptr || type < icmp6::router_solicitation || type > icmp6::redirect)
        return passes;
    const bool advertises = type == icmp6::neighbor_advertisement;
    const uint32_t options_at = at + (type == icmp6::router_solicitation ? 8 : 24);
    if (end < options_at || sight.staged < std::min(end, options_at))
        return DropReason::tx_nd_refused;
    const bool own = (!advertises || sight.may_own(sight.frame + at + icmp6::target_at)) &&
                     options_are_own(sight, options_at, end);
    return own ? passes : DropReason::tx_nd_refused;
}

/// Messages that a host sends before it has an address.
bool may_be_unspecified(uint8_t type) noexcept {
    return type == icmp6::neighbor_solicitation || type == icmp6::router_solicitation ||
           type == icmp6::listener_report || type == icmp6::listener_done ||
           type == icmp6::listener_report_v2;
}

/// @spec RFC 7113 and RFC 6980: what hides a message of Neighbor Discovery, behind headers that
/// cannot be seen or in fragments, is no such message of an honest host's.
DropReason inspect_ipv6(const Sight& sight, const Headers& headers) noexcept {
    if (!sight.restricted() && !sight.ra_guard && sight.station == nullptr) return passes;
    const DropReason hidden = sight.ra_guard ? DropReason::tx_ra_guard : DropReason::tx_nd_refused;
    if (headers.version != 6 || headers.found == HeadersFound::too_deep) return hidden;
    const uint8_t* ip = sight.frame + headers.network_at;
    const bool fragment = headers.found == HeadersFound::fragment;
    const bool later =
        fragment && (load_be16(sight.frame + headers.transport_at - 6) & 0xfff8) != 0;
    if (fragment && !later &&
        (headers.protocol == protocol_icmp6 || is_extension(headers.protocol)))
        return hidden;
    const bool icmp = headers.protocol == protocol_icmp6 && !fragment;
    if (icmp && sight.staged <= headers.transport_at) return hidden;
    const uint8_t* source = ip + ipv6::addresses_at;
    const bool unspecified = is_zero(source, 16);
    const bool own = unspecified ? icmp && may_be_unspecified(sight.frame[headers.transport_at])
                                 : sight.may_own(source);
    if (sight.restricted() && !own) return DropReason::tx_ip_refused;
    if (!icmp) return passes;
    const uint32_t end =
        headers.network_at + ipv6::header_bytes + load_be16(ip + ipv6::payload_length_at);
    return inspect_discovery(sight, headers, end);
}

}  // namespace

DropReason inspect(const PortSecurity& security, const uint8_t* frame, uint32_t staged) noexcept {
    const MacAddress mac = source_of(frame);
    const AllowedStation* station = nullptr;
    for (const AllowedStation& one : security.allow)
        if (one.mac == mac) station = &one;
    if (station == nullptr && !security.allow.empty()) return DropReason::tx_mac_refused;
    const Sight sight{frame, staged, station, mac, security.ra_guard};
    const Tags tags = tags_of(frame, staged);
    // Two tags are looked behind; behind more nobody knows what there is.
    if (tags.whole < tags.announced || is_tag(tags.ethertype))
        return sight.restricted() || sight.ra_guard ? DropReason::tx_ip_refused : passes;
    if (tags.ethertype == ethertype_arp) return inspect_arp(sight, tags.end);
    if (tags.ethertype != ethertype_ipv4 && tags.ethertype != ethertype_ipv6) return passes;
    const Headers headers = find_headers_at(frame, staged, tags.end, tags.ethertype);
    return tags.ethertype == ethertype_ipv4 ? inspect_ipv4(sight, headers)
                                            : inspect_ipv6(sight, headers);
}

}  // namespace valenic
