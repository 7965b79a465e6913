// Cuts one big frame into the segments that its receiver takes: TCP (TSO) and UDP (USO), over IPv4
// and IPv6, behind any VLAN tags.
#pragma once
#include <cstdint>

#include "net/pieces.hpp"
#include "net/rewritten.hpp"

namespace valenic {

/// One frame with segmentation asked for, and how far it was cut.
///
/// Each segment has the frame's headers, with its own lengths, identification, sequence number,
/// flags and checksums, in a stage of its own, and borrows its part of the payload.
class Cutter {
 public:
    /// @param keep_partial  The receiver completes checksums itself: the payload is not read.
    Cutter(const Batch& from, size_t index, bool keep_partial) noexcept;

    /// Segments still to come; at most cut_segments_max in all.
    uint32_t left() const noexcept { return count_ - done_; }
    /// Appends the next one. False when it does not fit; in an empty batch every segment does.
    bool next(RewrittenBatch& to) noexcept;

 private:
    void write_network(uint8_t* ip, uint32_t transport_bytes) const noexcept;
    void write_transport(uint8_t* transport, uint32_t payload_bytes) const noexcept;
    uint16_t pseudo_sum(uint32_t transport_bytes) const noexcept;

    const FrameStage& stage_;
    const FrameOffload& offload_;
    const bool keep_partial_;
    const uint32_t staged_;  ///< Header bytes in the stage; TCP options may go beyond it.
    const uint32_t payload_bytes_;
    const uint32_t count_;
    uint32_t done_ = 0;
    PieceWalk options_;  ///< Stands at the header bytes that are not in the stage.
    PieceWalk payload_;  ///< Stands at the payload that is not cut yet.
};

}  // namespace valenic
