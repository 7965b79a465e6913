#include "ring/split_tx.hpp"

#include <algorithm>

#include "ring/copy.hpp"
#include "ring/net_header.hpp"

namespace valenic {

using spec::DropReason;
using spec::Fault;

namespace {

/// A frame of more pieces is dropped; net header and stage may end inside one piece each.
constexpr size_t chain_pieces_max = frame_segments_max;

/// Copies the first bytes of a frame and its header into the stage and zeroes the rest of it.
///
/// @param from  Net header and frame, `bytes` in all, in one piece.
/// @param gap   12 - the sender's header length: the frame always begins at the stage's byte 12.
VALENIC_INLINE void fill_stage(FrameStage& stage, const uint8_t* from, uint32_t bytes,
                               uint32_t gap) noexcept {
    auto* to = reinterpret_cast<uint8_t*>(&stage);
    const uint32_t room = static_cast<uint32_t>(sizeof stage) - gap;
    if (bytes >= room) {
        copy_line(to + gap, from);
        copy_line(to + sizeof stage - line_bytes, from + room - line_bytes);
    } else if (bytes >= line_bytes) {
        zero_line(to + line_bytes);
        copy_line(to + gap, from);
        copy_line(to + gap + bytes - line_bytes, from + bytes - line_bytes);
    } else {
        zero_line(to);
        zero_line(to + line_bytes);
        copy_short(to + gap, from, bytes);
    }
}

/// Reads a chain's buffers in order.
struct PieceCursor {
    std::span<const Piece> pieces;
    uint32_t offset = 0;  ///< Into the first of them.

    void read(uint8_t* to, uint32_t bytes) noexcept {
        while (bytes > 0 && !pieces.empty()) {
            const uint32_t part = std::min(bytes, pieces[0].len_bytes - offset);
            copy_bytes(to, pieces[0].data + offset, part);
            to += part;
            bytes -= part;
            advance(part);
        }
    }
    void advance(uint32_t bytes) noexcept {
        offset += bytes;
        if (offset < pieces[0].len_bytes) return;
        pieces = pieces.subspan(1);
        offset = 0;
    }
};

/// Which limit of the sending port a frame breaks.
bool breaks_limit(uint64_t frame_bytes, const FetchLimits& limits, DropReason& reason) noexcept {
    if (frame_bytes < ethernet_header_bytes) {
        reason = DropReason::tx_too_short;
        return true;
    }
    reason = DropReason::tx_too_long;
    return frame_bytes > limits.max_frame_bytes;
}

}  // namespace

SplitTxRing::SplitTxRing(const SplitLayout& layout, const RingConfig& config,
                         std::shared_ptr<const MemoryMap> memory) noexcept
    : memory_(std::move(memory)),
      layout_(layout),
      header_bytes_(net_header_bytes_for(config.features)),
      next_avail_(config.base),
      known_avail_(config.base),
      used_index_(config.base),
      signalled_(first_signalled(config)) {
    // What the last device took it also returned: the base is both. It may have been someone else's
    // (a backend that crashed), so the guest is told.
    guest_publish(layout_.used->idx, used_index_);
    layout_.ask_for_no_kicks();
}

Fault SplitTxRing::rebind(const RingConfig& config,
                          std::shared_ptr<const MemoryMap> memory) noexcept {
    auto layout = SplitLayout::resolve(config, *memory);
    if (!layout) {
        break_with(layout.error());
        return layout.error();
    }
    layout_ = layout.value();
    memory_ = std::move(memory);
    cache_ = {};
    known_avail_ = next_avail_;
    layout_.ask_for_no_kicks();  // Another used ring may say otherwise.
    return Fault::none;
}

void SplitTxRing::break_with(Fault fault) noexcept {
    fault_.store(fault, std::memory_order_relaxed);
}

/// Chains that wait, reading the guest's index only when a batch is not known to wait already.
size_t SplitTxRing::waiting() noexcept {
    size_t known = static_cast<uint16_t>(known_avail_ - next_avail_);
    if (known >= batch_frames) return known;
    const uint16_t avail = layout_.avail_index();
    known = static_cast<uint16_t>(avail - next_avail_);
    // What is borrowed has not come back, so the driver cannot have offered it again.
    if (known + taken_ > layout_.size) [[unlikely]] {
        break_with(Fault::avail_index_jumped);
        return 0;
    }
    known_avail_ = avail;
    return known;
}

/// Loads and checks `count` heads and asks for their first lines. Returns how many are good; fewer
/// when a rule was broken, and then the ring is broken.
size_t SplitTxRing::load_heads(size_t count, TxHead* heads) noexcept {
    const uint16_t* ring = layout_.avail_ring();
    for (size_t i = 0; i < count; ++i) {
        const uint16_t index = load_once(ring[(next_avail_ + i) & layout_.mask]);
        if (index >= layout_.size) [[unlikely]] {
            break_with(Fault::index_outside_table);
            return i;
        }
        const spec::SplitDesc desc = load_descriptor(layout_.table[index]);
        heads[i] = {index, desc.len, nullptr};
        if (desc.flags != 0) continue;
        heads[i].data = memory_->translate(desc.addr, desc.len, false, cache_);
        if (heads[i].data == nullptr) [[unlikely]]
            continue;
        prefetch_read(heads[i].data);
        prefetch_read(heads[i].data + line_bytes);
    }
    return count;
}

/// Takes the frames of one buffer each from the start of `heads`, up to the first that is not.
///
/// One loop over the batch, without a call for each frame: half of the cost of a short frame was
/// calls and spilled registers (test/bench/switch_bench.cpp).
///
/// @param bad_headers  Receives how many of them asked for an offload: taken, not in the batch.
VALENIC_WIDE
size_t take_direct_run(std::span<const TxHead> heads, uint32_t header_bytes,
                       uint32_t max_frame_bytes, Batch& batch, size_t& bad_headers) noexcept {
    const uint32_t gap = stage_header_room - header_bytes;
    const uint32_t shortest = header_bytes + ethernet_header_bytes;
    size_t count = batch.count;
    size_t segments = batch.segment_count;
    uint64_t bytes = batch.bytes;
    size_t done = 0;
    for (; done < heads.size() && segments < batch_segments; ++done) {
        const TxHead head = heads[done];  // A copy: what is written below might alias it.
        const uint32_t frame_bytes = head.len_bytes - header_bytes;
        if (head.data == nullptr || head.len_bytes < shortest || frame_bytes > max_frame_bytes)
            [[unlikely]]
            break;
        FrameStage& stage = batch.stages[count];
        fill_stage(stage, head.data, head.len_bytes, gap);
        if (asks_for_offload(reinterpret_cast<const uint8_t*>(&stage) + gap)) [[unlikely]] {
            ++bad_headers;
            continue;
        }
        write_plain_header(stage);
        const uint32_t staged = frame_bytes < stage_frame_bytes ? frame_bytes : stage_frame_bytes;
        const bool longer = frame_bytes > staged;
        batch.frames[count] = {frame_bytes, static_cast<uint16_t>(staged),
                               static_cast<uint16_t>(segments), static_cast<uint16_t>(longer)};
        batch.segments[segments] = {head.data + header_bytes + staged, frame_bytes - staged};
        segments += longer;
        bytes += frame_bytes;
        ++count;
    }
    batch.count = count;
    batch.segment_count = segments;
    batch.bytes = bytes;
    return done;
}

SplitTxRing::Taken SplitTxRing::take_chain(uint16_t head, Batch& batch, const FetchLimits& limits,
                                           CounterBlock& counters) noexcept {
    Piece pieces[chain_pieces_max];
    const ChainResult chain = walk_chain(layout_, *memory_, head, ChainUse::send, pieces);
    if (chain.fault != Fault::none || chain.bytes < header_bytes_) {
        break_with(chain.fault != Fault::none ? chain.fault : Fault::header_incomplete);
        return Taken::broken;
    }
    const uint64_t frame_bytes = chain.bytes - header_bytes_;
    DropReason reason = DropReason::tx_too_many_segments;
    if (breaks_limit(frame_bytes, limits, reason)) {
        counters.drop(reason, 1);
        return Taken::yes;
    }
    if (chain.overflow) {
        counters.drop(DropReason::tx_too_many_segments, 1);
        return Taken::yes;
    }
    if (batch.segment_count + chain.pieces > batch_segments) return Taken::no_room;

    FrameStage& stage = batch.stages[batch.count];
    reset_stage(stage);
    PieceCursor cursor{{pieces, chain.pieces}};
    uint8_t header[stage_header_room] = {};
    cursor.read(header, header_bytes_);
    if (asks_for_offload(header)) {
        counters.drop(DropReason::tx_bad_net_header, 1);
        return Taken::yes;
    }
    const auto len = static_cast<uint32_t>(frame_bytes);
    const uint32_t staged = std::min(len, stage_frame_bytes);
    cursor.read(stage.bytes, staged);
    Frame& frame = batch.frames[batch.count];
    frame = {len, static_cast<uint16_t>(staged), static_cast<uint16_t>(batch.segment_count), 0};
    for (; !cursor.pieces.empty(); cursor.advance(cursor.pieces[0].len_bytes - cursor.offset)) {
        const Piece& piece = cursor.pieces[0];
        batch.segments[batch.segment_count++] = {piece.data + cursor.offset,
                                                 piece.len_bytes - cursor.offset};
        ++frame.segment_count;
    }
    batch.bytes += len;
    ++batch.count;
    return Taken::yes;
}

size_t SplitTxRing::fetch(Batch& batch, const FetchLimits& limits,
                          CounterBlock& counters) noexcept {
    if (fault_.load(std::memory_order_relaxed) != Fault::none) [[unlikely]]
        return 0;
    size_t count = std::min(waiting(), limits.frames);
    count = std::min(count, batch_frames - std::max<size_t>(batch.count, taken_));
    if (count == 0) return 0;
    TxHead heads[batch_frames];
    const size_t loaded = load_heads(count, heads);
    size_t done = 0;
    while (done < loaded) {
        const std::span<const TxHead> rest{heads + done, loaded - done};
        size_t bad_headers = 0;
        done += take_direct_run(rest, header_bytes_, limits.max_frame_bytes, batch, bad_headers);
        if (bad_headers > 0) counters.drop(DropReason::tx_bad_net_header, bad_headers);
        if (done == loaded) break;
        if (take_chain(heads[done].index, batch, limits, counters) != Taken::yes) break;
        ++done;
    }
    write_used({heads, done});
    return done;
}

/// The used entries of what was taken; release() publishes them.
void SplitTxRing::write_used(std::span<const TxHead> heads) noexcept {
    spec::SplitUsedElem* used = layout_.used_ring();
    uint16_t at = static_cast<uint16_t>(used_index_ + taken_);
    for (const TxHead& head : heads) {
        spec::SplitUsedElem& element = used[at++ & layout_.mask];
        guest_store(element.id, uint32_t{head.index});
        guest_store(element.len, uint32_t{0});
    }
    taken_ = static_cast<uint16_t>(taken_ + heads.size());
    store_once(next_avail_, static_cast<uint16_t>(next_avail_ + heads.size()));
}

void SplitTxRing::release() noexcept {
    if (taken_ == 0) return;
    store_once(used_index_, static_cast<uint16_t>(used_index_ + taken_));
    taken_ = 0;
    guest_publish(layout_.used->idx, used_index_);
}

bool SplitTxRing::call_wanted() noexcept {
    if (used_index_ == signalled_) return false;
    full_fence();  // Our used index before their flag or event. virtio 1.2, 2.7.7.2.
    const uint16_t before = signalled_;
    signalled_ = used_index_;
    if (layout_.wants_call(before, used_index_)) return true;
    // @spec virtio 1.2, 6.3 "Legacy Interface: Reserved Feature Bits", NOTIFY_ON_EMPTY.
    return layout_.notify_on_empty && layout_.avail_index() == next_avail_;
}

bool SplitTxRing::arm() noexcept {
    if (fault_.load(std::memory_order_relaxed) != Fault::none) return false;
    layout_.ask_for_kicks(next_avail_);
    full_fence();  // Our wish before their index. virtio 1.2, 2.7.10.
    return layout_.avail_index() != next_avail_;
}

}  // namespace valenic
