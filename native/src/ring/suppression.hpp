// When the other side of a virtqueue wants to hear from us.
#pragma once
#include <cstdint>

namespace valenic {

/// Whether moving an index from `old_index` to `new_index` passes the one the peer waits for.
/// All modulo 2^16. @spec virtio 1.2, 2.7.7.1 / 2.7.10.1 (used_event, avail_event).
constexpr bool index_passed(uint16_t event, uint16_t new_index, uint16_t old_index) noexcept {
    return static_cast<uint16_t>(new_index - event - 1) <
           static_cast<uint16_t>(new_index - old_index);
}

}  // namespace valenic
