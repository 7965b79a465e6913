#include "switch/storm.hpp"

#include "switch/vale.hpp"

namespace valenic {

using spec::DropReason;

namespace {

constexpr auto storm_kinds = static_cast<unsigned>(StormKind::count);
constexpr DropReason storm_reasons[storm_kinds] = {DropReason::tx_storm_broadcast,
                                                   DropReason::tx_storm_multicast,
                                                   DropReason::tx_storm_unknown_unicast};
constexpr std::atomic<uint32_t> PortSettings::*storm_limits[storm_kinds] = {
    &PortSettings::storm_broadcast, &PortSettings::storm_multicast,
    &PortSettings::storm_unknown_unicast};

unsigned storm_kind_of(MacAddress destination) noexcept {
    const StormKind kind = destination == broadcast_mac ? StormKind::broadcast
                           : is_group(destination)      ? StormKind::multicast
                                                        : StormKind::unknown_unicast;
    return static_cast<unsigned>(kind);
}

}  // namespace

/// Those of a flood that its source may send now, and drops the others: the first ones pass.
///
/// @param kept  Room for as many; what is returned may lie in it.
ValeSwitch::Indices ValeSwitch::within_storm_limits(const Batch& batch, Indices indices,
                                                    bool unknown, Pass& pass,
                                                    uint8_t* kept) noexcept {
    uint64_t left[storm_kinds] = {};
    if (unknown) {
        left[static_cast<unsigned>(StormKind::unknown_unicast)] = indices.size();
    } else {
        for (const uint8_t index : indices) ++left[storm_kind_of(batch.destination(index))];
    }
    const bool crowd = port_count_ > 2;
    uint64_t refused = 0;
    for (unsigned kind = 0; kind < storm_kinds; ++kind) {
        if (left[kind] == 0) continue;
        const PortSettings& settings = pass.source.settings();
        uint32_t limit = (settings.*storm_limits[kind]).load(std::memory_order_relaxed);
        if (limit == storm_auto) {
            if (!crowd) continue;
            limit = storm_auto_pps[kind];
        }
        const uint64_t wanted = left[kind];
        left[kind] =
            pass.source.storm[kind].take(wanted, limit, storm_burst_ns, pass.context.now_ns);
        refused += wanted - left[kind];
        pass.counters().drop(storm_reasons[kind], wanted - left[kind]);
    }
    if (refused == 0) [[likely]]
        return indices;
    size_t count = 0;
    for (const uint8_t index : indices) {
        uint64_t& room = left[storm_kind_of(batch.destination(index))];
        if (room == 0) continue;
        --room;
        kept[count++] = index;
    }
    return {kept, count};
}

}  // namespace valenic
