#include "ring/split_rx.hpp"

#include <algorithm>
#include <mutex>

#include "base/check.hpp"
#include "ring/copy.hpp"
#include "ring/net_header.hpp"

namespace valenic {

using spec::DropReason;
using spec::Fault;

SplitRxRing::SplitRxRing(const SplitLayout& layout, const RingConfig& config,
                         std::shared_ptr<const MemoryMap> memory) noexcept
    : memory_(std::move(memory)),
      layout_(layout),
      header_bytes_(net_header_bytes_for(config.features)),
      mergeable_((config.features & spec::feature_mask(spec::net_feature_mrg_rxbuf)) != 0),
      next_avail_(config.base),
      known_avail_(config.base),
      reserved_(config.base),
      published_(config.base),
      signalled_(first_signalled(config)) {
    guest_publish(layout_.used->idx, config.base);
    layout_.ask_for_no_kicks();  // A frame without a buffer is dropped; we never wait for one.
}

Fault SplitRxRing::rebind(const RingConfig& config,
                          std::shared_ptr<const MemoryMap> memory) noexcept {
    auto layout = SplitLayout::resolve(config, *memory);
    if (!layout) {
        break_with(layout.error());
        return layout.error();
    }
    layout_ = layout.value();
    memory_ = std::move(memory);
    cache_ = {};
    known_avail_ = next_avail_;
    layout_.ask_for_no_kicks();  // Another used ring may say otherwise.
    return Fault::none;
}

SplitRxRing::Room SplitRxRing::break_with(Fault fault) noexcept {
    fault_.store(fault, std::memory_order_relaxed);
    return Room::broken;
}

Delivery SplitRxRing::deliver(const Batch& batch, std::span<const uint8_t> indices,
                              CounterBlock& counters) noexcept {
    Delivery delivery;
    while (!indices.empty()) {
        RxPlan plan;
        Reservation reservation{};
        const size_t seen = reserve(batch, indices, plan, reservation, counters);
        indices = indices.subspan(seen);
        if (plan.target_count == 0) continue;
        delivery.bytes += fill_plan(plan, batch, header_bytes_);
        delivery.frames += plan.target_count;
        write_used(plan, reservation);
        delivery.published |= complete(reservation);
    }
    return delivery;
}

/// Finds room for as many of the frames as the plan holds; drops and counts those without any.
/// Returns how many were looked at: at least one.
size_t SplitRxRing::reserve(const Batch& batch, std::span<const uint8_t> indices, RxPlan& plan,
                            Reservation& reservation, CounterBlock& counters) noexcept {
    const std::lock_guard guard(lock_);
    size_t seen = 0;
    for (; seen < indices.size(); ++seen) {
        if (fault_.load(std::memory_order_relaxed) != Fault::none) [[unlikely]] {
            counters.drop(DropReason::rx_ring_broken, indices.size() - seen);
            seen = indices.size();
            break;
        }
        seen += reserve_direct_run(batch, indices.subspan(seen), plan);
        if (seen == indices.size()) break;
        const size_t targets = plan.target_count;
        switch (reserve_frame(header_bytes_ + batch.frames[indices[seen]].len_bytes, plan)) {
            case Room::reserved:
                plan.targets[targets].frame = indices[seen];
                continue;
            case Room::no_buffer:
                // Nothing more will fit: buffers only ever run out.
                counters.drop(DropReason::rx_no_buffer, 1);
                continue;
            case Room::too_long:
                counters.drop(DropReason::rx_too_long, 1);
                continue;
            case Room::broken:
                counters.drop(DropReason::rx_ring_broken, 1);
                continue;
            case Room::plan_full:
                break;
        }
        break;
    }
    reservation = {reserved_, static_cast<uint16_t>(plan.chain_count)};
    reserved_ = static_cast<uint16_t>(reserved_ + plan.chain_count);
    return seen;
}

/// Reserves for frames that fit into one direct buffer each, up to the first for which that does
/// not hold. Everything about the others, faults included, is left to reserve_frame().
size_t SplitRxRing::reserve_direct_run(const Batch& batch, std::span<const uint8_t> indices,
                                       RxPlan& plan) noexcept {
    const uint16_t* avail = layout_.avail_ring();
    const size_t known = static_cast<uint16_t>(known_avail_ - next_avail_);
    const size_t room =
        std::min(RxPlan::chains_max - plan.chain_count, RxPlan::pieces_max - plan.piece_count);
    const size_t count = std::min({indices.size(), known, room});
    size_t done = 0;
    for (; done < count; ++done) {
        const uint16_t head = load_once(avail[(next_avail_ + done) & layout_.mask]);
        if (head >= layout_.size) [[unlikely]]
            break;
        const spec::SplitDesc desc = load_descriptor(layout_.table[head]);
        const uint32_t bytes = header_bytes_ + batch.frames[indices[done]].len_bytes;
        if (desc.flags != spec::desc_f_write || desc.len < bytes) [[unlikely]]
            break;
        uint8_t* data = memory_->translate(desc.addr, desc.len, true, cache_);
        if (data == nullptr) [[unlikely]]
            break;
        prefetch_write(data);
        prefetch_write(data + line_bytes);
        plan.targets[plan.target_count + done] = {
            indices[done], static_cast<uint16_t>(plan.piece_count + done), 1, 1};
        plan.pieces[plan.piece_count + done] = {data, desc.len};
        plan.chains[plan.chain_count + done] = {head, bytes};
    }
    plan.target_count += done;
    plan.piece_count += done;
    plan.chain_count += done;
    store_once(next_avail_, static_cast<uint16_t>(next_avail_ + done));
    return done;
}

/// Whether index `next` is available, reading the guest's index only when what is known ran out.
bool SplitRxRing::chain_waits(uint16_t next) noexcept {
    if (next != known_avail_) return true;
    const uint16_t avail = layout_.avail_index();
    // What was not published has not come back, so the driver cannot have offered it again. This
    // also bounds how far workers can get ahead of one that is held up in its copy.
    const uint16_t published = published_.load(std::memory_order_relaxed);
    const auto taken = static_cast<uint16_t>(next - published);
    if (taken > layout_.size || static_cast<uint16_t>(avail - next) > layout_.size - taken)
        [[unlikely]] {
        break_with(Fault::avail_index_jumped);
        return false;
    }
    known_avail_ = avail;
    return next != avail;
}

/// Takes chains until `bytes` fit: one, or several with mergeable buffers. All or none.
SplitRxRing::Room SplitRxRing::reserve_frame(uint32_t bytes, RxPlan& plan) noexcept {
    RxTarget target{0, static_cast<uint16_t>(plan.piece_count), 0, 0};
    const size_t first_chain = plan.chain_count;
    uint16_t next = next_avail_;
    uint32_t left = bytes;
    Room room = Room::reserved;
    while (left > 0) {
        if (plan.chain_count == RxPlan::chains_max) {
            room = Room::plan_full;
            break;
        }
        if (!chain_waits(next)) {
            room = fault() == Fault::none ? Room::no_buffer : Room::broken;
            break;
        }
        const uint16_t head = load_once(layout_.avail_ring()[next & layout_.mask]);
        const size_t pieces = plan.piece_count;
        room = reserve_chain(head, plan, target);
        if (room != Room::reserved) break;
        uint64_t capacity = 0;
        for (size_t i = pieces; i < plan.piece_count; ++i) capacity += plan.pieces[i].len_bytes;
        if (capacity < header_bytes_) {
            room = break_with(Fault::buffer_too_small);
            break;
        }
        if (capacity < left && !mergeable_) {
            room = Room::too_long;
            break;
        }
        const auto written = static_cast<uint32_t>(std::min<uint64_t>(left, capacity));
        plan.chains[plan.chain_count++] = {head, written};
        ++target.chain_count;
        left -= written;
        ++next;
    }
    if (room == Room::reserved) {
        store_once(next_avail_, next);
        plan.targets[plan.target_count++] = target;
        return room;
    }
    plan.chain_count = first_chain;
    plan.piece_count = target.first_piece;
    // A frame that an empty plan cannot hold fits nowhere.
    return room == Room::plan_full && plan.target_count == 0 ? Room::too_long : room;
}

/// Adds the buffers of one chain to the target.
SplitRxRing::Room SplitRxRing::reserve_chain(uint16_t head, RxPlan& plan,
                                             RxTarget& target) noexcept {
    if (head >= layout_.size) [[unlikely]]
        return break_with(Fault::index_outside_table);
    const spec::SplitDesc desc = load_descriptor(layout_.table[head]);
    if (desc.flags == spec::desc_f_write && plan.piece_count < RxPlan::pieces_max) [[likely]] {
        uint8_t* data = memory_->translate(desc.addr, desc.len, true, cache_);
        if (data != nullptr && desc.len > 0) [[likely]] {
            prefetch_write(data);
            prefetch_write(data + line_bytes);
            plan.pieces[plan.piece_count++] = {data, desc.len};
            ++target.piece_count;
            return Room::reserved;
        }
    }
    const std::span<Piece> rest{plan.pieces + plan.piece_count,
                                RxPlan::pieces_max - plan.piece_count};
    const ChainResult chain = walk_chain(layout_, *memory_, head, ChainUse::receive, rest);
    if (chain.fault != Fault::none) return break_with(chain.fault);
    if (chain.overflow) return Room::plan_full;
    plan.piece_count += chain.pieces;
    target.piece_count = static_cast<uint16_t>(target.piece_count + chain.pieces);
    return Room::reserved;
}

/// Our own entries only: nobody else writes or publishes them before complete().
void SplitRxRing::write_used(const RxPlan& plan, const Reservation& reservation) noexcept {
    spec::SplitUsedElem* used = layout_.used_ring();
    for (size_t i = 0; i < plan.chain_count; ++i) {
        spec::SplitUsedElem& element = used[(reservation.start + i) & layout_.mask];
        guest_store(element.id, plan.chains[i].head);
        guest_store(element.len, plan.chains[i].written_bytes);
    }
}

/// Keeps what is complete until everything before it is. Neighbours become one, so that there are
/// never more than the workers who hold them up, however long one of those is off its CPU.
void SplitRxRing::keep_waiting(Reservation run) noexcept {
    for (size_t i = 0; i < waiting_count_;) {
        const Reservation other = waiting_[i];
        const bool before = static_cast<uint16_t>(other.start + other.count) == run.start;
        const bool behind = static_cast<uint16_t>(run.start + run.count) == other.start;
        if (!before && !behind) {
            ++i;
            continue;
        }
        run = {before ? other.start : run.start, static_cast<uint16_t>(run.count + other.count)};
        waiting_[i] = waiting_[--waiting_count_];
    }
    CHECK(waiting_count_ < waiting_.size());
    waiting_[waiting_count_++] = run;
}

/// Publishes the contiguous prefix of complete reservations. True when the used index moved.
bool SplitRxRing::complete(const Reservation& reservation) noexcept {
    const std::lock_guard guard(lock_);
    uint16_t published = published_.load(std::memory_order_relaxed);
    if (reservation.start != published) {
        keep_waiting(reservation);
        return false;
    }
    published = static_cast<uint16_t>(published + reservation.count);
    for (size_t i = 0; i < waiting_count_;) {
        if (waiting_[i].start != published) {
            ++i;
            continue;
        }
        published = static_cast<uint16_t>(published + waiting_[i].count);
        waiting_[i] = waiting_[--waiting_count_];
        i = 0;  // The next one may stand anywhere; there are at most workers_max.
    }
    published_.store(published, std::memory_order_relaxed);
    guest_publish(layout_.used->idx, published);
    return true;
}

/// Two workers may ask at once: then one of them may hear "yes" needlessly, and none misses one.
bool SplitRxRing::call_wanted() noexcept {
    full_fence();  // Our used index before their flag or event. virtio 1.2, 2.7.7.2.
    const uint16_t now = published_.load(std::memory_order_relaxed);
    const uint16_t before = signalled_.exchange(now, std::memory_order_relaxed);
    return layout_.wants_call(before, now);
}

}  // namespace valenic
