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

/// A mode has the numbers that it needs, and no others.
bool is_possible(const std::optional<PortVlan>& change) noexcept {
    if (!change) return true;
    const PortVlan& vlan = *change;
    const bool numbered = vlan.vlan >= vlan_first && vlan.vlan <= vlan_last;
    switch (vlan.mode) {
        case spec::VlanMode::none:
            return vlan.vlan == vlan_none && vlan.members.none();
        case spec::VlanMode::access:
        case spec::VlanMode::tunnel:
            return numbered && vlan.members.none();
        case spec::VlanMode::trunk:
            return !vlan.members[vlan_none] && vlan.members.any() &&
                   (vlan.vlan == vlan_none || (numbered && vlan.members[vlan.vlan]));
        default:
            return false;
    }
}

}  // namespace

Done check_settings(const SettingsChange& change) noexcept {
    const bool good = (change.spin_us == spin_us_auto || microseconds.holds(change.spin_us)) &&
                      microseconds.holds(change.moderation_us) &&
                      moderation_frames.holds(change.moderation_frames) &&
                      budget.holds(change.budget) && mac_limit.holds(change.mac_limit) &&
                      frame_bytes.holds(change.max_frame_bytes) &&
                      (change.mtu == 0 || mtu.holds(change.mtu)) && is_possible(change.vlan);
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

bool apply_rules(const SettingsChange& change, PortRules& rules) noexcept {
    if (change.vlan) rules.vlan = *change.vlan;
    if (change.link_local) rules.link_local = *change.link_local;
    return change.vlan.has_value() || change.link_local.has_value();
}

}  // namespace valenic
