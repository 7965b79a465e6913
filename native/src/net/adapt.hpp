// Delivers frames to one receiver in the shape that it takes: untouched, completed or cut.
#pragma once
#include <array>
#include <cstdint>
#include <span>

#include "net/cut.hpp"
#include "net/rewritten.hpp"

namespace valenic {

/// The indices 0, 1, 2 ... of a batch.
inline constexpr std::array<uint8_t, batch_frames> every_index = [] {
    std::array<uint8_t, batch_frames> all{};
    for (size_t i = 0; i < all.size(); ++i) all[i] = static_cast<uint8_t>(i);
    return all;
}();

/// What was done with the frames of a batch.
struct AdaptCounts {
    uint64_t whole = 0;      ///< Big frames that went on uncut.
    uint64_t full = 0;       ///< Of those, the largest that there are.
    uint64_t cut = 0;        ///< Big frames that did not.
    uint64_t segments = 0;   ///< What became of them.
    uint64_t completed = 0;  ///< Frames that got their checksum, segments not counted.

    AdaptCounts& operator+=(const AdaptCounts& other) noexcept {
        whole += other.whole;
        full += other.full;
        cut += other.cut;
        segments += other.segments;
        completed += other.completed;
        return *this;
    }
};

/// Whether any of these frames has to be adapted for a receiver.
inline bool needs_adapting(const Batch& batch, std::span<const uint8_t> indices,
                           OffloadSet accepts) noexcept {
    for (const uint8_t index : indices)
        if ((batch.needs_of(index) & ~accepts) != 0) return true;
    return false;
}

/// Frames as large as a sender's TCP makes them: 64 KiB less its headers and what is left over of
/// whole segments.
inline constexpr uint32_t full_frame_bytes = 60'000;

/// Counts a frame that passes unchanged.
inline void count_whole(const Batch& batch, size_t index, AdaptCounts& counts) noexcept {
    const bool big = (batch.needs_of(index) & offload_segmentation) != 0;
    counts.whole += big;
    counts.full += big && batch.frames[index].len_bytes >= full_frame_bytes;
}

/// Hands the frames on in their order, in one or more batches: `deliver(batch, indices)`.
/// A frame makes at most cut_segments_max of them.
///
/// @param scratch  Overwritten. What is delivered lies in it until the next call of `deliver`.
template <typename Deliver>
AdaptCounts adapt(const Batch& from, std::span<const uint8_t> indices, OffloadSet accepts,
                  RewrittenBatch& scratch, Deliver deliver) noexcept {
    AdaptCounts counts;
    scratch.batch.clear();
    const auto flush = [&] {
        if (scratch.batch.count > 0)
            deliver(scratch.batch, std::span{every_index.data(), scratch.batch.count});
        scratch.batch.clear();
    };
    for (const uint8_t index : indices) {
        const OffloadSet needs = from.needs_of(index);
        if ((needs & ~accepts) == 0) {
            if (!append_untouched(from, index, scratch)) {
                flush();
                append_untouched(from, index, scratch);
            }
            count_whole(from, index, counts);
        } else if ((needs & offload_segmentation) == 0) {
            if (!append_completed(from, index, scratch)) {
                flush();
                append_completed(from, index, scratch);
            }
            ++counts.completed;
        } else {
            Cutter cutter(from, index, (accepts & offload_csum) != 0);
            counts.segments += cutter.left();
            ++counts.cut;
            while (cutter.left() > 0)
                if (!cutter.next(scratch)) flush();
        }
    }
    flush();
    return counts;
}

}  // namespace valenic
