#include "net/header_edit.hpp"

#include "net/checksum.hpp"
#include "net/headers.hpp"

namespace valenic {

namespace {

enum class HeaderLayer : uint8_t { ethernet, ipv4, ipv6, ports, arp };

struct FieldRow {
    HeaderLayer layer;
    uint8_t at;  ///< From where the layer's header begins.
    uint8_t bytes;
    bool pseudo = false;  ///< The transport's checksum covers it.
};
/// By Field.
constexpr FieldRow field_rows[] = {
    {HeaderLayer::ethernet, 0, 6},    {HeaderLayer::ethernet, 6, 6},
    {HeaderLayer::ipv4, 1, 1},        {HeaderLayer::ipv4, 8, 1},
    {HeaderLayer::ipv4, 12, 4, true}, {HeaderLayer::ipv4, 16, 4, true},
    {HeaderLayer::ipv6, 0, 4},        {HeaderLayer::ipv6, 7, 1},
    {HeaderLayer::ipv6, 8, 16, true}, {HeaderLayer::ipv6, 24, 16, true},
    {HeaderLayer::ports, 0, 2, true}, {HeaderLayer::ports, 2, 2, true},
    {HeaderLayer::arp, 6, 2},         {HeaderLayer::arp, 8, 6},
    {HeaderLayer::arp, 14, 4},        {HeaderLayer::arp, 18, 6},
    {HeaderLayer::arp, 24, 4},
};
static_assert(sizeof field_rows / sizeof field_rows[0] == static_cast<size_t>(Field::count));

constexpr const FieldRow& row_of(Field field) noexcept {
    return field_rows[static_cast<size_t>(field)];
}

/// Replaces bytes, and says by what the ones' complement sum of the 16-bit words around them grew.
uint16_t replace(uint8_t* header, const FieldRow& row, const FieldEdit& edit) noexcept {
    const uint32_t first = row.at & ~1u;
    const uint32_t bytes = ((row.at + row.bytes + 1u) & ~1u) - first;
    const uint16_t before = fold_sum(sum_bytes(header + first, bytes));
    for (uint32_t i = 0; i < row.bytes; ++i) {
        uint8_t& byte = header[row.at + i];
        byte = static_cast<uint8_t>((byte & ~edit.mask[i]) | (edit.value[i] & edit.mask[i]));
    }
    return fold_sum(sum_bytes(header + first, bytes) + static_cast<uint16_t>(~before));
}

/// @spec RFC 1624, 3, equation 3: the complement of (the complement, less what went, and what
/// came).
void adjust(uint8_t* field, uint16_t growth) noexcept {
    const auto sum = static_cast<uint16_t>(~load_word(field));
    store_word(field, static_cast<uint16_t>(~fold_sum(uint64_t{sum} + growth)));
}

/// What is to be done with a transport's checksum.
struct Transport {
    enum class Sum : uint8_t {
        none,  ///< It has none, or none of the pseudo header.
        whole,
        partial,  ///< The sum of the pseudo header, for somebody else to go on with.
        beyond,   ///< It has one that is not here.
    };
    Sum sum = Sum::none;
    bool zero_is_none = false;  ///< UDP.
    bool ports = false;
    uint32_t at = 0;
    uint32_t field = 0;
};

/// Where a transport with a pseudo header in its sum has that; 0: it is none such.
constexpr uint32_t checksum_place(uint8_t protocol, uint8_t version) noexcept {
    switch (protocol) {
        case protocol_tcp:
            return tcp::checksum_at;
        case protocol_udp:
        case protocol_udp_lite:
        case protocol_dccp:
            return udp::checksum_at;
        case protocol_icmp6:
            return version == 6 ? 2 : 0;
        default:
            return 0;
    }
}

/// Not the first part of a datagram: there is no transport header in it.
bool is_later_fragment(const uint8_t* frame, const Headers& headers) noexcept {
    if (headers.found != HeadersFound::fragment) return false;
    if (headers.version == 4)
        return (load_be16(frame + headers.network_at + ipv4::fragment_at) & 0x1fff) != 0;
    // RFC 8200, 4.5: the fragment header is the last before what it is a part of.
    return (load_be16(frame + headers.transport_at - 8 + 2) & 0xfff8) != 0;
}

Transport transport_of(const Batch& batch, size_t index, const Headers& headers) noexcept {
    Transport transport;
    const uint8_t* frame = batch.stages[index].bytes;
    if (is_later_fragment(frame, headers)) return transport;
    const uint32_t place = checksum_place(headers.protocol, headers.version);
    if (place == 0) return transport;
    transport.at = headers.transport_at;
    transport.field = transport.at + place;
    transport.ports = headers.protocol != protocol_icmp6;
    transport.zero_is_none = headers.protocol == protocol_udp;
    transport.sum = Transport::Sum::whole;
    if (transport.field + 2 > batch.frames[index].stage_len) {
        transport.sum = Transport::Sum::beyond;
    } else if (batch.needs_of(index) != 0 && batch.offloads[index].csum_field == transport.field) {
        transport.sum = Transport::Sum::partial;
    }
    return transport;
}

/// With a routing header the last address stands in the sum, not the one in the IP header.
/// @spec RFC 8200, 8.1 "Upper-HeaderLayer Checksums".
bool has_later_address(const uint8_t* frame, const Headers& headers) noexcept {
    uint8_t protocol = frame[headers.network_at + ipv6::next_header_at];
    uint32_t at = headers.network_at + ipv6::header_bytes;
    while (at < headers.transport_at && is_extension(protocol)) {
        if (protocol == protocol_routing && frame[at + 3] != 0) return true;
        const bool fragment = protocol == protocol_fragment;
        protocol = frame[at];
        at += fragment ? 8 : (frame[at + 1] + 1u) * 8;
    }
    return false;
}

void settle(uint8_t* frame, const Transport& transport, uint16_t growth) noexcept {
    uint8_t* field = frame + transport.field;
    if (transport.sum == Transport::Sum::partial) {
        store_word(field, fold_sum(uint64_t{load_word(field)} + growth));
        return;
    }
    if (transport.zero_is_none && load_word(field) == 0) return;
    adjust(field, growth);
    if (transport.zero_is_none && load_word(field) == 0) store_word(field, 0xffff);
}

EditResult edit_ports(uint8_t* frame, const Headers& headers, const Transport& transport,
                      const FieldEdit& edit) noexcept {
    using Sum = Transport::Sum;
    if (headers.protocol == protocol_sctp && !is_later_fragment(frame, headers))
        return EditResult::refused;
    if (transport.sum == Sum::none || !transport.ports) return EditResult::absent;
    if (transport.sum == Sum::beyond) return EditResult::refused;
    const uint16_t growth = replace(frame + transport.at, row_of(edit.field), edit);
    // A partial sum has the pseudo header alone; who completes it sums the ports.
    if (transport.sum == Sum::whole) settle(frame, transport, growth);
    return EditResult::done;
}

EditResult edit_ip(uint8_t* frame, const Headers& headers, const Transport& transport,
                   const FieldEdit& edit) noexcept {
    using Sum = Transport::Sum;
    const FieldRow& row = row_of(edit.field);
    const bool summed = row.pseudo && transport.sum != Sum::none &&
                        !(edit.field == Field::ipv6_dst && has_later_address(frame, headers));
    if (summed && transport.sum == Sum::beyond) return EditResult::refused;
    uint8_t* ip = frame + headers.network_at;
    FieldEdit kept = edit;
    if (edit.field == Field::ipv6_flow) kept.mask[0] &= 0x0f;  // The version stays.
    const uint16_t growth = replace(ip, row, kept);
    if (headers.version == 4) adjust(ip + ipv4::checksum_at, growth);
    if (summed) settle(frame, transport, growth);
    return EditResult::done;
}

/// Ethernet and IPv4 addresses alone: RFC 826 has others.
EditResult edit_arp(uint8_t* frame, uint32_t at, uint32_t staged, const FieldEdit& edit) noexcept {
    if (staged < at + arp::packet_bytes || !arp_is_ipv4(frame + at)) return EditResult::absent;
    replace(frame + at, row_of(edit.field), edit);
    return EditResult::done;
}

}  // namespace

uint32_t bytes_of(Field field) noexcept { return row_of(field).bytes; }

EditResult edit_header(Batch& batch, size_t index, const FieldEdit& edit) noexcept {
    uint8_t* frame = batch.stages[index].bytes;
    const uint32_t staged = batch.frames[index].stage_len;
    const HeaderLayer layer = row_of(edit.field).layer;
    if (layer == HeaderLayer::ethernet) {
        replace(frame, row_of(edit.field), edit);
        return EditResult::done;
    }
    const Tags tags = tags_of(frame, staged);
    if (tags.whole < tags.announced) return EditResult::refused;
    if (layer == HeaderLayer::arp)
        return tags.ethertype == ethertype_arp ? edit_arp(frame, tags.end, staged, edit)
                                               : EditResult::absent;
    const Headers headers = find_headers_at(frame, staged, tags.end, tags.ethertype);
    if (headers.found == HeadersFound::too_deep) return EditResult::refused;
    if (headers.found != HeadersFound::transport && headers.found != HeadersFound::fragment)
        return EditResult::absent;
    const Transport transport = transport_of(batch, index, headers);
    if (layer == HeaderLayer::ports) return edit_ports(frame, headers, transport, edit);
    if (headers.version != (layer == HeaderLayer::ipv4 ? 4 : 6)) return EditResult::absent;
    return edit_ip(frame, headers, transport, edit);
}

}  // namespace valenic
