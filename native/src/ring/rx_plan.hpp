// Where the frames of a batch go in one receiver's memory: made under its lock, copied outside it.
#pragma once
#include <cstddef>
#include <cstdint>

#include "net/batch.hpp"
#include "ring/chain.hpp"
#include "ring/ring.hpp"

namespace valenic {

/// One chain taken from the guest and how much of it is filled: a used entry.
struct RxChain {
    uint16_t id;     ///< Split: index of its head. Packed: buffer id.
    uint16_t slots;  ///< Packed: descriptors it takes up in the ring. Split: 1.
    uint32_t written_bytes;
};
static_assert(offsetof(RxChain, written_bytes) == 4);

/// One frame's place, when it is not one direct buffer.
struct RxTarget {
    uint8_t frame;  ///< Index in the batch.
    uint16_t first_piece;
    uint16_t piece_count;
    uint16_t chain_count;  ///< More than one only with mergeable buffers.
};

/// Bounded; a batch that needs more is delivered in several goes. Lives on the worker's stack.
struct RxPlan {
    static constexpr size_t chains_max = 256;
    static constexpr size_t pieces_max = 1024;

    size_t frame_count() const noexcept { return direct_count + target_count; }

    size_t direct_count = 0;
    size_t target_count = 0;
    size_t chain_count = 0;
    size_t piece_count = 0;
    size_t walked = 0;  ///< Descriptors of chains that were walked, under one lock.
    RxExpense* expense = nullptr;
    size_t slot_count = 0;       ///< Places of the used ring that the chains take up.
    RxChain chains[chains_max];  ///< In the order of the ring.
    /// Where a frame goes whose chain is one direct buffer with room for all of it: nearly all are.
    /// nullptr: the chain belongs to a target.
    uint8_t* buffers[chains_max];
    uint8_t frames[chains_max];  ///< Which frame of the batch: of such chains.
    RxTarget targets[batch_frames];
    Piece pieces[pieces_max];  ///< Of the targets.
};

/// Copies the frames of the plan to their places, each with a net header of `header_bytes`.
/// Returns the bytes of the frames (without headers).
uint64_t fill_plan(const RxPlan& plan, const Batch& batch, uint32_t header_bytes) noexcept;

}  // namespace valenic
