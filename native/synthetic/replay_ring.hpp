// A ring that is written once and offered again for ever: what comes back costs its driver a load
// and a store. So one CPU keeps the rings of many guests full, which no honest driver could.
#pragma once
#include <algorithm>
#include <span>
#include <vector>

#include "base/atomic.hpp"
#include "base/check.hpp"
#include "driver/guest_memory.hpp"
#include "driver/packed_queue.hpp"
#include "driver/split_queue.hpp"

namespace valenic::synthetic {

/// The buffers of one chain, in their order.
using Chain = std::vector<driver::Buffer>;

/// Both kinds: `say()` and, when something is due, `take_said()`; then `write()`; then `due()` and
/// `offer()` in turn. A *place* is an entry of the available ring, or a slot. From write() on all
/// places are always offered.
class SplitReplay {
 public:
    using Queue = driver::SplitQueue;

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
    /// Places that came back and are not offered again yet.
    uint32_t due() const noexcept {
        return static_cast<uint16_t>(load_acquire(queue_.used()->idx) - seen_);
    }
    /// The number of place `i` of those that are due, and what the device says it wrote there.
    uint32_t place(uint32_t i) const noexcept { return (seen_ + i) & mask_; }
    uint32_t used_bytes(uint32_t i) const noexcept {
        return load_once(queue_.used_ring()[(seen_ + i) & mask_].len);
    }
    void offer(uint32_t count) noexcept {
        seen_ = static_cast<uint16_t>(seen_ + count);
        const auto idx = static_cast<uint16_t>(seen_ + size_);
        if (idx == shown_) return;
        shown_ = idx;
        store_release(queue_.avail()->idx, idx);
    }
    bool kick_wanted() const noexcept {
        return (load_once(queue_.used()->flags) & spec::used_f_no_notify) == 0;
    }

 private:
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
    /// At most so many are looked at in one turn: others have theirs.
    static constexpr uint32_t look_max = 256;
    uint32_t due() noexcept {
        driver::PackedPlace at = at_;
        uint32_t count = 0;
        const uint32_t most = std::min<uint32_t>(look_max, size_);
        while (count < most && at.is_used(load_acquire(queue_.slots()[at.index].rest))) {
            at.advance(1, size_);
            ++count;
        }
        return count;
    }
    uint32_t place(uint32_t i) const noexcept { return (at_.index + i) % size_; }
    uint32_t used_bytes(uint32_t i) const noexcept {
        return static_cast<uint32_t>(load_once(queue_.slots()[place(i)].rest));
    }
    void offer(uint32_t count) noexcept {
        for (uint32_t i = 0; i < count; ++i) {
            show({at_.index, !at_.wrap});
            at_.advance(1, size_);
        }
    }
    bool kick_wanted() const noexcept {
        return load_once(*queue_.device_event()) >> 16 != spec::packed_event_flag_disable;
    }

 private:
    using Slot = driver::PackedSlot;

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
