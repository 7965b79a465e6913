#include "ring/tx_stage.hpp"

#include <algorithm>

#include "ring/copy.hpp"
#include "ring/net_header.hpp"

namespace valenic {

using spec::DropReason;

namespace {

/// Copies the first bytes of a frame and its header into the stage and zeroes the rest of it.
///
/// @param from  Net header and frame, `bytes` in all, in one piece.
/// @param gap   12 - the sender's header length: the frame always begins at the stage's byte 12.
template <Simd simd>
VALENIC_INLINE void fill_stage(FrameStage& stage, const uint8_t* from, uint32_t bytes,
                               uint32_t gap) noexcept {
    auto* to = reinterpret_cast<uint8_t*>(&stage);
    const uint32_t room = static_cast<uint32_t>(sizeof stage) - gap;
    if (bytes >= room) {
        copy_line<simd>(to + gap, from);
        copy_line<simd>(to + sizeof stage - line_bytes, from + room - line_bytes);
    } else if (bytes >= line_bytes) {
        zero_line<simd>(to + line_bytes);
        copy_line<simd>(to + gap, from);
        copy_line<simd>(to + gap + bytes - line_bytes, from + bytes - line_bytes);
    } else {
        zero_line<simd>(to);
        zero_line<simd>(to + line_bytes);
        copy_short(to + gap, from, bytes);
    }
}

/// The same of a frame whose net header lies elsewhere.
template <Simd simd>
VALENIC_INLINE void fill_stage(FrameStage& stage, const uint8_t* header, uint32_t header_bytes,
                               const uint8_t* frame, uint32_t bytes) noexcept {
    uint8_t* const to = stage.bytes;
    if (bytes >= stage_frame_bytes) {
        copy_line<simd>(to, frame);
        copy_line<simd>(to + stage_frame_bytes - line_bytes,
                        frame + stage_frame_bytes - line_bytes);
    } else if (bytes >= line_bytes) {
        zero_line<simd>(to + stage_frame_bytes - line_bytes);
        copy_line<simd>(to, frame);
        copy_line<simd>(to + bytes - line_bytes, frame + bytes - line_bytes);
    } else {
        zero_line<simd>(to);
        zero_line<simd>(to + stage_frame_bytes - line_bytes);
        copy_short(to, frame, bytes);
    }
    copy_short(stage.net_header + stage_header_room - header_bytes, header, header_bytes);
}

/// Reads a chain's buffers in order.
struct PieceCursor {
    std::span<const Piece> pieces;
    uint32_t offset = 0;  ///< Into the first of them.

    void read(uint8_t* to, uint32_t bytes) noexcept {
        while (bytes > 0 && !pieces.empty()) {
            const uint32_t part = std::min(bytes, pieces[0].len_bytes - offset);
            copy_bytes<Simd::baseline>(to, pieces[0].data + offset, part);
            to += part;
            bytes -= part;
            advance(part);
        }
    }
    void advance(uint32_t bytes) noexcept {
        offset += bytes;
        if (offset < pieces[0].len_bytes) return;
        pieces = pieces.subspan(1);
        offset = 0;
    }
};

/// Out of the loop: what it needs takes up no registers there.
__attribute__((noinline)) Asked ask(uint32_t header_bytes, uint32_t frame_bytes,
                                    OffloadSet negotiated, Batch& batch, size_t index) noexcept {
    const auto* stage = reinterpret_cast<const uint8_t*>(&batch.stages[index]);
    DropReason why{};  // Who is refused is looked at again, as a chain, and counted there.
    return grant_offload(stage + stage_header_room - header_bytes, frame_bytes,
                         {header_bytes, frame_bytes, negotiated}, batch, index, why);
}

/// @tparam in_pairs  Each frame's header lies in a buffer of its own.
template <bool in_pairs>
struct TakeRun {
    template <Simd simd>
    static VALENIC_INLINE size_t run(const TxHeads& heads, uint32_t header_bytes,
                                     uint32_t max_frame_bytes, Batch& batch,
                                     OffloadSet negotiated) noexcept {
        const uint32_t gap = stage_header_room - header_bytes;
        const uint32_t shortest = header_bytes + ethernet_header_bytes;
        size_t count = batch.count;
        size_t segments = batch.segment_count;
        uint64_t bytes = batch.bytes;
        size_t done = 0;
        for (; done < heads.size() && segments < batch_segments; ++done) {
            const TxHead head = heads.heads[done];  // A copy: what is written below might alias it.
            const uint32_t frame_bytes = head.len_bytes - header_bytes;
            const uint8_t* from = head.data;
            if constexpr (in_pairs) from = head.data == nullptr ? heads.pairs[done].frame : nullptr;
            if (from == nullptr || head.len_bytes < shortest || frame_bytes > max_frame_bytes)
                [[unlikely]]
                break;
            FrameStage& stage = batch.stages[count];
            if constexpr (in_pairs) {
                fill_stage<simd>(stage, heads.pairs[done].header, header_bytes, from, frame_bytes);
            } else {
                fill_stage<simd>(stage, from, head.len_bytes, gap);
            }
            if (asks_for_offload(reinterpret_cast<const uint8_t*>(&stage) + gap)) [[unlikely]] {
                const Asked asked = ask(header_bytes, frame_bytes, negotiated, batch, count);
                if (asked != Asked::granted) break;
            } else {
                write_plain_header(stage);
            }
            const uint32_t staged =
                frame_bytes < stage_frame_bytes ? frame_bytes : stage_frame_bytes;
            const bool longer = frame_bytes > staged;
            batch.frames[count] = {frame_bytes, static_cast<uint16_t>(staged),
                                   static_cast<uint16_t>(segments), static_cast<uint16_t>(longer)};
            batch.segments[segments] = {from + (in_pairs ? 0 : header_bytes) + staged,
                                        frame_bytes - staged};
            segments += longer;
            bytes += frame_bytes;
            ++count;
        }
        batch.count = count;
        batch.segment_count = segments;
        batch.bytes = bytes;
        return done;
    }
};

template <typename Desc>
struct PairTable {
    Desc first;
    Desc second;
};
static_assert(sizeof(PairTable<spec::SplitDesc>) == sizeof(PairTable<spec::PackedDesc>));

}  // namespace

bool expect_pair(TxPair& pair, uint64_t addr, uint32_t bytes, const MemoryMap& memory,
                 RegionCache& cache) noexcept {
    if (bytes != sizeof(PairTable<spec::SplitDesc>)) return false;
    pair.table = memory.translate(addr, bytes, false, cache);
    if (pair.table == nullptr) return false;
    fetch_line(pair.table);
    return true;
}

template <typename Desc>
void read_tables(const TxHeads& heads, uint32_t header_bytes, const MemoryMap& memory,
                 RegionCache& cache) noexcept {
    for (size_t i = 0; i < heads.size(); ++i) {
        if (heads.heads[i].data != nullptr || heads.pairs[i].table == nullptr) continue;
        const auto table =
            load_entry(reinterpret_cast<const PairTable<Desc>*>(heads.pairs[i].table));
        const Desc& frame = table.second;
        if (!sends_two(table.first, frame) || table.first.len != header_bytes ||
            frame.len > largest_frame_bytes)
            continue;
        const TxPair pair{memory.translate(table.first.addr, header_bytes, false, cache),
                          memory.translate(frame.addr, frame.len, false, cache), nullptr};
        if (pair.header == nullptr || pair.frame == nullptr) continue;
        fetch_line(pair.header);
        fetch_line(pair.frame);
        fetch_line(pair.frame + line_bytes);
        heads.heads[i].len_bytes = header_bytes + frame.len;
        heads.pairs[i] = pair;
    }
}
template void read_tables<spec::SplitDesc>(const TxHeads&, uint32_t, const MemoryMap&,
                                           RegionCache&) noexcept;
template void read_tables<spec::PackedDesc>(const TxHeads&, uint32_t, const MemoryMap&,
                                            RegionCache&) noexcept;

size_t take_run(const TxHeads& heads, uint32_t header_bytes, uint32_t max_frame_bytes, Batch& batch,
                OffloadSet negotiated) noexcept {
    if (heads.to_be_walked(0)) return 0;
    if (heads.heads[0].data == nullptr)
        return wide<TakeRun<true>>(heads, header_bytes, max_frame_bytes, batch, negotiated);
    return wide<TakeRun<false>>(heads, header_bytes, max_frame_bytes, batch, negotiated);
}

TxTaken stage_chain(const ChainResult& chain, std::span<const Piece> pieces, const TxRules& rules,
                    Batch& batch, CounterBlock& counters) noexcept {
    const auto drop = [&](DropReason reason) {
        counters.drop(reason, 1);
        return TxTaken::yes;
    };
    const uint64_t frame_bytes = chain.bytes - rules.header_bytes;
    if (frame_bytes < ethernet_header_bytes) return drop(DropReason::tx_too_short);
    if (frame_bytes > largest_frame_bytes) return drop(DropReason::tx_too_long);
    if (chain.overflow) return drop(DropReason::tx_too_many_segments);
    if (batch.segment_count + chain.pieces > batch_segments) return TxTaken::no_room;

    FrameStage& stage = batch.stages[batch.count];
    reset_stage(stage);
    PieceCursor cursor{pieces.first(chain.pieces)};
    uint8_t header[stage_header_room] = {};
    cursor.read(header, rules.header_bytes);
    const auto len = static_cast<uint32_t>(frame_bytes);
    const uint32_t staged = std::min(len, stage_frame_bytes);
    cursor.read(stage.bytes, staged);
    if (asks_for_offload(header)) [[unlikely]] {
        DropReason why{};
        const Asked asked = grant_offload(header, len, rules, batch, batch.count, why);
        if (asked == Asked::no_room) return TxTaken::no_room;
        if (asked == Asked::refused) return drop(why);
    } else if (len > rules.max_frame_bytes) {
        return drop(DropReason::tx_too_long);
    }
    Frame& frame = batch.frames[batch.count];
    frame = {len, static_cast<uint16_t>(staged), static_cast<uint16_t>(batch.segment_count), 0};
    for (; !cursor.pieces.empty(); cursor.advance(cursor.pieces[0].len_bytes - cursor.offset)) {
        const Piece& piece = cursor.pieces[0];
        batch.segments[batch.segment_count++] = {piece.data + cursor.offset,
                                                 piece.len_bytes - cursor.offset};
        ++frame.segment_count;
    }
    batch.bytes += len;
    ++batch.count;
    return TxTaken::yes;
}

}  // namespace valenic
