#include "ring/split_rx.hpp"

#include "ring/rebind.hpp"

namespace valenic {

using spec::Fault;

SplitRxRing::SplitRxRing(const SplitLayout& layout, const RingConfig& config,
                         std::shared_ptr<const MemoryMap> memory) noexcept
    : BasicRxRing(config.features, std::move(memory), first_place + config.base, config.size),
      layout_(layout),
      next_avail_(config.base),
      known_avail_(config.base) {
    layout_.ask_for_no_kicks();  // A frame without a buffer is dropped; we never wait for one.
}

Fault SplitRxRing::rebind(const Parked&, const RingConfig& config,
                          std::shared_ptr<const MemoryMap> memory) noexcept {
    const Fault fault = rebind_parts(config, std::move(memory), layout_, memory_, cache_);
    if (fault != Fault::none) break_with(fault);
    known_avail_ = next_avail_;
    return fault;
}

/// Whether index `next` is available, reading the guest's index only when what is known ran out.
bool SplitRxRing::chain_waits(uint16_t next) noexcept {
    if (next != known_avail_) return true;
    const uint16_t avail = layout_.avail_index();
    // The driver does not have back what we did not publish, so it cannot offer it again. This
    // also bounds how far workers can get ahead of one that is held up in its copy.
    const auto published = static_cast<uint16_t>(reservations_.published());
    const auto taken = static_cast<uint16_t>(next - published);
    if (taken > layout_.size || static_cast<uint16_t>(avail - next) > layout_.size - taken)
        [[unlikely]] {
        break_with(Fault::avail_index_jumped);
        return false;
    }
    known_avail_ = avail;
    return next != avail;
}

RxRoom SplitRxRing::take_chain(uint16_t& next, RxPlan& plan, RxTarget& target,
                               RxChain& chain) noexcept {
    if (!chain_waits(next)) return fault() == Fault::none ? RxRoom::no_buffer : RxRoom::broken;
    const uint16_t head = load_once(layout_.avail_ring()[next & layout_.mask]);
    if (head >= layout_.size) [[unlikely]]
        return break_with(Fault::index_outside_table);
    const spec::SplitDesc desc = load_descriptor(layout_.table[head]);
    if (desc.flags != spec::desc_f_write || !add_direct(desc.addr, desc.len, plan, target)) {
        ChainResult walked;
        const auto walk = [&](std::span<Piece> pieces) {
            return walk_chain<ChainUse::receive>(layout_, *memory_, cache_, head, pieces);
        };
        const RxRoom room = add_walked(walk, plan, target, walked);
        if (room != RxRoom::reserved) return room;
    }
    chain.id = head;
    chain.slots = 1;
    ++next;
    return RxRoom::reserved;
}

/// Only our own entries: nobody else writes or publishes them before finish().
void SplitRxRing::write_used(const RxPlan& plan, const Reservation& reservation) const noexcept {
    layout_.write_used_run(
        static_cast<uint16_t>(reservation.start), plan.chain_count,
        [&plan](size_t i) { return split_used(plan.chains[i].id, plan.chains[i].written_bytes); });
}

}  // namespace valenic
