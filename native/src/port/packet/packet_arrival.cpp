#include "port/packet/packet_arrival.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>

namespace valenic {

namespace {

constexpr uint32_t addresses_bytes = 12;
constexpr uint32_t tag_bytes = 4;
constexpr OffloadSet every_offload = offload_csum | offload_segmentation | offload_ecn;

/// Whether the sender of a frame left work to us. NIC drivers say of most frames that their
/// checksum was found right (DATA_VALID): that asks for nothing.
bool asks(const uint8_t* net_header) noexcept {
    const bool csum = (net_header[0] & spec::net_hdr_f_needs_csum) != 0;
    return csum || net_header[1] != spec::net_hdr_gso_none;
}

/// Returns how many bytes of `frame` are in the stage.
uint32_t fill(const PacketArrival& arrival, FrameStage& stage) noexcept {
    reset_stage(stage);
    if (!arrival.tagged) {
        const uint32_t staged = std::min(arrival.here_bytes, stage_frame_bytes);
        std::memcpy(stage.bytes, arrival.frame, staged);
        return staged;
    }
    const uint16_t words[] = {htons(arrival.tag_protocol), htons(arrival.tag)};
    std::memcpy(stage.bytes, arrival.frame, addresses_bytes);
    std::memcpy(stage.bytes + addresses_bytes, words, tag_bytes);
    const uint32_t staged = std::min(arrival.here_bytes, stage_frame_bytes - tag_bytes);
    std::memcpy(stage.bytes + addresses_bytes + tag_bytes, arrival.frame + addresses_bytes,
                staged - addresses_bytes);
    return staged;
}

}  // namespace

Asked stage_arrival(const PacketArrival& arrival, uint32_t longest, Batch& batch, uint32_t& staged,
                    spec::DropReason& why) noexcept {
    staged = fill(arrival, batch.stages[batch.count]);
    const uint32_t len_bytes = arrival.tagged_bytes();
    if (arrival.net_header == nullptr || !asks(arrival.net_header)) {
        why = spec::DropReason::tx_too_long;
        return len_bytes > longest ? Asked::refused : Asked::granted;
    }
    spec::NetHeader said{};
    std::memcpy(&said, arrival.net_header, packet_header_bytes);
    // The kernel counts without the tag.
    if (arrival.tagged) said.csum_start = static_cast<uint16_t>(said.csum_start + tag_bytes);
    const TxRules rules{packet_header_bytes, longest, every_offload};
    return grant_offload(reinterpret_cast<const uint8_t*>(&said), len_bytes, rules, batch,
                         batch.count, why);
}

void append_arrival(const PacketArrival& arrival, uint32_t staged, Batch& batch) noexcept {
    Frame& frame = batch.frames[batch.count];
    const uint32_t len_bytes = arrival.tagged_bytes();
    frame = {len_bytes, static_cast<uint16_t>(staged + len_bytes - arrival.len_bytes),
             static_cast<uint16_t>(batch.segment_count), 0};
    if (arrival.len_bytes > staged) {
        batch.segments[batch.segment_count++] = {arrival.frame + staged,
                                                 arrival.len_bytes - staged};
        frame.segment_count = 1;
    }
    batch.bytes += len_bytes;
    ++batch.count;
}

}  // namespace valenic
