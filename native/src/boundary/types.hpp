// What reader and writer of messages share: types of fields, ranges, and the encoding's numbers.
#pragma once
#include <cstddef>
#include <cstdint>

#include "boundary/version.hpp"

namespace valenic::boundary {

/// An address of a station, its first byte lowest.
struct Mac {
    uint64_t value = 0;
};

/// The place of a descriptor among those beside the message; -1 = none.
struct Descriptor {
    int32_t place = -1;
};

/// Both ends included; `besides` is possible too, and means something else.
struct NumberRange {
    uint64_t min;
    uint64_t max;
    uint64_t besides = UINT64_MAX;
    constexpr bool holds(uint64_t value) const noexcept {
        return (value >= min && value <= max) || (value == besides && besides != UINT64_MAX);
    }
};

/// RFC 8949, 3.1 "Major Types".
enum class Major : uint8_t { unsigned_number, negative, bytes, text, array, map, tag, simple };
// RFC 8949, 3.3: values of the major type `simple`; and 3: what an argument of 24 and more says.
inline constexpr uint8_t simple_false = 20;
inline constexpr uint8_t simple_true = 21;
inline constexpr uint8_t simple_double = 27;
inline constexpr uint8_t one_byte_follows = 24;
inline constexpr uint8_t eight_bytes_follow = 27;

}  // namespace valenic::boundary
