// A packed ring as its driver sees it: slots, and places among them. virtio 1.2, 2.8.
#pragma once
#include <cstdint>

#include "driver/split_queue.hpp"
#include "spec/virtio_ring.hpp"

namespace valenic::driver {

/// A descriptor in two halves; each is loaded and stored with one access.
struct PackedSlot {
    uint64_t addr;
    uint64_t rest;  ///< len, id, flags.

    static constexpr uint64_t rest_of(uint32_t len, uint16_t id, uint16_t flags) noexcept {
        return len | uint64_t{id} << 32 | uint64_t{flags} << 48;
    }
    static uint16_t flags_of(const Buffer& buffer, bool more) noexcept {
        return static_cast<uint16_t>((buffer.device_writes ? spec::desc_f_write : 0) |
                                     (more ? spec::desc_f_next : 0));
    }
};

/// A slot, and the wrap counter of its round.
struct PackedPlace {
    static constexpr uint16_t wrap_bit = uint16_t{1} << spec::packed_event_wrap_bit;

    uint16_t index;
    bool wrap;

    /// As in an event structure.
    static PackedPlace of(uint16_t off_wrap) noexcept {
        return {static_cast<uint16_t>(off_wrap & (wrap_bit - 1)), (off_wrap & wrap_bit) != 0};
    }
    uint16_t off_wrap() const noexcept {
        return static_cast<uint16_t>(index | (wrap ? wrap_bit : 0));
    }
    uint16_t available_flags() const noexcept {
        return wrap ? spec::packed_desc_f_avail : spec::packed_desc_f_used;
    }
    /// Whether a slot here that holds `rest` was used in this round.
    bool is_used(uint64_t rest) const noexcept {
        constexpr uint16_t both = spec::packed_desc_f_avail | spec::packed_desc_f_used;
        return ((rest >> 48) & both) == (wrap ? both : 0);
    }
    void advance(uint32_t slots, uint16_t size) noexcept {
        index = static_cast<uint16_t>(index + slots);
        if (index >= size) *this = {static_cast<uint16_t>(index - size), !wrap};
    }
    /// Whether the last `count` slots before this one include the one that `event` names.
    bool passed(uint16_t event, uint32_t count, uint16_t size) const noexcept {
        const auto number = [size](PackedPlace place) {
            return place.index + (place.wrap ? 0u : size);
        };
        const uint32_t round = 2u * size;
        return (number(*this) + 2 * round - 1 - number(of(event)) % round) % round < count;
    }
};

}  // namespace valenic::driver
