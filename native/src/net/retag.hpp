// Frames with another VLAN tag than they came with: pushed, popped, or with the number that it
// lacked.
#pragma once
#include <cstdint>

#include "net/batch.hpp"

namespace valenic {

enum class TagChange : uint8_t {
    keep,
    push,
    pop,
    number,  ///< The tag has a priority and no VLAN: gets its VLAN.
};

struct TagEdit {
    TagChange change = TagChange::keep;
    uint16_t ethertype = 0;  ///< Of a pushed tag.
    uint16_t vlan = 0;       ///< Of a pushed one, and of one that gets its number.
};

/// Whether a tag can be pushed: the frame stays within the limits that every port keeps, and what
/// cutting needs of its headers in the private copy.
bool has_room_for_tag(const Batch& batch, size_t index) noexcept;

/// A batch whose frames have the indices of those they were made from, so that lists of indices are
/// good for both. Payload stays borrowed. About 60 KB: one for each worker.
class RetaggedBatch {
 public:
    const Batch& batch() const noexcept { return batch_; }
    /// Empties it. `from`: whose frames come next.
    void begin(const Batch& from) noexcept;
    /// Makes the frame with this index. False when its pieces do not fit any more; in an empty one
    /// every frame does.
    ///
    /// A tag is pushed where has_room_for_tag(); popped or numbered where tags_of() finds a whole
    /// one.
    bool put(const Batch& from, size_t index, const TagEdit& edit) noexcept;

 private:
    void push(size_t index, Frame& frame, const TagEdit& edit) noexcept;

    Batch batch_;
    /// What a pushed tag drove out of its frame's stage.
    uint8_t driven_out_[batch_frames][4];
};

}  // namespace valenic
