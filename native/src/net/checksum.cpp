#include "net/checksum.hpp"

#include "base/wide.hpp"

namespace valenic {

namespace {

constexpr size_t step_bytes = 64;

/// 64 bytes as the compiler adds them best: two sums in each lane, of the low and the high halves,
/// so that a lane's carries have room for 2^32 steps.
typedef uint64_t Lanes __attribute__((vector_size(step_bytes), aligned(1), may_alias));

VALENIC_INLINE uint64_t load_tail(const uint8_t* data, size_t bytes) noexcept {
    uint64_t word = 0;
    for (size_t i = 0; i < bytes; ++i) word |= uint64_t{data[i]} << (8 * i);
    return word;
}

}  // namespace

VALENIC_WIDE
uint64_t sum_bytes(const uint8_t* data, size_t bytes) noexcept {
    uint64_t sum = 0;
    if (bytes >= step_bytes) {
        Lanes low{};
        Lanes high{};
        for (; bytes >= step_bytes; bytes -= step_bytes, data += step_bytes) {
            const Lanes words = *reinterpret_cast<const Lanes*>(data);
            low += words & 0xffff'ffff;
            high += words >> 32;
        }
        low += high;
        for (size_t i = 0; i < step_bytes / sizeof(uint64_t); ++i) sum += low[i];
    }
    for (; bytes >= 8; bytes -= 8, data += 8) {
        uint64_t word;
        __builtin_memcpy(&word, data, sizeof word);
        sum += (word & 0xffff'ffff) + (word >> 32);
    }
    const uint64_t tail = load_tail(data, bytes);
    return sum + (tail & 0xffff'ffff) + (tail >> 32);
}

}  // namespace valenic
