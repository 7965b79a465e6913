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

/// Which limit of the sending port a frame breaks.
bool breaks_limit(uint64_t frame_bytes, const FetchLimits& limits, DropReason& reason) noexcept {
    if (frame_bytes < ethernet_header_bytes) {
        reason = DropReason::tx_too_short;
        return true;
    }
    reason = DropReason::tx_too_long;
    return frame_bytes > limits.max_frame_bytes;
}

struct TakeRun {
    template <Simd simd>
    static VALENIC_INLINE size_t run(std::span<const TxHead> heads, uint32_t header_bytes,
                                     uint32_t max_frame_bytes, Batch& batch,
                                     size_t& bad_headers) noexcept {
        const uint32_t gap = stage_header_room - header_bytes;
        const uint32_t shortest = header_bytes + ethernet_header_bytes;
        size_t count = batch.count;
        size_t segments = batch.segment_count;
        uint64_t bytes = batch.bytes;
        size_t done = 0;
        for (; done < heads.size() && segments < batch_segments; ++done) {
            const TxHead head = heads[done];  // A copy: what is written below might alias it.
            const uint32_t frame_bytes = head.len_bytes - header_bytes;
            if (head.data == nullptr || head.len_bytes < shortest || frame_bytes > max_frame_bytes)
                [[unlikely]]
                break;
            FrameStage& stage = batch.stages[count];
            fill_stage<simd>(stage, head.data, head.len_bytes, gap);
            if (asks_for_offload(reinterpret_cast<const uint8_t*>(&stage) + gap)) [[unlikely]] {
                ++bad_headers;
                continue;
            }
            write_plain_header(stage);
            const uint32_t staged =
                frame_bytes < stage_frame_bytes ? frame_bytes : stage_frame_bytes;
            const bool longer = frame_bytes > staged;
            batch.frames[count] = {frame_bytes, static_cast<uint16_t>(staged),
                                   static_cast<uint16_t>(segments), static_cast<uint16_t>(longer)};
            batch.segments[segments] = {head.data + header_bytes + staged, frame_bytes - staged};
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

}  // namespace

size_t take_direct_run(std::span<const TxHead> heads, uint32_t header_bytes,
                       uint32_t max_frame_bytes, Batch& batch, size_t& bad_headers) noexcept {
    return wide<TakeRun>(heads, header_bytes, max_frame_bytes, batch, bad_headers);
}

TxTaken stage_chain(const ChainResult& chain, std::span<const Piece> pieces, uint32_t header_bytes,
                    const FetchLimits& limits, Batch& batch, CounterBlock& counters) noexcept {
    const uint64_t frame_bytes = chain.bytes - header_bytes;
    DropReason reason = DropReason::tx_too_many_segments;
    if (breaks_limit(frame_bytes, limits, reason)) {
        counters.drop(reason, 1);
        return TxTaken::yes;
    }
    if (chain.overflow) {
        counters.drop(DropReason::tx_too_many_segments, 1);
        return TxTaken::yes;
    }
    if (batch.segment_count + chain.pieces > batch_segments) return TxTaken::no_room;

    FrameStage& stage = batch.stages[batch.count];
    reset_stage(stage);
    PieceCursor cursor{pieces.first(chain.pieces)};
    uint8_t header[stage_header_room] = {};
    cursor.read(header, header_bytes);
    if (asks_for_offload(header)) {
        counters.drop(DropReason::tx_bad_net_header, 1);
        return TxTaken::yes;
    }
    const auto len = static_cast<uint32_t>(frame_bytes);
    const uint32_t staged = std::min(len, stage_frame_bytes);
    cursor.read(stage.bytes, staged);
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
