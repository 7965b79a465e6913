#include "switch/held_frames.hpp"

#include <algorithm>
#include <cstring>

#include "switch/context.hpp"
#include "switch/vale.hpp"

namespace valenic {

HeldFrames::HeldFrames()
    : bytes_(new uint8_t[size_t{chunks} * chunk_bytes]),
      held_(std::allocator<Held>().allocate(frames_max)) {
    for (uint16_t i = 0; i < chunks; ++i) next_chunk_[i] = static_cast<uint16_t>(i + 1);
    for (uint16_t i = 0; i < frames_max; ++i) free_[i] = i;
}

bool HeldFrames::hold(const Batch& batch, size_t index, const Way& way, uint64_t due_ns,
                      WorkerContext& context) noexcept {
    if (free_count_ == 0) return false;
    const uint16_t slot = free_[free_count_ - 1];
    Held& held = *std::construct_at(&held_[slot]);
    held.way = way;
    held.len_bytes = batch.frames[index].len_bytes;
    held.stage_len = batch.frames[index].stage_len;
    held.offload = batch.needs_of(index) != 0 ? batch.offloads[index] : FrameOffload{};
    held.stage = batch.stages[index];
    if (!copy_rest(batch, index, held)) return false;
    --free_count_;
    if (context.timers.add(this, due_ns, slot)) return true;
    give_back(slot);
    return false;
}

bool HeldFrames::copy_rest(const Batch& batch, size_t index, Held& held) noexcept {
    const uint32_t rest = held.len_bytes - held.stage_len;
    held.first_chunk = none;
    const uint32_t wanted = (rest + chunk_bytes - 1) / chunk_bytes;
    if (wanted > free_chunks_) return false;
    if (wanted == 0) return true;
    uint16_t chunk = held.first_chunk = free_chunk_;
    uint32_t room = chunk_bytes;
    for (Segment piece : batch.segments_of(batch.frames[index])) {
        while (piece.len_bytes > 0) {
            if (room == 0) {
                chunk = next_chunk_[chunk];
                room = chunk_bytes;
            }
            const uint32_t part = std::min(piece.len_bytes, room);
            std::memcpy(bytes_of(chunk) + chunk_bytes - room, piece.data, part);
            piece.data += part;
            piece.len_bytes -= part;
            room -= part;
        }
    }
    free_chunk_ = next_chunk_[chunk];
    free_chunks_ = static_cast<uint16_t>(free_chunks_ - wanted);
    return true;
}

void HeldFrames::give_back(uint16_t slot) noexcept {
    const Held& held = held_[slot];
    uint32_t left = held.len_bytes - held.stage_len;
    for (uint16_t chunk = held.first_chunk; left > 0; left -= std::min(left, chunk_bytes)) {
        const uint16_t next = next_chunk_[chunk];
        next_chunk_[chunk] = free_chunk_;
        free_chunk_ = chunk;
        ++free_chunks_;
        chunk = next;
    }
    free_[free_count_++] = slot;
}

/// Frames with the same way go on together.
void HeldFrames::on_time(uint32_t token, WorkerContext& context) {
    const auto slot = static_cast<uint16_t>(token);
    const Held& held = held_[slot];
    if (due_.count > 0) {
        const Way& before = held_[due_slots_[0]].way;
        const uint32_t pieces = (held.len_bytes + chunk_bytes - 1) / chunk_bytes;
        const bool same = before.source == held.way.source && before.then == held.way.then &&
                          before.recirculations == held.way.recirculations;
        if (!same || due_.full() || due_.segment_count + pieces > batch_segments) send_due(context);
    }
    append(slot);
}

void HeldFrames::append(uint16_t slot) noexcept {
    const Held& held = held_[slot];
    Frame& frame = due_.frames[due_.count];
    frame = {held.len_bytes, held.stage_len, static_cast<uint16_t>(due_.segment_count), 0};
    due_.stages[due_.count] = held.stage;
    uint32_t left = held.len_bytes - held.stage_len;
    for (uint16_t chunk = held.first_chunk; left > 0; chunk = next_chunk_[chunk]) {
        const uint32_t part = std::min(left, chunk_bytes);
        due_.segments[due_.segment_count++] = {bytes_of(chunk), part};
        ++frame.segment_count;
        left -= part;
    }
    if (held.offload.needs != 0) due_.leave(due_.count, held.offload, 0);
    due_.bytes += held.len_bytes;
    due_slots_[due_.count++] = slot;
}

void HeldFrames::send_due(WorkerContext& context) {
    if (due_.count == 0) return;
    const Way way = held_[due_slots_[0]].way;
    for (size_t i = 0; i < due_.count; ++i)
        context.classified.frames[i] = held_[due_slots_[i]].way.vlan;
    way.source->home->resume(due_, *way.source, way, context);
    for (size_t i = 0; i < due_.count; ++i) give_back(due_slots_[i]);
    due_.clear();
}

void HeldFrames::forget(const Port& source, WorkerContext& context) noexcept {
    context.timers.forget_if([&](const WorkerTimers::Entry& entry) {
        if (entry.target != this) return false;
        const auto slot = static_cast<uint16_t>(entry.token);
        if (held_[slot].way.source != &source) return false;
        give_back(slot);
        return true;
    });
}

}  // namespace valenic
