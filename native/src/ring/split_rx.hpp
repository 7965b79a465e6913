// Split virtqueue, device side, us -> guest.
#pragma once
#include <array>
#include <atomic>
#include <cstdint>
#include <memory>

#include "base/limits.hpp"
#include "base/spinlock.hpp"
#include "ring/chain.hpp"
#include "ring/rx_plan.hpp"
#include "ring/split_layout.hpp"

namespace valenic {

/// Several workers deliver at once: each reserves chains and used entries under the lock, copies
/// outside it, and completes under the lock. Whoever completes the oldest reservation publishes all
/// that is complete behind it. Nobody waits for another's copy.
class SplitRxRing final : public RxRing {
 public:
    SplitRxRing(const SplitLayout& layout, const RingConfig& config,
                std::shared_ptr<const MemoryMap> memory) noexcept;

    Delivery deliver(const Batch& batch, std::span<const uint8_t> indices,
                     CounterBlock& counters) noexcept override;
    bool call_wanted() noexcept override;
    spec::Fault fault() const noexcept override { return fault_.load(std::memory_order_relaxed); }
    uint16_t next_avail() const noexcept override { return load_once(next_avail_); }
    uint16_t used_index() const noexcept override {
        return published_.load(std::memory_order_relaxed);
    }
    uint16_t driver_avail_index() const noexcept override { return layout_.avail_index(); }
    spec::Fault rebind(const RingConfig& config,
                       std::shared_ptr<const MemoryMap> memory) noexcept override;

 private:
    enum class Room : uint8_t { reserved, plan_full, no_buffer, too_long, broken };

    /// Used entries [start, start + count) that one worker fills.
    struct Reservation {
        uint16_t start;
        uint16_t count;
    };

    size_t reserve(const Batch& batch, std::span<const uint8_t> indices, RxPlan& plan,
                   Reservation& reservation, CounterBlock& counters) noexcept;
    size_t reserve_direct_run(const Batch& batch, std::span<const uint8_t> indices,
                              RxPlan& plan) noexcept;
    Room reserve_frame(uint32_t bytes, RxPlan& plan) noexcept;
    Room reserve_chain(uint16_t head, RxPlan& plan, RxTarget& target) noexcept;
    bool chain_waits(uint16_t next) noexcept;
    void write_used(const RxPlan& plan, const Reservation& reservation) noexcept;
    void keep_waiting(Reservation run) noexcept;
    bool complete(const Reservation& reservation) noexcept;
    Room break_with(spec::Fault fault) noexcept;

    std::shared_ptr<const MemoryMap> memory_;
    SplitLayout layout_;
    uint32_t header_bytes_;
    bool mergeable_;

    /// Guards what follows. Held for a reservation or a completion, never for a copy.
    alignas(64) Spinlock lock_;
    RegionCache cache_;
    uint16_t next_avail_;   ///< First index not taken. The control thread looks, without the lock.
    uint16_t known_avail_;  ///< The guest's available index when last read.
    uint16_t reserved_;     ///< First used entry that nobody reserved.
    size_t waiting_count_ = 0;
    /// Complete, but behind someone's copy; no two are neighbours, so each is held up by another.
    std::array<Reservation, workers_max> waiting_;

    std::atomic<uint16_t> published_;  ///< Used index as the guest sees it.
    std::atomic<uint16_t> signalled_;  ///< Used index when call_wanted() was last asked.
    std::atomic<spec::Fault> fault_{spec::Fault::none};
};

}  // namespace valenic
