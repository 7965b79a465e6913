#include "ring/tx_stage.hpp"

#include <algorithm>

#include "net/net_header.hpp"
#include "ring/copy.hpp"

namespace valenic {

using spec::DropReason;

namespace {

/// Copies what is shorter than the stage from `to` on, and zeroes the rest of it.
///
/// @param to  Where the net header goes when it is copied with its frame, else where the frame
/// goes.
template <Simd simd>
VALENIC_INLINE void fill_stage(FrameStage& stage, uint8_t* to, const uint8_t* from,
                               uint32_t bytes) noexcept {
    zero_line<simd>(reinterpret_cast<uint8_t*>(&stage) + line_bytes);
    if (bytes >= line_bytes) [[likely]] {
        copy_two_lines<simd>(to, from, bytes);
    } else {
        zero_line<simd>(reinterpret_cast<uint8_t*>(&stage));
        copy_short(to, from, bytes);
    }
}

/// As much of `bytes`, more than fill it, as the stage holds from `to` on.
template <Simd simd>
VALENIC_INLINE void fill_whole_stage(FrameStage& stage, uint8_t* to, const uint8_t* from) noexcept {
    uint8_t* const last = reinterpret_cast<uint8_t*>(&stage) + sizeof stage - line_bytes;
    copy_line<simd>(to, from);
    copy_line<simd>(last, from + (last - to));
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

/// @tparam in_pairs      Each frame's header lies in a buffer of its own.
/// @tparam header_bytes  Of the sender's net header. A constant: the loop has no register to spare.
template <bool in_pairs, uint32_t header_bytes>
struct TakeRun {
    static constexpr uint32_t gap = stage_header_room - header_bytes;
    static constexpr uint32_t in_front = in_pairs ? 0 : header_bytes;

    template <Simd simd>
    static VALENIC_INLINE size_t run(const TxHeads& heads, uint32_t max_frame_bytes, Batch& batch,
                                     OffloadSet negotiated) noexcept {
        const TxHead* head = heads.heads.data();
        const TxHead* const end = head + heads.size();
        const TxPair* pair = heads.pairs;
        Frame* frame = batch.frames + batch.count;
        FrameStage* stage = batch.stages + batch.count;
        size_t segments = batch.segment_count;
        uint64_t bytes = batch.bytes;
        const uint32_t longest_payload = max_frame_bytes - ethernet_header_bytes;
        for (; head != end; ++head, ++pair, ++frame, ++stage) {
            const uint8_t* from = head->data;
            if constexpr (in_pairs) from = from == nullptr ? pair->frame : nullptr;
            const uint32_t frame_bytes = head->len_bytes - header_bytes;
            // What is shorter than the headers wraps round, and is too long.
            const bool fits = frame_bytes - ethernet_header_bytes <= longest_payload;
            const bool longer = frame_bytes > stage_frame_bytes;
            if (from == nullptr || !fits || (longer && segments == batch_segments)) [[unlikely]]
                break;
            uint8_t* const to = stage->net_header + gap;
            uint8_t* const start = in_pairs ? stage->bytes : to;
            if (longer) {
                if (bytes >= batch_bytes_max) [[unlikely]]
                    break;
                fill_whole_stage<simd>(*stage, start, from);
            } else {
                fill_stage<simd>(*stage, start, from, in_front + frame_bytes);
            }
            if constexpr (in_pairs) copy_short(to, pair->header, header_bytes);
            if (asks_for_offload(to)) [[unlikely]] {
                const auto index = static_cast<size_t>(frame - batch.frames);
                if (ask(header_bytes, frame_bytes, negotiated, batch, index) != Asked::granted)
                    break;
            } else {
                write_plain_header(*stage);
            }
            bytes += frame_bytes;
            const auto first = static_cast<uint16_t>(segments);
            if (longer) {
                *frame = {frame_bytes, stage_frame_bytes, first, 1};
                batch.segments[segments++] = {from + in_front + stage_frame_bytes,
                                              frame_bytes - stage_frame_bytes};
            } else {
                *frame = {frame_bytes, static_cast<uint16_t>(frame_bytes), first, 0};
            }
        }
        const auto done = static_cast<size_t>(head - heads.heads.data());
        batch.count += done;
        batch.segment_count = segments;
        batch.bytes = bytes;
        return done;
    }
};

template <bool in_pairs>
size_t take_run_of(const TxHeads& heads, const TxRules& rules, Batch& batch) noexcept {
    if (rules.max_frame_bytes < ethernet_header_bytes) return 0;
    if (rules.header_bytes == spec::net_header_bytes)
        return wide<TakeRun<in_pairs, spec::net_header_bytes>>(heads, rules.max_frame_bytes, batch,
                                                               rules.offloads);
    return wide<TakeRun<in_pairs, spec::net_header_legacy_bytes>>(heads, rules.max_frame_bytes,
                                                                  batch, rules.offloads);
}

}  // namespace

template <typename Desc>
void read_tables(const TxHeads& heads, uint32_t header_bytes, const MemoryMap& memory,
                 RegionCache<Access::read>& cache) noexcept {
    for (size_t i = 0; i < heads.size(); ++i) {
        if (heads.heads[i].data != nullptr || heads.pairs[i].table == nullptr) continue;
        const auto table =
            load_entry(reinterpret_cast<const PairTable<Desc>*>(heads.pairs[i].table));
        const Desc& frame = table.second;
        if (!sends_two(table.first, frame) || table.first.len != header_bytes ||
            frame.len > largest_frame_bytes)
            continue;
        const TxPair pair{memory.translate(table.first.addr, header_bytes, cache),
                          memory.translate(frame.addr, frame.len, cache), nullptr};
        if (pair.header == nullptr || pair.frame == nullptr) continue;
        fetch_line(pair.header);
        fetch_line(pair.frame);
        fetch_line(pair.frame + line_bytes);
        heads.heads[i].len_bytes = header_bytes + frame.len;
        heads.pairs[i] = pair;
    }
}
template void read_tables<spec::SplitDesc>(const TxHeads&, uint32_t, const MemoryMap&,
                                           RegionCache<Access::read>&) noexcept;
template void read_tables<spec::PackedDesc>(const TxHeads&, uint32_t, const MemoryMap&,
                                            RegionCache<Access::read>&) noexcept;

size_t take_run(const TxHeads& heads, const TxRules& rules, Batch& batch) noexcept {
    if (heads.to_be_walked(0)) return 0;
    if (heads.heads[0].data == nullptr) return take_run_of<true>(heads, rules, batch);
    return take_run_of<false>(heads, rules, batch);
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
