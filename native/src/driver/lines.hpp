// Asking for cache lines before they are needed: what a frame costs its guest is mostly waiting for
// lines that the other core wrote.
#pragma once
#include <cstdint>

namespace valenic::driver {

inline constexpr uint32_t line_bytes = 64;

/// Begins to fetch the line of `address`, to read it.
inline void fetch_line(const void* address) noexcept { __builtin_prefetch(address, 0, 3); }
/// Begins to fetch the line of `address`, to write it.
inline void own_line(void* address) noexcept {
#if defined(__x86_64__)
    // The builtin becomes a fetch for reading unless the whole program is compiled for a CPU that
    // is known to have PREFETCHW; where it is missing, the instruction does nothing.
    asm volatile("prefetchw %0" : : "m"(*static_cast<const char*>(address)));
#else
    __builtin_prefetch(address, 1, 3);
#endif
}

/// Smallest distance of buffers of at least `bytes` that spreads them over the cache's sets. A
/// distance of 2048 bytes would put the first lines of all of them into two sets of the first
/// level: more than two dozen would not fit. The sets are a power of two: an odd number of lines
/// meets each.
inline constexpr uint32_t spread_stride(uint32_t bytes) noexcept {
    return ((bytes + line_bytes - 1) / line_bytes | 1) * line_bytes;
}

}  // namespace valenic::driver
