// Asking for cache lines before they are needed: what a frame costs either side is mostly waiting
// for lines that the other core wrote.
#pragma once
#include <cstddef>
#include <cstdint>

#include "base/machine.hpp"

namespace valenic {

inline constexpr size_t line_bytes = 64;

/// Begins to fetch the line of `address`, to read it.
inline void fetch_line(const void* address) noexcept { __builtin_prefetch(address, 0, 3); }

/// own_line() for the lines of `count` entries of a ring of `size`, at most all, from `first` on.
/// `ring` begins at a line.
template <typename Entry>
inline void own_entries(Entry* ring, size_t first, size_t count, size_t size) noexcept {
    constexpr size_t per_line = line_bytes / sizeof(Entry);
    const size_t end = first + count;
    const size_t stop = end < size ? end : size;
    for (size_t i = first & ~(per_line - 1); i < stop; i += per_line) own_line(&ring[i]);
    for (size_t i = 0; i + size < end; i += per_line) own_line(&ring[i]);
}

/// Smallest distance of buffers of at least `bytes` that spreads them over the cache's sets. A
/// distance of 2048 bytes would put the first lines of all of them into two sets of the first
/// level: more than two dozen would not fit. The sets are a power of two: an odd number of lines
/// meets each.
inline constexpr uint32_t spread_stride(uint32_t bytes) noexcept {
    constexpr auto line = static_cast<uint32_t>(line_bytes);
    return ((bytes + line - 1) / line | 1) * line;
}

}  // namespace valenic
