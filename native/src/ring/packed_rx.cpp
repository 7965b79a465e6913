#include "ring/packed_rx.hpp"

#include "ring/rebind.hpp"

namespace valenic {

using spec::Fault;

PackedRxRing::PackedRxRing(const PackedLayout& layout, const RingConfig& config,
                           std::shared_ptr<const MemoryMap> memory) noexcept
    : BasicRxRing(config.features, std::move(memory), layout.place_of({config.base}), layout.size),
      layout_(layout),
      next_{{config.base}, layout.place_of({config.base})} {
    layout_.ask_for_no_kicks();  // A frame without a buffer is dropped; we never wait for one.
}

Fault PackedRxRing::rebind(const Parked&, const RingConfig& config,
                           std::shared_ptr<const MemoryMap> memory) noexcept {
    const Fault fault = rebind_parts(config, std::move(memory), layout_, memory_, cache_);
    if (fault != Fault::none) break_with(fault);
    return fault;
}

RxRoom PackedRxRing::take_chain(Place& place, RxPlan& plan, RxTarget& target,
                                RxChain& chain) noexcept {
    const size_t free = free_slots(place);
    if (free == 0 || !layout_.available(place.at)) return RxRoom::no_buffer;
    const spec::PackedDesc desc = load_packed(layout_.slots[place.at.index()]);
    const auto flags = static_cast<uint16_t>(desc.flags & ~packed_state_flags);
    if (flags == spec::desc_f_write && add_direct(desc.addr, desc.len, plan, target)) {
        chain.id = desc.id;
        chain.slots = 1;
    } else {
        ChainResult walked;
        const auto walk = [&](std::span<Piece> pieces) {
            return walk_chain<ChainUse::receive>(layout_, *memory_, cache_, place.at,
                                                 static_cast<uint32_t>(free), pieces);
        };
        const RxRoom room = add_walked(walk, plan, target, walked);
        if (room != RxRoom::reserved) return room;
        chain.id = walked.id;
        chain.slots = walked.slots;
    }
    place.at.advance(chain.slots, layout_.size);
    place.number += chain.slots;
    return RxRoom::reserved;
}

/// All but the first of our own: the driver takes used descriptors in their order, and does not
/// look behind one that is not marked.
void PackedRxRing::write_used(const RxPlan& plan, const Reservation& reservation) const noexcept {
    PackedPosition at = layout_.position_of(reservation.start);
    at.advance(plan.chains[0].slots, layout_.size);
    if (plan.slot_count == plan.chain_count) {
        layout_.mark_used_run(at, plan.chain_count - 1, [&plan](size_t i) {
            const RxChain& chain = plan.chains[i + 1];
            return packed_rest(chain.written_bytes, chain.id, spec::desc_f_write);
        });
        return;
    }
    for (size_t i = 1; i < plan.chain_count; ++i) {
        const RxChain& chain = plan.chains[i];
        const auto flags = static_cast<uint16_t>(at.used_flags() | spec::desc_f_write);
        guest_publish(layout_.slots[at.index()].rest,
                      packed_rest(chain.written_bytes, chain.id, flags));
        at.advance(chain.slots, layout_.size);
    }
}

/// Behind a reservation that is not complete nobody sees the first one either.
void PackedRxRing::finish(const RxPlan& plan, const Reservation& reservation, uint64_t /*end*/,
                          bool /*grew*/) const noexcept {
    const PackedPosition at = layout_.position_of(reservation.start);
    const RxChain& chain = plan.chains[0];
    const auto flags = static_cast<uint16_t>(at.used_flags() | spec::desc_f_write);
    guest_publish(layout_.slots[at.index()].rest,
                  packed_rest(chain.written_bytes, chain.id, flags));
}

}  // namespace valenic
