// Packed virtqueue, device side, us -> guest.
#pragma once
#include <cstdint>
#include <memory>

#include "ring/rx_ring.hpp"

namespace valenic {

class PackedRxRing final : public BasicRxRing<PackedRxRing> {
 public:
    PackedRxRing(const PackedLayout& layout, const RingConfig& config,
                 std::shared_ptr<const MemoryMap> memory) noexcept;

    uint16_t next_avail() const noexcept override { return load_once(next_.at.off_wrap); }
    uint16_t used_index() const noexcept override {
        return layout_.position_of(reservations_.published()).off_wrap;
    }
    bool untouched() const noexcept override { return layout_.untouched(); }
    spec::Fault rebind(const Parked&, const RingConfig& config,
                       std::shared_ptr<const MemoryMap> memory) noexcept override;

 private:
    friend BasicRxRing<PackedRxRing>;

    struct Place {
        PackedPosition at;
        uint64_t number;
    };
    /// Looks at descriptors that are a chain each, side by side up to the ring's end.
    struct Cursor {
        const PackedLayout& layout;
        Place place;
        size_t count;
        const PackedSlot* slots;
        uint16_t direct_flags;  ///< Of one that is available, and one buffer to write to.

        size_t known() const noexcept { return count; }
        bool load(size_t number, DirectBuffer& buffer) const noexcept {
            const PackedSlot& slot = slots[number];
            const uint64_t rest = load_acquire(slot.rest);
            if (packed_flags(rest) != direct_flags) [[unlikely]]
                return false;
            buffer = {load_once(slot.addr), packed_len(rest), packed_id(rest)};
            return true;
        }
        void ask(size_t wanted) const noexcept { layout.own_slots(place.at, wanted); }
        Place after(size_t taken) const noexcept {
            Place next = place;
            next.at.advance(static_cast<uint32_t>(taken), layout.size);
            next.number += taken;
            return next;
        }
    };

    Place next() const noexcept { return next_; }
    void set_next(const Place& place) noexcept {
        store_once(next_.at.off_wrap, place.at.off_wrap);
        next_.number = place.number;
    }
    Cursor cursor() const noexcept {
        const size_t index = next_.at.index();
        return {layout_, next_, std::min(free_slots(next_), layout_.size - index),
                layout_.slots + index,
                static_cast<uint16_t>(next_.at.available_flags() | spec::desc_f_write)};
    }
    /// The driver does not have back what we did not publish, so it cannot offer it again. This
    /// also bounds how far workers can get ahead of one that is held up in its copy.
    size_t free_slots(const Place& place) const noexcept {
        return layout_.size - static_cast<size_t>(place.number - reservations_.published());
    }
    RxRoom take_chain(Place& place, RxPlan& plan, RxTarget& target, RxChain& chain) noexcept;
    void write_used(const RxPlan& plan, const Reservation& reservation) const noexcept;
    void finish(const RxPlan& plan, const Reservation& reservation, uint64_t, bool) const noexcept;
    bool wants_call(uint64_t published, uint64_t before) const noexcept {
        return layout_.wants_call(layout_.position_of(published), published - before);
    }

    PackedLayout layout_;
    Place next_;  ///< First slot not taken. The control thread looks, without the lock.
};

}  // namespace valenic
