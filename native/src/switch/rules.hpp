// What an operator demands of a port's frames: its VLANs, whether link-local ones pass, security.
//
// Pure functions of a frame's first bytes and the rules of the port it comes from or goes to.
#pragma once
#include <bitset>
#include <cstdint>

#include "boundary/names.hpp"
#include "net/edited.hpp"
#include "net/vlan.hpp"
#include "switch/security.hpp"

namespace valenic {

/// The VLANs of a port: native/boundary, PortVlan.
struct PortVlan {
    spec::VlanMode mode = spec::VlanMode::none;
    /// Of access and tunnel ports: theirs. Of a trunk: that of untagged frames, vlan_none = none.
    uint16_t vlan = vlan_none;
    /// Of a trunk, with that of untagged frames.
    std::bitset<vlan_last + 1> members;
};

struct PortRules {
    PortVlan vlan;
    bool link_local = true;
    PortSecurity security;

    /// Nothing is demanded.
    bool empty() const noexcept {
        return vlan.mode == spec::VlanMode::none && link_local && security.empty();
    }
};

/// A frame as its sender's rules see it.
struct FrameVlan {
    static constexpr spec::DropReason passes = spec::DropReason::count;

    spec::DropReason refused = passes;  ///< Why it goes nowhere.
    bool tagged = false;                ///< Its first tag is that of its VLAN, or of no VLAN.
    bool number = false;                ///< That tag has no VLAN yet.
    bool nested = false;                ///< Without that tag, another one would be the first.
    uint16_t vlan = vlan_none;
    uint16_t push_type = ethertype_vlan;  ///< Of the tag that it gets where it has none.

    bool is_refused() const noexcept { return refused != passes; }
};

/// To which VLAN a frame belongs that comes from a port with these rules.
///
/// @param staged  Bytes that may be read: at least an Ethernet header.
FrameVlan classify(const PortVlan& port, const uint8_t* frame, uint32_t staged) noexcept;

/// How a frame goes to a port with these rules.
struct Egress {
    enum class Verdict : uint8_t {
        sent,
        stranger,  ///< The port is not in the frame's VLAN.
        refused,   ///< It has, and would be shown a tag that is not of it.
    };
    Verdict verdict = Verdict::stranger;
    TagChange change = TagChange::keep;
};
Egress egress(const PortVlan& port, const FrameVlan& frame) noexcept;

}  // namespace valenic
