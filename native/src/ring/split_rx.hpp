// Split virtqueue, device side, us -> guest.
#pragma once
#include <cstdint>
#include <memory>

#include "ring/rx_ring.hpp"

namespace valenic {

class SplitRxRing final : public BasicRxRing<SplitRxRing> {
 public:
    SplitRxRing(const SplitLayout& layout, const RingConfig& config,
                std::shared_ptr<const MemoryMap> memory) noexcept;

    uint16_t next_avail() const noexcept override { return load_once(next_avail_); }
    uint16_t used_index() const noexcept override {
        return static_cast<uint16_t>(reservations_.published());
    }
    bool untouched() const noexcept override { return layout_.avail_index() == 0; }
    spec::Fault rebind(const Parked&, const RingConfig& config,
                       std::shared_ptr<const MemoryMap> memory) noexcept override;

 private:
    friend BasicRxRing<SplitRxRing>;
    /// The guest sees the last 16 bits of a place's number.
    static constexpr uint64_t first_place = uint64_t{1} << 16;

    /// Looks at chains of one direct descriptor that are known to wait.
    struct Cursor {
        const uint16_t* ring;
        const spec::SplitDesc* table;
        size_t mask;
        size_t place;
        uint16_t known_avail;

        size_t known() const noexcept { return static_cast<uint16_t>(known_avail - place); }
        bool load(size_t number, DirectBuffer& buffer) const noexcept {
            const uint16_t head = load_once(ring[(place + number) & mask]);
            if (head > mask) [[unlikely]]
                return false;
            const spec::SplitDesc desc = load_descriptor(table[head]);
            if (desc.flags != spec::desc_f_write) [[unlikely]]
                return false;
            buffer = {desc.addr, desc.len, head};
            return true;
        }
        void ask(size_t) const noexcept {}
        uint16_t after(size_t count) const noexcept { return static_cast<uint16_t>(place + count); }
    };

    uint16_t next() const noexcept { return next_avail_; }
    void set_next(uint16_t next) noexcept { store_once(next_avail_, next); }
    Cursor cursor() const noexcept {
        return {layout_.avail_ring(), layout_.table, layout_.mask, next_avail_, known_avail_};
    }
    RxRoom take_chain(uint16_t& next, RxPlan& plan, RxTarget& target, RxChain& chain) noexcept;
    void write_used(const RxPlan& plan, const Reservation& reservation) const noexcept;
    void finish(const RxPlan&, const Reservation&, uint64_t end, bool grew) const noexcept {
        if (grew) guest_publish(layout_.used->idx, static_cast<uint16_t>(end));
    }
    bool chain_waits(uint16_t next) noexcept;
    bool wants_call(uint64_t published, uint64_t before) const noexcept {
        return layout_.wants_call(static_cast<uint16_t>(before), static_cast<uint16_t>(published));
    }

    SplitLayout layout_;
    uint16_t next_avail_;   ///< First index not taken. The control thread looks, without the lock.
    uint16_t known_avail_;  ///< The guest's available index when last read.
};

}  // namespace valenic
