// Holds the virtio-net header of a frame against the frame and against what was negotiated.
#pragma once
#include <cstdint>
#include <cstring>

#include "boundary/names.hpp"
#include "net/batch.hpp"
#include "net/offload.hpp"
#include "spec/virtio_net.hpp"

namespace valenic {

/// Most frames that one frame is cut into: 64 KiB of payload in segments of 256 bytes, as a path of
/// MTU 296 has them (RFC 1191, 7.1, the smallest in its table of plateaus in use). It bounds what a
/// guest can make of one buffer.
inline constexpr uint32_t cut_segments_max = 256;
/// What the big frames of one batch may make together: no more than a batch has frames, so that a
/// round of a worker is no longer for them.
inline constexpr uint32_t cut_frames_max = 256;
static_assert(cut_frames_max >= cut_segments_max);

/// Least payload of a TCP segment: what is left of the smallest MSS that Linux takes (48) behind 40
/// bytes of options. Datagrams may be of a single byte.
inline constexpr uint32_t tcp_segment_bytes_min = 8;

/// Rules of virtio 1.2, 5.1.6.2.1 "Driver Requirements: Packet Transmission", and what we need to
/// cut a frame. In the order they are looked at.
enum class NetHeaderFault : uint8_t {
    none,
    csum_not_negotiated,
    gso_type_unknown,
    gso_not_negotiated,
    ecn_not_negotiated,
    ecn_without_tcp,
    gso_without_csum,
    csum_outside_frame,
    csum_in_addresses,  ///< It would rewrite what the switch looked at.
    hdr_len_outside_frame,
    headers_too_deep,    ///< Not all in the private copy.
    not_what_gso_says,   ///< Another protocol, a fragment, or no IP.
    csum_not_transport,  ///< Not the checksum of the transport header.
    no_payload,
    gso_size_too_small,
    too_many_segments,
    count,
};
const char* name_of(NetHeaderFault fault) noexcept;
/// Under which a frame with this fault is counted. Not of `none`.
spec::DropReason reason_of(NetHeaderFault fault) noexcept;

/// The private copies that are looked at.
struct StagedFrame {
    const uint8_t* bytes;  ///< The first of the frame.
    uint32_t staged;       ///< How many of them: at most 255.
    uint32_t len_bytes;    ///< The whole frame: at least 14.
};

/// Says what a frame leaves to its receiver; `out` has no needs when the answer is a fault.
///
/// @param header      A private copy of the sender's.
/// @param negotiated  offloads_of_sender(): what it may ask for.
NetHeaderFault check_net_header(const spec::NetHeader& header, const StagedFrame& frame,
                                OffloadSet negotiated, FrameOffload& out) noexcept;

/// The header in front of a frame that is delivered with what it needs: made from what was checked,
/// never the sender's own.
/// @spec virtio 1.2, 5.1.6.4.1 "Device Requirements: Processing of Incoming Packets".
spec::NetHeader net_header_of(const FrameOffload& offload) noexcept;

/// Puts it where a receiver that takes the frame as it is finds it.
inline void write_net_header(FrameStage& stage, const FrameOffload& offload) noexcept {
    const spec::NetHeader header = net_header_of(offload);
    static_assert(sizeof header == stage_header_room);
    std::memcpy(stage.net_header, &header, sizeof header);
}

/// Into how many frames a big one of `len_bytes` is cut.
inline uint32_t cut_count(const FrameOffload& offload, uint32_t len_bytes) noexcept {
    const uint32_t payload = len_bytes - offload.header_bytes;
    return (payload + offload.gso_bytes - 1) / offload.gso_bytes;
}

}  // namespace valenic
