#include "ring/rx_plan.hpp"

#include <algorithm>
#include <cstring>

#include "memory/guest_write.hpp"
#include "ring/copy.hpp"
#include "spec/virtio_net.hpp"

namespace valenic {

namespace {

template <Simd simd>
constexpr auto copy_in = [](uint8_t* to, const uint8_t* from, size_t bytes)
    __attribute__((always_inline)) {
    copy_bytes<simd>(to, from, bytes);
};

/// Header and start of the frame lie side by side in the stage. When the buffer has room, whole
/// lines go out: the stage is zero behind a short frame, so nothing leaks.
template <Simd simd>
VALENIC_INLINE void fill_one_piece(const Piece piece, const Batch& batch, size_t index) noexcept {
    const Frame frame = batch.frames[index];  // Copies: what is written might alias them.
    const auto* stage = reinterpret_cast<const uint8_t*>(&batch.stages[index]);
    const size_t bytes = stage_header_room + frame.stage_len;
    if (bytes <= line_bytes && piece.len_bytes >= line_bytes && frame.segment_count == 0) {
        guest_fill(piece.data, stage, line_bytes, copy_in<simd>);
        return;
    }
    if (piece.len_bytes >= sizeof(FrameStage)) {
        guest_fill(piece.data, stage, sizeof(FrameStage), copy_in<simd>);
        if (frame.segment_count == 0) return;
    } else {
        guest_fill(piece.data, stage, bytes, copy_in<simd>);
    }
    uint8_t* to = piece.data + bytes;
    for (const Segment& segment : batch.segments_of(frame)) {
        guest_fill(to, segment.data, segment.len_bytes, copy_in<simd>);
        to += segment.len_bytes;
    }
}

/// Writes bytes to buffers one after the other.
template <Simd simd>
class Scatter {
 public:
    explicit Scatter(const Piece* pieces) noexcept : piece_(pieces) {}
    VALENIC_INLINE void write(const uint8_t* from, size_t bytes) noexcept {
        while (bytes > 0) {
            const size_t part = std::min<size_t>(bytes, piece_->len_bytes - offset_);
            guest_fill(piece_->data + offset_, from, part, copy_in<simd>);
            from += part;
            bytes -= part;
            offset_ += part;
            if (offset_ == piece_->len_bytes) {
                ++piece_;
                offset_ = 0;
            }
        }
    }

 private:
    const Piece* piece_;
    size_t offset_ = 0;
};

/// Any header length, any number of buffers. reserve_frame() made sure that they have the room. A
/// call for each such frame, which is long or rare.
struct FillPieces {
    template <Simd simd>
    static VALENIC_INLINE void run(const RxPlan& plan, const RxTarget& target, const Batch& batch,
                                   uint32_t header_bytes) noexcept {
        const Frame& frame = batch.frames[target.frame];
        spec::NetHeader header;  // Ours: what the frame leaves to its receiver.
        std::memcpy(&header, batch.stages[target.frame].net_header, sizeof header);
        header.num_buffers = target.chain_count;
        Scatter<simd> out(plan.pieces + target.first_piece);
        out.write(reinterpret_cast<const uint8_t*>(&header), header_bytes);
        out.write(batch.stages[target.frame].bytes, frame.stage_len);
        for (const Segment& segment : batch.segments_of(frame))
            out.write(segment.data, segment.len_bytes);
    }
};

struct FillTargets {
    template <Simd simd>
    static VALENIC_INLINE uint64_t run(const RxPlan& plan, const Batch& batch,
                                       uint32_t header_bytes) noexcept {
        uint64_t bytes = 0;
        for (size_t i = 0; i < plan.target_count; ++i) {
            const RxTarget target = plan.targets[i];
            const bool simple = target.piece_count == 1 && header_bytes == stage_header_room;
            if (simple) [[likely]] {
                fill_one_piece<simd>(plan.pieces[target.first_piece], batch, target.frame);
            } else {
                wide<FillPieces>(plan, target, batch, header_bytes);
            }
            bytes += batch.frames[target.frame].len_bytes;
        }
        return bytes;
    }
};

}  // namespace

uint64_t fill_plan(const RxPlan& plan, const Batch& batch, uint32_t header_bytes) noexcept {
    return wide<FillTargets>(plan, batch, header_bytes);
}

}  // namespace valenic
