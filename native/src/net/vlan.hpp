// VLAN tags at the front of a frame. IEEE 802.1Q-2018, 9 "Tagged frame formats".
#pragma once
#include <cstdint>

#include "net/ethernet.hpp"
#include "net/ip.hpp"

namespace valenic {

/// Numbers of VLANs. 4095 is reserved; 0 in a tag says that it has a priority and no VLAN.
inline constexpr uint16_t vlan_first = 1;
inline constexpr uint16_t vlan_last = 4094;
/// Outside all VLANs: where ports are that take part in none.
inline constexpr uint16_t vlan_none = 0;

/// Where a tag is: behind the addresses.
inline constexpr uint32_t tag_at = 12;
/// Its second half: priority (3 bits), drop eligible (1), VLAN (12).
inline constexpr uint32_t tag_control_at = tag_at + 2;
inline constexpr uint16_t tag_vlan_mask = 0x0fff;

constexpr bool is_tag(uint16_t ethertype) noexcept {
    return ethertype == ethertype_vlan || ethertype == ethertype_provider_vlan;
}

/// The tags at the front of a frame: the first two, as drivers use them.
struct Tags {
    uint8_t announced = 0;  ///< How many there are said to be.
    uint8_t whole = 0;      ///< Of them with their own bytes and the type behind them.
    uint16_t vlans[vlan_tags_max] = {};
    uint16_t ethertype = 0;  ///< Behind the whole ones.
    uint32_t end = 0;        ///< Behind that type.

    /// Announced, but the frame ends before the type behind it.
    bool cut_off() const noexcept { return announced > 0 && whole == 0; }
    /// Another tag is announced behind the first.
    bool nested() const noexcept { return announced > 1; }
};

/// What tags_of() returns for a tagged frame.
Tags read_tags(const uint8_t* frame, uint32_t bytes) noexcept;

/// @param bytes  How many may be read: at least an Ethernet header.
[[gnu::always_inline]] inline Tags tags_of(const uint8_t* frame, uint32_t bytes) noexcept {
    Tags tags;
    tags.ethertype = load_be16(frame + tag_at);
    tags.end = ethernet_header_bytes;
    return is_tag(tags.ethertype) ? read_tags(frame, bytes) : tags;
}

/// 01:80:c2:00:00:00 to :0f, which concern the two ends of a link: LACP, LLDP, STP, PAUSE.
/// IEEE 802.1Q-2018, 8.6.3 "Frame filtering", table 8-1.
inline bool is_link_local(MacAddress mac) noexcept {
    return (mac & 0xf0ff'ffff'ffff) == 0x0000'00c2'8001;
}

}  // namespace valenic
