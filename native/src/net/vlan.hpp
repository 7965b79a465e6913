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

/// Where a tag stands: behind the addresses.
inline constexpr uint32_t tag_at = 12;
/// Its second half: priority (3 bits), drop eligible (1), VLAN (12).
inline constexpr uint32_t tag_control_at = tag_at + 2;
inline constexpr uint16_t tag_vlan_mask = 0x0fff;

constexpr bool is_tag(uint16_t ethertype) noexcept {
    return ethertype == ethertype_vlan || ethertype == ethertype_provider_vlan;
}

/// The first tag of a frame.
struct FirstTag {
    bool there = false;
    bool cut_off = false;  ///< Announced, but the frame ends before the type behind it.
    bool nested = false;   ///< Another tag is announced behind it.
    uint16_t vlan = 0;
};

/// @param staged  Bytes that may be read: at least an Ethernet header.
inline FirstTag first_tag_of(const uint8_t* frame, uint32_t staged) noexcept {
    FirstTag tag;
    if (!is_tag(load_be16(frame + tag_at))) return tag;
    tag.there = true;
    tag.cut_off = staged < ethernet_header_bytes + vlan_tag_bytes;
    if (tag.cut_off) return tag;
    tag.vlan = load_be16(frame + tag_control_at) & tag_vlan_mask;
    tag.nested = is_tag(load_be16(frame + tag_at + vlan_tag_bytes));
    return tag;
}

/// 01:80:c2:00:00:00 to :0f, which concern the two ends of a link: LACP, LLDP, STP, PAUSE.
/// IEEE 802.1Q-2018, 8.6.3 "Frame filtering", table 8-1.
inline bool is_link_local(MacAddress mac) noexcept {
    return (mac & 0xf0ff'ffff'ffff) == 0x0000'00c2'8001;
}

}  // namespace valenic
