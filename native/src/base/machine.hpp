// What differs between processors, x86-64 and AArch64, in one place. Vectors: base/simd.hpp.
#pragma once
#include <atomic>
#include <bit>
#include <cstdint>
#include <cstring>

#if defined(__SSE4_2__)
#include <nmmintrin.h>
#elif defined(__ARM_FEATURE_CRC32)
#include <arm_acle.h>
#endif
#if !defined(__x86_64__) && !defined(__aarch64__)
#include "base/clock.hpp"
#endif

namespace valenic {

/// Between two looks at a word that another core writes.
inline void cpu_relax() noexcept {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
}

/// A clock that costs little, in units of its own: to be compared with itself only.
inline uint64_t ticks() noexcept {
#if defined(__x86_64__)
    return __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
    uint64_t count = 0;
    asm volatile("mrs %0, cntvct_el0" : "=r"(count));
    return count;
#else
    return monotonic_ns();
#endif
}

/// Orders what was stored to memory before a store to a register of a device.
inline void device_fence() noexcept {
#if defined(__x86_64__)
    std::atomic_signal_fence(std::memory_order_seq_cst);  // Stores keep their order by themselves.
#elif defined(__aarch64__)
    asm volatile("dmb oshst" ::: "memory");
#else
    std::atomic_thread_fence(std::memory_order_seq_cst);
#endif
}

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

/// Stores the first eight bytes of an entry with one store, instead of one for each field.
template <typename Entry>
inline void store_whole(Entry* to, uint64_t fields) noexcept {
    static_assert(sizeof(Entry) >= sizeof fields && std::endian::native == std::endian::little);
    std::memcpy(to, &fields, sizeof fields);
}

/// 16 bytes that a peer may change, in two halves.
struct Halves {
    uint64_t low;
    uint64_t high;
};

/// Loads each byte once. `from` is 16-byte aligned. Two loads: one of 16 bytes has to be taken
/// apart.
inline __attribute__((always_inline)) Halves load_halves(const void* from) noexcept {
    auto* halves = const_cast<uint64_t*>(static_cast<const uint64_t*>(from));
    return {std::atomic_ref<uint64_t>(halves[0]).load(std::memory_order_relaxed),
            std::atomic_ref<uint64_t>(halves[1]).load(std::memory_order_relaxed)};
}

#if defined(__SSE4_2__) || defined(__ARM_FEATURE_CRC32)
#define VALENIC_CRC32C 1
/// Eight more bytes of a CRC-32C, by the CPU's own instruction.
inline uint32_t crc32c_word(uint32_t crc, uint64_t word) noexcept {
#if defined(__SSE4_2__)
    return static_cast<uint32_t>(_mm_crc32_u64(crc, word));
#else
    return __crc32cd(crc, word);
#endif
}
#endif

}  // namespace valenic
