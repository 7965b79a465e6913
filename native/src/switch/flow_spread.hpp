// Which queue pair of a receiver each flow goes to.
//
// A hash alone leaves queues to chance: of 64 flows over four, some queue has a quarter more or
// less than its share more often than not. So flows have places, by their hash, and who comes to a
// place where nobody speaks gets the pair that fewest of its sender's places have. A place is its
// sender's alone, and only a sender's own places count: no other port leads its flows to one queue.
#pragma once
#include <array>
#include <atomic>
#include <cstdint>

#include "net/flow.hpp"

namespace valenic {

class FlowSpread {
 public:
    static constexpr uint32_t places = 1024;
    /// So long a flow is quiet before it may come to another pair: what was delivered before is
    /// taken by then.
    static constexpr int quiet_s = 4;

    /// Who asks, and when: one for a batch.
    /// @param source  The sender's slot.
    /// @param now_s   Coarse monotonic seconds.
    static constexpr uint32_t asker(uint16_t source, uint32_t now_s) noexcept {
        return (now_s & seen_mask) << seen_shift | taken | source;
    }
    /// Any worker, several together. @param pairs 1 to 16.
    unsigned pair_of(uint32_t hash, uint32_t asker, unsigned pairs) noexcept {
        const uint32_t entry = places_[place_of(hash, places)].load(std::memory_order_relaxed);
        const unsigned pair = entry & pair_mask;
        if (entry >> pair_bits == asker && pair < pairs) [[likely]]
            return pair;
        return settle(hash, asker, pairs);
    }

 private:
    // Of a place, from the last bit: its pair, then as asker() has them the sender, whether there
    // is one, and when it was last used.
    static constexpr unsigned pair_bits = 4;
    static constexpr uint32_t pair_mask = (1 << pair_bits) - 1;
    static constexpr uint32_t source_mask = 0xfff;
    static constexpr uint32_t taken = 0x1000;
    static constexpr unsigned seen_shift = 13;
    static constexpr uint32_t seen_mask = 0x7fff;

    static bool speaks(uint32_t entry, uint32_t asker) noexcept;
    static bool of_asker(uint32_t entry, uint32_t asker) noexcept;
    unsigned settle(uint32_t hash, uint32_t asker, unsigned pairs) noexcept;
    unsigned least_used(uint32_t asker, unsigned pairs, unsigned preferred) const noexcept;

    std::array<std::atomic<uint32_t>, places> places_{};
};

}  // namespace valenic
