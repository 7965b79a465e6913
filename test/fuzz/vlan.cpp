// Random frames between ports of random VLANs: who gets them, with which tags, and what becomes of
// partial checksums and big frames on the way. Held against the rules said once more, over plain
// lists of bytes.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include "base/check.hpp"
#include "net/adapt.hpp"
#include "net/edited.hpp"
#include "net/net_header_check.hpp"
#include "switch/rules.hpp"

using namespace valenic;

namespace {

using Octets = std::vector<uint8_t>;

/// Of an input: two ports, a net header, options, then the frame.
constexpr size_t port_bytes = 6;
constexpr size_t header_at = 2 * port_bytes;
constexpr size_t options_at = header_at + sizeof(spec::NetHeader);
constexpr size_t frame_at = options_at + 2;

/// Few VLANs, so that both ports often share one.
uint16_t small_vlan(uint8_t byte) {
    constexpr uint16_t vlans[] = {1, 2, 10, 100, 4094};
    return vlans[byte % 5];
}

PortVlan port_from(const uint8_t* bytes) {
    PortVlan port;
    port.mode = static_cast<spec::VlanMode>(bytes[0] % 4);
    if (port.mode == spec::VlanMode::none) return port;
    port.vlan = small_vlan(bytes[1]);
    if (port.mode != spec::VlanMode::trunk) return port;
    if ((bytes[2] & 1) != 0) port.vlan = vlan_none;
    for (size_t i = 3; i < port_bytes; ++i) port.members.set(small_vlan(bytes[i]));
    if (port.vlan != vlan_none) port.members.set(port.vlan);
    return port;
}

/// A batch of one frame, in pieces of their own allocations, which the sanitizer guards.
struct Target {
    Batch batch;
    EditedBatch retagged;
    RewrittenBatch scratch;
    std::vector<std::unique_ptr<uint8_t[]>> memory;

    bool load(const Octets& frame, uint32_t piece_bytes) {
        batch.clear();
        memory.clear();
        const auto len = static_cast<uint32_t>(frame.size());
        const uint32_t staged = std::min(len, stage_frame_bytes);
        const uint32_t pieces = (len - staged + piece_bytes - 1) / piece_bytes;
        if (pieces > frame_segments_max) return false;
        reset_stage(batch.stages[0]);
        std::memcpy(batch.stages[0].bytes, frame.data(), staged);
        batch.frames[0] = {len, static_cast<uint16_t>(staged), 0, static_cast<uint16_t>(pieces)};
        for (uint32_t at = staged; at < len; at += piece_bytes) {
            const uint32_t part = std::min(piece_bytes, len - at);
            memory.push_back(std::make_unique<uint8_t[]>(part));
            std::memcpy(memory.back().get(), frame.data() + at, part);
            batch.segments[batch.segment_count++] = {memory.back().get(), part};
        }
        batch.bytes = len;
        batch.count = 1;
        return true;
    }
};

Octets flatten(const Batch& batch, size_t index) {
    const Frame& frame = batch.frames[index];
    const uint8_t* stage = batch.stages[index].bytes;
    Octets bytes(stage, stage + frame.stage_len);
    for (const Segment& segment : batch.segments_of(frame))
        bytes.insert(bytes.end(), segment.data, segment.data + segment.len_bytes);
    CHECK(bytes.size() == frame.len_bytes);
    return bytes;
}

unsigned word(const Octets& frame, size_t at) { return frame[at] * 256u + frame[at + 1]; }
bool tagged(const Octets& frame) { return word(frame, 12) == 0x8100 || word(frame, 12) == 0x88a8; }
Octets without_tag(Octets frame) {
    frame.erase(frame.begin() + 12, frame.begin() + 16);
    return frame;
}
Octets with_tag(Octets frame, unsigned type, unsigned control) {
    for (const unsigned byte : {control, control >> 8, type, type >> 8})
        frame.insert(frame.begin() + 12, static_cast<uint8_t>(byte));
    return frame;
}

/// The VLAN of a frame, without the tag that said so; false: refused.
struct Said {
    unsigned vlan = 0;
    bool had_tag = false;
    unsigned type = 0x8100;  ///< Of the tag that it had, or is to get.
    unsigned priority = 0;
    Octets rest;
};
bool say(const PortVlan& port, const Octets& frame, Said& out) {
    out.rest = frame;
    if (port.mode == spec::VlanMode::none) return true;
    out.vlan = port.vlan;
    if (port.mode == spec::VlanMode::tunnel) {
        out.type = 0x88a8;
        return true;
    }
    if (tagged(frame)) {
        if (frame.size() < 18) return false;
        out.had_tag = true;
        out.type = word(frame, 12);
        out.priority = word(frame, 14) & 0xf000;
        const unsigned vlan = word(frame, 14) & 0xfff;
        out.rest = without_tag(frame);
        if (vlan != 0) {
            out.vlan = vlan;
            if (port.mode == spec::VlanMode::access || vlan == 4095) return false;
        }
    }
    if (port.mode == spec::VlanMode::access) return !tagged(out.rest);
    return out.vlan != 0 && port.members[out.vlan];
}

/// What the receiver gets; false: nothing.
bool expect(const PortVlan& port, const Said& said, Octets& out) {
    out = said.rest;
    switch (port.mode) {
        case spec::VlanMode::none:
            return said.vlan == 0;
        case spec::VlanMode::access:
            return said.vlan == port.vlan && !tagged(said.rest);
        case spec::VlanMode::tunnel:
            return said.vlan == port.vlan;
        default:
            break;
    }
    if (said.vlan == 0 || !port.members[said.vlan]) return false;
    if (said.vlan != port.vlan || tagged(said.rest))
        out = with_tag(said.rest, said.type, said.priority | said.vlan);
    return true;
}

/// What was said of the frame is true of the one with other tags.
void check_offload(const Target& target, const Octets& before, const Octets& after) {
    const FrameOffload& was = target.batch.offloads[0];
    const FrameOffload& is = target.retagged.batch().offloads[0];
    const long by = static_cast<long>(after.size()) - static_cast<long>(before.size());
    CHECK(is.needs == was.needs && is.csum_at == was.csum_at + by);
    CHECK(is.csum_field == was.csum_field + by && is.csum_field + 2u <= after.size());
    CHECK(is.gso_bytes == was.gso_bytes);
    if (is.segmented()) CHECK(is.header_bytes == was.header_bytes + by);
}

/// A receiver without offloads gets the same bytes from the tagged frame as from the other one,
/// but for the tag: from these places on.
void check_adapted(Target& target, size_t at_before, size_t at_after) {
    const auto collect = [&](const Batch& from) {
        std::vector<Octets> all;
        adapt(from, {every_index.data(), 1}, 0, target.scratch,
              [&](const Batch& out, std::span<const uint8_t> indices) {
                  for (const uint8_t index : indices) all.push_back(flatten(out, index));
              });
        return all;
    };
    const std::vector<Octets> before = collect(target.batch);
    const std::vector<Octets> after = collect(target.retagged.batch());
    CHECK(before.size() == after.size());
    for (size_t i = 0; i < before.size(); ++i) {
        const Octets& a = before[i];
        const Octets& b = after[i];
        CHECK(std::equal(a.begin() + static_cast<long>(at_before), a.end(),
                         b.begin() + static_cast<long>(at_after), b.end()));
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    static Target target;
    if (size < frame_at + ethernet_header_bytes) return 0;
    const PortVlan from = port_from(data);
    const PortVlan to = port_from(data + port_bytes);
    Octets frame(data + frame_at, data + size);
    // Large ones come from the same few bytes.
    if ((data[options_at] & 1) != 0)
        for (size_t i = 0; frame.size() < 5000; ++i) frame.push_back(frame[i]);
    if (!target.load(frame, 1u + data[options_at + 1] * 17u)) return 0;
    spec::NetHeader header;
    std::memcpy(&header, data + header_at, sizeof header);
    FrameOffload offload;
    const Frame& loaded = target.batch.frames[0];
    const StagedFrame staged{target.batch.stages[0].bytes, loaded.stage_len, loaded.len_bytes};
    if (check_net_header(header, staged, 0xff, offload) != NetHeaderFault::none) return 0;
    if (offload.needs != 0) target.batch.leave(0, offload, 0);

    const FrameVlan vlan = classify(from, target.batch.stages[0].bytes, loaded.stage_len);
    Said said;
    CHECK(vlan.is_refused() != say(from, frame, said));
    if (vlan.is_refused()) return 0;
    CHECK(vlan.vlan == said.vlan);
    const Egress out = egress(to, vlan);
    Octets expected;
    const bool sent = out.verdict == Egress::Verdict::sent;
    CHECK(sent == expect(to, said, expected));
    if (!sent) return 0;
    if (out.change == TagChange::push && !has_room_for_tag(target.batch, 0)) return 0;
    target.retagged.begin(target.batch);
    CHECK(target.retagged.put(target.batch, 0, {out.change, vlan.push_type, vlan.vlan}));
    const Octets got = flatten(target.retagged.batch(), 0);
    CHECK(got == expected);
    if (offload.needs == 0) return 0;
    check_offload(target, frame, got);
    const bool popped = got.size() < frame.size();
    const bool pushed = got.size() > frame.size();
    check_adapted(target, pushed ? 12 : 16, popped ? 12 : 16);
    return 0;
}
