// The guest's half of a packed virtqueue. As SplitQueue, and used by NetDriver in its place.
//
// One thread owns a queue. It trusts the device as little as the device trusts it: an id from a
// used descriptor is checked before it is used.
//
// @spec virtio 1.2, 2.8 "Packed Virtqueues".
#pragma once
#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "base/atomic.hpp"
#include "base/check.hpp"
#include "base/lines.hpp"
#include "driver/packed_slots.hpp"
#include "driver/split_queue.hpp"
#include "spec/virtio_ring.hpp"

namespace valenic::driver {

class PackedQueue {
 public:
    using Parts = SplitQueue::Parts;  ///< `avail`: the driver's event structure; `used`: theirs.
    static Parts parts_of(uint16_t size) noexcept {
        const size_t driver_event = sizeof(spec::PackedDesc) * size;
        constexpr size_t line = 64;  // A line of its own for each side's wishes.
        const size_t first = (driver_event + line - 1) / line * line;
        return {0, first, first + line, (first + 2 * line + 4095) / 4096 * 4096};
    }
    /// Index 0 in the first round: both wrap counters begin at 1. virtio 1.2, 2.8.1.
    static constexpr uint16_t first_position = PackedPlace::wrap_bit;

    /// `memory`: parts_of(size).bytes, zeroed. `base`: position to begin at, as in an event
    /// structure. Any size up to 32768: it need not be a power of two.
    PackedQueue(uint8_t* memory, uint16_t size, bool event_index, bool in_order = false,
                uint16_t base = first_position)
        : size_(size), event_index_(event_index), in_order_(in_order) {
        CHECK(size > 0 && size <= spec::ring_size_max);
        const Parts parts = parts_of(size);
        slots_ = reinterpret_cast<Slot*>(memory + parts.desc);
        driver_event_ = reinterpret_cast<uint32_t*>(memory + parts.avail);
        device_event_ = reinterpret_cast<uint32_t*>(memory + parts.used);
        next_ = scan_ = PackedPlace::of(base);
        free_slots_ = size;
        const size_t places = std::bit_ceil(size_t{size});
        mask_ = static_cast<uint16_t>(places - 1);
        chains_.resize(size);
        free_.resize(places);
        used_.resize(places);
        order_.resize(in_order ? places : 0);
        for (uint16_t i = 0; i < size; ++i) free_[free_tail_++ & mask_] = i;
    }

    uint16_t size() const noexcept { return size_; }
    uint32_t free_count() const noexcept { return free_slots_; }
    uint16_t in_flight() const noexcept { return static_cast<uint16_t>(offered_ - taken_); }

    /// Offers one chain; the device sees it after publish(). Returns its id. There must be room.
    uint16_t add(std::span<const Buffer> chain) noexcept {
        CHECK(!chain.empty() && chain.size() <= free_slots_);
        const uint16_t id = take_id(static_cast<uint16_t>(chain.size()));
        chains_[id] = {chain[0].addr, chain[0].len_bytes, static_cast<uint16_t>(chain.size()),
                       Slot::flags_of(chain[0], chain.size() > 1)};
        if (chain.size() > 1) ++long_chains_;
        const PackedPlace head = next_;
        for (size_t i = 0; i < chain.size(); ++i) {
            const auto flags = static_cast<uint16_t>(
                Slot::flags_of(chain[i], i + 1 < chain.size()) | next_.available_flags());
            Slot& slot = slots_[next_.index];
            slot.addr = chain[i].addr;
            if (i > 0) store_release(slot.rest, Slot::rest_of(chain[i].len_bytes, id, flags));
            next_.advance(1, size_);
        }
        offer_head(head, chain[0].len_bytes, id, chains_[id].flags);
        return id;
    }
    /// The common case: one buffer. Returns its id.
    uint16_t add_one(uint64_t addr, uint32_t len_bytes, bool device_writes) noexcept {
        const uint16_t id = take_id(1);
        chains_[id] = {addr, len_bytes, 1, Slot::flags_of({addr, len_bytes, device_writes}, false)};
        offer_again(id);
        return id;
    }
    /// Offers the next `count` ids, each with a buffer to send that is always the same:
    /// `addresses[id]`. `flags`: the descriptor's, 0 or desc_f_indirect.
    void add_same_run(uint32_t count, const uint64_t* addresses, uint32_t len_bytes,
                      uint16_t flags) noexcept {
        const uint16_t* const free = free_.data();
        Chain* const chains = chains_.data();
        const uint32_t first = free_head_;
        const uint32_t mask = mask_;
        offer_run(count, [=](uint32_t i) {
            const uint16_t id = free[(first + i) & mask];
            const Chain chain{addresses[id], len_bytes, 1, flags};
            chains[id] = chain;
            return Offer{id, chain};
        });
        free_head_ += count;
        free_slots_ -= count;
    }
    /// What an indirect table holds: up to two buffers, in their order. virtio 1.2, 2.8.7.
    static uint32_t write_indirect(uint8_t* table, std::span<const Buffer> chain) noexcept {
        for (size_t i = 0; i < chain.size(); ++i) {
            const spec::PackedDesc desc{chain[i].addr, chain[i].len_bytes, 0,
                                        Slot::flags_of(chain[i], false)};
            std::memcpy(table + i * sizeof desc, &desc, sizeof desc);
        }
        return static_cast<uint32_t>(chain.size() * sizeof(spec::PackedDesc));
    }
    /// One descriptor that points at a table of the caller's.
    uint16_t add_indirect(uint64_t table_addr, uint32_t table_bytes) noexcept {
        const uint16_t id = take_id(1);
        chains_[id] = {table_addr, table_bytes, 1, spec::desc_f_indirect};
        offer_again(id);
        return id;
    }
    /// Which id the next add_one() takes.
    uint16_t next_head(uint32_t ahead = 0) const noexcept {
        return free_[(free_head_ + ahead) & mask_];
    }
    /// Puts a buffer straight back that was taken: receive buffers.
    void offer_again(uint16_t id) noexcept { offer_again(std::span<const uint16_t>(&id, 1)); }
    void offer_again(std::span<const uint16_t> ids) noexcept {
        const Chain* const chains = chains_.data();
        offer_run(static_cast<uint32_t>(ids.size()), [=](uint32_t i) {
            return Offer{ids[i], chains[ids[i]]};
        });
    }

    void publish() noexcept {
        if (!held_) return;
        held_ = false;
        store_release(slots_[held_at_].rest, held_rest_);
    }
    /// Whether the device wants a kick for what was published since this was last asked. Fences.
    bool kick_wanted() noexcept {
        full_fence();
        const bool wanted = kick_is_due();
        slots_kicked_ = slots_offered_;
        return wanted;
    }
    /// As kick_wanted() without the fence; see SplitQueue.
    bool kick_wanted_already() noexcept {
        const bool wanted = kick_is_due();
        if (wanted) slots_kicked_ = slots_offered_;
        return wanted;
    }

    /// Used chains that wait; looks for more only while fewer than `enough` are known.
    uint16_t used_waiting(size_t enough = SIZE_MAX) noexcept {
        const size_t known = used_tail_ - used_head_;
        const size_t wanted = std::min<size_t>(enough, in_flight());
        if (known < wanted) scan(wanted - known);
        return static_cast<uint16_t>(used_tail_ - used_head_);
    }
    /// The used chain `ahead` after the first that waits; used_waiting() said that it is there.
    UsedChain peek_used(uint32_t ahead) const noexcept {
        return used_[(used_head_ + ahead) & mask_];
    }
    /// Takes what was peeked at.
    void skip_used(uint32_t count) noexcept {
        taken_ = static_cast<uint16_t>(taken_ + count);
        used_head_ += count;
    }
    /// Takes one. There must be one.
    UsedChain take_used() noexcept {
        if (used_head_ == used_tail_) CHECK(used_waiting() > 0);
        const UsedChain chain = peek_used(0);
        skip_used(1);
        return chain;
    }
    /// Takes the first `count` used chains and frees them; `see(id)` for each.
    template <typename See>
    void take_back(uint32_t count, See see) noexcept {
        const UsedChain* const used = used_.data();
        uint16_t* const free = free_.data();
        const uint32_t mask = mask_;
        const uint32_t first = used_head_;
        const uint32_t tail = free_tail_;
        for (uint32_t i = 0; i < count; ++i) {
            const uint16_t id = used[(first + i) & mask].head;
            see(id);
            free[(tail + i) & mask] = id;
        }
        free_slots_ += count;
        for (uint32_t i = 0; long_chains_ > 0 && i < count; ++i)
            free_rest_of(used[(first + i) & mask].head);
        free_tail_ += count;
        skip_used(count);
    }
    /// Gives a taken chain's id and descriptors back to the free ones.
    void free_chain(uint16_t id) noexcept {
        ++free_slots_;
        free_rest_of(id);
        free_[free_tail_++ & mask_] = id;
    }

    /// Asks for a call with the next used chain, or for none. Returns true when some wait already.
    bool ask_for_call() noexcept {
        const uint32_t flags =
            event_index_ ? spec::packed_event_flag_desc : spec::packed_event_flag_enable;
        store_once(*driver_event_, flags << 16 | scan_.off_wrap());
        full_fence();
        return used_waiting() != 0;
    }
    void ask_for_no_call() noexcept {
        store_once(*driver_event_, uint32_t{spec::packed_event_flag_disable} << 16);
    }

    // For tests that break rules.

    using Slot = PackedSlot;
    Slot* slots() noexcept { return slots_; }
    uint32_t* driver_event() noexcept { return driver_event_; }
    uint32_t* device_event() noexcept { return device_event_; }
    /// Flags that make a descriptor available at the next position.
    uint16_t available_flags() const noexcept { return next_.available_flags(); }
    uint16_t next_index() const noexcept { return next_.index; }
    /// Makes one slot available as it is, past the driver's own bookkeeping.
    void offer_raw(uint64_t addr, uint32_t len, uint16_t id, uint16_t flags) noexcept {
        slots_[next_.index].addr = addr;
        const uint64_t rest =
            Slot::rest_of(len, id, static_cast<uint16_t>(flags | next_.available_flags()));
        store_release(slots_[next_.index].rest, rest);
        next_.advance(1, size_);
        ++slots_offered_;
    }

 private:
    /// What was offered under an id.
    struct Chain {
        uint64_t addr;
        uint32_t len_bytes;
        uint16_t slots = 0;
        uint16_t flags;
    };

    /// A chain of one slot, to be offered.
    struct Offer {
        uint16_t id;
        Chain chain;

        uint64_t rest() const noexcept { return Slot::rest_of(chain.len_bytes, id, chain.flags); }
    };

    bool kick_is_due() noexcept {
        const uint32_t count = slots_offered_ - slots_kicked_;
        if (count == 0) return false;
        const uint32_t event = load_once(*device_event_);
        const auto flags = static_cast<uint16_t>(event >> 16);
        if (flags != spec::packed_event_flag_desc || !event_index_)
            return flags != spec::packed_event_flag_disable;
        return next_.passed(static_cast<uint16_t>(event), count, size_);
    }
    /// Of a chain that came back: its slots behind the first.
    void free_rest_of(uint16_t id) noexcept {
        if (chains_[id].slots == 1) return;
        free_slots_ += chains_[id].slots - 1u;
        --long_chains_;
    }
    uint16_t take_id(uint16_t slots) noexcept {
        free_slots_ -= slots;
        return free_[free_head_++ & mask_];
    }
    /// Offers `count` chains of one slot each, which `offer_of(i)` gives. Positions stay in
    /// registers: members that are stored and loaded for each chain cost more than all the rest.
    template <typename OfferOf>
    void offer_run(uint32_t count, OfferOf offer_of) noexcept {
        for (uint32_t done = 0; done < count;) {
            const uint32_t run = std::min<uint32_t>(count - done, size_ - next_.index);
            Slot* const to = slots_ + next_.index;
            const uint64_t flags = uint64_t{next_.available_flags()} << 48;
            uint32_t i = 0;
            if (!held_) {
                const Offer offer = offer_of(done);
                to[0].addr = offer.chain.addr;
                offer_rest(next_, offer.rest());
                i = 1;
            }
            for (; i < run; ++i) {
                const Offer offer = offer_of(done + i);
                to[i].addr = offer.chain.addr;
                store_release(to[i].rest, offer.rest() | flags);
            }
            next_.advance(run, size_);
            done += run;
        }
        if (in_order_)
            for (uint32_t i = 0; i < count; ++i) order_[(offered_ + i) & mask_] = offer_of(i).id;
        offered_ = static_cast<uint16_t>(offered_ + count);
        slots_offered_ += count;
    }
    /// The first descriptor of a burst waits for publish(), and the device does not look behind it.
    void offer_rest(PackedPlace at, uint64_t rest) noexcept {
        rest |= uint64_t{at.available_flags()} << 48;
        if (held_) return store_release(slots_[at.index].rest, rest);
        held_ = true;
        held_at_ = at.index;
        held_rest_ = rest;
    }
    void offer_head(PackedPlace at, uint32_t len, uint16_t id, uint16_t flags) noexcept {
        offer_rest(at, Slot::rest_of(len, id, flags));
        if (in_order_) order_[offered_ & mask_] = id;
        ++offered_;
        slots_offered_ += chains_[id].slots;
    }
    /// Looks for up to `wanted` more used chains. Lines are asked for once the first one is there:
    /// a device writes a batch from its end, so the others are there as well.
    void scan(size_t wanted) noexcept {
        if (!scan_.is_used(load_acquire(slots_[scan_.index].rest))) return;
        own_entries(slots_, scan_.index, wanted, size_);
        PackedPlace at = scan_;
        const uint32_t first = used_tail_;
        uint32_t tail = first;
        if (long_chains_ == 0 && !in_order_) {
            tail = scan_run(tail, wanted, at);
        } else {
            while (tail - first < wanted) {
                const uint64_t rest = load_acquire(slots_[at.index].rest);
                if (!at.is_used(rest)) break;
                const auto id = static_cast<uint16_t>(rest >> 32);
                if (in_order_) tail = fill_in_to(id, tail, at);
                CHECK(id < size_ && chains_[id].slots > 0);
                used_[tail++ & mask_] = {id, static_cast<uint32_t>(rest)};
                at.advance(chains_[id].slots, size_);
            }
        }
        CHECK(tail - used_head_ <= in_flight());
        used_tail_ = tail;
        scan_ = at;
    }
    /// Of scan(), while every chain is of one slot: looks at slots one after the other. Returns the
    /// new tail.
    uint32_t scan_run(uint32_t tail, size_t wanted, PackedPlace& at) noexcept {
        UsedChain* const used = used_.data();
        const uint32_t size = size_;
        const uint32_t mask = mask_;
        for (size_t done = 0; done < wanted;) {
            const auto run =
                static_cast<uint32_t>(std::min<size_t>(wanted - done, size - at.index));
            const Slot* const from = slots_ + at.index;
            uint32_t found = 0;
            for (; found < run; ++found) {
                const uint64_t rest = load_acquire(from[found].rest);
                if (!at.is_used(rest)) break;
                const auto id = static_cast<uint16_t>(rest >> 32);
                CHECK(id < size);
                used[(tail + found) & mask] = {id, static_cast<uint32_t>(rest)};
            }
            tail += found;
            done += found;
            at.advance(found, size_);
            if (found < run) break;
        }
        return tail;
    }
    /// With IN_ORDER one used descriptor stands for all chains up to its own: notes those before
    /// `last`, and moves past them. virtio 1.2, 2.8.9.
    uint32_t fill_in_to(uint16_t last, uint32_t tail, PackedPlace& at) noexcept {
        for (;;) {
            CHECK(tail - used_head_ < in_flight());
            const uint16_t id = order_[(taken_ + tail - used_head_) & mask_];
            if (id == last) return tail;
            used_[tail++ & mask_] = {id, chains_[id].len_bytes};
            at.advance(chains_[id].slots, size_);
        }
    }
    Slot* slots_;             ///< Both write.
    uint32_t* driver_event_;  ///< We write, the device reads: off_wrap, flags.
    uint32_t* device_event_;  ///< The device writes, we read.
    uint16_t size_;
    uint16_t mask_;  ///< Of the lists below: a power of two that holds `size_`, less one.
    bool event_index_;
    bool in_order_;
    bool held_ = false;  ///< The first descriptor of a burst is not written yet.
    uint16_t held_at_ = 0;
    uint64_t held_rest_ = 0;
    PackedPlace next_;  ///< First slot not offered.
    PackedPlace scan_;  ///< Where the next used descriptor appears.
    uint32_t free_slots_;
    uint32_t long_chains_ = 0;  ///< Offered, of more than one slot.
    uint32_t slots_offered_ = 0;
    uint32_t slots_kicked_ = 0;  ///< Slots offered when kick_wanted() was last asked.
    uint16_t offered_ = 0;       ///< Chains.
    uint16_t taken_ = 0;
    uint32_t free_head_ = 0;
    uint32_t free_tail_ = 0;
    uint32_t used_head_ = 0;
    uint32_t used_tail_ = 0;
    std::vector<Chain> chains_;    ///< By id.
    std::vector<uint16_t> free_;   ///< Ids.
    std::vector<UsedChain> used_;  ///< Seen, not taken.
    std::vector<uint16_t> order_;  ///< Ids as they were offered; with IN_ORDER only.
};

}  // namespace valenic::driver
