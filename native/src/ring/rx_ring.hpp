// How frames find room in a receiver's ring of either kind: CRTP, so that split and packed
// rings share it without a call for each frame.
#pragma once
#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>
#include <utility>

#include "base/spinlock.hpp"
#include "net/net_header.hpp"
#include "ring/copy.hpp"
#include "ring/reservations.hpp"
#include "ring/ring.hpp"
#include "ring/rx_plan.hpp"

namespace valenic {

/// How it went to find room for a frame. Behind `ring_empty` and `overdrawn` there is no room for
/// any frame; `no_buffer`: there are some, but too few for this one.
enum class RxRoom : uint8_t {
    reserved,
    plan_full,
    no_buffer,
    ring_empty,
    overdrawn,
    too_long,
    broken
};

/// A chain of one buffer, as a ring found it. Not checked.
struct DirectBuffer {
    uint64_t addr;
    uint32_t len_bytes;
    uint16_t id;
};

/// Several workers may deliver together: each reserves chains and used entries under the lock,
/// copies outside it, and completes under the lock. Whoever completes the oldest reservation
/// publishes all that is complete behind it. Nobody waits for another's copy.
///
/// `Ring` supplies
/// - `next()`, `set_next(place)`: the first chain not taken; under the lock, as all but write_used;
/// - `cursor()`: looks at chains of one buffer: `known()`, `ask(count)`, `load(number, buffer)`
///   and `after(count)`, the place behind so many;
/// - `take_chain(place, plan, target, chain)`: adds one chain and moves the place behind it;
/// - `write_used(plan, reservation)`: what the guest does not look at before finish();
/// - `finish(plan, reservation, end, grew)`: shows it, and the prefix up to `end` when it grew;
/// - `wants_call(published, before)`.
template <typename Ring>
class BasicRxRing : public RxRing {
 public:
    using RxRing::deliver;
    Delivery deliver(const Batch& batch, std::span<const uint8_t> indices, CounterBlock& counters,
                     RxExpense& expense) noexcept final {
        Delivery delivery;
        while (!indices.empty()) {
            RxPlan plan;
            plan.expense = &expense;
            Reservation reservation{};
            const size_t seen = reserve(batch, indices, plan, reservation, counters);
            indices = indices.subspan(seen);
            if (plan.frame_count() == 0) continue;
            delivery.bytes += fill_plan(plan, batch, header_bytes_);
            delivery.frames += static_cast<uint32_t>(plan.frame_count());
            ring().write_used(plan, reservation);
            delivery.published |= complete(plan, reservation);
        }
        if (memory_->truncated()) [[unlikely]]
            break_with(spec::Fault::memory_truncated);
        return delivery;
    }
    /// Two workers may ask together: then one may get a needless "yes", and none misses
    /// one.
    bool call_wanted() noexcept final {
        // What counts as published is what the guest can see, even if another worker's store showed
        // it: a question that is answered for frames in advance would lose their call.
        const uint64_t now = reservations_.published();
        full_fence();  // What is published before their wish. virtio 1.2, 2.7.7.2 and 2.8.
        const uint64_t before = signalled_.exchange(now, std::memory_order_relaxed);
        return now != before && ring().wants_call(now, before);
    }
    OffloadSet accepts() const noexcept final { return accepts_; }

 protected:
    /// @param first      Number of the first place to use, at least `ring_size`.
    /// @param ring_size  The first question whether to call covers a whole ring: a device before us
    ///                   may have published and died before it called. At worst a call too many.
    BasicRxRing(uint64_t features, std::shared_ptr<const MemoryMap> memory, uint64_t first,
                uint16_t ring_size) noexcept
        : memory_(std::move(memory)),
          header_bytes_(net_header_bytes_for(features)),
          mergeable_((features & spec::feature_mask(spec::net_feature_mrg_rxbuf)) != 0),
          accepts_(offloads_of_receiver(features)),
          reservations_(first),
          signalled_(first - ring_size) {}

    RxRoom break_with(spec::Fault fault) noexcept {
        RxRing::break_with(fault);
        return RxRoom::broken;
    }
    /// Adds a buffer that one descriptor describes, if it is as simple as that.
    bool add_direct(uint64_t addr, uint32_t len_bytes, RxPlan& plan, RxTarget& target) noexcept {
        if (plan.piece_count == RxPlan::pieces_max || len_bytes == 0) [[unlikely]]
            return false;
        uint8_t* data = memory_->translate(addr, len_bytes, cache_);
        if (data == nullptr) [[unlikely]]
            return false;
        own_line(data);
        own_line(data + line_bytes);
        plan.pieces[plan.piece_count++] = {data, len_bytes};
        ++target.piece_count;
        return true;
    }
    /// Adds a chain of another shape: `walk(pieces)` collects its buffers into those. The receiver
    /// pays for the walk. It goes on under the lock, so there is a limit for each time that the
    /// lock is held, in which a frame's chains must find room too.
    template <typename Walk>
    RxRoom add_walked(Walk walk, RxPlan& plan, RxTarget& target, ChainResult& chain) noexcept {
        RxExpense& expense = *plan.expense;
        if (expense.overdrawn()) return RxRoom::overdrawn;
        if (plan.walked >= receive_chain_max) return RxRoom::plan_full;
        const uint64_t began = expense.clock.now();
        chain = walk(std::span<Piece>{plan.pieces + plan.piece_count,
                                      RxPlan::pieces_max - plan.piece_count});
        expense.spent += expense.clock.to_ns(expense.clock.now() - began);
        plan.walked += chain.descriptors;
        if (chain.fault != spec::Fault::none) return break_with(chain.fault);
        if (chain.overflow) return RxRoom::plan_full;
        plan.piece_count += chain.pieces;
        target.piece_count = static_cast<uint16_t>(target.piece_count + chain.pieces);
        return RxRoom::reserved;
    }

    std::shared_ptr<const MemoryMap> memory_;
    const uint32_t header_bytes_;
    const bool mergeable_;
    const OffloadSet accepts_;
    /// Guards what follows and the ring's next place. Held for a reservation or a completion, never
    /// for a copy.
    alignas(64) Spinlock lock_;
    RegionCache<Access::write> cache_;
    Reservations reservations_;

 private:
    Ring& ring() noexcept { return static_cast<Ring&>(*this); }

    /// Finds room for as many of the frames as the plan holds; drops and counts those without any.
    /// Returns how many were looked at: at least one.
    size_t reserve(const Batch& batch, std::span<const uint8_t> indices, RxPlan& plan,
                   Reservation& reservation, CounterBlock& counters) noexcept {
        const std::lock_guard guard(lock_);
        size_t seen = 0;
        for (; seen < indices.size(); ++seen) {
            if (fault() != spec::Fault::none) [[unlikely]] {
                counters.drop(spec::DropReason::rx_ring_broken, indices.size() - seen);
                seen = indices.size();
                break;
            }
            seen += reserve_direct_run(batch, indices.subspan(seen), plan);
            if (seen == indices.size()) break;
            const size_t targets = plan.target_count;
            const uint32_t bytes = header_bytes_ + batch.frames[indices[seen]].len_bytes;
            const RxRoom room = reserve_frame(bytes, plan);
            if (room == RxRoom::plan_full) break;
            if (room == RxRoom::overdrawn || room == RxRoom::ring_empty) {
                plan.expense->refused |= room == RxRoom::overdrawn;
                counters.drop(reason_of(room), indices.size() - seen);
                seen = indices.size();
                break;
            }
            if (room == RxRoom::reserved) {
                plan.targets[targets].frame = indices[seen];
            } else {
                counters.drop(reason_of(room), 1);
            }
        }
        reservation = reservations_.take(static_cast<uint32_t>(plan.slot_count));
        return seen;
    }
    static spec::DropReason reason_of(RxRoom room) noexcept {
        using spec::DropReason;
        if (room == RxRoom::no_buffer || room == RxRoom::ring_empty)
            return DropReason::rx_no_buffer;
        if (room == RxRoom::overdrawn) return DropReason::rx_overdrawn;
        return room == RxRoom::too_long ? DropReason::rx_too_long : DropReason::rx_ring_broken;
    }

    /// Reserves for frames that fit into one direct buffer each, up to the first for which that
    /// does not hold. Everything about the others, faults included, is left to reserve_frame().
    size_t reserve_direct_run(const Batch& batch, std::span<const uint8_t> indices,
                              RxPlan& plan) noexcept {
        auto cursor = ring().cursor();
        RegionCache<Access::write> cache = cache_;
        const MemoryMap& memory = *memory_;
        // Copies: what is written below might alias the members.
        const uint32_t header_bytes = header_bytes_;
        const Frame* const frames = batch.frames;
        const uint8_t* const wanted = indices.data();
        const size_t first = plan.chain_count;
        const size_t count = std::min({indices.size(), cursor.known(), RxPlan::chains_max - first});
        size_t done = 0;
        cursor.ask(count);
        for (; done < count; ++done) {
            DirectBuffer buffer;
            const uint32_t bytes = header_bytes + frames[wanted[done]].len_bytes;
            if (!cursor.load(done, buffer) || buffer.len_bytes < bytes) [[unlikely]]
                break;
            uint8_t* const data = memory.translate(buffer.addr, buffer.len_bytes, cache);
            if (data == nullptr) [[unlikely]]
                break;
            own_line(data);
            own_line(data + line_bytes);
            plan.buffers[first + done] = data;
            set_one_slot(plan.chains[first + done], buffer.id, bytes);
        }
        std::copy_n(wanted, done, plan.frames + first);
        cache_ = cache;
        plan.direct_count += done;
        plan.chain_count += done;
        plan.slot_count += done;
        ring().set_next(cursor.after(done));
        return done;
    }

    /// Takes chains until `bytes` fit: one, or several with mergeable buffers. All or none.
    RxRoom reserve_frame(uint32_t bytes, RxPlan& plan) noexcept {
        RxTarget target{0, static_cast<uint16_t>(plan.piece_count), 0, 0};
        const size_t first_chain = plan.chain_count;
        const size_t first_slot = plan.slot_count;
        auto next = ring().next();
        uint32_t left = bytes;
        RxRoom room = RxRoom::reserved;
        while (left > 0) {
            if (plan.chain_count == RxPlan::chains_max) {
                room = RxRoom::plan_full;
                break;
            }
            const size_t pieces = plan.piece_count;
            RxChain chain{};
            room = ring().take_chain(next, plan, target, chain);
            if (room != RxRoom::reserved) break;
            uint64_t capacity = 0;
            for (size_t i = pieces; i < plan.piece_count; ++i) capacity += plan.pieces[i].len_bytes;
            if (capacity < header_bytes_) {
                room = break_with(spec::Fault::buffer_too_small);
                break;
            }
            if (capacity < left && !mergeable_) {
                room = RxRoom::too_long;
                break;
            }
            chain.written_bytes = static_cast<uint32_t>(std::min<uint64_t>(left, capacity));
            plan.buffers[plan.chain_count] = nullptr;
            plan.chains[plan.chain_count++] = chain;
            plan.slot_count += chain.slots;
            ++target.chain_count;
            left -= chain.written_bytes;
        }
        if (room == RxRoom::reserved) {
            ring().set_next(next);
            plan.targets[plan.target_count++] = target;
            plan.expense->charge_parts(size_t{target.piece_count} + target.chain_count, bytes);
            return room;
        }
        if (room == RxRoom::no_buffer && plan.chain_count == first_chain) return RxRoom::ring_empty;
        plan.chain_count = first_chain;
        plan.slot_count = first_slot;
        plan.piece_count = target.first_piece;
        // A frame that an empty plan cannot hold fits nowhere.
        return room == RxRoom::plan_full && plan.frame_count() == 0 ? RxRoom::too_long : room;
    }

    /// Shows the contiguous prefix of complete reservations. True when it grew.
    bool complete(const RxPlan& plan, const Reservation& reservation) noexcept {
        const std::lock_guard guard(lock_);
        const uint64_t end = reservations_.complete(reservation);
        const bool grew = end != reservations_.published();
        ring().finish(plan, reservation, end, grew);
        if (grew) reservations_.publish(end);  // Last: call_wanted() reads it without the lock.
        return grew;
    }

    std::atomic<uint64_t> signalled_;  ///< published() when call_wanted() was last asked.
};

}  // namespace valenic
