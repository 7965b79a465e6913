// Finds the IP and transport headers of a frame, behind VLAN tags and IPv6 extension headers: for
// whoever asks, checks of offloads, coalescing and the hash of flows alike.
#pragma once
#include <cstdint>

#include "net/ethernet.hpp"
#include "net/ip.hpp"
#include "net/vlan.hpp"

namespace valenic {

enum class HeadersFound : uint8_t {
    transport,  ///< All that Headers says is there.
    no_ip,      ///< Not IP: network_at is where the walk ended.
    fragment,   ///< A part of a datagram: transport_at is where its piece begins.
    malformed,  ///< Says IP and is not.
    too_deep,   ///< Goes on behind the bytes that were given.
};

struct Headers {
    HeadersFound found = HeadersFound::too_deep;
    uint8_t version = 0;        ///< 4 or 6; 0 unless IP was found.
    uint8_t protocol = 0;       ///< The protocol at transport_at.
    uint16_t network_at = 0;    ///< Of the IP header.
    uint16_t transport_at = 0;  ///< What follows the IP header and its extensions; may lie behind
                                ///< the bytes that were given.
};

/// Walks on over IPv6 extension headers, and over one fragment's header that is met there.
/// @spec RFC 8200, 4 "IPv6 Extension Headers": each says what follows and how long it is.
Headers pass_extensions(const uint8_t* frame, uint32_t bytes, Headers headers) noexcept;

constexpr bool is_extension(uint8_t protocol) noexcept {
    constexpr uint64_t all = uint64_t{1} << protocol_hop_by_hop | uint64_t{1} << protocol_routing |
                             uint64_t{1} << protocol_fragment | uint64_t{1} << protocol_destination;
    return protocol < 64 && (all >> protocol & 1) != 0;
}

namespace headers_detail {

[[gnu::always_inline]] inline Headers walk_ipv4(const uint8_t* frame, uint32_t bytes,
                                                Headers headers) noexcept {
    const uint32_t at = headers.network_at;
    if (bytes < at + ipv4::header_bytes_min) return headers;
    // Version 4, and a length of five to fifteen words.
    const auto words = static_cast<uint8_t>(frame[at] - 0x40u);
    headers.found = HeadersFound::malformed;
    if (words < ipv4::header_bytes_min / 4 || words > 0xf) return headers;
    headers.version = 4;
    headers.protocol = frame[at + ipv4::protocol_at];
    headers.transport_at = static_cast<uint16_t>(at + words * 4u);
    const bool fragment = (load_be16(frame + at + ipv4::fragment_at) & ipv4::fragment_mask) != 0;
    headers.found = fragment ? HeadersFound::fragment : HeadersFound::transport;
    return headers;
}

[[gnu::always_inline]] inline Headers walk_ipv6(const uint8_t* frame, uint32_t bytes,
                                                Headers headers) noexcept {
    const uint32_t at = headers.network_at;
    if (bytes < at + ipv6::header_bytes) return headers;
    headers.found = HeadersFound::malformed;
    if (frame[at] >> 4 != 6) return headers;
    headers.version = 6;
    headers.protocol = frame[at + ipv6::next_header_at];
    headers.transport_at = static_cast<uint16_t>(at + ipv6::header_bytes);
    headers.found = HeadersFound::transport;
    if (is_extension(headers.protocol)) [[unlikely]]
        return pass_extensions(frame, bytes, headers);
    return headers;
}

}  // namespace headers_detail

/// For a header of `ethertype` at `network_at`: that of the frame, or one that a tunnel carries in
/// it. Inline: the hash of flows asks for every frame.
[[gnu::always_inline]] inline Headers find_headers_at(const uint8_t* frame, uint32_t bytes,
                                                      uint32_t network_at,
                                                      uint16_t ethertype) noexcept {
    Headers headers;
    headers.network_at = static_cast<uint16_t>(network_at);
    if (ethertype == ethertype_ipv4) return headers_detail::walk_ipv4(frame, bytes, headers);
    if (ethertype == ethertype_ipv6) return headers_detail::walk_ipv6(frame, bytes, headers);
    headers.found = HeadersFound::no_ip;
    return headers;
}

/// Walks the first `bytes` of a frame, at most 255. Reads nothing behind them, and takes at most a
/// step for each eight of them.
Headers find_headers(const uint8_t* frame, uint32_t bytes) noexcept;

}  // namespace valenic
