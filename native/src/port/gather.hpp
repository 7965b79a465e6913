// A frame of a batch as a list of pieces, for the system calls that send.
#pragma once
#include <sys/uio.h>

#include "net/batch.hpp"

namespace valenic {

/// Pieces that one frame can have: its stage and what follows it.
inline constexpr size_t frame_pieces_max = 1 + frame_segments_max;

/// Writes the pieces of a frame, at most frame_pieces_max; returns how many.
inline size_t gather(const Batch& batch, size_t index, iovec* out) noexcept {
    const Frame& frame = batch.frames[index];
    size_t count = 0;
    out[count++] = {const_cast<uint8_t*>(batch.stages[index].bytes), frame.stage_len};
    for (const Segment& segment : batch.segments_of(frame))
        out[count++] = {const_cast<uint8_t*>(segment.data), segment.len_bytes};
    return count;
}

}  // namespace valenic
