// Which frames of guests reach the NAT.
//
// libslirp closes the host's loopback at the gateway's address only: a guest that writes 127.0.0.1
// into a frame itself, or takes another port of the name server's address where the host's resolver
// listens on loopback, would get through. A switch also floods frames that are meant for others.
#pragma once
#include <cstdint>
#include <span>

#include "network.hpp"

namespace valenic::user {

enum class Refusal : uint8_t {
    none,
    not_for_us,       ///< Meant for another station of the switch.
    protocol,         ///< Neither ARP, IPv4 nor IPv6, or shorter than its header.
    host_itself,      ///< An address that leads this machine to itself.
    nameserver_port,  ///< The name server, for something else than names.
};

/// The first rule that a frame breaks.
Refusal refusal_of(std::span<const uint8_t> frame, const Network& network) noexcept;

}  // namespace valenic::user
