#include "net/checksum.hpp"

#include "base/simd.hpp"

namespace valenic {

namespace {

VALENIC_INLINE uint64_t load_tail(const uint8_t* data, size_t bytes) noexcept {
    uint64_t word = 0;
    for (size_t i = 0; i < bytes; ++i) word |= uint64_t{data[i]} << (8 * i);
    return word;
}

struct SumBytes {
    /// Two sums in each lane, of the low and the high halves, so that a lane's carries have room
    /// for 2^32 steps.
    template <Simd simd>
    static VALENIC_INLINE uint64_t run(const uint8_t* data, size_t bytes) noexcept {
        constexpr size_t step = register_bytes(simd);
        typedef uint64_t Lanes __attribute__((vector_size(step), aligned(1), may_alias));
        uint64_t sum = 0;
        if (bytes >= step) {
            Lanes low{};
            Lanes high{};
            for (; bytes >= step; bytes -= step, data += step) {
                const Lanes words = *reinterpret_cast<const Lanes*>(data);
                low += words & 0xffff'ffff;
                high += words >> 32;
            }
            low += high;
            uint64_t lanes[step / sizeof(uint64_t)];
            __builtin_memcpy(lanes, &low, sizeof lanes);
            for (const uint64_t lane : lanes) sum += lane;
        }
        for (; bytes >= 8; bytes -= 8, data += 8) {
            uint64_t word;
            __builtin_memcpy(&word, data, sizeof word);
            sum += (word & 0xffff'ffff) + (word >> 32);
        }
        const uint64_t tail = load_tail(data, bytes);
        return sum + (tail & 0xffff'ffff) + (tail >> 32);
    }
};

}  // namespace

uint64_t sum_bytes(const uint8_t* data, size_t bytes) noexcept {
    return wide<SumBytes>(data, bytes);
}

}  // namespace valenic
