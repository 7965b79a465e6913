#include "net/coalesce.hpp"

#include <array>
#include <cstring>

#include "net/checksum.hpp"
#include "net/headers.hpp"
#include "net/ip.hpp"
#include "net/net_header_check.hpp"
#include "net/pieces.hpp"

namespace valenic {

namespace {

constexpr uint16_t none = UINT16_MAX;
/// Flows that are put together side by side; as many as Linux has lists of them.
constexpr size_t open_flows = 8;
/// An IPv4 total length has 16 bits, and no frame of ours is longer than any port takes.
constexpr uint32_t ip_bytes_max = UINT16_MAX;

/// What one frame is to the others.
struct Candidate {
    bool tcp = false;      ///< The addresses and ports are there.
    bool payload = false;  ///< Plain data with right checksums: may be put together.
    bool closes = false;   ///< Nothing may follow it: PSH.
    uint16_t next = none;  ///< The one that was appended to it.
    uint16_t last = none;  ///< Of a group's first: its last.
    uint16_t members = 1;  ///< Of a group's first.
    uint16_t pieces = 0;   ///< Of a group's first.
    Headers headers;
    uint32_t header_bytes = 0;
    uint32_t payload_bytes = 0;
    uint32_t group_bytes = 0;  ///< Of a group's first: all payload.
};

class Coalescing {
 public:
    Coalescing(const Batch& from, std::span<const uint8_t> indices, OffloadSet accepts) noexcept
        : from_(from), indices_(indices), accepts_(accepts) {
        open_.fill(none);
    }
    bool group() noexcept;
    void emit(RewrittenBatch& to) const noexcept;

 private:
    const uint8_t* frame(size_t index) const noexcept { return from_.stages[index].bytes; }
    void look_at(size_t index, Candidate& candidate) const noexcept;
    bool checksums_right(size_t index, const Candidate& candidate) const noexcept;
    bool same_flow(size_t a, size_t b) const noexcept;
    bool continues(size_t first, size_t index) const noexcept;
    bool same_network(const uint8_t* a, const uint8_t* b, const Candidate& first) const noexcept;
    void emit_group(size_t first, RewrittenBatch& to) const noexcept;

    const Batch& from_;
    const std::span<const uint8_t> indices_;
    const OffloadSet accepts_;
    std::array<Candidate, batch_frames> candidates_;
    std::array<bool, batch_frames> appended_{};
    std::array<uint16_t, open_flows> open_;  ///< First frames of groups that may grow.
    size_t next_open_ = 0;
};

uint32_t network_bytes(const Candidate& candidate) noexcept {
    return candidate.headers.transport_at - candidate.headers.network_at;
}

/// The pseudo header's sum. RFC 9293, 3.1; RFC 8200, 8.1.
uint64_t pseudo_sum(const uint8_t* ip, unsigned version, uint32_t transport_bytes) noexcept {
    const uint64_t addresses = version == 4 ? sum_bytes(ip + ipv4::addresses_at, 8)
                                            : sum_bytes(ip + ipv6::addresses_at, 32);
    return addresses + word_of(protocol_tcp) + word_of(transport_bytes);
}

/// No IP options and no extension headers, no fragments, nothing but data in the TCP header.
void Coalescing::look_at(size_t index, Candidate& candidate) const noexcept {
    const Frame& whole = from_.frames[index];
    const uint8_t* bytes = frame(index);
    if (from_.needs_of(index) != 0) return;
    candidate.headers = find_headers(bytes, whole.stage_len);
    const uint32_t at = candidate.headers.transport_at;
    if (candidate.headers.found != HeadersFound::transport ||
        candidate.headers.protocol != protocol_tcp || at + tcp::header_bytes_min > whole.stage_len)
        return;
    candidate.tcp = true;
    const uint32_t tcp_bytes = (bytes[at + tcp::data_offset_at] >> 4) * 4u;
    candidate.header_bytes = at + tcp_bytes;
    if (tcp_bytes < tcp::header_bytes_min || candidate.header_bytes > whole.stage_len) return;
    candidate.payload_bytes = whole.len_bytes - candidate.header_bytes;
    candidate.pieces = static_cast<uint16_t>(whole.segment_count + 1);

    const bool v4 = candidate.headers.version == 4;
    const uint8_t* ip = bytes + candidate.headers.network_at;
    const uint32_t plain = v4 ? ipv4::header_bytes_min : ipv6::header_bytes;
    const uint32_t said = v4 ? load_be16(ip + ipv4::total_length_at)
                             : load_be16(ip + ipv6::payload_length_at) + ipv6::header_bytes;
    const uint8_t flags = bytes[at + tcp::flags_at];
    candidate.closes = (flags & tcp::flag_psh) != 0;
    candidate.payload =
        (accepts_ & (v4 ? offload_tso4 : offload_tso6)) != 0 && network_bytes(candidate) == plain &&
        candidate.payload_bytes > 0 && (flags & ~tcp::flag_psh) == tcp::flag_ack &&
        (bytes[at + tcp::data_offset_at] & 0x0f) == 0 &&
        // Padding behind the datagram would become payload.
        said == whole.len_bytes - candidate.headers.network_at && checksums_right(index, candidate);
}

bool Coalescing::checksums_right(size_t index, const Candidate& candidate) const noexcept {
    const uint8_t* ip = frame(index) + candidate.headers.network_at;
    const unsigned version = candidate.headers.version;
    if (version == 4 && fold_sum(sum_bytes(ip, ipv4::header_bytes_min)) != 0xffff) return false;
    const uint32_t transport_bytes = from_.frames[index].len_bytes - candidate.headers.transport_at;
    RunningSum sum;
    PieceWalk walk(from_, index);
    walk.pass_over(candidate.headers.transport_at);
    walk.add_to(sum, transport_bytes);
    return fold_sum(sum.value() + pseudo_sum(ip, version, transport_bytes)) == 0xffff;
}

/// The same stations, tags, addresses and ports.
bool Coalescing::same_flow(size_t a, size_t b) const noexcept {
    const Headers& headers = candidates_[a].headers;
    const Headers& other = candidates_[b].headers;
    if (headers.version != other.version || headers.network_at != other.network_at) return false;
    const uint32_t network = headers.network_at;
    const uint32_t addresses = headers.version == 4 ? ipv4::addresses_at : ipv6::addresses_at;
    const uint32_t address_bytes = headers.version == 4 ? 8 : 32;
    return std::memcmp(frame(a), frame(b), network) == 0 &&
           std::memcmp(frame(a) + network + addresses, frame(b) + network + addresses,
                       address_bytes) == 0 &&
           std::memcmp(frame(a) + headers.transport_at, frame(b) + other.transport_at, 4) == 0;
}

/// What of the IP headers must be equal: class, time to live, flow label, "don't fragment".
bool Coalescing::same_network(const uint8_t* a, const uint8_t* b,
                              const Candidate& first) const noexcept {
    if (first.headers.version == 6) return std::memcmp(a, b, 4) == 0 && a[7] == b[7];
    if (a[1] != b[1] || a[8] != b[8]) return false;
    const uint16_t fragment = load_be16(a + ipv4::fragment_at);
    if (fragment != load_be16(b + ipv4::fragment_at)) return false;
    // An atomic datagram's identification means nothing (RFC 6864, 4); another's counts up.
    return (fragment & ipv4::dont_fragment) != 0 ||
           static_cast<uint16_t>(load_be16(a + ipv4::id_at) + first.members) ==
               load_be16(b + ipv4::id_at);
}

/// Whether a frame of the same flow is the next segment of a group.
bool Coalescing::continues(size_t first, size_t index) const noexcept {
    const Candidate& group = candidates_[first];
    const Candidate& candidate = candidates_[index];
    const Candidate& last = candidates_[group.last];
    if (!group.payload || !candidate.payload || last.closes) return false;
    if (last.payload_bytes != group.payload_bytes) return false;  // A shorter one was the last.
    if (candidate.payload_bytes > group.payload_bytes) return false;
    if (candidate.header_bytes != group.header_bytes) return false;
    if (group.pieces + candidate.pieces > frame_segments_max) return false;
    const uint32_t bytes = group.header_bytes + group.group_bytes + candidate.payload_bytes;
    if (bytes - group.headers.network_at > ip_bytes_max || bytes > largest_frame_bytes)
        return false;
    const uint32_t at = group.headers.transport_at;
    const uint8_t* a = frame(first);
    const uint8_t* b = frame(index);
    const uint32_t expected = load_be32(a + at + tcp::sequence_at) + group.group_bytes;
    if (load_be32(b + at + tcp::sequence_at) != expected) return false;
    const uint32_t window_at = at + tcp::flags_at + 1;
    const uint32_t options_at = at + tcp::header_bytes_min;
    return std::memcmp(a + at + tcp::acknowledgment_at, b + at + tcp::acknowledgment_at, 4) == 0 &&
           std::memcmp(a + window_at, b + window_at, 2) == 0 &&
           std::memcmp(a + options_at, b + options_at, group.header_bytes - options_at) == 0 &&
           same_network(a + group.headers.network_at, b + group.headers.network_at, group);
}

/// Finds what belongs together. False when nothing does, or when it may not have the room.
bool Coalescing::group() noexcept {
    size_t segments = 0;
    for (const uint8_t index : indices_) segments += from_.frames[index].segment_count + 1;
    if (segments > batch_segments) return false;
    bool any = false;
    for (const uint8_t index : indices_) {
        Candidate& candidate = candidates_[index];
        look_at(index, candidate);
        candidate.last = index;
        candidate.group_bytes = candidate.payload_bytes;
        if (!candidate.tcp) continue;
        for (uint16_t& first : open_) {
            if (first == none || !same_flow(first, index)) continue;
            Candidate& group = candidates_[first];
            appended_[index] = continues(first, index);
            if (appended_[index]) {
                candidates_[group.last].next = index;
                group.last = index;
                ++group.members;
                group.pieces = static_cast<uint16_t>(group.pieces + candidate.pieces);
                group.group_bytes += candidate.payload_bytes;
                any = true;
            } else {
                first = none;  // What comes later must not get before this one.
            }
            break;
        }
        if (!appended_[index] && candidate.payload) {
            open_[next_open_] = index;
            next_open_ = (next_open_ + 1) % open_flows;
        }
    }
    return any;
}

void Coalescing::emit(RewrittenBatch& to) const noexcept {
    for (const uint8_t index : indices_) {
        if (appended_[index]) continue;
        if (candidates_[index].members > 1) {
            emit_group(index, to);
        } else {
            append_untouched(from_, index, to);
        }
    }
}

void Coalescing::emit_group(size_t first, RewrittenBatch& to) const noexcept {
    const Candidate& group = candidates_[first];
    const uint32_t header_bytes = group.header_bytes;
    const uint32_t network_at = group.headers.network_at;
    const uint32_t transport_at = group.headers.transport_at;
    const uint32_t transport_bytes = header_bytes - transport_at + group.group_bytes;
    Batch& out = to.batch;
    FrameStage& stage = out.stages[out.count];
    const size_t first_segment = out.segment_count;
    for (auto member = static_cast<uint16_t>(first); member != none;
         member = candidates_[member].next) {  // At most as many as the batch has frames.
        PieceWalk walk(from_, member);
        walk.pass_over(header_bytes);
        walk.lend(candidates_[member].payload_bytes, out);
    }
    std::memcpy(stage.bytes, frame(first), header_bytes);
    std::memset(stage.bytes + header_bytes, 0, stage_frame_bytes - header_bytes);
    uint8_t* ip = stage.bytes + network_at;
    if (group.headers.version == 4) {
        store_be16(ip + ipv4::total_length_at, network_bytes(group) + transport_bytes);
        store_word(ip + ipv4::checksum_at, 0);
        store_word(ip + ipv4::checksum_at,
                   static_cast<uint16_t>(~fold_sum(sum_bytes(ip, ipv4::header_bytes_min))));
    } else {
        store_be16(ip + ipv6::payload_length_at, transport_bytes);
    }
    if (candidates_[group.last].closes) stage.bytes[transport_at + tcp::flags_at] |= tcp::flag_psh;
    store_word(stage.bytes + transport_at + tcp::checksum_at,
               fold_sum(pseudo_sum(ip, group.headers.version, transport_bytes)));
    FrameOffload needs;
    needs.needs = offload_csum | (group.headers.version == 4 ? offload_tso4 : offload_tso6);
    needs.network_at = static_cast<uint8_t>(network_at);
    needs.transport_at = static_cast<uint8_t>(transport_at);
    needs.version = group.headers.version;
    needs.header_bytes = static_cast<uint16_t>(header_bytes);
    needs.gso_bytes = static_cast<uint16_t>(group.payload_bytes);
    needs.csum_at = static_cast<uint16_t>(transport_at);
    needs.csum_field = static_cast<uint16_t>(transport_at + tcp::checksum_at);
    write_net_header(stage, needs);
    commit_frame(out, header_bytes + group.group_bytes, header_bytes, first_segment, needs);
}

}  // namespace

bool coalesce(const Batch& from, std::span<const uint8_t> indices, OffloadSet accepts,
              RewrittenBatch& to) noexcept {
    if ((accepts & (offload_tso4 | offload_tso6)) == 0 || indices.size() < 2) return false;
    Coalescing coalescing(from, indices, accepts);
    if (!coalescing.group()) return false;
    coalescing.emit(to);
    return true;
}

}  // namespace valenic
