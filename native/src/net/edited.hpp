// Frames with other headers than they came with: tags pushed and popped, fields rewritten.
#pragma once
#include <cstdint>

#include "net/batch.hpp"
#include "net/header_edit.hpp"

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
/// good for both. Payload stays borrowed. About 60 KB: one for each worker and purpose.
class EditedBatch {
 public:
    const Batch& batch() const noexcept { return batch_; }
    /// Empties it. `from`: whose frames come next.
    void begin(const Batch& from) noexcept;
    /// Takes the frame with this index over as it is. False when its pieces do not fit any more; in
    /// an empty one every frame does.
    bool put(const Batch& from, size_t index) noexcept;
    /// As put(), with an edit.
    ///
    /// A tag is pushed where has_room_for_tag(); popped or numbered where tags_of() finds a whole
    /// one.
    bool put(const Batch& from, size_t index, const TagEdit& edit) noexcept;

    // ---- Of a frame that was put. What cannot be done leaves it as it is.

    /// @param control  Priority, drop eligibility and VLAN.
    /// @returns False: there is no room for another tag.
    bool push_tag(size_t index, uint16_t ethertype, uint16_t control) noexcept;
    /// False: its first tag is none that is whole.
    bool pop_tag(size_t index) noexcept;
    EditResult set_field(size_t index, const FieldEdit& edit) noexcept {
        return edit_header(batch_, index, edit);
    }

 private:
    /// What pushed tags drive out of a stage, in front of the frame's other pieces: two tags.
    static constexpr uint32_t driven_out_max = 2 * 4;
    struct DrivenOut {
        uint8_t bytes[driven_out_max];  ///< The last `count` of them.
        uint8_t count;
        bool has_place;  ///< There is a free segment in front of the frame's.
    };

    void push(size_t index, uint16_t ethertype, uint16_t control) noexcept;
    void drive_out(size_t index, uint32_t count) noexcept;
    void move_offload(size_t index, int by) noexcept;

    Batch batch_;
    DrivenOut driven_out_[batch_frames];
};

}  // namespace valenic
