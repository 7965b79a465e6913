// Copies of frames: short ones in two overlapping moves, long ones by cache lines.
//
// Written as moves of the widest register that an instruction set has; the callers are bodies of
// base/simd.hpp's wide(). Non-temporal stores and rep movsb were measured and lost.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "base/lines.hpp"
#include "base/simd.hpp"

namespace valenic {

/// As much of a line as one register holds, at any address. A vector: memcpy of a fixed size is
/// taken in pieces of 16 bytes.
template <size_t bytes>
struct LinePart {
    typedef uint8_t Type __attribute__((vector_size(bytes), aligned(1), may_alias));
};

template <Simd simd>
VALENIC_INLINE void copy_line(uint8_t* to, const uint8_t* from) noexcept {
    using Part = typename LinePart<register_bytes(simd)>::Type;
    constexpr size_t count = line_bytes / sizeof(Part);
    Part parts[count];  // Loaded first: a short frame's two lines overlap.
    for (size_t i = 0; i < count; ++i) parts[i] = reinterpret_cast<const Part*>(from)[i];
    for (size_t i = 0; i < count; ++i) reinterpret_cast<Part*>(to)[i] = parts[i];
}
template <Simd simd>
VALENIC_INLINE void zero_line(uint8_t* to) noexcept {
    using Part = typename LinePart<register_bytes(simd)>::Type;
    for (size_t i = 0; i < line_bytes / sizeof(Part); ++i) reinterpret_cast<Part*>(to)[i] = Part{};
}

VALENIC_INLINE void copy_short(uint8_t* to, const uint8_t* from, size_t bytes) noexcept {
    if (bytes >= 32) {
        __builtin_memcpy(to, from, 32);
        __builtin_memcpy(to + bytes - 32, from + bytes - 32, 32);
    } else if (bytes >= 16) {
        __builtin_memcpy(to, from, 16);
        __builtin_memcpy(to + bytes - 16, from + bytes - 16, 16);
    } else if (bytes >= 8) {
        __builtin_memcpy(to, from, 8);
        __builtin_memcpy(to + bytes - 8, from + bytes - 8, 8);
    } else {
        for (size_t i = 0; i < bytes; ++i) to[i] = from[i];
    }
}

/// Of at most two lines and at least one.
template <Simd simd>
VALENIC_INLINE void copy_two_lines(uint8_t* to, const uint8_t* from, size_t bytes) noexcept {
    // What the shortest frame has behind a line: a move that stays inside the next one.
    constexpr size_t part = 8;
    copy_line<simd>(to, from);
    if (bytes <= line_bytes + part) {
        __builtin_memcpy(to + bytes - part, from + bytes - part, part);
    } else {
        copy_line<simd>(to + bytes - line_bytes, from + bytes - line_bytes);
    }
}

/// Any length; the ranges do not overlap. Touches no byte outside them.
template <Simd simd>
VALENIC_INLINE void copy_bytes(uint8_t* to, const uint8_t* from, size_t bytes) noexcept {
    if (bytes < line_bytes) return copy_short(to, from, bytes);
    if (bytes <= 2 * line_bytes) return copy_two_lines<simd>(to, from, bytes);
    const size_t last = bytes - line_bytes;
    for (size_t at = 0; at < last; at += line_bytes) copy_line<simd>(to + at, from + at);
    copy_line<simd>(to + last, from + last);
}

}  // namespace valenic
