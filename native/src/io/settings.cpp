#include "io/settings.hpp"

#include <arpa/inet.h>

#include <algorithm>

namespace valenic {

namespace {

// The tables' numbers are the datapath's own.
static_assert(SettingsChange::budget_range.max == batch_frames);
static_assert(SettingsChange::budget_default == batch_frames_default);
static_assert(boundary::VlanRange::first_range.min == vlan_first);
static_assert(boundary::VlanRange::first_range.max == vlan_last);

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

/// Each of a station's addresses; false: one of them is none.
bool read_addresses(const boundary::AllowedStation& from, AllowedStation& to) noexcept {
    for (const std::string& text : from.ips) {
        Ipv4Address ipv4;
        Ipv6Address ipv6;
        if (inet_pton(AF_INET, text.c_str(), ipv4.data()) == 1) {
            to.ipv4.push_back(ipv4);
        } else if (inet_pton(AF_INET6, text.c_str(), ipv6.data()) == 1) {
            to.ipv6.push_back(ipv6);
        } else {
            return false;
        }
    }
    return true;
}

/// Each station once, none of them a group; nothing: that is not so.
std::optional<std::vector<AllowedStation>> stations_of(
    const std::vector<boundary::AllowedStation>& from) noexcept {
    std::vector<AllowedStation> stations;
    for (const boundary::AllowedStation& one : from) {
        AllowedStation station;
        station.mac = one.mac.value;
        const bool twice = std::ranges::any_of(
            stations, [&](const AllowedStation& other) { return other.mac == station.mac; });
        if (twice || station.mac == 0 || is_group(station.mac) || !read_addresses(one, station))
            return std::nullopt;
        stations.push_back(std::move(station));
    }
    return stations;
}

}  // namespace

Done check_settings(const SettingsChange& change) noexcept {
    const auto broken = [](const char* rule) {
        return Refusal(spec::CommandError::invalid_argument, rule);
    };
    if (!in_range(change)) return broken("settings: a number is not in its range");
    if (!is_possible(change.vlan))
        return broken("settings.vlan: each range of VLANs has its lower number first");
    if (change.allow && !stations_of(*change.allow))
        return broken(
            "settings.allow: each station is there once, with its own address and IP addresses");
    return std::nullopt;
}

bool apply_rules(const SettingsChange& change, PortRules& rules) noexcept {
    if (change.vlan) rules.vlan = members_of(*change.vlan);
    PortSecurity& security = rules.security;
    if (change.allow) security.allow = *stations_of(*change.allow);
    bool any = change.vlan || change.allow;
    const auto take = [&any](const auto& field, bool& rule) {
        if (!field) return;
        rule = *field;
        any = true;
    };
    take(change.link_local, rules.link_local);
    take(change.sticky_macs, security.sticky);
    take(change.ra_guard, security.ra_guard);
    take(change.isolate, security.isolated);
    take(change.unknown_unicast, security.unknown_unicast);
    return any;
}

}  // namespace valenic
