#include "replay_kinds.hpp"

#include <bit>
#include <cstring>

#include "base/lines.hpp"
#include "net/ip.hpp"
#include "ring/chain.hpp"
#include "spec/virtio_features.hpp"
#include "spec/virtio_net.hpp"

namespace valenic::synthetic {

namespace {

using driver::Buffer;
using driver::GuestMemory;

constexpr uint32_t header_bytes = sizeof(spec::NetHeader);
constexpr uint32_t ethernet_bytes = 14;
constexpr uint32_t tcp_headers_bytes =
    ethernet_bytes + ipv4::header_bytes_min + tcp::header_bytes_min;
/// Large enough that a worker does not drain it within a driver's round...
constexpr uint16_t ring_size = 2048;
/// ...of fewer buffers, each of which is offered in several places: they take less of the caches,
/// and nobody looks at what is received.
constexpr uint32_t buffer_count = 256;
/// Hostile frames have another length than honest ones: a receiver tells them apart by it.
constexpr uint32_t flood_frame_bytes = 64;
constexpr uint32_t csum_frame_bytes = 1514;
/// The most that one frame may be cut into is 256.
constexpr uint32_t tso_segments = 255;
constexpr uint16_t tso_segment_bytes = 8;
/// Of what a kernel sends: 64 KiB in segments of 1448 bytes.
constexpr uint16_t gso_segment_bytes = 1448;
constexpr uint32_t gso_segments = 45;
constexpr uint32_t pieces = 255;
constexpr uint32_t piece_bytes = 4;
/// So long that its buffers last between two looks of the driver: a frame takes several.
constexpr uint16_t hostile_rx_ring = 4096;
constexpr uint32_t rx_buffer_bytes = 2048;
/// Floods must not fill it between two looks of the driver: what is lost there says nothing of the
/// worker.
constexpr uint16_t sink_ring = 4096;
constexpr uint32_t sink_buffer_bytes = 256;
/// A mergeable buffer must hold the net header; a piece more is the least that is of use. Of single
/// bytes a short frame would take more pieces than a backend looks at.
constexpr uint32_t rx_piece_bytes = 2;
constexpr uint32_t rx_pieces = header_bytes / rx_piece_bytes + 1;

constexpr uint64_t csum_feature = spec::feature_mask(spec::net_feature_csum);
constexpr uint64_t tso_features = csum_feature | spec::feature_mask(spec::net_feature_host_tso4);
constexpr uint64_t merge_feature = spec::feature_mask(spec::net_feature_mrg_rxbuf);

constexpr ReplayKind kinds[] = {
    {ReplayRole::frames, "frames", "honest: frames of --frame bytes", 0},
    {ReplayRole::sink, "sink", "honest: receives; counts frames of --frame bytes", 0},
    {ReplayRole::drain, "drain", "honest: receives and ignores frames", 0},
    {ReplayRole::flood, "flood", "frames of 64 bytes", 0},
    {ReplayRole::churn, "churn", "frames of 64 bytes, each from another MAC", 0},
    {ReplayRole::chain, "chain", "each frame after empty descriptors: chains of --chain", 0},
    {ReplayRole::tso, "tso", "TCP to be cut into 255 segments of 8 bytes", tso_features},
    {ReplayRole::gso, "gso", "TCP to be cut into 45 segments of 1448 bytes", tso_features},
    {ReplayRole::csum, "csum", "frames of 1514 bytes with partial checksums", csum_feature},
    {ReplayRole::pieces, "pieces", "frames of 255 pieces", 0},
    {ReplayRole::rx_chain, "rx-chain", "receives: chains of --chain buffers of 1 or 2 bytes", 0},
    {ReplayRole::rx_pieces, "rx-pieces", "receives: mergeable buffers of 7 pieces of 2 bytes",
     merge_feature},
    {ReplayRole::stream, "stream", "not a guest but a stream port's peer: frames of one byte", 0},
};

uint8_t* taken(GuestMemory& memory, size_t bytes) {
    uint8_t* data = memory.take(bytes);
    CHECK(data != nullptr);  // Replay::start() asked for enough.
    return data;
}

void put16(uint8_t* at, uint32_t value) noexcept {
    at[0] = static_cast<uint8_t>(value >> 8);
    at[1] = static_cast<uint8_t>(value);
}

void write_addresses(uint8_t* frame, const ReplayShape& shape) noexcept {
    std::memcpy(frame, &shape.to_mac, 6);
    std::memcpy(frame + 6, &shape.from_mac, 6);
    put16(frame + 12, 0x88b5);  // IEEE 802: for local experiments.
}

/// Ethernet, IPv4 and TCP of a frame of `bytes`, with the checksum left to the receiver.
void write_tcp(uint8_t* frame, uint32_t bytes) noexcept {
    put16(frame + 12, ethertype_ipv4);
    uint8_t* ip = frame + ethernet_bytes;
    ip[0] = 0x45;
    put16(ip + ipv4::total_length_at, bytes - ethernet_bytes);
    ip[8] = 64;
    ip[ipv4::protocol_at] = protocol_tcp;
    const uint8_t addresses[] = {10, 0, 0, 1, 10, 0, 0, 2};
    std::memcpy(ip + ipv4::addresses_at, addresses, sizeof addresses);
    uint8_t* tcp_header = ip + ipv4::header_bytes_min;
    put16(tcp_header, 40'000);
    put16(tcp_header + 2, 9);
    tcp_header[tcp::data_offset_at] = tcp::header_bytes_min / 4 << 4;
    tcp_header[tcp::flags_at] = tcp::flag_ack;
}

spec::NetHeader tcp_offload(uint8_t gso_type, uint16_t gso_size) noexcept {
    spec::NetHeader header{};
    header.flags = spec::net_hdr_f_needs_csum;
    header.gso_type = gso_type;
    header.hdr_len = gso_type == spec::net_hdr_gso_none ? 0 : tcp_headers_bytes;
    header.gso_size = gso_size;
    header.csum_start = ethernet_bytes + ipv4::header_bytes_min;
    header.csum_offset = tcp::checksum_at;
    return header;
}

/// `bytes` of frame behind a net header of zeros, both in one buffer.
Buffer plain(const ReplayShape& shape, GuestMemory& memory, uint32_t bytes) {
    uint8_t* data = taken(memory, header_bytes + bytes);
    write_addresses(data + header_bytes, shape);
    return {memory.guest_addr(data), header_bytes + bytes};
}

Buffer tcp_frame(const ReplayShape& shape, GuestMemory& memory, uint32_t payload_bytes,
                 const spec::NetHeader& header) {
    const uint32_t bytes = tcp_headers_bytes + payload_bytes;
    uint8_t* data = taken(memory, header_bytes + bytes);
    std::memcpy(data, &header, sizeof header);
    write_addresses(data + header_bytes, shape);
    write_tcp(data + header_bytes, bytes);
    return {memory.guest_addr(data), header_bytes + bytes};
}

/// Spread over the cache's sets as a driver's are.
std::vector<Chain> buffers(GuestMemory& memory, uint32_t count, uint32_t bytes,
                           bool device_writes) {
    const uint32_t stride = spread_stride(bytes);
    const uint8_t* data = taken(memory, size_t{count} * stride);
    std::vector<Chain> chains;
    for (uint32_t i = 0; i < count; ++i)
        chains.push_back({{memory.guest_addr(data + size_t{i} * stride), bytes, device_writes}});
    return chains;
}

std::vector<Chain> frames(const ReplayShape& shape, GuestMemory& memory, uint32_t bytes) {
    // What changes while others are under way has a buffer in each place.
    const uint32_t count = shape.role == ReplayRole::churn ? ring_size : buffer_count;
    std::vector<Chain> chains = buffers(memory, count, header_bytes + bytes, false);
    for (const Chain& chain : chains)
        write_addresses(memory.data() + (chain[0].addr - GuestMemory::guest_base) + header_bytes,
                        shape);
    return chains;
}

/// `whole` in pieces of `each` bytes, behind its net header.
Chain in_pieces(const Buffer& whole, uint32_t each) {
    Chain chain{{whole.addr, header_bytes}};
    for (uint32_t at = header_bytes; at < whole.len_bytes; at += each)
        chain.push_back({whole.addr + at, std::min(each, whole.len_bytes - at)});
    return chain;
}

/// Of each of a sink's buffers.
uint32_t sink_bytes(const ReplayShape& shape) noexcept {
    return std::max(sink_buffer_bytes, header_bytes + shape.frame_bytes);
}

uint32_t chain_length(const ReplayShape& shape) noexcept {
    const bool receives = shape.role == ReplayRole::rx_chain;
    const size_t most = chain_max(receives ? ChainUse::receive : ChainUse::send);
    switch (shape.chain) {
        case ChainLength::most:
            return static_cast<uint32_t>(most);
        case ChainLength::over:
            return static_cast<uint32_t>(most + 1);
        case ChainLength::ring:
            return spec::ring_size_max;
    }
    return 0;
}

Chain behind_empty_ones(const Buffer& last, uint32_t count) {
    Chain chain(count - 1, Buffer{last.addr, 0});
    chain.push_back(last);
    return chain;
}

/// `count` buffers of `each` bytes.
Chain small_buffers(GuestMemory& memory, uint32_t count, uint32_t each) {
    const uint8_t* data = taken(memory, size_t{count} * each);
    Chain chain;
    for (uint32_t i = 0; i < count; ++i)
        chain.push_back({memory.guest_addr(data + size_t{i} * each), each, true});
    return chain;
}

uint16_t holds(uint32_t descriptors, uint32_t least = ring_size) noexcept {
    return static_cast<uint16_t>(std::max(least, std::bit_ceil(descriptors)));
}

}  // namespace

std::span<const ReplayKind> replay_kinds() noexcept { return kinds; }

const ReplayKind* replay_kind(std::string_view name) noexcept {
    for (const ReplayKind& kind : kinds)
        if (kind.name == name) return &kind;
    return nullptr;
}

uint16_t tx_ring_size(const ReplayShape& shape) noexcept {
    if (shape.role == ReplayRole::chain) return holds(chain_length(shape));
    return shape.role == ReplayRole::pieces ? holds(pieces + 1) : ring_size;
}

uint16_t rx_ring_size(const ReplayShape& shape) noexcept {
    if (shape.role == ReplayRole::rx_chain) return holds(chain_length(shape), hostile_rx_ring);
    if (shape.role == ReplayRole::sink) return sink_ring;
    return shape.role == ReplayRole::rx_pieces ? hostile_rx_ring : ring_size;
}

size_t content_bytes(const ReplayShape& shape) noexcept {
    constexpr size_t page = 4096;
    const size_t received =
        buffer_count * size_t{spread_stride(std::max(rx_buffer_bytes, sink_bytes(shape)))};
    const size_t sent = ring_size * size_t{spread_stride(header_bytes + shape.frame_bytes)};
    // Tables and buffers of long chains, small buffers that take a page each, a whole big frame.
    const size_t tables = chain_length(shape) * (sizeof(spec::SplitDesc) + 4);
    return received + sent + tables + 64 * page + (1 << 17);
}

std::vector<Chain> tx_chains(const ReplayShape& shape, GuestMemory& memory) {
    switch (shape.role) {
        case ReplayRole::frames:
            return frames(shape, memory, shape.frame_bytes);
        case ReplayRole::flood:
        case ReplayRole::churn:
            return frames(shape, memory, flood_frame_bytes);
        case ReplayRole::chain:
            return {
                behind_empty_ones(plain(shape, memory, flood_frame_bytes), chain_length(shape))};
        case ReplayRole::tso:
            return {{tcp_frame(shape, memory, tso_segments * tso_segment_bytes,
                               tcp_offload(spec::net_hdr_gso_tcpv4, tso_segment_bytes))}};
        case ReplayRole::gso:
            return {{tcp_frame(shape, memory, gso_segments * gso_segment_bytes,
                               tcp_offload(spec::net_hdr_gso_tcpv4, gso_segment_bytes))}};
        case ReplayRole::csum:
            return {{tcp_frame(shape, memory, csum_frame_bytes - tcp_headers_bytes,
                               tcp_offload(spec::net_hdr_gso_none, 0))}};
        case ReplayRole::pieces:
            return {in_pieces(plain(shape, memory, pieces * piece_bytes), piece_bytes)};
        case ReplayRole::sink:
        case ReplayRole::drain:
        case ReplayRole::rx_chain:
        case ReplayRole::rx_pieces:
        case ReplayRole::stream:
            return {};
    }
    return {};
}

std::vector<Chain> rx_chains(const ReplayShape& shape, GuestMemory& memory) {
    if (shape.role == ReplayRole::rx_chain) {
        const uint32_t count = chain_length(shape);
        const uint32_t whole = header_bytes + std::max(flood_frame_bytes, shape.frame_bytes);
        return {small_buffers(memory, count, (whole + count - 1) / count)};
    }
    if (shape.role == ReplayRole::sink)
        return buffers(memory, buffer_count, sink_bytes(shape), true);
    if (shape.role != ReplayRole::rx_pieces)
        return buffers(memory, buffer_count, rx_buffer_bytes, true);
    // As many as fit into the table, each in its place.
    std::vector<Chain> chains;
    for (uint32_t count = 0; count + rx_pieces <= buffer_count; count += rx_pieces)
        chains.push_back(small_buffers(memory, rx_pieces, rx_piece_bytes));
    return chains;
}

}  // namespace valenic::synthetic
