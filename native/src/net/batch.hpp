// A batch of frames borrowed from one source queue, on its way through the switch.
//
// The headers of each frame are copied once into a private stage; lookups read only the stage, and
// what is delivered is the stage followed by the rest of the source's buffers. So the guest can
// change its memory meanwhile without changing what was checked.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "net/ethernet.hpp"
#include "net/offload.hpp"

namespace valenic {

/// Most frames handled together: an index into a batch is one byte.
inline constexpr size_t batch_frames = 256;
/// How many a port gives at a time unless its budget says otherwise. 64: measured; fewer are
/// slower, 128 and 256 no faster.
inline constexpr size_t batch_frames_default = 64;
/// Most pieces one frame may be borrowed in after its stage.
inline constexpr size_t frame_segments_max = 256;
/// Pieces of a whole batch. A frame that does not fit any more waits for the next batch.
inline constexpr size_t batch_segments = 1024;
/// The frame that reaches so many bytes is the last of its batch: a bound on what a turn copies.
inline constexpr uint64_t batch_bytes_max = uint64_t{256} * 1024;

/// Room for QinQ + IPv6 + TCP without options, and so that stage and net header fill two lines.
inline constexpr uint32_t stage_header_room = 12;
inline constexpr uint32_t stage_frame_bytes = 116;

/// The private copy of a frame's first bytes. Two cache lines.
///
/// `net_header` is what a VERSION_1 receiver that takes the frame as it is sees in front of it:
/// made by us, zeros and num_buffers 1 when nothing is offloaded. Bytes beyond the frame's
/// `stage_len` are zero: whatever reads the whole stage, nothing of an earlier frame is in it.
struct alignas(64) FrameStage {
    uint8_t net_header[stage_header_room];
    uint8_t bytes[stage_frame_bytes];
};
static_assert(sizeof(FrameStage) == 128);

/// One borrowed piece of guest memory. Readable until the source queue's release().
struct Segment {
    const uint8_t* data;
    uint32_t len_bytes;
};

/// One frame of a batch.
struct Frame {
    uint32_t len_bytes;      ///< Whole Ethernet frame, without FCS.
    uint16_t stage_len;      ///< Of them in the stage. Of a borrowed frame as many as it holds.
    uint16_t first_segment;  ///< Where the rest starts in Batch::segments.
    uint16_t segment_count;  ///< 0 when the stage holds the whole frame.
};

struct Batch {
    size_t count = 0;
    size_t segment_count = 0;
    uint64_t bytes = 0;      ///< Sum of len_bytes.
    bool offloaded = false;  ///< Some frame leaves something to its receiver.
    /// These are all that waited: nobody has to ask the source again in this turn.
    bool drained = false;
    /// The source cannot send big frames: for a receiver that takes them, its TCP segments may be
    /// put together. Set by the source's receive().
    bool small_only = false;
    Frame frames[batch_frames];
    FrameStage stages[batch_frames];
    Segment segments[batch_segments];
    // The rest means nothing until `offloaded`.
    uint32_t cut_frames;                  ///< What the big ones make when all of them are cut.
    OffloadSet needs[batch_frames];       ///< What a receiver must take to get the frame untouched.
    FrameOffload offloads[batch_frames];  ///< Of frames that need something.

    void clear() noexcept {
        count = 0;
        segment_count = 0;
        bytes = 0;
        offloaded = false;
        drained = false;
        small_only = false;
    }
    bool full() const noexcept { return count == batch_frames; }
    std::span<const Segment> segments_of(const Frame& frame) const noexcept {
        return {segments + frame.first_segment, frame.segment_count};
    }
    OffloadSet needs_of(size_t index) const noexcept {
        return offloaded ? needs[index] : OffloadSet{0};
    }
    /// Says what a frame leaves to its receiver. Not called for frames that leave nothing.
    void leave(size_t index, const FrameOffload& offload, uint32_t cut_count) noexcept {
        if (!offloaded) {
            offloaded = true;
            cut_frames = 0;
            std::memset(needs, 0, sizeof needs);
        }
        cut_frames += cut_count;
        needs[index] = offload.needs;
        offloads[index] = offload;
    }
    MacAddress destination(size_t index) const noexcept {
        return destination_of(stages[index].bytes);
    }
    MacAddress source(size_t index) const noexcept { return source_of(stages[index].bytes); }
};

/// Prepares a stage: header for a receiver without offloads, zero bytes after it.
inline void reset_stage(FrameStage& stage) noexcept {
    std::memset(&stage, 0, sizeof stage);
    stage.net_header[10] = 1;  // num_buffers, little-endian. virtio 1.2, 5.1.6.4.
}

/// Appends a frame that lies in one private buffer that outlives the batch. False when full.
inline bool append_frame(Batch& batch, std::span<const uint8_t> bytes) noexcept {
    if (batch.full() || batch.segment_count == batch_segments) return false;
    Frame& frame = batch.frames[batch.count];
    FrameStage& stage = batch.stages[batch.count];
    reset_stage(stage);
    const auto len = static_cast<uint32_t>(bytes.size());
    const uint32_t staged = len < stage_frame_bytes ? len : stage_frame_bytes;
    std::memcpy(stage.bytes, bytes.data(), staged);
    frame = {len, static_cast<uint16_t>(staged), static_cast<uint16_t>(batch.segment_count), 0};
    if (len > staged) {
        batch.segments[batch.segment_count++] = {bytes.data() + staged, len - staged};
        frame.segment_count = 1;
    }
    batch.bytes += len;
    ++batch.count;
    return true;
}

/// Takes the last frame back; append_frame() put it there.
inline void take_back_frame(Batch& batch) noexcept {
    const Frame& frame = batch.frames[--batch.count];
    batch.segment_count -= frame.segment_count;
    batch.bytes -= frame.len_bytes;
}

}  // namespace valenic
