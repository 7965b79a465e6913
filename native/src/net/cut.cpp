#include "net/cut.hpp"

#include <cstring>

#include "net/checksum.hpp"
#include "net/ip.hpp"
#include "net/net_header_check.hpp"

namespace valenic {

namespace {

PieceWalk walk_from(const Batch& batch, size_t index, uint32_t offset) noexcept {
    PieceWalk walk(batch, index);
    walk.pass_over(offset);
    return walk;
}

/// A length as a pseudo header sums it: 32 bits. RFC 8200, 8.1.
uint32_t length_words(uint32_t bytes) noexcept {
    return uint32_t{word_of(bytes & 0xffff)} + word_of(bytes >> 16);
}

}  // namespace

Cutter::Cutter(const Batch& from, size_t index, bool keep_partial) noexcept
    : stage_(from.stages[index]),
      offload_(from.offloads[index]),
      keep_partial_(keep_partial),
      staged_(std::min<uint32_t>(offload_.header_bytes, from.frames[index].stage_len)),
      payload_bytes_(from.frames[index].len_bytes - offload_.header_bytes),
      count_(cut_count(offload_, from.frames[index].len_bytes)),
      options_(walk_from(from, index, staged_)),
      payload_(walk_from(from, index, offload_.header_bytes)) {}

/// The sum of a segment's pseudo header. The sender left that of the whole frame in the checksum
/// field; only the length is another. So a routing header's last address need not be found.
uint16_t Cutter::pseudo_sum(uint32_t transport_bytes) const noexcept {
    const uint32_t whole_bytes = offload_.header_bytes - offload_.transport_at + payload_bytes_;
    const auto less = static_cast<uint16_t>(~fold_sum(length_words(whole_bytes)));
    return fold_sum(uint64_t{load_word(stage_.bytes + offload_.csum_field)} + less +
                    length_words(transport_bytes));
}

void Cutter::write_network(uint8_t* ip, uint32_t transport_bytes) const noexcept {
    const uint32_t header_bytes = offload_.transport_at - offload_.network_at;
    if (offload_.version == 6) {
        store_be16(ip + ipv6::payload_length_at,
                   header_bytes - ipv6::header_bytes + transport_bytes);
        return;
    }
    store_be16(ip + ipv4::total_length_at, header_bytes + transport_bytes);
    store_be16(ip + ipv4::id_at, load_be16(ip + ipv4::id_at) + done_);
    store_word(ip + ipv4::checksum_at, 0);
    store_word(ip + ipv4::checksum_at,
               static_cast<uint16_t>(~fold_sum(sum_bytes(ip, header_bytes))));
}

/// All but the checksum. PSH and FIN belong to the last segment, CWR to the first: RFC 9293, 3.10.4
/// and RFC 3168, 6.1.2.
void Cutter::write_transport(uint8_t* transport, uint32_t payload_bytes) const noexcept {
    if (!offload_.is_tcp()) {
        store_be16(transport + udp::length_at, udp::header_bytes + payload_bytes);
        return;
    }
    store_be32(transport + tcp::sequence_at,
               load_be32(transport + tcp::sequence_at) + done_ * offload_.gso_bytes);
    uint8_t& flags = transport[tcp::flags_at];
    if (done_ > 0) flags &= static_cast<uint8_t>(~tcp::flag_cwr);
    if (left() > 1) flags &= static_cast<uint8_t>(~(tcp::flag_fin | tcp::flag_psh));
}

bool Cutter::next(RewrittenBatch& to) noexcept {
    Batch& out = to.batch;
    if (out.full()) return false;
    const size_t first = out.segment_count;
    const uint32_t options_bytes = offload_.header_bytes - staged_;
    const uint32_t payload_bytes =
        std::min<uint32_t>(offload_.gso_bytes, payload_bytes_ - done_ * offload_.gso_bytes);
    PieceWalk options = options_;
    PieceWalk payload = payload_;
    if (!options.lend(options_bytes, out) || !payload.lend(payload_bytes, out)) {
        out.segment_count = first;
        return false;
    }
    payload_ = payload;

    FrameStage& stage = out.stages[out.count];
    std::memcpy(stage.bytes, stage_.bytes, staged_);
    std::memset(stage.bytes + staged_, 0, stage_frame_bytes - staged_);
    uint8_t* transport = stage.bytes + offload_.transport_at;
    uint8_t* field = stage.bytes + offload_.csum_field;
    const uint32_t transport_bytes = offload_.header_bytes - offload_.transport_at + payload_bytes;
    write_network(stage.bytes + offload_.network_at, transport_bytes);
    write_transport(transport, payload_bytes);
    store_word(field, pseudo_sum(transport_bytes));
    FrameOffload needs;
    if (keep_partial_) {
        needs.needs = offload_csum;
        needs.csum_at = offload_.csum_at;
        needs.csum_field = offload_.csum_field;
    } else {
        RunningSum sum;
        sum.add(transport, staged_ - offload_.transport_at);
        for (size_t i = first; i < out.segment_count; ++i)
            sum.add(out.segments[i].data, out.segments[i].len_bytes);
        store_word(field, checksum_of(sum.value()));
    }
    write_net_header(stage, needs);
    commit_frame(out, offload_.header_bytes + payload_bytes, staged_, first, needs);
    ++done_;
    return true;
}

}  // namespace valenic
