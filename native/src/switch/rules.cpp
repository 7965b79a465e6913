#include "switch/rules.hpp"

namespace valenic {

using spec::VlanMode;

namespace {

FrameVlan refused() noexcept {
    FrameVlan frame;
    frame.refused = spec::DropReason::tx_vlan_refused;
    return frame;
}

/// IEEE 802.1Q-2018, 6.9.1: to the rules of ports, a tag without a VLAN is not a tag.
FrameVlan of_port(const PortVlan& port, const Tags& tags) noexcept {
    FrameVlan frame;
    frame.vlan = port.vlan;
    frame.tagged = frame.number = tags.announced > 0;
    frame.nested = tags.nested();
    return frame;
}

/// It sends no tags: else it could put its own VLAN's in front of another's, and a switch that pops
/// the first one would hand the rest to that other VLAN (double tagging).
FrameVlan from_access(const PortVlan& port, const Tags& tags) noexcept {
    if (tags.announced > 0 && (tags.cut_off() || tags.nested() || tags.vlans[0] != 0))
        return refused();
    return of_port(port, tags);
}

FrameVlan from_trunk(const PortVlan& port, const Tags& tags) noexcept {
    if (tags.cut_off()) return refused();
    if (tags.announced == 0 || tags.vlans[0] == 0)
        return port.vlan == vlan_none ? refused() : of_port(port, tags);
    if (tags.vlans[0] > vlan_last || !port.members[tags.vlans[0]]) return refused();
    FrameVlan frame;
    frame.vlan = tags.vlans[0];
    frame.tagged = true;
    frame.nested = tags.nested();
    return frame;
}

/// Whatever it begins with is its owner's business, and goes behind a tag of ours.
FrameVlan from_tunnel(const PortVlan& port, const Tags& tags) noexcept {
    FrameVlan frame;
    frame.vlan = port.vlan;
    frame.nested = tags.announced > 0;
    frame.push_type = ethertype_provider_vlan;
    return frame;
}

constexpr Egress stranger{};
constexpr Egress sent(TagChange change) noexcept { return {Egress::Verdict::sent, change}; }

Egress untagged(const FrameVlan& frame) noexcept {
    return sent(frame.tagged ? TagChange::pop : TagChange::keep);
}

/// A frame of the trunk's own VLAN goes untagged, unless another tag would stand in the first's
/// place: whoever is at the other end would take it for that one's VLAN.
Egress to_trunk(const PortVlan& port, const FrameVlan& frame) noexcept {
    if (frame.vlan == vlan_none || !port.members[frame.vlan]) return stranger;
    if (frame.vlan == port.vlan && !frame.nested) return untagged(frame);
    if (!frame.tagged) return sent(TagChange::push);
    return sent(frame.number ? TagChange::number : TagChange::keep);
}

}  // namespace

FrameVlan classify(const PortVlan& port, const uint8_t* frame, uint32_t staged) noexcept {
    const Tags tags = tags_of(frame, staged);
    switch (port.mode) {
        case VlanMode::access:
            return from_access(port, tags);
        case VlanMode::trunk:
            return from_trunk(port, tags);
        case VlanMode::tunnel:
            return from_tunnel(port, tags);
        default:
            return {};
    }
}

Egress egress(const PortVlan& port, const FrameVlan& frame) noexcept {
    switch (port.mode) {
        case VlanMode::access:
            if (frame.vlan != port.vlan) return stranger;
            if (frame.nested) return {Egress::Verdict::refused, TagChange::keep};
            return untagged(frame);
        case VlanMode::trunk:
            return to_trunk(port, frame);
        case VlanMode::tunnel:
            return frame.vlan == port.vlan ? untagged(frame) : stranger;
        default:
            return frame.vlan == vlan_none ? sent(TagChange::keep) : stranger;
    }
}

}  // namespace valenic
