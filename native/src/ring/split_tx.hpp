// Split virtqueue, device side, guest -> us.
#pragma once
#include <atomic>
#include <cstdint>
#include <memory>

#include "ring/chain.hpp"
#include "ring/split_layout.hpp"

namespace valenic {

/// One chain that a fetch looks at: its head and, of a single direct buffer, where it lies.
struct TxHead {
    uint16_t index;
    uint32_t len_bytes;
    const uint8_t* data;  ///< nullptr: to be walked.
};

class SplitTxRing final : public TxRing {
 public:
    SplitTxRing(const SplitLayout& layout, const RingConfig& config,
                std::shared_ptr<const MemoryMap> memory) noexcept;

    size_t fetch(Batch& batch, const FetchLimits& limits, CounterBlock& counters) noexcept override;
    void release() noexcept override;
    bool call_wanted() noexcept override;
    bool arm() noexcept override;
    void disarm() noexcept override { layout_.ask_for_no_kicks(); }
    spec::Fault fault() const noexcept override { return fault_.load(std::memory_order_relaxed); }
    uint16_t next_avail() const noexcept override { return load_once(next_avail_); }
    uint16_t used_index() const noexcept override { return load_once(used_index_); }
    uint16_t driver_avail_index() const noexcept override { return layout_.avail_index(); }
    spec::Fault rebind(const RingConfig& config,
                       std::shared_ptr<const MemoryMap> memory) noexcept override;

 private:
    enum class Taken : uint8_t { yes, no_room, broken };

    size_t waiting() noexcept;
    size_t load_heads(size_t count, TxHead* heads) noexcept;
    void write_used(std::span<const TxHead> heads) noexcept;
    Taken take_chain(uint16_t head, Batch& batch, const FetchLimits& limits,
                     CounterBlock& counters) noexcept;
    void break_with(spec::Fault fault) noexcept;

    std::shared_ptr<const MemoryMap> memory_;
    SplitLayout layout_;
    RegionCache cache_;
    uint32_t header_bytes_;
    uint16_t next_avail_;   ///< First index not taken. Owner writes, control thread looks.
    uint16_t known_avail_;  ///< The guest's available index when last read.
    uint16_t used_index_;   ///< Published. Owner writes, control thread looks.
    uint16_t taken_ = 0;  ///< Chains taken since the last release; their used entries are written.
    uint16_t signalled_;  ///< Used index when call_wanted() was last asked.
    std::atomic<spec::Fault> fault_{spec::Fault::none};  ///< Owner writes, control thread reads.
};

}  // namespace valenic
