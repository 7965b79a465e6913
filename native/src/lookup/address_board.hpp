// What the control thread can read of each port's addresses while workers change it.
#pragma once
#include <array>
#include <atomic>
#include <cstdint>

#include "switch/lookup.hpp"

namespace valenic {

/// Written under the lookup's lock, read without it: whoever wants to know never makes a worker
/// wait.
class AddressBoard {
 public:
    void count_evicted(uint8_t slot) noexcept {
        std::atomic<uint32_t>& evicted = rows_[slot].evicted;
        evicted.store(evicted.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    }
    void write(uint8_t slot, const AddressMoves& moves) noexcept {
        Row& row = rows_[slot];
        const uint32_t turn = row.turn.load(std::memory_order_relaxed);
        row.turn.store(turn + 1, std::memory_order_relaxed);  // Odd: not to be believed.
        std::atomic_thread_fence(std::memory_order_release);
        row.who.store(moves.mac << 16 | moves.vlan, std::memory_order_relaxed);
        row.what.store(uint64_t{moves.last_s} << 32 | uint64_t{moves.seconds} << 16 | moves.count,
                       std::memory_order_relaxed);
        row.other.store(moves.other, std::memory_order_relaxed);
        row.turn.store(turn + 2, std::memory_order_release);
    }
    /// Removing a port also removes what is said about it, here and at the others.
    void clear(uint8_t slot) noexcept {
        rows_[slot].evicted.store(0, std::memory_order_relaxed);
        write(slot, {});
        for (size_t i = 0; i < rows_.size(); ++i)
            if (rows_[i].other.load(std::memory_order_relaxed) == slot)
                write(static_cast<uint8_t>(i), {});
    }
    AddressNews read(uint8_t slot) const noexcept {
        const Row& row = rows_[slot];
        AddressNews news;
        news.evicted = row.evicted.load(std::memory_order_relaxed);
        const uint32_t turn = row.turn.load(std::memory_order_acquire);
        const uint64_t who = row.who.load(std::memory_order_relaxed);
        const uint64_t what = row.what.load(std::memory_order_relaxed);
        const uint16_t other = row.other.load(std::memory_order_relaxed);
        std::atomic_thread_fence(std::memory_order_acquire);
        if (turn % 2 != 0 || row.turn.load(std::memory_order_relaxed) != turn) return news;
        news.whole = true;
        news.moves = {who >> 16,
                      static_cast<uint16_t>(who),
                      other,
                      static_cast<uint16_t>(what),
                      static_cast<uint16_t>(what >> 16),
                      static_cast<uint32_t>(what >> 32)};
        return news;
    }

 private:
    struct Row {
        std::atomic<uint32_t> turn{0};
        std::atomic<uint32_t> evicted{0};
        std::atomic<uint64_t> who{0};
        std::atomic<uint64_t> what{0};
        std::atomic<uint16_t> other{0};
    };
    std::array<Row, 256> rows_{};
};

}  // namespace valenic
