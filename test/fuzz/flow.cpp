// Random frames through the parse that the hash of flows, the checks of offloads and the rules of
// VLANs share: nothing behind the given bytes is read, each says the same of the same headers, and
// what is behind the bytes that decide changes nothing.
#include "net/flow.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>

#include "base/check.hpp"
#include "net/headers.hpp"

using namespace valenic;

namespace {

/// As long as it is, in memory of its own, which the sanitizer guards.
std::unique_ptr<uint8_t[]> copy_of(const uint8_t* data, size_t size) {
    auto copy = std::make_unique<uint8_t[]>(size);
    std::memcpy(copy.get(), data, size);
    return copy;
}

bool same(const Headers& a, const Headers& b) {
    return a.found == b.found && a.version == b.version && a.protocol == b.protocol &&
           a.network_at == b.network_at && a.transport_at == b.transport_at;
}

void check_headers(const uint8_t* frame, uint32_t bytes) {
    const Tags tags = tags_of(frame, bytes);
    CHECK(tags.whole <= tags.announced && tags.announced <= vlan_tags_max && tags.end <= bytes);
    CHECK(tags.end == ethernet_header_bytes + tags.whole * vlan_tag_bytes);
    const Headers headers = find_headers(frame, bytes);
    if (tags.whole < tags.announced) {
        CHECK(headers.found == HeadersFound::too_deep);
        return;
    }
    CHECK(same(headers, find_headers_at(frame, bytes, tags.end, tags.ethertype)));
    CHECK(headers.network_at == tags.end);
    if (headers.version != 0) CHECK(headers.transport_at >= headers.network_at + 20u);
    if (headers.found == HeadersFound::transport) CHECK(headers.version != 0);
    if (headers.found == HeadersFound::fragment && headers.version == 6)
        CHECK(headers.transport_at <= bytes);
}

/// Ports that were found decide: what follows them is another frame of the flow.
void check_flow(const uint8_t* frame, uint32_t bytes, uint32_t hash, const FlowSeed& seed) {
    const Headers headers = find_headers(frame, bytes);
    const uint32_t decided_at = headers.transport_at + 4u;
    const bool ports = headers.protocol == protocol_tcp || headers.protocol == protocol_udp;
    if (headers.found != HeadersFound::transport || !ports || decided_at > bytes) return;
    const auto other = copy_of(frame, bytes);
    for (uint32_t at = decided_at; at < bytes; ++at) other[at] = static_cast<uint8_t>(~other[at]);
    CHECK(flow_hash(other.get(), bytes, seed) == hash);
    CHECK(flow_hash(frame, decided_at, seed) == hash);
}

}  // namespace

/// Of an input: a seed, then the frame.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size < 1 + ethernet_header_bytes) return 0;
    const FlowSeed seed = FlowSeed::of(data[0]);
    const auto bytes = static_cast<uint32_t>(std::min<size_t>(size - 1, 255));
    const auto frame = copy_of(data + 1, bytes);
    check_headers(frame.get(), bytes);
    const uint32_t hash = flow_hash(frame.get(), bytes, seed);
    CHECK(flow_hash(frame.get(), bytes, seed) == hash);
    check_flow(frame.get(), bytes, hash, seed);

    // As a batch has it.
    static Batch batch;
    batch.clear();
    CHECK(append_frame(batch, {frame.get(), bytes}));
    uint32_t hashes[1];
    hash_flows(batch, seed, hashes);
    const uint32_t staged = std::min(bytes, stage_frame_bytes);
    CHECK(hashes[0] == flow_hash(batch.stages[0].bytes, staged, seed));
    return 0;
}
