// The bytes of a borrowed frame as they follow each other: its stage, then its segments.
#pragma once
#include <algorithm>
#include <cstdint>

#include "net/batch.hpp"
#include "net/checksum.hpp"

namespace valenic {

/// Walks one frame of a batch from front to back. The batch stays as it is meanwhile.
class PieceWalk {
 public:
    PieceWalk(const Batch& batch, size_t index) noexcept
        : segments_(batch.segments_of(batch.frames[index])),
          piece_{batch.stages[index].bytes, batch.frames[index].stage_len} {}

    /// Passes over bytes; no more than the frame has left.
    void pass_over(uint32_t bytes) noexcept {
        visit(bytes, [](const Segment&) { return true; });
    }
    void add_to(RunningSum& sum, uint32_t bytes) noexcept {
        visit(bytes, [&](const Segment& piece) {
            sum.add(piece.data, piece.len_bytes);
            return true;
        });
    }
    /// Lends the next `bytes` to a batch. False when it has no room for their pieces; what it got
    /// of them is then for the caller to take back.
    bool lend(uint32_t bytes, Batch& to) noexcept {
        return visit(bytes, [&](const Segment& piece) {
            if (to.segment_count == batch_segments) return false;
            to.segments[to.segment_count++] = piece;
            return true;
        });
    }

 private:
    /// At most one step for each piece of the frame.
    template <typename See>
    bool visit(uint32_t bytes, See see) noexcept {
        while (bytes > 0) {
            while (piece_.len_bytes == 0) {
                if (segments_.empty()) return true;  // The frame has no more.
                piece_ = segments_[0];
                segments_ = segments_.subspan(1);
            }
            const uint32_t part = std::min(bytes, piece_.len_bytes);
            if (!see(Segment{piece_.data, part})) return false;
            piece_.data += part;
            piece_.len_bytes -= part;
            bytes -= part;
        }
        return true;
    }

    std::span<const Segment> segments_;
    Segment piece_;  ///< What is left of the piece in hand.
};

}  // namespace valenic
