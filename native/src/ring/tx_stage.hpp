// From a chain in guest memory to a frame of the batch: what split and packed rings share.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>

#include "net/batch.hpp"
#include "ring/chain.hpp"
#include "ring/net_header.hpp"
#include "ring/ring.hpp"

namespace valenic {

/// A frame of more pieces is dropped; net header and stage may end inside one piece each.
inline constexpr size_t chain_pieces_max = frame_segments_max;

/// One chain that a fetch looks at and, of a single direct buffer, where it lies.
struct TxHead {
    uint16_t id;     ///< Split: index in the table. Packed: buffer id.
    uint16_t slots;  ///< Packed: descriptors that it takes up in the ring. Split: 1.
    uint32_t len_bytes;
    const uint8_t* data;  ///< nullptr: to be walked.
};

enum class TxTaken : uint8_t { yes, no_room, broken };

/// What frames may ask for, and how many of them asked for what they do not get.
struct Requests {
    OffloadSet negotiated;
    size_t refused;
};

/// Takes the frames of one buffer each from the start of `heads`, up to the first that is not.
///
/// One loop over the batch, without a call for each frame: half of the cost of a short frame was
/// calls and spilled registers (test/bench/switch_bench.cpp).
///
/// @param requests  Those refused are taken, and not in the batch.
size_t take_direct_run(std::span<const TxHead> heads, uint32_t header_bytes,
                       uint32_t max_frame_bytes, Batch& batch, Requests& requests) noexcept;

/// Takes one chain that was walked without a fault and holds at least a header: into the batch, or
/// dropped and counted.
TxTaken stage_chain(const ChainResult& chain, std::span<const Piece> pieces, const TxRules& rules,
                    Batch& batch, CounterBlock& counters) noexcept;

}  // namespace valenic
