// The Internet checksum: ones' complement sums of 16-bit words. RFC 1071.
//
// Sums are in memory order: words are added as the processor loads them, and what is stored as the
// processor stores it is correct on the wire (RFC 1071, 2 (B) "Byte Order Independence").
#pragma once
#include <cstddef>
#include <cstdint>

namespace valenic {

/// Adds up `bytes` bytes; an odd last byte counts as if a zero followed. Fold before use.
uint64_t sum_bytes(const uint8_t* data, size_t bytes) noexcept;

/// The 16-bit ones' complement sum of a sum that may have carried.
constexpr uint16_t fold_sum(uint64_t sum) noexcept {
    sum = (sum & 0xffff'ffff) + (sum >> 32);
    sum = (sum & 0xffff'ffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<uint16_t>(sum);
}

/// What goes into a checksum field: the complement, and never 0, which says "no checksum" in UDP
/// and means the same as 0xffff elsewhere. RFC 768.
constexpr uint16_t checksum_of(uint64_t sum) noexcept {
    const auto complement = static_cast<uint16_t>(~fold_sum(sum));
    return complement == 0 ? uint16_t{0xffff} : complement;
}

/// Sums pieces that follow each other; each may have any length.
class RunningSum {
 public:
    void add(const uint8_t* data, size_t bytes) noexcept {
        uint16_t part = fold_sum(sum_bytes(data, bytes));
        // A piece that begins in the middle of a word: its halves change places.
        if (odd_) part = __builtin_bswap16(part);
        sum_ += part;
        odd_ ^= (bytes & 1) != 0;
    }
    /// A word in memory order, as of a pseudo header. Between whole words only.
    void add_word(uint16_t word) noexcept { sum_ += word; }
    uint64_t value() const noexcept { return sum_; }

 private:
    uint64_t sum_ = 0;  ///< Cannot overflow: a frame has fewer than 2^32 pieces.
    bool odd_ = false;
};

}  // namespace valenic
