#include "net/retag.hpp"

#include <cstring>

#include "net/net_header_check.hpp"
#include "net/vlan.hpp"

namespace valenic {

namespace {

/// How many bytes of a stage a pushed tag drives out of it.
uint32_t driven_out_of(const Frame& frame) noexcept {
    const uint32_t staged = frame.stage_len + vlan_tag_bytes;
    return staged > stage_frame_bytes ? staged - stage_frame_bytes : 0;
}

/// What follows the addresses is `by` bytes further back.
FrameOffload shifted(const FrameOffload& offload, int by) noexcept {
    const auto byte = [by](uint8_t at) { return static_cast<uint8_t>(at + by); };
    const auto word = [by](uint16_t at) { return static_cast<uint16_t>(at + by); };
    FrameOffload out = offload;
    out.csum_at = word(offload.csum_at);
    out.csum_field = word(offload.csum_field);
    if (!offload.segmented()) return out;
    out.network_at = byte(offload.network_at);
    out.transport_at = byte(offload.transport_at);
    out.header_bytes = word(offload.header_bytes);
    return out;
}

void pop(FrameStage& stage, Frame& frame) noexcept {
    constexpr uint32_t behind = tag_at + vlan_tag_bytes;
    std::memmove(stage.bytes + tag_at, stage.bytes + behind, frame.stage_len - behind);
    frame.stage_len = static_cast<uint16_t>(frame.stage_len - vlan_tag_bytes);
    frame.len_bytes -= vlan_tag_bytes;
    std::memset(stage.bytes + frame.stage_len, 0, vlan_tag_bytes);
}

/// Priority and drop eligibility stay.
void number(FrameStage& stage, uint16_t vlan) noexcept {
    uint8_t* control = stage.bytes + tag_control_at;
    store_be16(control, (load_be16(control) & ~uint32_t{tag_vlan_mask}) | vlan);
}

}  // namespace

bool has_room_for_tag(const Batch& batch, size_t index) noexcept {
    const Frame& frame = batch.frames[index];
    if (frame.len_bytes + vlan_tag_bytes > largest_frame_bytes) return false;
    if (driven_out_of(frame) > 0 && frame.segment_count == frame_segments_max) return false;
    if (batch.needs_of(index) == 0) return true;
    const FrameOffload& offload = batch.offloads[index];
    if (offload.csum_field + vlan_tag_bytes > UINT16_MAX) return false;
    if (!offload.segmented()) return true;
    const uint32_t header_bytes = offload.is_tcp() ? tcp::header_bytes_min : udp::header_bytes;
    return offload.transport_at + vlan_tag_bytes + header_bytes <= stage_frame_bytes;
}

void RetaggedBatch::begin(const Batch& from) noexcept {
    batch_.clear();
    batch_.count = from.count;
    batch_.small_only = from.small_only;
}

bool RetaggedBatch::put(const Batch& from, size_t index, const TagEdit& edit) noexcept {
    const Frame& frame = from.frames[index];
    if (batch_.segment_count + frame.segment_count + 1 > batch_segments) return false;
    FrameStage& stage = batch_.stages[index];
    stage = from.stages[index];
    Frame& out = batch_.frames[index];
    out = frame;
    out.first_segment = static_cast<uint16_t>(batch_.segment_count);
    if (edit.change == TagChange::push) push(index, out, edit);
    if (edit.change == TagChange::pop) pop(stage, out);
    if (edit.change == TagChange::number) number(stage, edit.vlan);
    for (const Segment& segment : from.segments_of(frame))
        batch_.segments[batch_.segment_count++] = segment;
    batch_.bytes += out.len_bytes;
    if (from.needs_of(index) == 0) return true;
    const int by = static_cast<int>(out.len_bytes) - static_cast<int>(frame.len_bytes);
    const FrameOffload offload = shifted(from.offloads[index], by);
    batch_.leave(index, offload, 0);
    write_net_header(stage, offload);
    return true;
}

void RetaggedBatch::push(size_t index, Frame& frame, const TagEdit& edit) noexcept {
    uint8_t* bytes = batch_.stages[index].bytes;
    const uint32_t out = driven_out_of(frame);
    const uint32_t staying = frame.stage_len - out;
    std::memcpy(driven_out_[index], bytes + staying, out);
    std::memmove(bytes + tag_at + vlan_tag_bytes, bytes + tag_at, staying - tag_at);
    store_be16(bytes + tag_at, edit.ethertype);
    store_be16(bytes + tag_control_at, edit.vlan);
    frame.stage_len = static_cast<uint16_t>(staying + vlan_tag_bytes);
    frame.len_bytes += vlan_tag_bytes;
    if (out == 0) return;
    batch_.segments[batch_.segment_count++] = {driven_out_[index], out};
    ++frame.segment_count;
}

}  // namespace valenic
