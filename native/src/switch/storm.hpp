// Storm control: how many broadcasts, multicasts and frames for unknown stations a port may send.
//
// A flood costs every port of the switch, so who floods has a rate. Frames for one known port have
// none: what they may cost is a matter of shares (switch/shares.hpp).
#pragma once
#include <cstdint>

#include "boundary/messages.hpp"
#include "switch/token_bucket.hpp"

namespace valenic {

enum class StormKind : uint8_t { broadcast, multicast, unknown_unicast, count };

inline constexpr uint64_t storm_auto = boundary::PortSettingsChange::storm_broadcast_range.besides;
/// `auto`, by StormKind, on a switch of more than two ports: with two there is nobody whom a flood
/// reaches and a frame for the other one would not. What a whole network of guests hardly sends,
/// and what a guest's ring can take beside its own traffic: an interrupt-driven guest takes about a
/// million frames a second.
inline constexpr uint32_t storm_auto_pps[] = {100'000, 400'000, 400'000};

/// As much of a second's frames may come at once.
inline constexpr uint64_t storm_burst_ns = 100'000'000;

using StormBuckets = TokenBucket[static_cast<unsigned>(StormKind::count)];

}  // namespace valenic
