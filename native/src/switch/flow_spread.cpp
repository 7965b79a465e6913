#include "switch/flow_spread.hpp"

namespace valenic {

/// Workers' clocks differ by a round: what is of the next second is not old.
bool FlowSpread::speaks(uint32_t entry, uint32_t asker) noexcept {
    const uint32_t said = entry >> pair_bits;
    const uint32_t age = ((asker >> seen_shift) - (said >> seen_shift)) & seen_mask;
    const bool ahead = age > seen_mask - quiet_s;
    return (said & taken) != 0 && (ahead || age < quiet_s);
}

bool FlowSpread::of_asker(uint32_t entry, uint32_t asker) noexcept {
    constexpr uint32_t who = taken | source_mask;
    return ((entry >> pair_bits) & who) == (asker & who);
}

/// Once a second for each place, and a search of all of them only for one that was quiet: a flood
/// of new flows costs no more.
unsigned FlowSpread::settle(uint32_t hash, uint32_t asker, unsigned pairs) noexcept {
    std::atomic<uint32_t>& place = places_[place_of(hash, places)];
    // Bits of the hash that do not say which place it is.
    const unsigned by_chance = place_of(hash * places, pairs);
    uint32_t entry = place.load(std::memory_order_relaxed);
    for (;;) {
        const bool own = of_asker(entry, asker);
        const bool spoken = speaks(entry, asker);
        if (spoken && !own) return by_chance;
        const unsigned before = entry & pair_mask;
        const bool known = own && before < pairs;
        const unsigned pair =
            known && spoken ? before : least_used(asker, pairs, known ? before : by_chance);
        // Another worker may have been here first: then it is as that one said.
        if (place.compare_exchange_weak(entry, asker << pair_bits | pair,
                                        std::memory_order_relaxed))
            return pair;
    }
}

/// Where several have as few: `preferred`, or the next one behind it.
unsigned FlowSpread::least_used(uint32_t asker, unsigned pairs, unsigned preferred) const noexcept {
    std::array<uint16_t, pair_mask + 1> used{};
    for (const auto& place : places_) {
        const uint32_t entry = place.load(std::memory_order_relaxed);
        if (of_asker(entry, asker) && speaks(entry, asker)) ++used[entry & pair_mask];
    }
    unsigned least = preferred;
    for (unsigned i = 1; i < pairs; ++i) {
        const unsigned pair = (preferred + i) % pairs;
        if (used[pair] < used[least]) least = pair;
    }
    return least;
}

}  // namespace valenic
