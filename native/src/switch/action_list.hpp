// Action lists: what a lookup wants done with a frame when one port or a flood do not say it.
//
// The terms are those of Open vSwitch (ovs-actions(7)): output, push_vlan, pop_vlan, set_field,
// meter, recirculation.
#pragma once
#include <cstdint>
#include <span>
#include <variant>

#include "net/header_edit.hpp"
#include "switch/action.hpp"
#include "switch/frame_tap.hpp"
#include "switch/token_bucket.hpp"

namespace valenic {

namespace step {

/// To one port, or to all others; as the frame is at this point of the list.
struct Output {
    Action to;  ///< Not a list.
};
struct PushVlan {
    uint16_t ethertype;
    uint16_t control;  ///< Priority, drop eligibility and VLAN. IEEE 802.1Q-2018, 9.6.
};
struct PopVlan {};  ///< A frame without a tag stays as it is.
struct SetField {
    FieldEdit edit;  ///< A frame without that header stays as it is.
};
/// What is above the limit goes no further.
struct Meter {
    TokenBucket* bucket;
    uint32_t rate_pps;
    uint64_t burst_ns;
};
struct See {
    FrameTap* tap;
};
/// The frame, as it is now, is looked up once more. Ends the list.
struct Recirculate {
    uint32_t id;  ///< For the lookup: which time this is.
};
/// The frame, as it is now, goes on after a delay. Ends the list.
struct Hold {
    uint64_t delay_ns;
    Action then;
};
struct Drop {  ///< Ends the list.
    spec::DropReason why;
};

}  // namespace step

using ActionStep = std::variant<step::Output, step::PushVlan, step::PopVlan, step::SetField,
                                step::Meter, step::See, step::Recirculate, step::Hold, step::Drop>;
/// In their order. What no step of it delivers is counted as dropped by it.
using ActionSteps = std::span<const ActionStep>;

/// How often one frame may be looked up again. A pipeline of OVN has about as many passes; whoever
/// goes round in a circle ends there. Open vSwitch 2.17, lib/dpif-netdev.c: MAX_RECIRC_DEPTH.
inline constexpr unsigned recirculations_max = 6;

}  // namespace valenic
