#include "net/headers.hpp"

#include "net/ethernet.hpp"
#include "net/ip.hpp"

namespace valenic {

namespace {

/// @spec RFC 8200, 4 "IPv6 Extension Headers": each says what follows and how long it is.
HeadersFound walk_extensions(const uint8_t* frame, uint32_t bytes, Headers& headers) noexcept {
    uint32_t at = headers.transport_at;
    while (headers.protocol == protocol_hop_by_hop || headers.protocol == protocol_routing ||
           headers.protocol == protocol_destination || headers.protocol == protocol_fragment) {
        if (bytes < at + 8) return HeadersFound::too_deep;
        const bool fragment = headers.protocol == protocol_fragment;
        headers.protocol = frame[at];
        const uint32_t length = fragment ? 8 : (frame[at + 1] + 1u) * 8;
        if (at + length > UINT8_MAX) return HeadersFound::too_deep;
        at += length;  // At least eight: the walk ends.
        headers.transport_at = static_cast<uint8_t>(at);
        if (fragment) return HeadersFound::fragment;
    }
    return HeadersFound::transport;
}

HeadersFound walk_ipv6(const uint8_t* frame, uint32_t bytes, Headers& headers) noexcept {
    const uint32_t at = headers.network_at;
    if (bytes < at + ipv6::header_bytes) return HeadersFound::too_deep;
    if (frame[at] >> 4 != 6) return HeadersFound::malformed;
    headers.version = 6;
    headers.protocol = frame[at + ipv6::next_header_at];
    headers.transport_at = static_cast<uint8_t>(at + ipv6::header_bytes);
    return walk_extensions(frame, bytes, headers);
}

HeadersFound walk_ipv4(const uint8_t* frame, uint32_t bytes, Headers& headers) noexcept {
    const uint32_t at = headers.network_at;
    if (bytes < at + ipv4::header_bytes_min) return HeadersFound::too_deep;
    const uint32_t header_bytes = (frame[at] & 0xfu) * 4;
    if (frame[at] >> 4 != 4 || header_bytes < ipv4::header_bytes_min)
        return HeadersFound::malformed;
    headers.version = 4;
    headers.protocol = frame[at + ipv4::protocol_at];
    headers.transport_at = static_cast<uint8_t>(at + header_bytes);
    const bool fragment = (load_be16(frame + at + ipv4::fragment_at) & ipv4::fragment_mask) != 0;
    return fragment ? HeadersFound::fragment : HeadersFound::transport;
}

}  // namespace

HeadersFound find_headers(const uint8_t* frame, uint32_t bytes, Headers& headers) noexcept {
    headers = Headers{};
    uint32_t type_at = ethernet_header_bytes - 2;
    if (bytes < ethernet_header_bytes) return HeadersFound::too_deep;
    uint16_t type = load_be16(frame + type_at);
    for (unsigned tags = 0; tags < vlan_tags_max; ++tags) {
        if (type != ethertype_vlan && type != ethertype_provider_vlan) break;
        type_at += vlan_tag_bytes;
        if (bytes < type_at + 2) return HeadersFound::too_deep;
        type = load_be16(frame + type_at);
    }
    headers.network_at = static_cast<uint8_t>(type_at + 2);
    if (type == ethertype_ipv4) return walk_ipv4(frame, bytes, headers);
    if (type == ethertype_ipv6) return walk_ipv6(frame, bytes, headers);
    return HeadersFound::no_ip;
}

}  // namespace valenic
