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

/// How many of so many frames of one kind the source may flood now. The others are counted.
uint64_t ValeSwitch::within_storm_limit(unsigned kind, uint64_t frames, Pass& pass) noexcept {
    const PortSettings& settings = pass.source.settings();
    uint32_t limit = (settings.*storm_limits[kind]).load(std::memory_order_relaxed);
    if (limit == storm_auto) {
        const bool crowd = port_count_ > 2;
        if (!crowd) return frames;
        limit = storm_auto_pps[kind];
    }
    const uint64_t passed =
        pass.source.storm[kind].take(frames, limit, storm_burst_ns, pass.context.now_ns);
    pass.counters().drop(storm_reasons[kind], frames - passed);
    return passed;
}

/// Those of a flood that its source may send now: of each kind the first ones.
///
/// @param kept  Room for as many; what is returned may lie in it.
ValeSwitch::Indices ValeSwitch::within_storm_limits(const Batch& batch, Indices indices,
                                                    bool unknown, Pass& pass,
                                                    uint8_t* kept) noexcept {
    if (unknown) {
        constexpr auto kind = static_cast<unsigned>(StormKind::unknown_unicast);
        return indices.first(within_storm_limit(kind, indices.size(), pass));
    }
    uint64_t left[storm_kinds] = {};
    for (const uint8_t index : indices) ++left[storm_kind_of(batch.destination(index))];
    uint64_t passed = 0;
    for (unsigned kind = 0; kind < storm_kinds; ++kind) {
        if (left[kind] != 0) left[kind] = within_storm_limit(kind, left[kind], pass);
        passed += left[kind];
    }
    if (passed == indices.size()) [[likely]]
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
