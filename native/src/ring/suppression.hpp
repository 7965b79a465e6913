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

/// The same for a packed ring: whether the last `count` places before `position` include the one
/// that the peer waits for. All three as in an event structure; an event outside the ring, which no
/// honest peer writes, may get either answer. @spec virtio 1.2, 2.8.14.
constexpr bool packed_event_passed(uint16_t event, uint16_t position, uint64_t count,
                                   uint16_t size) noexcept {
    constexpr uint16_t wrap = 0x8000;
    const uint32_t round = 2u * size;  // Places differ by index and wrap counter.
    const auto place = [&](uint16_t at) {
        return ((at & 0x7fffu) + ((at & wrap) != 0 ? 0u : size)) % round;
    };
    return (place(position) + round - 1 - place(event)) % round < count;
}

}  // namespace valenic
