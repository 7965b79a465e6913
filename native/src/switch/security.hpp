// Port security: which frames a port may send, by who they say they are from.
//
// Pure functions of a frame's private copy and what the operator allows its port. What cannot be
// read there is refused: headers may not hide behind others.
#pragma once
#include <array>
#include <cstdint>
#include <vector>

#include "boundary/names.hpp"
#include "net/ethernet.hpp"

namespace valenic {

using Ipv4Address = std::array<uint8_t, 4>;
using Ipv6Address = std::array<uint8_t, 16>;

/// A station that may be behind a port: boundary.ts, AllowedStation.
struct AllowedStation {
    MacAddress mac = 0;
    // None of either: any address. Else these alone.
    std::vector<Ipv4Address> ipv4;
    std::vector<Ipv6Address> ipv6;

    bool has_addresses() const noexcept { return !ipv4.empty() || !ipv6.empty(); }
};

struct PortSecurity {
    std::vector<AllowedStation> allow;  ///< Empty: anybody.
    bool sticky = false;                ///< What was learned here stays here.
    bool ra_guard = false;              ///< No router is behind it.
    bool isolated = false;              ///< Reaches no other isolated port, nor they it.
    bool unknown_unicast = true;        ///< Gets frames for addresses that nobody knows.

    bool empty() const noexcept {
        return allow.empty() && !sticky && !ra_guard && !isolated && unknown_unicast;
    }
    bool inspects() const noexcept { return !allow.empty() || ra_guard; }
};

/// Why a frame may not come in; DropReason::count: it may.
///
/// Of a station with IP addresses: IPv4 and IPv6 packets are from one of them, or from an address
/// that says "none yet" where protocols have that (DHCP, duplicate address detection), or from the
/// link-local one that its MAC makes. ARP and Neighbor Discovery say the station's own addresses.
///
/// @param staged  Bytes that may be read: at least an Ethernet header.
spec::DropReason inspect(const PortSecurity& security, const uint8_t* frame,
                         uint32_t staged) noexcept;

}  // namespace valenic
