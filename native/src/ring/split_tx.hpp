// Split virtqueue, device side, guest -> us.
#pragma once
#include <cstdint>
#include <memory>

#include "ring/tx_ring.hpp"

namespace valenic {

class SplitTxRing final : public BasicTxRing<SplitTxRing> {
 public:
    SplitTxRing(const SplitLayout& layout, const RingConfig& config,
                std::shared_ptr<const MemoryMap> memory) noexcept;

    void release() noexcept override;
    bool call_wanted() noexcept override;
    bool arm() noexcept override;
    void disarm() noexcept override { layout_.ask_for_no_kicks(); }
    uint16_t next_avail() const noexcept override { return load_once(next_avail_); }
    PollWord poll_word() const noexcept override {
        return {&layout_.avail->idx, 0xffff, next_avail_, false};
    }
    uint16_t used_index() const noexcept override { return load_once(used_index_); }
    bool untouched() const noexcept override {
        return layout_.avail_index() == 0 && next_avail() == 0;
    }
    spec::Fault rebind(const Parked&, const RingConfig& config,
                       std::shared_ptr<const MemoryMap> memory) noexcept override;

 private:
    friend BasicTxRing<SplitTxRing>;
    static constexpr bool slots_vary = false;

    size_t waiting(size_t wanted) noexcept;
    size_t load_heads(const TxHeads& found) noexcept;
    ChainResult walk(const TxHead& head, size_t, std::span<Piece> pieces) noexcept {
        return walk_chain<ChainUse::send>(layout_, *memory_, cache_, head.id, pieces);
    }
    void note_taken(std::span<const TxHead> heads) noexcept;

    SplitLayout layout_;
    uint16_t next_avail_;     ///< First index not taken. Owner writes, control thread looks.
    uint16_t known_avail_;    ///< The guest's available index when last read.
    uint16_t used_index_;     ///< Published. Owner writes, control thread looks.
    uint16_t signalled_;      ///< Used index when call_wanted() was last asked.
    uint16_t last_head_ = 0;  ///< Of the chains taken; with IN_ORDER.
};

}  // namespace valenic
