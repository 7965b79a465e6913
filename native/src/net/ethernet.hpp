// Ethernet as the switch needs it: addresses and the length limits.
#pragma once
#include <cstdint>
#include <cstring>

#include "boundary/limits.hpp"

namespace valenic {

/// IEEE 802.3: destination, source, EtherType.
inline constexpr uint32_t ethernet_header_bytes = 14;
using boundary::largest_frame_bytes;

/// A MAC address in the low 48 bits, first byte on the wire lowest (as a little-endian load gives).
using MacAddress = uint64_t;
inline constexpr MacAddress mac_mask = 0xffff'ffff'ffff;
inline constexpr MacAddress broadcast_mac = mac_mask;

/// Group bit: multicast and broadcast addresses are flooded and never learned.
inline constexpr bool is_group(MacAddress mac) noexcept { return (mac & 1) != 0; }

/// Reads the destination (first six bytes). The eight bytes at `frame` must be readable.
inline MacAddress destination_of(const uint8_t* frame) noexcept {
    uint64_t word;
    std::memcpy(&word, frame, sizeof word);
    return word & mac_mask;
}
/// Reads the source (bytes 6..11). The fourteen bytes at `frame` must be readable.
inline MacAddress source_of(const uint8_t* frame) noexcept {
    uint64_t word;
    std::memcpy(&word, frame + 4, sizeof word);
    return word >> 16;
}

}  // namespace valenic
