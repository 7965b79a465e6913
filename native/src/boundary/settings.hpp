// GENERATED from native/boundary/settings.ts by `npm run spec`. Do not edit.
#pragma once
#include <atomic>
#include <cstdint>

#include "boundary/messages.hpp"

namespace valenic::boundary {

/// PortSettings::spin_us: the worker learns how long it pays to spin.
inline constexpr uint32_t spin_us_auto = 4294967295;

/// What can change under traffic. The control thread writes, workers read, relaxed: each field
/// stands alone. Cache lines of their own.
struct alignas(64) PortSettings {
    /// How the worker waits for work.
    std::atomic<spec::PollingMode> polling{spec::PollingMode::adaptive};
    /// Adaptive mode: microseconds to spin without work before sleeping. `auto`: the worker learns
    /// it from the gaps in each queue's traffic (native/src/io/spin_tuner.hpp).
    std::atomic<uint32_t> spin_us{4294967295};
    /// `false`: every frame is its own transaction, published and notified alone.
    std::atomic<bool> more{true};
    /// Notification moderation: a call is sent after this many frames, 1 = at once...
    std::atomic<uint32_t> moderation_frames{1};
    /// ...or this many microseconds after the first of them, 0 = at once.
    std::atomic<uint32_t> moderation_us{0};
    /// Most frames taken from one queue per round: the size of a batch.
    std::atomic<uint32_t> budget{64};
    /// Most MAC addresses learned on this port.
    std::atomic<uint32_t> mac_limit{1024};
    /// Largest Ethernet frame the port may send, without FCS.
    std::atomic<uint32_t> max_frame_bytes{65550};
    /// Longest IP packet the port gets; big frames are measured cut. 0: any length.
    std::atomic<uint32_t> mtu{0};
    /// Administrative state. A down port neither sends nor receives; its MACs are forgotten.
    std::atomic<bool> up{true};
    /// Most broadcasts that the port may send.
    std::atomic<uint32_t> storm_broadcast{4294967295};
    /// Most multicasts that the port may send.
    std::atomic<uint32_t> storm_multicast{4294967295};
    /// Most frames for addresses that nobody was seen with that the port may send.
    std::atomic<uint32_t> storm_unknown_unicast{4294967295};
    /// Whether TCP segments that follow each other reach the port as one big frame, where it takes
    /// such. Off: each frame as it was sent, for what counts or forwards them.
    std::atomic<bool> coalesce{true};
};

/// Stores what is present. Workers see it at their next look.
void apply(const PortSettingsChange& change, PortSettings& settings) noexcept;

/// Whether every number is in its range.
bool in_range(const PortSettingsChange& change) noexcept;

}  // namespace valenic::boundary
