// Frames as one receiver takes them, made from those of a batch: a batch again, whose frames have
// headers of their own and borrow their payload from the frames they were made from.
//
// So the payload is copied once, by whoever delivers it, and no frame is put together in between.
#pragma once
#include <cstdint>

#include "net/batch.hpp"

namespace valenic {

/// About 60 KB: one for each worker, never on a stack.
struct RewrittenBatch {
    Batch batch;
    uint8_t checksums[batch_frames][2];  ///< Those behind their frame's stage.
};

/// Makes the current stage, and the segments from `first` on, the next frame.
void commit_frame(Batch& batch, uint32_t len_bytes, uint32_t stage_len, size_t first,
                  const FrameOffload& offload) noexcept;

/// Appends a frame as it is, with what it needs. False when it does not fit; in an empty batch
/// every frame does.
bool append_untouched(const Batch& from, size_t index, RewrittenBatch& to) noexcept;

/// Appends a frame with its checksum computed. False when it does not fit; in an empty batch every
/// frame does.
bool append_completed(const Batch& from, size_t index, RewrittenBatch& to) noexcept;

}  // namespace valenic
