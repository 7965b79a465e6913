#include "io/settings.hpp"

#include <algorithm>

namespace valenic {

namespace {

// The tables' numbers are the datapath's own.
static_assert(SettingsChange::budget_range.max == batch_frames);
static_assert(SettingsChange::max_frame_bytes_range.max == largest_frame_bytes);

constexpr bool is_vlan(uint32_t number) noexcept {
    return number >= vlan_first && number <= vlan_last;
}

/// A mode has the numbers that it needs.
bool is_possible(const std::optional<boundary::PortVlan>& change) noexcept {
    if (!change) return true;
    const boundary::PortVlan& vlan = *change;
    switch (vlan.mode) {
        case spec::VlanMode::none:
            return true;
        case spec::VlanMode::access:
        case spec::VlanMode::tunnel:
            return vlan.vlan && is_vlan(*vlan.vlan);
        case spec::VlanMode::trunk:
            if (!vlan.vlans || vlan.vlans->empty()) return false;
            if (vlan.native && !is_vlan(*vlan.native)) return false;
            return std::all_of(vlan.vlans->begin(), vlan.vlans->end(), [](const auto& range) {
                return is_vlan(range.first) && is_vlan(range.last) && range.first <= range.last;
            });
        default:
            return false;
    }
}

/// As the switch has them. It is_possible().
PortVlan members_of(const boundary::PortVlan& from) noexcept {
    PortVlan vlan;
    vlan.mode = from.mode;
    if (from.mode == spec::VlanMode::trunk) {
        for (const auto& [first, last] : *from.vlans)
            for (uint32_t number = first; number <= last; ++number) vlan.members.set(number);
        if (!from.native) return vlan;
        vlan.vlan = *from.native;
        vlan.members.set(vlan.vlan);
    } else if (from.mode != spec::VlanMode::none) {
        vlan.vlan = *from.vlan;
    }
    return vlan;
}

}  // namespace

Done check_settings(const SettingsChange& change) noexcept {
    if (in_range(change) && is_possible(change.vlan)) return std::nullopt;
    return spec::CommandError::invalid_argument;
}

bool apply_rules(const SettingsChange& change, PortRules& rules) noexcept {
    if (change.vlan) rules.vlan = members_of(*change.vlan);
    if (change.link_local) rules.link_local = *change.link_local;
    return change.vlan.has_value() || change.link_local.has_value();
}

}  // namespace valenic
