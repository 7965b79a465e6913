#include "net/rewritten.hpp"

#include <cstring>

#include "net/checksum.hpp"
#include "net/ip.hpp"
#include "net/net_header_check.hpp"
#include "net/pieces.hpp"

namespace valenic {

namespace {

/// Lends a frame, except the two bytes of its checksum, which are replaced.
bool lend_around(PieceWalk walk, uint32_t before, const uint8_t* checksum, uint32_t after,
                 Batch& to) noexcept {
    if (!walk.lend(before, to) || to.segment_count == batch_segments) return false;
    to.segments[to.segment_count++] = {checksum, 2};
    walk.pass_over(2);
    return walk.lend(after, to);
}

}  // namespace

void commit_frame(Batch& batch, uint32_t len_bytes, uint32_t stage_len, size_t first,
                  const FrameOffload& offload) noexcept {
    batch.frames[batch.count] = {len_bytes, static_cast<uint16_t>(stage_len),
                                 static_cast<uint16_t>(first),
                                 static_cast<uint16_t>(batch.segment_count - first)};
    if (offload.needs != 0) batch.leave(batch.count, offload, 0);
    batch.bytes += len_bytes;
    ++batch.count;
}

bool append_untouched(const Batch& from, size_t index, RewrittenBatch& to) noexcept {
    Batch& out = to.batch;
    const Frame& frame = from.frames[index];
    if (out.full() || out.segment_count + frame.segment_count > batch_segments) return false;
    const size_t first = out.segment_count;
    out.stages[out.count] = from.stages[index];
    for (const Segment& segment : from.segments_of(frame))
        out.segments[out.segment_count++] = segment;
    commit_frame(out, frame.len_bytes, frame.stage_len, first,
                 from.needs_of(index) != 0 ? from.offloads[index] : FrameOffload{});
    return true;
}

/// @spec virtio 1.2, 5.1.6.2 "Packet Transmission": the complement of the sum from csum_start to
/// the end of the frame, where the sender left the pseudo header's sum.
bool append_completed(const Batch& from, size_t index, RewrittenBatch& to) noexcept {
    Batch& out = to.batch;
    const Frame& frame = from.frames[index];
    const FrameOffload& offload = from.offloads[index];
    if (out.full()) return false;
    const uint32_t field = offload.csum_field;
    const bool staged = field + 2u <= frame.stage_len;
    const uint32_t stage_len =
        staged ? frame.stage_len : std::min<uint32_t>(frame.stage_len, field);
    FrameStage& stage = out.stages[out.count];
    stage = from.stages[index];
    write_net_header(stage, FrameOffload{});
    std::memset(stage.bytes + stage_len, 0, stage_frame_bytes - stage_len);
    uint8_t* checksum = staged ? stage.bytes + field : to.checksums[out.count];

    const size_t first = out.segment_count;
    PieceWalk walk(from, index);
    walk.pass_over(stage_len);
    const bool fits =
        staged ? walk.lend(frame.len_bytes - stage_len, out)
               : lend_around(walk, field - stage_len, checksum, frame.len_bytes - field - 2, out);
    if (!fits) {
        out.segment_count = first;
        return false;
    }
    RunningSum sum;
    PieceWalk summed(from, index);
    summed.pass_over(offload.csum_at);
    summed.add_to(sum, frame.len_bytes - offload.csum_at);
    store_word(checksum, checksum_of(sum.value()));
    commit_frame(out, frame.len_bytes, stage_len, first, FrameOffload{});
    return true;
}

}  // namespace valenic
