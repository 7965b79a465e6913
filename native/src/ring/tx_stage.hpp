// From a chain in guest memory to a frame of the batch: what split and packed rings share.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/lines.hpp"
#include "net/batch.hpp"
#include "net/net_header.hpp"
#include "ring/chain.hpp"
#include "ring/ring.hpp"

namespace valenic {

/// A frame of more pieces is dropped; net header and stage may end inside one piece each.
inline constexpr size_t chain_pieces_max = frame_segments_max;

/// One chain that a fetch looks at and, of a single direct buffer, where it lies.
struct TxHead {
    uint16_t id;     ///< Split: index in the table. Packed: buffer id.
    uint16_t slots;  ///< Packed: descriptors that it takes up in the ring. Split: 1.
    uint32_t len_bytes;
    const uint8_t* data;  ///< nullptr: two buffers, or to be walked.
};
static_assert(offsetof(TxHead, len_bytes) == 4);

/// Where a head without data lies: the net header alone in one buffer, the frame in another.
/// Nearly all chains are of one of these two shapes. Not written for a head that has data.
struct TxPair {
    const uint8_t* header;
    const uint8_t* frame;  ///< nullptr: the chain must be walked.
    const uint8_t* table;  ///< Two entries that may name them, or nullptr: for read_tables().
};

/// The indirect table of a pair.
template <typename Desc>
struct PairTable {
    Desc first;
    Desc second;
};
static_assert(sizeof(PairTable<spec::SplitDesc>) == sizeof(PairTable<spec::PackedDesc>));

/// Heads and pairs, side by side, in the order of the ring.
struct TxHeads {
    std::span<TxHead> heads;
    TxPair* pairs;

    size_t size() const noexcept { return heads.size(); }
    TxHeads first(size_t count) const noexcept { return {heads.first(count), pairs}; }
    TxHeads from(size_t first) const noexcept { return {heads.subspan(first), pairs + first}; }
    bool to_be_walked(size_t i) const noexcept {
        return heads[i].data == nullptr && pairs[i].frame == nullptr;
    }
    void walk(size_t i) const noexcept {
        heads[i].data = nullptr;
        pairs[i] = {};
    }
};

/// Asks for the indirect table that a head's descriptor names, if it can be of a pair: the misses
/// of a batch overlap. True then.
inline bool expect_pair(TxPair& pair, uint64_t addr, uint32_t bytes, const MemoryMap& memory,
                        RegionCache<Access::read>& cache) noexcept {
    if (bytes != sizeof(PairTable<spec::SplitDesc>)) return false;
    pair.table = memory.translate(addr, bytes, cache);
    if (pair.table == nullptr) return false;
    fetch_line(pair.table);
    return true;
}

/// Reads the tables that were asked for. An entry is loaded once, checked and used; a table that is
/// not as simple is left to the walk, which loads afresh.
///
/// @tparam Desc   The ring's descriptor.
/// @param heads   Some without data; the pair of each of those is empty, or expected.
template <typename Desc>
void read_tables(const TxHeads& heads, uint32_t header_bytes, const MemoryMap& memory,
                 RegionCache<Access::read>& cache) noexcept;

enum class TxTaken : uint8_t { yes, no_room, broken };

/// Takes the frames from the start of `heads`, up to the first of another shape than the first
/// head's (one buffer, or two), or that cannot be taken so: none when that is to be walked.
///
/// One loop over the batch, without a call for each frame: half of the cost of a short frame was
/// calls and spilled registers (test/bench/switch_bench.cpp).
///
/// A frame that asks for more than the rules allow cannot be taken so.
size_t take_run(const TxHeads& heads, const TxRules& rules, Batch& batch) noexcept;

/// Takes one chain that was walked without a fault and holds at least a header: into the batch, or
/// dropped and counted.
TxTaken stage_chain(const ChainResult& chain, std::span<const Piece> pieces, const TxRules& rules,
                    Batch& batch, CounterBlock& counters) noexcept;

}  // namespace valenic
