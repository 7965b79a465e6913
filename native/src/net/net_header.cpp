#include "net/net_header.hpp"

#include <algorithm>

#include "net/net_header_check.hpp"

namespace valenic {

namespace {

/// The longest frame on a wire: of a big frame, its segments.
uint32_t longest_cut(const FrameOffload& offload, uint32_t len_bytes) noexcept {
    if (!offload.segmented()) return len_bytes;
    return std::min(len_bytes, uint32_t{offload.header_bytes} + offload.gso_bytes);
}

}  // namespace

Asked grant_offload(const uint8_t* header, uint32_t len_bytes, const TxRules& rules, Batch& batch,
                    size_t index, spec::DropReason& why) noexcept {
    spec::NetHeader said{};
    std::memcpy(&said, header, std::min<size_t>(rules.header_bytes, sizeof said));
    FrameStage& stage = batch.stages[index];
    const StagedFrame frame{stage.bytes, std::min(len_bytes, stage_frame_bytes), len_bytes};
    FrameOffload offload;
    const NetHeaderFault fault = check_net_header(said, frame, rules.offloads, offload);
    if (fault != NetHeaderFault::none) {
        why = reason_of(fault);
        return Asked::refused;
    }
    if (longest_cut(offload, len_bytes) > rules.max_frame_bytes) {
        why = spec::DropReason::tx_too_long;
        return Asked::refused;
    }
    const uint32_t count = offload.segmented() ? cut_count(offload, len_bytes) : 0;
    if (batch.offloaded && batch.cut_frames + count > cut_frames_max) return Asked::no_room;
    if (offload.needs != 0) batch.leave(index, offload, count);
    write_net_header(stage, offload);
    return Asked::granted;
}

}  // namespace valenic
