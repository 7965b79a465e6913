// What a receiver of probe traffic saw, by stream and sequence number.
#pragma once
#include <cstddef>
#include <cstdint>
#include <map>

#include "net/probe.hpp"
#include "request.hpp"

namespace valenic::agent {

/// The same quantities as HostSinkReport in native/boundary.
struct StreamCounts {
    uint64_t frames = 0;
    uint64_t bytes = 0;
    uint64_t first_sequence = 0;
    uint64_t next_sequence = 0;
    uint64_t gaps = 0;       ///< Numbers skipped; those that come later are `reordered`.
    uint64_t reordered = 0;  ///< Came after a higher number (or twice).
    uint64_t corrupt = 0;    ///< Named this stream, but the bytes are wrong. Not in `frames`.
};

/// Checks payloads and counts them. Not thread-safe: the owner locks.
class StreamReport {
 public:
    /// One received payload; `wire_bytes` is what it counts for (the whole frame, or the payload).
    void take(const uint8_t* payload, size_t payload_bytes, size_t wire_bytes);
    /// A payload that did not fit in our buffer, which no sender here makes.
    void take_oversized() { ++corrupt_; }

    Json to_json() const;
    void reset() { *this = StreamReport{}; }

 private:
    /// Streams are chosen by the one who measures; more than this is foreign traffic.
    static constexpr size_t most_streams = 64;
    std::map<uint32_t, StreamCounts> streams_;
    uint64_t corrupt_ = 0;
    uint64_t not_probe_ = 0;
    uint64_t refused_ = 0;  ///< Frames of streams beyond the limit.
};

}  // namespace valenic::agent
