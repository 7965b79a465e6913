#include "io/settings.hpp"

namespace valenic {

namespace {

struct Range {
    uint32_t lowest;
    uint32_t highest;
    bool holds(const std::optional<uint32_t>& value) const noexcept {
        return !value || (*value >= lowest && *value <= highest);
    }
};
constexpr Range microseconds{0, 1'000'000};
constexpr Range moderation_frames{1, 1024};
constexpr Range budget{1, batch_frames};
constexpr Range mac_limit{0, 65'536};
constexpr Range frame_bytes{60, largest_frame_bytes};
/// virtio 1.2, 5.1.4.1: what a device may tell its driver.
constexpr Range mtu{68, 65'535};

template <typename T>
void store(const std::optional<T>& value, std::atomic<T>& field) noexcept {
    if (value) field.store(*value, std::memory_order_relaxed);
}

}  // namespace

Done check_settings(const SettingsChange& change) noexcept {
    const bool good = (change.spin_us == spin_us_auto || microseconds.holds(change.spin_us)) &&
                      microseconds.holds(change.moderation_us) &&
                      moderation_frames.holds(change.moderation_frames) &&
                      budget.holds(change.budget) && mac_limit.holds(change.mac_limit) &&
                      frame_bytes.holds(change.max_frame_bytes) &&
                      (change.mtu == 0 || mtu.holds(change.mtu));
    if (good) return std::nullopt;
    return spec::CommandError::invalid_argument;
}

void apply_settings(const SettingsChange& change, PortSettings& settings) noexcept {
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
}

}  // namespace valenic
