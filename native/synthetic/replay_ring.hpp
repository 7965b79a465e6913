// A ring that is written once and offered again for ever: what comes back costs its driver a load
// and a store. So one CPU keeps the rings of many guests full, which no honest driver could.
#pragma once
#include <algorithm>
#include <span>
#include <vector>

#include "base/atomic.hpp"
#include "base/check.hpp"
#include "base/lines.hpp"
#include "driver/guest_memory.hpp"
#include "driver/packed_queue.hpp"
#include "driver/split_queue.hpp"

namespace valenic::synthetic {

/// The buffers of one chain, in their order.
using Chain = std::vector<driver::Buffer>;

/// Both kinds: `say()` and, when it came back, `take_said()`; then `write()`; then `again()` for
/// ever. A *place* is an entry of the available ring, or a slot. A device gives chains back in the
/// order in which they were offered.
class SplitReplay {
 public:
    using Queue = driver::SplitQueue;
    /// Chains that came back are offered again once there are so many: each look at fewer costs a
    /// line that the device writes.
    static constexpr uint32_t block = 64;

    SplitReplay(uint8_t* memory, uint16_t size)
        : queue_(memory, size, false), size_(size), mask_(static_cast<uint16_t>(size - 1)) {
        queue_.ask_for_no_call();
    }
    /// Offers one buffer alone.
    void say(const driver::Buffer& buffer) noexcept {
        queue_.table()[0] = {buffer.addr, buffer.len_bytes, 0, 0};
        queue_.avail_ring()[0] = 0;
        shown_ = 1;
        store_release(queue_.avail()->idx, shown_);
    }
    /// It came back.
    void take_said() noexcept { seen_ = 1; }
    /// Every place gets one of `chains`, in turn. One chain alone is offered many times at once:
    /// a device cannot tell, and it takes no more memory.
    void write(std::span<const Chain> chains, driver::GuestMemory&) noexcept {
        std::vector<uint16_t> heads;
        uint16_t next = 0;
        for (const Chain& chain : chains) {
            CHECK(!chain.empty() && next + chain.size() <= size_);
            heads.push_back(next);
            for (size_t i = 0; i < chain.size(); ++i, ++next) {
                const bool more = i + 1 < chain.size();
                const auto flags =
                    static_cast<uint16_t>((chain[i].device_writes ? spec::desc_f_write : 0) |
                                          (more ? spec::desc_f_next : 0));
                queue_.table()[next] = {chain[i].addr, chain[i].len_bytes, flags,
                                        static_cast<uint16_t>(more ? next + 1 : 0)};
            }
        }
        for (uint32_t i = 0; i < size_; ++i) queue_.avail_ring()[i] = heads[i % heads.size()];
        offer(0);
    }
    bool said_came_back() const noexcept { return due() > 0; }
    /// Offers again what came back, if that is a block or more. Returns how many chains.
    uint32_t again() noexcept {
        const uint32_t count = due();
        if (count < block) return 0;
        offer(count);
        return count;
    }
    /// The same; calls `see(place, bytes)` of each: its number, and what the device says that it
    /// wrote there.
    template <typename See>
    uint32_t again(See see) noexcept {
        const uint32_t count = due();
        if (count < block) return 0;
        for (uint32_t i = 0; i < count; ++i) {
            const uint32_t place = (seen_ + i) & mask_;
            see(place, load_once(queue_.used_ring()[place].len));
        }
        offer(count);
        return count;
    }
    bool kick_wanted() const noexcept {
        return (load_once(queue_.used()->flags) & spec::used_f_no_notify) == 0;
    }

 private:
    uint32_t due() const noexcept {
        return static_cast<uint16_t>(load_acquire(queue_.used()->idx) - seen_);
    }
    void offer(uint32_t count) noexcept {
        seen_ = static_cast<uint16_t>(seen_ + count);
        const auto idx = static_cast<uint16_t>(seen_ + size_);
        if (idx == shown_) return;
        shown_ = idx;
        store_release(queue_.avail()->idx, idx);
    }

    mutable Queue queue_;  ///< Its layout; its books are not used.
    uint16_t size_;
    uint16_t mask_;
    uint16_t seen_ = 0;   ///< First used entry that was not looked at.
    uint16_t shown_ = 0;  ///< The current available index.
};

/// A chain of more than one buffer is an indirect table, so that every place is one slot.
class PackedReplay {
 public:
    using Queue = driver::PackedQueue;
    /// As SplitReplay's, and so many that their lines come one behind the other: four slots are in
    /// each of them.
    static constexpr uint32_t block = 256;

    PackedReplay(uint8_t* memory, uint16_t size) : queue_(memory, size, false), size_(size) {
        queue_.ask_for_no_call();
        rest_.resize(size);
    }
    void say(const driver::Buffer& buffer) noexcept {
        queue_.slots()[0].addr = buffer.addr;
        rest_[0] = Slot::rest_of(buffer.len_bytes, 0, 0);
        show(at_);
    }
    void take_said() noexcept { at_.advance(1, size_); }
    void write(std::span<const Chain> chains, driver::GuestMemory& memory) noexcept {
        std::vector<driver::Buffer> heads;
        for (const Chain& chain : chains)
            heads.push_back(chain.size() == 1 ? chain[0] : table_of(chain, memory));
        for (uint32_t count = 0; count < size_; ++count) {
            const size_t which = count % heads.size();
            const uint16_t slot = at_.index;
            queue_.slots()[slot].addr = heads[which].addr;
            const uint16_t flags = chains[which].size() == 1 ? Slot::flags_of(heads[which], false)
                                                             : uint16_t{spec::desc_f_indirect};
            rest_[slot] = Slot::rest_of(heads[which].len_bytes, slot, flags);
            show(at_);
            at_.advance(1, size_);
        }
        // Full: where the next one comes back is where it is offered again, a lap later.
        at_.wrap = !at_.wrap;
    }
    bool said_came_back() const noexcept {
        return at_.is_used(load_acquire(queue_.slots()[at_.index].rest));
    }
    /// As SplitReplay's.
    uint32_t again() noexcept {
        return again([](uint32_t, uint32_t) {});
    }
    template <typename See>
    uint32_t again(See see) noexcept {
        uint32_t count = 0;
        // A device writes a batch from its end: the last one may be there before those it follows.
        while (count < size_ && block_came_back()) {
            const uint32_t found = block_again(see);
            count += found;
            if (found < block) break;
        }
        return count;
    }
    bool kick_wanted() const noexcept {
        return load_once(*queue_.device_event()) >> 16 != spec::packed_event_flag_disable;
    }

 private:
    using Slot = driver::PackedSlot;

    bool block_came_back() const noexcept {
        driver::PackedPlace last = at_;
        last.advance(block - 1, size_);
        return last.is_used(load_acquire(queue_.slots()[last.index].rest));
    }
    template <typename See>
    uint32_t block_again(See see) noexcept {
        own_entries(queue_.slots(), at_.index, block, size_);
        uint32_t count = 0;
        for (; count < block; ++count) {
            const uint64_t rest = load_acquire(queue_.slots()[at_.index].rest);
            if (!at_.is_used(rest)) break;
            see(at_.index, static_cast<uint32_t>(rest));
            show({at_.index, !at_.wrap});
            at_.advance(1, size_);
        }
        return count;
    }
    void show(driver::PackedPlace at) noexcept {
        store_release(queue_.slots()[at.index].rest,
                      rest_[at.index] | uint64_t{at.available_flags()} << 48);
    }
    static driver::Buffer table_of(const Chain& chain, driver::GuestMemory& memory) noexcept {
        const size_t bytes = chain.size() * sizeof(spec::PackedDesc);
        auto* table = reinterpret_cast<spec::PackedDesc*>(memory.take(bytes));
        CHECK(table != nullptr);
        for (size_t i = 0; i < chain.size(); ++i)
            table[i] = {chain[i].addr, chain[i].len_bytes, 0, Slot::flags_of(chain[i], false)};
        return {memory.guest_addr(table), static_cast<uint32_t>(bytes)};
    }

    mutable Queue queue_;  ///< Its layout; its books are not used.
    uint16_t size_;
    driver::PackedPlace at_ = driver::PackedPlace::of(Queue::first_position);
    std::vector<uint64_t> rest_;  ///< Of each slot as it is offered, without its lap's flags.
};

}  // namespace valenic::synthetic
