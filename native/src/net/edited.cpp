#include "net/edited.hpp"

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

void EditedBatch::begin(const Batch& from) noexcept {
    batch_.clear();
    batch_.count = from.count;
    batch_.small_only = from.small_only;
}

bool EditedBatch::put(const Batch& from, size_t index) noexcept {
    const Frame& frame = from.frames[index];
    DrivenOut& driven = driven_out_[index];
    driven.count = 0;
    driven.has_place = frame.stage_len + driven_out_max > stage_frame_bytes;
    const size_t first = batch_.segment_count + driven.has_place;
    if (first + frame.segment_count > batch_segments) return false;
    batch_.segment_count = first;
    batch_.stages[index] = from.stages[index];
    Frame& out = batch_.frames[index];
    out = frame;
    out.first_segment = static_cast<uint16_t>(first);
    for (const Segment& segment : from.segments_of(frame))
        batch_.segments[batch_.segment_count++] = segment;
    batch_.bytes += out.len_bytes;
    if (from.needs_of(index) != 0) [[unlikely]]
        batch_.leave(index, from.offloads[index], 0);
    return true;
}

bool EditedBatch::put(const Batch& from, size_t index, const TagEdit& edit) noexcept {
    if (!put(from, index)) return false;
    FrameStage& stage = batch_.stages[index];
    switch (edit.change) {
        case TagChange::keep:
            break;
        case TagChange::push:
            push(index, edit.ethertype, edit.vlan);
            break;
        case TagChange::pop:
            pop(stage, batch_.frames[index]);
            move_offload(index, -static_cast<int>(vlan_tag_bytes));
            break;
        case TagChange::number:
            number(stage, edit.vlan);
            break;
    }
    return true;
}

bool EditedBatch::push_tag(size_t index, uint16_t ethertype, uint16_t control) noexcept {
    const uint32_t out = driven_out_of(batch_.frames[index]);
    if (!has_room_for_tag(batch_, index) || driven_out_[index].count + out > driven_out_max)
        return false;
    push(index, ethertype, control);
    return true;
}

bool EditedBatch::pop_tag(size_t index) noexcept {
    Frame& frame = batch_.frames[index];
    FrameStage& stage = batch_.stages[index];
    const Tags tags = tags_of(stage.bytes, frame.stage_len);
    if (tags.whole == 0) return false;
    pop(stage, frame);
    batch_.bytes -= vlan_tag_bytes;
    move_offload(index, -static_cast<int>(vlan_tag_bytes));
    return true;
}

void EditedBatch::push(size_t index, uint16_t ethertype, uint16_t control) noexcept {
    Frame& frame = batch_.frames[index];
    uint8_t* bytes = batch_.stages[index].bytes;
    const uint32_t out = driven_out_of(frame);
    if (out > 0) drive_out(index, out);
    std::memmove(bytes + tag_at + vlan_tag_bytes, bytes + tag_at, frame.stage_len - tag_at);
    store_be16(bytes + tag_at, ethertype);
    store_be16(bytes + tag_control_at, control);
    frame.stage_len = static_cast<uint16_t>(frame.stage_len + vlan_tag_bytes);
    frame.len_bytes += vlan_tag_bytes;
    batch_.bytes += vlan_tag_bytes;
    move_offload(index, vlan_tag_bytes);
}

/// The last bytes of a stage become the first of what follows it.
void EditedBatch::drive_out(size_t index, uint32_t count) noexcept {
    Frame& frame = batch_.frames[index];
    DrivenOut& driven = driven_out_[index];
    if (driven.count == 0) {
        --frame.first_segment;
        ++frame.segment_count;
    }
    driven.count = static_cast<uint8_t>(driven.count + count);
    frame.stage_len = static_cast<uint16_t>(frame.stage_len - count);
    uint8_t* first = driven.bytes + driven_out_max - driven.count;
    std::memcpy(first, batch_.stages[index].bytes + frame.stage_len, count);
    batch_.segments[frame.first_segment] = {first, driven.count};
}

void EditedBatch::move_offload(size_t index, int by) noexcept {
    if (batch_.needs_of(index) == 0) return;
    FrameOffload& offload = batch_.offloads[index];
    offload = shifted(offload, by);
    write_net_header(batch_.stages[index], offload);
}

}  // namespace valenic
