// Copies of frames: short ones in two overlapping moves, long ones by cache lines.
//
// Written with fixed-size moves so that the compiler uses the widest registers of the function they
// are inlined into: a body of base/simd.hpp's wide(). Non-temporal stores and rep movsb were
// measured and lost.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "base/simd.hpp"

namespace valenic {

inline constexpr size_t line_bytes = 64;

/// A line at any address. As a vector the compiler moves it in the widest registers there are;
/// memcpy of a fixed size it takes in pieces of 16 bytes.
typedef uint8_t Line __attribute__((vector_size(line_bytes), aligned(1), may_alias));

VALENIC_INLINE void copy_line(uint8_t* to, const uint8_t* from) noexcept {
    *reinterpret_cast<Line*>(to) = *reinterpret_cast<const Line*>(from);
}
VALENIC_INLINE void zero_line(uint8_t* to) noexcept { *reinterpret_cast<Line*>(to) = Line{}; }

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

/// Any length; the ranges do not overlap. Touches no byte outside them.
VALENIC_INLINE void copy_bytes(uint8_t* to, const uint8_t* from, size_t bytes) noexcept {
    if (bytes < line_bytes) return copy_short(to, from, bytes);
    const size_t last = bytes - line_bytes;
    for (size_t at = 0; at < last; at += line_bytes) copy_line(to + at, from + at);
    copy_line(to + last, from + last);
}

VALENIC_INLINE void prefetch_read(const void* address) noexcept {
    __builtin_prefetch(address, 0, 3);
}
VALENIC_INLINE void prefetch_write(const void* address) noexcept {
    __builtin_prefetch(address, 1, 3);
}

}  // namespace valenic
