// Random net headers in front of random frames: what is accepted is completed, cut and put together
// for every kind of receiver. Nothing outside the frame is read, the work is bounded, bytes are
// neither lost nor made up, and what comes out asks for no more than its receiver takes.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include "base/check.hpp"
#include "net/adapt.hpp"
#include "net/coalesce.hpp"
#include "net/headers.hpp"
#include "net/ip.hpp"
#include "net/net_header_check.hpp"
#include "net/pieces.hpp"

using namespace valenic;

namespace {

/// Of an input: options, the net header, then frames with two bytes of length before each.
constexpr size_t options_bytes = 4;
constexpr size_t frames_at = options_bytes + sizeof(spec::NetHeader);
/// Longer frames come from the same few bytes again and again.
constexpr uint32_t lengths[] = {60, 1514, 9014, 65'535};

struct Input {
    OffloadSet negotiated;
    OffloadSet accepts;
    uint32_t piece_bytes;
    uint32_t len_bytes;
    spec::NetHeader header;
};

/// A batch whose frames lie in pieces of their own allocations, which the sanitizer guards.
struct Target {
    Batch batch;
    RewrittenBatch scratch;
    std::vector<std::unique_ptr<uint8_t[]>> memory;

    void clear() {
        batch.clear();
        memory.clear();
    }
    /// False when there is no room for another.
    bool add(const uint8_t* from, size_t size, uint32_t len_bytes, uint32_t piece_bytes) {
        const uint32_t staged = std::min(len_bytes, stage_frame_bytes);
        const uint32_t pieces = (len_bytes - staged + piece_bytes - 1) / piece_bytes;
        if (batch.full() || pieces > frame_segments_max ||
            batch.segment_count + pieces > batch_segments)
            return false;
        FrameStage& stage = batch.stages[batch.count];
        reset_stage(stage);
        Frame& frame = batch.frames[batch.count];
        frame = {len_bytes, static_cast<uint16_t>(staged),
                 static_cast<uint16_t>(batch.segment_count), static_cast<uint16_t>(pieces)};
        for (uint32_t i = 0; i < staged; ++i) stage.bytes[i] = from[i % size];
        for (uint32_t at = staged; at < len_bytes; at += piece_bytes) {
            const uint32_t part = std::min(piece_bytes, len_bytes - at);
            memory.push_back(std::make_unique<uint8_t[]>(part));
            for (uint32_t i = 0; i < part; ++i) memory.back()[i] = from[(at + i) % size];
            batch.segments[batch.segment_count++] = {memory.back().get(), part};
        }
        batch.bytes += len_bytes;
        ++batch.count;
        return true;
    }
};

uint64_t read_all(const Batch& batch, const Frame& frame) {
    uint64_t bytes = frame.stage_len;
    uint8_t sum = 0;
    for (const Segment& segment : batch.segments_of(frame)) {
        for (uint32_t i = 0; i < segment.len_bytes; ++i) sum ^= segment.data[i];
        bytes += segment.len_bytes;
    }
    asm volatile("" ::"r"(sum));
    return bytes;
}

void adapt_and_count(Target& target, OffloadSet accepts) {
    size_t frames = 0;
    const std::span<const uint8_t> all{every_index.data(), target.batch.count};
    const AdaptCounts counts =
        adapt(target.batch, all, accepts, target.scratch,
              [&](const Batch& batch, std::span<const uint8_t> indices) {
                  frames += indices.size();
                  CHECK(batch.count == indices.size() && batch.segment_count <= batch_segments);
                  for (const uint8_t index : indices) {
                      CHECK((batch.needs_of(index) & ~accepts) == 0);
                      CHECK(read_all(batch, batch.frames[index]) == batch.frames[index].len_bytes);
                  }
              });
    CHECK(counts.segments <= counts.cut * cut_segments_max);
    CHECK(frames == target.batch.count - counts.cut + counts.segments);
}

void coalesce_and_count(Target& target, OffloadSet accepts) {
    target.batch.offloaded = false;
    target.scratch.batch.clear();
    const std::span<const uint8_t> all{every_index.data(), target.batch.count};
    const bool any = coalesce(target.batch, all, accepts, target.scratch);
    const Batch& out = target.scratch.batch;
    CHECK(any == (out.count > 0) && (!any || out.count < target.batch.count));
    for (size_t i = 0; i < out.count; ++i) {
        CHECK(read_all(out, out.frames[i]) == out.frames[i].len_bytes);
        CHECK((out.needs_of(i) & ~accepts) == 0);
        if (out.needs_of(i) == 0) continue;
        spec::NetHeader header;
        std::memcpy(&header, out.stages[i].net_header, sizeof header);
        FrameOffload offload;
        const Frame& frame = out.frames[i];
        CHECK(check_net_header(header, {out.stages[i].bytes, frame.stage_len, frame.len_bytes},
                               accepts, offload) == NetHeaderFault::none);
    }
}

/// Sums are brought into order, so that segments may be put together.
void heal(Target& target, size_t index) {
    FrameStage& stage = target.batch.stages[index];
    const Frame& frame = target.batch.frames[index];
    const Headers headers = find_headers(stage.bytes, frame.stage_len);
    if (headers.found != HeadersFound::transport) return;
    if (headers.protocol != protocol_tcp || headers.transport_at + 20u > frame.stage_len) return;
    uint8_t* ip = stage.bytes + headers.network_at;
    RunningSum sum;
    const uint32_t transport_bytes = frame.len_bytes - headers.transport_at;
    if (headers.version == 4) {
        store_be16(ip + ipv4::total_length_at, frame.len_bytes - headers.network_at);
        store_word(ip + ipv4::checksum_at, 0);
        const uint32_t header_bytes = headers.transport_at - headers.network_at;
        store_word(ip + ipv4::checksum_at,
                   static_cast<uint16_t>(~fold_sum(sum_bytes(ip, header_bytes))));
        sum.add(ip + ipv4::addresses_at, 8);
    } else {
        store_be16(ip + ipv6::payload_length_at,
                   frame.len_bytes - headers.network_at - ipv6::header_bytes);
        sum.add(ip + ipv6::addresses_at, 32);
    }
    sum.add_word(word_of(protocol_tcp));
    sum.add_word(word_of(transport_bytes));
    uint8_t* field = stage.bytes + headers.transport_at + tcp::checksum_at;
    store_word(field, 0);
    PieceWalk walk(target.batch, index);
    walk.pass_over(headers.transport_at);
    walk.add_to(sum, transport_bytes);
    store_word(field, checksum_of(sum.value()));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    static Target target;
    if (size < frames_at + 2 + ethernet_header_bytes) return 0;
    Input input{data[0], data[1], 1u + data[2] * 17u, lengths[data[3] % 4], {}};
    std::memcpy(&input.header, data + options_bytes, sizeof input.header);
    target.clear();
    for (size_t at = frames_at; at + 2 + ethernet_header_bytes <= size;) {
        uint16_t said;
        std::memcpy(&said, data + at, sizeof said);
        at += sizeof said;
        const size_t here =
            std::min<size_t>(std::max<uint32_t>(said, ethernet_header_bytes), size - at);
        const auto len = std::max(static_cast<uint32_t>(here), ethernet_header_bytes);
        const uint32_t len_bytes = (data[3] & 4) != 0 ? std::max(len, input.len_bytes) : len;
        if (!target.add(data + at, here, len_bytes, input.piece_bytes)) break;
        at += here;
        const size_t index = target.batch.count - 1;
        if ((data[3] & 8) != 0) heal(target, index);
        FrameOffload offload;
        const Frame& frame = target.batch.frames[index];
        const StagedFrame staged{target.batch.stages[index].bytes, frame.stage_len, len_bytes};
        check_net_header(input.header, staged, input.negotiated, offload);
        if (offload.needs != 0) target.batch.leave(index, offload, 0);
    }
    if (target.batch.count == 0) return 0;
    adapt_and_count(target, input.accepts);
    coalesce_and_count(target, input.accepts);
    return 0;
}
