// The payload of measured traffic: numbered, time-stamped, checksummed.
//
// Host ports, the synthetic driver and the guest agent all send and check this, so that "sent =
// received + named drops" can be held exactly, by sequence number. Little-endian.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "base/machine.hpp"

namespace valenic {

inline constexpr uint32_t probe_magic = 0x5641'4c45;
/// EtherType of bare probe frames: IEEE 802 "Local Experimental EtherType 1".
inline constexpr uint16_t probe_ethertype = 0x88b5;

struct ProbeHeader {
    uint32_t magic;
    uint32_t stream;     ///< Who sends; chosen by the one who measures.
    uint64_t sequence;   ///< From 0, one more for each frame of the stream.
    uint64_t time_ns;    ///< Sender's CLOCK_MONOTONIC.
    uint32_t len_bytes;  ///< This header and the bytes after it.
    uint32_t check;  ///< CRC-32C of the bytes after the header, seeded with the low sequence word.
};
static_assert(sizeof(ProbeHeader) == 32);
/// Ethernet header and probe header: the smallest probe frame is padded to 60 bytes.
inline constexpr uint32_t probe_offset_bytes = 14;

namespace probe_detail {
struct Crc32cTable {
    uint32_t entry[256];
    constexpr Crc32cTable() : entry{} {
        for (uint32_t i = 0; i < 256; ++i) {
            uint32_t value = i;
            for (int bit = 0; bit < 8; ++bit)
                value = (value >> 1) ^ ((value & 1) ? 0x82f6'3b78u : 0u);
            entry[i] = value;
        }
    }
};
inline constexpr Crc32cTable crc32c_table;
}  // namespace probe_detail

/// CRC-32C (Castagnoli), reflected, without final inversion; `crc` is the seed.
inline uint32_t crc32c(uint32_t crc, const uint8_t* data, size_t len) noexcept {
#if defined(VALENIC_CRC32C)
    for (; len >= 8; len -= 8, data += 8) {
        uint64_t word;
        std::memcpy(&word, data, 8);
        crc = crc32c_word(crc, word);
    }
#endif
    for (; len > 0; --len, ++data)
        crc = (crc >> 8) ^ probe_detail::crc32c_table.entry[(crc ^ *data) & 0xff];
    return crc;
}

/// Writes header and a pattern of `len_bytes` in all (>= 32) at `payload`.
inline void write_probe(uint8_t* payload, uint32_t len_bytes, uint32_t stream, uint64_t sequence,
                        uint64_t time_ns) noexcept {
    uint8_t* body = payload + sizeof(ProbeHeader);
    const uint32_t body_bytes = len_bytes - static_cast<uint32_t>(sizeof(ProbeHeader));
    uint64_t word = sequence * 0x9e37'79b9'7f4a'7c15u + stream;
    uint32_t at = 0;
    for (; at + 8 <= body_bytes; at += 8, word += 0x0101'0101'0101'0101u)
        std::memcpy(body + at, &word, 8);
    std::memcpy(body + at, &word, body_bytes - at);
    const ProbeHeader header{
        probe_magic, stream,    sequence,
        time_ns,     len_bytes, crc32c(static_cast<uint32_t>(sequence), body, body_bytes)};
    std::memcpy(payload, &header, sizeof header);
}

enum class ProbeCheck : uint8_t { good, not_probe, corrupt };

/// Checks one payload and copies its header out. `corrupt`: it is a probe, but its bytes are wrong.
inline ProbeCheck read_probe(const uint8_t* payload, size_t payload_bytes,
                             ProbeHeader& header) noexcept {
    if (payload_bytes < sizeof header) return ProbeCheck::not_probe;
    std::memcpy(&header, payload, sizeof header);
    if (header.magic != probe_magic) return ProbeCheck::not_probe;
    if (header.len_bytes < sizeof header || header.len_bytes > payload_bytes)
        return ProbeCheck::corrupt;
    const uint32_t check = crc32c(static_cast<uint32_t>(header.sequence), payload + sizeof header,
                                  header.len_bytes - sizeof header);
    return check == header.check ? ProbeCheck::good : ProbeCheck::corrupt;
}

}  // namespace valenic
