// Finds the IP and transport headers of a frame, behind VLAN tags and IPv6 extension headers.
#pragma once
#include <cstdint>

namespace valenic {

enum class HeadersFound : uint8_t {
    transport,  ///< All that Headers says is there.
    no_ip,      ///< Not IP: network_at is where the walk ended.
    fragment,   ///< A part of a datagram: transport_at is where its piece begins.
    malformed,  ///< Says IP and is not.
    too_deep,   ///< Goes on behind the bytes that were given.
};

struct Headers {
    uint8_t network_at = 0;    ///< Of the IP header.
    uint8_t transport_at = 0;  ///< What follows the IP header and its extensions.
    uint8_t version = 0;       ///< 4 or 6; 0 unless IP was found.
    uint8_t protocol = 0;      ///< What stands at transport_at.
};

/// Walks the first `bytes` of a frame, at most 255. Reads nothing behind them, and takes at most a
/// step for each eight of them.
HeadersFound find_headers(const uint8_t* frame, uint32_t bytes, Headers& headers) noexcept;

}  // namespace valenic
