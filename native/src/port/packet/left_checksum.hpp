// Frames whose checksum their sender left to its NIC, and that met none: what a veth or a tap hands
// to an XDP program, which does not learn of it.
#pragma once
#include <span>

#include "port/packet/packet_arrival.hpp"

namespace valenic {

/// Says so in `net_header` (packet_header_bytes), as packet(7) would.
///
/// A sender that leaves a checksum leaves the sum of the pseudo header in its field. A whole
/// checksum may be the same by chance: made again, it is what it was.
bool find_left_checksum(std::span<const uint8_t> frame, uint8_t* net_header) noexcept;

}  // namespace valenic
