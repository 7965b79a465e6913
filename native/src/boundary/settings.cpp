// GENERATED from native/boundary/settings.ts by `npm run spec`. Do not edit.
#include "boundary/settings.hpp"

// clang-format off
namespace valenic::boundary {

namespace {

template <typename T>
void store(const std::optional<T>& value, std::atomic<T>& field) noexcept {
    if (value) field.store(*value, std::memory_order_relaxed);
}

bool holds(const std::optional<uint32_t>& value, const NumberRange& range) noexcept {
    return !value || range.holds(*value);
}

}  // namespace

void apply(const PortSettingsChange& change, PortSettings& settings) noexcept {
    store(change.polling, settings.polling);
    store(change.spin_us, settings.spin_us);
    store(change.more, settings.more);
    store(change.moderation_frames, settings.moderation_frames);
    store(change.moderation_us, settings.moderation_us);
    store(change.budget, settings.budget);
    store(change.mac_limit, settings.mac_limit);
    store(change.max_frame_bytes, settings.max_frame_bytes);
    store(change.mtu, settings.mtu);
    store(change.up, settings.up);
    store(change.storm_broadcast, settings.storm_broadcast);
    store(change.storm_multicast, settings.storm_multicast);
    store(change.storm_unknown_unicast, settings.storm_unknown_unicast);
    store(change.coalesce, settings.coalesce);
}

bool in_range(const PortSettingsChange& change) noexcept {
    return holds(change.spin_us, change.spin_us_range) &&
           holds(change.moderation_frames, change.moderation_frames_range) &&
           holds(change.moderation_us, change.moderation_us_range) &&
           holds(change.budget, change.budget_range) &&
           holds(change.mac_limit, change.mac_limit_range) &&
           holds(change.max_frame_bytes, change.max_frame_bytes_range) &&
           holds(change.mtu, change.mtu_range) &&
           holds(change.storm_broadcast, change.storm_broadcast_range) &&
           holds(change.storm_multicast, change.storm_multicast_range) &&
           holds(change.storm_unknown_unicast, change.storm_unknown_unicast_range);
}

}  // namespace valenic::boundary
