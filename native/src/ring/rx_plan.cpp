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

/// The net header and the frame's start lie side by side in the stage.
template <Simd simd, uint32_t header_bytes>
VALENIC_INLINE void fill_direct(uint8_t* to, const FrameStage& stage, const Frame frame,
                                const Batch& batch) noexcept {
    if constexpr (header_bytes == stage_header_room) {
        const size_t bytes = stage_header_room + frame.stage_len;
        guest_fill(to, stage.net_header, bytes, copy_in<simd>);
        to += bytes;
    } else {
        guest_fill(to, stage.net_header, header_bytes, copy_in<simd>);
        guest_fill(to + header_bytes, stage.bytes, frame.stage_len, copy_in<simd>);
        to += header_bytes + frame.stage_len;
    }
    if (frame.segment_count == 0) return;  // Most: four instructions less.
    for (const Segment& segment : batch.segments_of(frame)) {
        guest_fill(to, segment.data, segment.len_bytes, copy_in<simd>);
        to += segment.len_bytes;
    }
}

/// One loop over the batch, for one of the two lengths of header.
template <uint32_t header_bytes>
struct FillDirect {
    template <Simd simd>
    static VALENIC_INLINE uint64_t run(const RxPlan& plan, const Batch& batch) noexcept {
        uint64_t bytes = 0;
        const size_t count = plan.chain_count;
        for (size_t i = 0; i < count; ++i) {
            uint8_t* const buffer = plan.buffers[i];
            if (buffer == nullptr) [[unlikely]]
                continue;
            const size_t index = plan.frames[i];
            const Frame frame = batch.frames[index];  // A copy: what is written might alias it.
            bytes += frame.len_bytes;
            fill_direct<simd, header_bytes>(buffer, batch.stages[index], frame, batch);
        }
        return bytes;
    }
};

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

/// Any number of buffers. reserve_frame() made sure that they have the room. A
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

}  // namespace

uint64_t fill_plan(const RxPlan& plan, const Batch& batch, uint32_t header_bytes) noexcept {
    uint64_t bytes = header_bytes == spec::net_header_bytes
                         ? wide<FillDirect<spec::net_header_bytes>>(plan, batch)
                         : wide<FillDirect<spec::net_header_legacy_bytes>>(plan, batch);
    for (size_t i = 0; i < plan.target_count; ++i) {
        const RxTarget& target = plan.targets[i];
        wide<FillPieces>(plan, target, batch, header_bytes);
        bytes += batch.frames[target.frame].len_bytes;
    }
    return bytes;
}

}  // namespace valenic
