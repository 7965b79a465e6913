// TCP and UDP frames for the tests of offloads, and the same arithmetic once more, byte by byte,
// from the RFCs: what the datapath makes is held against this.
#pragma once
#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

#include "net/batch.hpp"
#include "net/net_header_check.hpp"
#include "testing.hpp"

namespace valenic::test {

using Octets = std::vector<uint8_t>;

inline void put16(Octets& out, uint32_t value) {
    out.push_back(static_cast<uint8_t>(value >> 8));
    out.push_back(static_cast<uint8_t>(value));
}
inline void put32(Octets& out, uint32_t value) {
    put16(out, value >> 16);
    put16(out, value & 0xffff);
}
inline uint32_t get16(const Octets& in, size_t at) { return in.at(at) * 256u + in.at(at + 1); }
inline uint32_t get32(const Octets& in, size_t at) {
    return get16(in, at) * 65536u + get16(in, at + 2);
}
inline void set16(Octets& in, size_t at, uint32_t value) {
    in.at(at) = static_cast<uint8_t>(value >> 8);
    in.at(at + 1) = static_cast<uint8_t>(value);
}
inline void set32(Octets& in, size_t at, uint32_t value) {
    set16(in, at, value >> 16);
    set16(in, at + 2, value & 0xffff);
}

/// RFC 1071, 1, word by word: the sum, carries folded at each step.
inline uint32_t plain_sum(const Octets& bytes, size_t from, size_t to, uint32_t sum = 0) {
    for (size_t at = from; at < to; at += 2) {
        sum += bytes[at] * 256u + (at + 1 < to ? bytes[at + 1] : 0u);
        if (sum > 0xffff) sum -= 0xffff;
    }
    return sum;
}

/// What a test's frame is made of.
struct FrameSpec {
    unsigned version = 4;
    bool tcp = true;
    unsigned tags = 0;
    uint32_t payload = 100;
    uint32_t options = 0;     ///< Of TCP: a multiple of 4, up to 40.
    uint32_t ip_options = 0;  ///< Of IPv4: a multiple of 4, up to 40.
    uint32_t extensions = 0;  ///< Of IPv6: how many of 8 bytes each.
    uint8_t flags = 0x10;
    uint32_t sequence = 1000;
    uint32_t acknowledgment = 77;
    uint16_t window = 500;
    uint16_t id = 10;
    bool dont_fragment = true;
    uint8_t ttl = 64;
    uint16_t source_port = 4000;
    uint8_t seed = 1;  ///< Of the payload.
};

struct Places {
    size_t network;
    size_t transport;
    size_t payload;
};
inline Places places_of(const FrameSpec& spec) {
    const size_t network = 14 + 4 * spec.tags;
    const size_t transport =
        network + (spec.version == 4 ? 20 + spec.ip_options : 40 + 8 * spec.extensions);
    return {network, transport, transport + (spec.tcp ? 20 + spec.options : 8)};
}

/// RFC 9293, 3.1 and RFC 8200, 8.1, from the frame's own addresses.
inline uint32_t pseudo_sum_of(const Octets& frame, const FrameSpec& spec) {
    const Places at = places_of(spec);
    const size_t addresses = at.network + (spec.version == 4 ? 12 : 8);
    uint32_t sum = plain_sum(frame, addresses, addresses + (spec.version == 4 ? 8 : 32));
    for (const uint32_t part :
         {spec.tcp ? 6u : 17u, static_cast<uint32_t>(frame.size() - at.transport)})
        sum = (sum + part) % 0xffff;
    return sum;
}
inline size_t checksum_at(const FrameSpec& spec) {
    return places_of(spec).transport + (spec.tcp ? 16 : 6);
}

/// Lengths and the checksum of the IP header, as they should be.
inline void finish_network(Octets& frame, const FrameSpec& spec) {
    const Places at = places_of(spec);
    if (spec.version == 6) {
        set16(frame, at.network + 4, static_cast<uint32_t>(frame.size() - at.network - 40));
        return;
    }
    set16(frame, at.network + 2, static_cast<uint32_t>(frame.size() - at.network));
    set16(frame, at.network + 10, 0);
    set16(frame, at.network + 10, 0xffff - plain_sum(frame, at.network, at.transport));
}
/// The whole checksum of the transport.
inline void finish_transport(Octets& frame, const FrameSpec& spec) {
    const Places at = places_of(spec);
    if (!spec.tcp)
        set16(frame, at.transport + 4, static_cast<uint32_t>(frame.size() - at.transport));
    set16(frame, checksum_at(spec), 0);
    const uint32_t sum = plain_sum(frame, at.transport, frame.size(), pseudo_sum_of(frame, spec));
    set16(frame, checksum_at(spec), sum % 0xffff == 0 ? 0xffff : 0xffff - sum);
}
/// Only the pseudo header's sum, as a sender with VIRTIO_NET_F_CSUM leaves it.
inline void leave_partial(Octets& frame, const FrameSpec& spec) {
    set16(frame, checksum_at(spec), pseudo_sum_of(frame, spec));
}

inline Octets make_frame(const FrameSpec& spec) {
    Octets frame{0x52, 0x54, 0, 0, 0, 2, 0x52, 0x54, 0, 0, 0, 1};
    for (unsigned tag = 0; tag < spec.tags; ++tag) {
        put16(frame, tag + 1 == spec.tags ? 0x8100 : 0x88a8);
        put16(frame, 100 + tag);
    }
    const uint8_t protocol = spec.tcp ? 6 : 17;
    if (spec.version == 4) {
        put16(frame, 0x0800);
        frame.push_back(static_cast<uint8_t>(0x45 + spec.ip_options / 4));
        frame.push_back(0);
        put16(frame, 0);
        put16(frame, spec.id);
        put16(frame, spec.dont_fragment ? 0x4000 : 0);
        frame.push_back(spec.ttl);
        frame.push_back(protocol);
        put16(frame, 0);
        put32(frame, 0x0a00'0001);
        put32(frame, 0x0a00'0002);
        frame.insert(frame.end(), spec.ip_options, 1);  // No-operation.
    } else {
        put16(frame, 0x86dd);
        put32(frame, 0x6000'0000);
        put16(frame, 0);
        frame.push_back(spec.extensions > 0 ? 60 : protocol);
        frame.push_back(spec.ttl);
        for (uint8_t i = 0; i < 32; ++i) frame.push_back(static_cast<uint8_t>(0xfd + i * 7));
        for (uint32_t i = 0; i < spec.extensions; ++i) {
            frame.push_back(i + 1 < spec.extensions ? 60 : protocol);
            for (const uint8_t byte : {0, 1, 4, 0, 0, 0, 0}) frame.push_back(byte);
        }
    }
    put16(frame, spec.source_port);
    put16(frame, 5001);
    if (spec.tcp) {
        put32(frame, spec.sequence);
        put32(frame, spec.acknowledgment);
        frame.push_back(static_cast<uint8_t>((20 + spec.options) / 4 << 4));
        frame.push_back(spec.flags);
        put16(frame, spec.window);
        put32(frame, 0);
        for (uint32_t i = 0; i < spec.options; ++i) frame.push_back(static_cast<uint8_t>(i + 1));
    } else {
        put32(frame, 0);
    }
    uint32_t state = spec.seed * 2'654'435'761u;
    for (uint32_t i = 0; i < spec.payload; ++i) {
        state = state * 1'664'525u + 1'013'904'223u;
        frame.push_back(static_cast<uint8_t>(state >> 24));
    }
    finish_network(frame, spec);
    finish_transport(frame, spec);
    return frame;
}

/// What a sender says of a frame that is to be cut.
inline spec::NetHeader gso_header(const FrameSpec& spec, uint32_t gso_bytes, bool ecn = false) {
    const Places at = places_of(spec);
    spec::NetHeader header{};
    header.flags = 1;
    header.gso_type = spec.tcp ? (spec.version == 4 ? 1 : 4) : 5;
    if (ecn) header.gso_type |= 0x80;
    header.hdr_len = static_cast<uint16_t>(at.payload);
    header.gso_size = static_cast<uint16_t>(gso_bytes);
    header.csum_start = static_cast<uint16_t>(at.transport);
    header.csum_offset = spec.tcp ? 16 : 6;
    return header;
}
inline spec::NetHeader csum_header(const FrameSpec& spec) {
    spec::NetHeader header = gso_header(spec, 0);
    header.gso_type = 0;
    header.hdr_len = 0;
    return header;
}

/// The segments that a frame should become, built from its specification and its payload.
inline std::vector<Octets> reference_cut(const Octets& frame, const FrameSpec& spec,
                                         uint32_t gso_bytes) {
    const Places at = places_of(spec);
    std::vector<Octets> segments;
    for (size_t from = at.payload; from < frame.size(); from += gso_bytes) {
        const size_t to = std::min(from + gso_bytes, frame.size());
        Octets segment(frame.begin(), frame.begin() + static_cast<long>(at.payload));
        segment.insert(segment.end(), frame.begin() + static_cast<long>(from),
                       frame.begin() + static_cast<long>(to));
        if (spec.version == 4)
            set16(segment, at.network + 4, spec.id + static_cast<uint32_t>(segments.size()));
        if (spec.tcp) {
            set32(segment, at.transport + 4,
                  spec.sequence + static_cast<uint32_t>(from - at.payload));
            uint8_t flags = spec.flags;
            if (from != at.payload) flags &= 0x7f;   // CWR.
            if (to != frame.size()) flags &= ~0x09;  // PSH, FIN.
            segment[at.transport + 13] = flags;
        }
        finish_network(segment, spec);
        finish_transport(segment, spec);
        segments.push_back(segment);
    }
    return segments;
}

inline Octets flatten(const Batch& batch, size_t index) {
    const Frame& frame = batch.frames[index];
    const uint8_t* stage = batch.stages[index].bytes;
    Octets bytes(stage, stage + frame.stage_len);
    for (const Segment& segment : batch.segments_of(frame))
        bytes.insert(bytes.end(), segment.data, segment.data + segment.len_bytes);
    return bytes;
}
inline spec::NetHeader header_of(const Batch& batch, size_t index) {
    spec::NetHeader header;
    std::memcpy(&header, batch.stages[index].net_header, sizeof header);
    return header;
}

/// A batch and the memory that its frames are borrowed from.
struct LoadedBatch {
    std::unique_ptr<Batch> batch = std::make_unique<Batch>();
    std::vector<std::unique_ptr<Octets>> memory;

    /// Appends a frame; what is behind its stage comes in pieces of `piece_bytes`, each with bytes
    /// around it that a sanitizer guards.
    void add(const Octets& frame, uint32_t piece_bytes = 4096) {
        REQUIRE(!batch->full());
        FrameStage& stage = batch->stages[batch->count];
        reset_stage(stage);
        const size_t staged = std::min<size_t>(frame.size(), stage_frame_bytes);
        std::copy_n(frame.begin(), staged, stage.bytes);
        Frame& out = batch->frames[batch->count];
        out = {static_cast<uint32_t>(frame.size()), static_cast<uint16_t>(staged),
               static_cast<uint16_t>(batch->segment_count), 0};
        for (size_t at = staged; at < frame.size(); at += piece_bytes) {
            const size_t end = std::min(at + piece_bytes, frame.size());
            memory.push_back(std::make_unique<Octets>(frame.begin() + static_cast<long>(at),
                                                      frame.begin() + static_cast<long>(end)));
            REQUIRE(batch->segment_count < batch_segments);
            batch->segments[batch->segment_count++] = {memory.back()->data(),
                                                       static_cast<uint32_t>(end - at)};
            ++out.segment_count;
        }
        batch->bytes += out.len_bytes;
        ++batch->count;
    }
    /// As add(), with the sender's header looked at as a ring does.
    NetHeaderFault add_offloaded(const Octets& frame, const spec::NetHeader& header,
                                 OffloadSet negotiated = 0xff, uint32_t piece_bytes = 4096) {
        add(frame, piece_bytes);
        const size_t index = batch->count - 1;
        const StagedFrame staged{batch->stages[index].bytes, batch->frames[index].stage_len,
                                 batch->frames[index].len_bytes};
        FrameOffload offload;
        const NetHeaderFault fault = check_net_header(header, staged, negotiated, offload);
        if (offload.needs != 0) batch->leave(index, offload, 0);
        const spec::NetHeader made = net_header_of(offload);
        std::memcpy(batch->stages[index].net_header, &made, sizeof made);
        return fault;
    }
};

/// `count` segments that follow each other.
inline std::vector<FrameSpec> following(FrameSpec first, unsigned count) {
    std::vector<FrameSpec> specs;
    for (unsigned i = 0; i < count; ++i) {
        specs.push_back(first);
        first.sequence += first.payload;
        ++first.id;
        ++first.seed;
    }
    return specs;
}

}  // namespace valenic::test
