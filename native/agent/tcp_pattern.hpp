// The bytes of a TCP transfer: known to both ends, different at every offset that matters.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "net/probe.hpp"

namespace valenic::agent {

/// Stands before the payload. Little-endian.
struct TransferHeader {
    uint32_t magic;
    uint32_t seed;
    uint64_t bytes;  ///< Payload to come; 0: until the sender shuts its half down.
};
/// Comes back when the payload ended.
struct TransferReply {
    uint64_t bytes;     ///< Payload received.
    uint32_t check;     ///< CRC-32C of it, seed 0.
    uint32_t mismatch;  ///< 1: a byte was not what the pattern says.
};
inline constexpr uint32_t transfer_magic = 0x5641'5443;

/// Repeats after a prime number of bytes, so that segments moved by a page or a segment size show.
class Pattern {
 public:
    static constexpr size_t period = 65'537;
    /// How much may be read or compared at any phase in one piece.
    static constexpr size_t piece = 64 << 10;

    explicit Pattern(uint32_t seed) : bytes_(period + piece) {
        uint64_t state = seed * uint64_t{0x9e37'79b9'7f4a'7c15} + 1;
        for (size_t i = 0; i < period; ++i) {
            state ^= state << 13;  // Marsaglia's xorshift64.
            state ^= state >> 7;
            state ^= state << 17;
            bytes_[i] = static_cast<uint8_t>(state >> 32);
        }
        std::memcpy(bytes_.data() + period, bytes_.data(), piece);
    }

    /// The pattern from byte `offset` of the transfer on; `piece` bytes of it are there.
    const uint8_t* at(uint64_t offset) const { return bytes_.data() + offset % period; }

 private:
    std::vector<uint8_t> bytes_;
};

}  // namespace valenic::agent
