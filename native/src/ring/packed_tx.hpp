// Packed virtqueue, device side, guest -> us.
#pragma once
#include <array>
#include <cstdint>
#include <memory>

#include "ring/tx_ring.hpp"

namespace valenic {

class PackedTxRing final : public BasicTxRing<PackedTxRing> {
 public:
    PackedTxRing(const PackedLayout& layout, const RingConfig& config,
                 std::shared_ptr<const MemoryMap> memory) noexcept;

    void release() noexcept override;
    bool call_wanted() noexcept override;
    bool arm() noexcept override;
    void disarm() noexcept override { layout_.ask_for_no_kicks(); }
    PollWord poll_word() const noexcept override { return layout_.poll_word(next_); }
    uint16_t next_avail() const noexcept override { return load_once(next_.off_wrap); }
    uint16_t used_index() const noexcept override { return load_once(used_.off_wrap); }
    bool untouched() const noexcept override { return layout_.untouched(); }
    spec::Fault rebind(const Parked&, const RingConfig& config,
                       std::shared_ptr<const MemoryMap> memory) noexcept override;

 private:
    friend BasicTxRing<PackedTxRing>;
    /// A chain says only at its end where the next one begins.
    static constexpr bool slots_vary = true;

    /// Of a run: how many, whether it ended before its last slot, and whether tables were asked
    /// for.
    struct Loaded {
        size_t count = 0;
        bool ended = false;
        bool tables = false;
    };

    size_t load_heads(const TxHeads& found) noexcept;
    Loaded load_run(const TxHeads& found, PackedPosition at) noexcept;
    ChainResult walk(TxHead& head, size_t index, std::span<Piece> pieces) noexcept;
    void note_taken(std::span<const TxHead> heads) noexcept;
    void show_used(PackedPosition at, uint16_t id) noexcept;

    /// What a used descriptor will say about one taken chain.
    struct Borrowed {
        uint16_t id;
        uint16_t slots;
    };

    PackedLayout layout_;
    PackedPosition next_;  ///< First slot not taken. Owner writes, control thread looks.
    PackedPosition used_;  ///< First slot not handed back. Likewise.
    size_t ahead_ = 1;     ///< Chains that the last load found: as many are likely next time.
    uint32_t borrowed_slots_ = 0;
    uint64_t used_place_;                          ///< The number of `used_`.
    uint64_t signalled_place_;                     ///< That when call_wanted() was last asked.
    std::array<Borrowed, batch_frames> borrowed_;  ///< The first `taken_`; IN_ORDER: the last only.
};

}  // namespace valenic
