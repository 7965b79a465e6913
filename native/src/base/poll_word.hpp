// One word of a peer's memory that tells whether its queue has work, without a call into the queue.
#pragma once
#include <cstdint>

#include "base/atomic.hpp"

namespace valenic {

/// Split rings: the available index, which differs from the next one to take when frames wait.
/// Packed rings: the flags of the next descriptor, which become equal to "available".
///
/// Looking costs one load of a line that is in our cache until the peer writes it. A hint: what is
/// found is loaded again, ordered and checked, by receive().
struct PollWord {
    const uint16_t* word = nullptr;  ///< Peer writes, we read, relaxed. nullptr: ask receive().
    uint16_t mask = 0xffff;
    uint16_t value = 0;
    bool work_when_equal = false;

    bool may_have_work() const noexcept {
        if (word == nullptr) return true;
        return ((load_once(*word) & mask) == value) == work_when_equal;
    }
};

}  // namespace valenic
