// The guest's half of a split virtqueue: what a virtio driver does, for tests, load generation and
// the in-guest poll-mode driver.
//
// One thread owns a queue. It trusts the device as little as the device trusts it: an id from the
// used ring is checked before it is used.
#pragma once
#include <algorithm>
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

    static constexpr uint16_t first_position = 0;

    /// `memory`: parts_of(size).bytes, zeroed. `base`: index to begin at (after a reconnect).
    SplitQueue(uint8_t* memory, uint16_t size, bool event_index, bool in_order = false,
               uint16_t base = 0)
        : size_(size),
          mask_(static_cast<uint16_t>(size - 1)),
          event_index_(event_index),
          in_order_(in_order) {
        CHECK(size > 0 && (size & (size - 1)) == 0);
        const Parts parts = parts_of(size);
        table_ = reinterpret_cast<spec::SplitDesc*>(memory + parts.desc);
        avail_ = reinterpret_cast<spec::SplitAvail*>(memory + parts.avail);
        used_ = reinterpret_cast<spec::SplitUsed*>(memory + parts.used);
        used_ring_ = used_ring();
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
    /// Offers the next `count` heads, each with a buffer to send that is always the same:
    /// `addresses[head]`. A descriptor is written only when it changes, so its line stays shared
    /// with the device. `flags`: the descriptor's, 0 or desc_f_indirect.
    void add_same_run(uint32_t count, const uint64_t* addresses, uint32_t len_bytes,
                      uint16_t flags) noexcept {
        const uint16_t* const free = free_.data();
        for (uint32_t i = 0; i < count; ++i) {
            const uint16_t head = free[(free_head_ + i) & mask_];
            const uint64_t addr = addresses[head];
            spec::SplitDesc& desc = table_[head];
            if (chain_length_[head] == 1 && desc.len == len_bytes && desc.addr == addr &&
                desc.flags == flags) [[likely]]
                continue;
            desc = {addr, len_bytes, flags, 0};
            chain_length_[head] = 1;
        }
        for (uint32_t done = 0; done < count;) {
            const uint32_t at = free_head_ & mask_;
            const uint32_t run = std::min<uint32_t>(count - done, size_ - at);
            offer_run(free + at, run);
            free_head_ += run;
            done += run;
        }
    }
    /// What next_head() will be after `ahead` more.
    uint16_t next_head(uint32_t ahead) const noexcept {
        return free_[(free_head_ + ahead) & mask_];
    }
    /// As offer_again() for several.
    void offer_again(std::span<const uint16_t> heads) noexcept {
        offer_run(heads.data(), static_cast<uint32_t>(heads.size()));
    }
    /// What a head's own indirect table holds: up to two buffers.
    static uint32_t write_indirect(uint8_t* table, std::span<const Buffer> chain) noexcept {
        for (size_t i = 0; i < chain.size(); ++i) {
            const auto write =
                static_cast<uint16_t>(chain[i].device_writes ? spec::desc_f_write : 0);
            const bool more = i + 1 < chain.size();
            const spec::SplitDesc desc{
                chain[i].addr, chain[i].len_bytes,
                static_cast<uint16_t>(write | (more ? spec::desc_f_next : 0)),
                static_cast<uint16_t>(more ? i + 1 : 0)};
            std::memcpy(table + i * sizeof desc, &desc, sizeof desc);
        }
        return static_cast<uint32_t>(chain.size() * sizeof(spec::SplitDesc));
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
    /// Offers a head again whose descriptor is unchanged: receive buffers.
    void offer_again(uint16_t head) noexcept { offer(head); }

    void publish() noexcept {
        published_ = next_avail_;
        store_release(avail_->idx, next_avail_);
    }
    /// Whether the device wants a kick for what was published since this was last asked. Fences.
    bool kick_wanted() noexcept {
        full_fence();
        const bool wanted = kick_is_due();
        kicked_ = published_;
        return wanted;
    }
    /// As kick_wanted() without the fence: "yes" is true, "no" may be said too early. Whoever asks
    /// this must ask kick_wanted() before it waits for the device.
    bool kick_wanted_already() noexcept {
        const bool wanted = kick_is_due();
        if (wanted) kicked_ = published_;
        return wanted;
    }

    /// Used chains that wait.
    uint16_t used_waiting() const noexcept {
        return static_cast<uint16_t>(load_acquire(used_->idx) - last_used_);
    }
    /// Used chains that wait as far as is known; looks again only when that is fewer than
    /// `enough`: each look may fetch a line that the device writes.
    uint16_t used_waiting(size_t enough) noexcept {
        if (known_ < enough) known_ = used_waiting();
        return known_;
    }
    /// The used chain `ahead` after the first that waits; used_waiting() said that it is there.
    UsedChain peek_used(uint32_t ahead) const noexcept {
        const auto at = static_cast<uint16_t>(last_used_ + ahead);
        return {used_head(at), load_once(used_ring_[at & mask_].len)};
    }
    /// Takes what was peeked at.
    void skip_used(uint32_t count) noexcept {
        last_used_ = static_cast<uint16_t>(last_used_ + count);
        known_ = static_cast<uint16_t>(known_ - std::min<uint32_t>(known_, count));
    }
    /// Takes one; only after used_waiting() said there is one.
    UsedChain take_used() noexcept {
        const UsedChain chain = peek_used(0);
        skip_used(1);
        return chain;
    }
    /// Gives a taken chain's descriptors back to the free ones.
    void free_chain(uint16_t head) noexcept {
        uint16_t index = head;
        for (uint16_t left = chain_length_[head]; left > 0; --left) {
            free_[free_tail_++ & mask_] = index;
            index = table_[index].next & mask_;
        }
    }

    /// Takes the first `count` used chains and frees them; `see(head)` for each. used_waiting()
    /// said that they are there. Counters stay in registers: 16-bit fields that are stored and
    /// loaded again for each chain cost more than all the rest.
    template <typename See>
    void take_back(uint32_t count, See see) noexcept {
        const uint16_t* const lengths = chain_length_.data();
        uint16_t* const free = free_.data();
        const uint32_t mask = mask_;
        const uint32_t first = last_used_;
        uint32_t tail = free_tail_;
        for (uint32_t i = 0; i < count; ++i) {
            const uint16_t head = used_head(static_cast<uint16_t>(first + i));
            see(head);
            if (lengths[head] == 1) [[likely]] {
                free[tail++ & mask] = head;
                continue;
            }
            free_tail_ = tail;
            free_chain(head);
            tail = free_tail_;
        }
        free_tail_ = tail;
        skip_used(count);
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
    /// Head of the chain that was used as number `at`. With IN_ORDER the device writes one entry
    /// for a batch and takes chains as they were offered. virtio 1.2, 2.7.9.
    uint16_t used_head(uint16_t at) const noexcept {
        if (in_order_) return reinterpret_cast<const uint16_t*>(avail_ + 1)[at & mask_];
        const uint32_t id = load_once(used_ring_[at & mask_].id);
        CHECK(id < size_);
        return static_cast<uint16_t>(id);
    }
    bool kick_is_due() noexcept {
        if (kicked_ == published_) return false;
        if (!event_index_) return (load_once(used_->flags) & spec::used_f_no_notify) == 0;
        const uint16_t event = load_once(avail_event());
        return static_cast<uint16_t>(published_ - event - 1) <
               static_cast<uint16_t>(published_ - kicked_);
    }
    void offer(uint16_t head) noexcept { offer_run(&head, 1); }
    /// Where a slot has the head already, as it has when the device uses buffers in order, it is
    /// not written: its line stays shared with the device.
    void offer_run(const uint16_t* heads, uint32_t count) noexcept {
        uint16_t* const ring = avail_ring();
        while (count > 0) {
            const uint32_t at = next_avail_ & mask_;
            const uint32_t run = std::min<uint32_t>(count, size_ - at);
            if (std::memcmp(ring + at, heads, run * sizeof *heads) != 0)
                std::memcpy(ring + at, heads, run * sizeof *heads);
            next_avail_ = static_cast<uint16_t>(next_avail_ + run);
            heads += run;
            count -= run;
        }
    }

    spec::SplitDesc* table_;   ///< We write, the device reads.
    spec::SplitAvail* avail_;  ///< We write, the device reads.
    spec::SplitUsed* used_;    ///< The device writes, we read.
    const spec::SplitUsedElem* used_ring_;
    uint16_t size_;
    uint16_t mask_;
    bool event_index_;
    bool in_order_;
    uint16_t next_avail_;  ///< First index not offered.
    uint16_t published_;
    uint16_t kicked_;     ///< Published index when kick_wanted() was last asked.
    uint16_t last_used_;  ///< First used entry not taken.
    uint16_t known_ = 0;  ///< Used chains that waited when it was last looked.
    uint32_t free_head_ = 0;
    uint32_t free_tail_ = 0;
    std::vector<uint16_t> free_;
    std::vector<uint16_t> chain_length_;
};

}  // namespace valenic::driver
