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

/// Copies the last of `bytes`, at least a line, when at most a line of them is not there yet.
template <Simd simd>
VALENIC_INLINE void copy_end(uint8_t* to, const uint8_t* from, size_t bytes, size_t left) noexcept {
    constexpr size_t part = 16;  // What the shortest frame needs behind a line.
    if (left <= part) {
        __builtin_memcpy(to + bytes - part, from + bytes - part, part);
    } else {
        copy_line<simd>(to + bytes - line_bytes, from + bytes - line_bytes);
    }
}

/// Any length; the ranges do not overlap. Touches no byte outside them.
template <Simd simd>
VALENIC_INLINE void copy_bytes(uint8_t* to, const uint8_t* from, size_t bytes) noexcept {
    if (bytes < line_bytes) return copy_short(to, from, bytes);
    copy_line<simd>(to, from);
    size_t at = line_bytes;
    for (; at + line_bytes <= bytes; at += line_bytes) copy_line<simd>(to + at, from + at);
    if (at < bytes) copy_end<simd>(to, from, bytes, bytes - at);
}

}  // namespace valenic
