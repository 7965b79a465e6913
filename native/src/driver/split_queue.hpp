// The guest's half of a split virtqueue: what a virtio driver does, for tests, load generation and
// the in-guest poll-mode driver.
//
// One thread owns a queue. It trusts the device as little as the device trusts it: an id from the
// used ring is checked before it is used.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "base/atomic.hpp"
#include "base/check.hpp"
#include "spec/virtio_ring.hpp"

namespace valenic::driver {

/// A buffer as the device addresses it.
struct Buffer {
    uint64_t addr;
    uint32_t len_bytes;
    bool device_writes = false;
};

struct UsedChain {
    uint16_t head;
    uint32_t len_bytes;
};

class SplitQueue {
 public:
    /// Offsets of the parts from the first byte of the ring's memory, which is 4096-aligned.
    struct Parts {
        size_t desc;
        size_t avail;
        size_t used;
        size_t bytes;  ///< Of the whole.
    };
    static Parts parts_of(uint16_t size) noexcept {
        const size_t avail = sizeof(spec::SplitDesc) * size;
        const size_t avail_bytes = sizeof(spec::SplitAvail) + 2u * size + 2;
        const size_t used = (avail + avail_bytes + 4095) / 4096 * 4096;
        const size_t used_bytes = sizeof(spec::SplitUsed) + sizeof(spec::SplitUsedElem) * size + 2;
        return {0, avail, used, (used + used_bytes + 4095) / 4096 * 4096};
    }

    /// `memory`: parts_of(size).bytes, zeroed. `base`: index to begin at (after a reconnect).
    SplitQueue(uint8_t* memory, uint16_t size, bool event_index, uint16_t base = 0)
        : size_(size), mask_(static_cast<uint16_t>(size - 1)), event_index_(event_index) {
        CHECK(size > 0 && (size & (size - 1)) == 0);
        const Parts parts = parts_of(size);
        table_ = reinterpret_cast<spec::SplitDesc*>(memory + parts.desc);
        avail_ = reinterpret_cast<spec::SplitAvail*>(memory + parts.avail);
        used_ = reinterpret_cast<spec::SplitUsed*>(memory + parts.used);
        next_avail_ = published_ = kicked_ = last_used_ = base;
        chain_length_.resize(size);
        for (uint16_t i = 0; i < size; ++i) free_.push_back(i);
        free_tail_ = size;
    }

    uint16_t size() const noexcept { return size_; }
    uint32_t free_count() const noexcept { return free_tail_ - free_head_; }
    uint16_t in_flight() const noexcept { return static_cast<uint16_t>(next_avail_ - last_used_); }

    /// Offers one chain; the device sees it after publish(). Returns its head. There must be room.
    uint16_t add(std::span<const Buffer> chain) noexcept {
        CHECK(!chain.empty() && chain.size() <= free_count());
        uint16_t previous = 0;
        uint16_t head = 0;
        for (size_t i = 0; i < chain.size(); ++i) {
            const uint16_t index = free_[free_head_++ & mask_];
            const auto write =
                static_cast<uint16_t>(chain[i].device_writes ? spec::desc_f_write : 0);
            table_[index] = {chain[i].addr, chain[i].len_bytes, write, 0};
            if (i == 0) {
                head = index;
            } else {
                table_[previous].flags |= spec::desc_f_next;
                table_[previous].next = index;
            }
            previous = index;
        }
        chain_length_[head] = static_cast<uint16_t>(chain.size());
        offer(head);
        return head;
    }
    /// The common case: one buffer. Returns its head.
    uint16_t add_one(uint64_t addr, uint32_t len_bytes, bool device_writes) noexcept {
        const uint16_t index = free_[free_head_++ & mask_];
        table_[index] = {addr, len_bytes,
                         static_cast<uint16_t>(device_writes ? spec::desc_f_write : 0), 0};
        chain_length_[index] = 1;
        offer(index);
        return index;
    }
    /// As add_one() for a buffer to send that always has this head: the descriptor is written only
    /// when it changes, so its line stays shared with the device.
    void add_same(uint16_t head, uint64_t addr, uint32_t len_bytes) noexcept {
        ++free_head_;
        if (chain_length_[head] != 1 || table_[head].len != len_bytes ||
            table_[head].addr != addr) {
            table_[head] = {addr, len_bytes, 0, 0};
            chain_length_[head] = 1;
        }
        offer(head);
    }
    /// One descriptor that points at a table of the caller's.
    uint16_t add_indirect(uint64_t table_addr, uint32_t table_bytes) noexcept {
        const uint16_t index = free_[free_head_++ & mask_];
        table_[index] = {table_addr, table_bytes, spec::desc_f_indirect, 0};
        chain_length_[index] = 1;
        offer(index);
        return index;
    }
    /// Which head the next add_one() takes.
    uint16_t next_head() const noexcept { return free_[free_head_ & mask_]; }
    /// Puts a head straight back whose descriptor still stands: receive buffers.
    void offer_again(uint16_t head) noexcept { offer(head); }

    void publish() noexcept {
        published_ = next_avail_;
        store_release(avail_->idx, next_avail_);
    }
    /// Whether the device wants a kick for what was published since this was last asked. Fences.
    bool kick_wanted() noexcept {
        full_fence();
        const uint16_t before = kicked_;
        kicked_ = published_;
        if (before == published_) return false;
        if (!event_index_) return (load_once(used_->flags) & spec::used_f_no_notify) == 0;
        const uint16_t event = load_once(avail_event());
        return static_cast<uint16_t>(published_ - event - 1) <
               static_cast<uint16_t>(published_ - before);
    }

    /// Used chains that wait.
    uint16_t used_waiting() const noexcept {
        return static_cast<uint16_t>(load_acquire(used_->idx) - last_used_);
    }
    /// Takes one; only after used_waiting() said there is one.
    UsedChain take_used() noexcept {
        const spec::SplitUsedElem& element = used_ring()[last_used_ & mask_];
        ++last_used_;
        const uint32_t id = load_once(element.id);
        CHECK(id < size_);
        return {static_cast<uint16_t>(id), load_once(element.len)};
    }
    /// Gives a taken chain's descriptors back to the free ones.
    void free_chain(uint16_t head) noexcept {
        uint16_t index = head;
        for (uint16_t left = chain_length_[head]; left > 0; --left) {
            free_[free_tail_++ & mask_] = index;
            index = table_[index].next & mask_;
        }
    }

    /// Asks for a call with the next used chain, or for none. Returns true when some wait already.
    bool ask_for_call() noexcept {
        if (event_index_) {
            store_once(used_event(), last_used_);
        } else {
            store_once(avail_->flags, uint16_t{0});
        }
        full_fence();
        return used_waiting() != 0;
    }
    void ask_for_no_call() noexcept {
        if (event_index_) {
            store_once(used_event(), static_cast<uint16_t>(last_used_ - 1));
        } else {
            store_once(avail_->flags, uint16_t{spec::avail_f_no_interrupt});
        }
    }

    // For tests that break rules.
    spec::SplitDesc* table() noexcept { return table_; }
    spec::SplitAvail* avail() noexcept { return avail_; }
    uint16_t* avail_ring() noexcept { return reinterpret_cast<uint16_t*>(avail_ + 1); }
    spec::SplitUsed* used() noexcept { return used_; }
    spec::SplitUsedElem* used_ring() noexcept {
        return reinterpret_cast<spec::SplitUsedElem*>(used_ + 1);
    }
    uint16_t& used_event() noexcept { return avail_ring()[size_]; }
    uint16_t& avail_event() noexcept { return *reinterpret_cast<uint16_t*>(used_ring() + size_); }
    uint16_t last_used() const noexcept { return last_used_; }

 private:
    void offer(uint16_t head) noexcept {
        store_once(avail_ring()[next_avail_ & mask_], head);
        ++next_avail_;
    }

    spec::SplitDesc* table_;   ///< We write, the device reads.
    spec::SplitAvail* avail_;  ///< We write, the device reads.
    spec::SplitUsed* used_;    ///< The device writes, we read.
    uint16_t size_;
    uint16_t mask_;
    bool event_index_;
    uint16_t next_avail_;  ///< First index not offered.
    uint16_t published_;
    uint16_t kicked_;     ///< Published index when kick_wanted() was last asked.
    uint16_t last_used_;  ///< First used entry not taken.
    uint32_t free_head_ = 0;
    uint32_t free_tail_ = 0;
    std::vector<uint16_t> free_;
    std::vector<uint16_t> chain_length_;
};

}  // namespace valenic::driver
