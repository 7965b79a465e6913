#include "net/net_header_check.hpp"

#include "net/ethernet.hpp"
#include "net/headers.hpp"
#include "net/ip.hpp"

namespace valenic {

using spec::DropReason;

namespace {

/// In the order of NetHeaderFault.
struct FaultRow {
    const char* name;
    DropReason reason;
};
constexpr FaultRow fault_rows[] = {
    {"none", DropReason::tx_offload_not_negotiated},
    {"csum_not_negotiated", DropReason::tx_offload_not_negotiated},
    {"gso_type_unknown", DropReason::tx_offload_not_negotiated},
    {"gso_not_negotiated", DropReason::tx_offload_not_negotiated},
    {"ecn_not_negotiated", DropReason::tx_offload_not_negotiated},
    {"ecn_without_tcp", DropReason::tx_gso_headers_invalid},
    {"gso_without_csum", DropReason::tx_gso_headers_invalid},
    {"csum_outside_frame", DropReason::tx_csum_misplaced},
    {"csum_in_addresses", DropReason::tx_csum_misplaced},
    {"hdr_len_outside_frame", DropReason::tx_gso_headers_invalid},
    {"headers_too_deep", DropReason::tx_gso_headers_invalid},
    {"not_what_gso_says", DropReason::tx_gso_headers_invalid},
    {"csum_not_transport", DropReason::tx_csum_misplaced},
    {"no_payload", DropReason::tx_gso_headers_invalid},
    {"gso_size_too_small", DropReason::tx_gso_size_invalid},
    {"too_many_segments", DropReason::tx_gso_size_invalid},
};
static_assert(sizeof fault_rows / sizeof fault_rows[0] ==
              static_cast<size_t>(NetHeaderFault::count));

/// One kind of segmentation.
struct GsoKind {
    uint8_t type;
    OffloadSet set;
    uint8_t version;  ///< 0: as the frame says.
    uint8_t protocol;
};
/// VIRTIO_NET_HDR_GSO_UDP (UFO) is not here: its feature is never offered.
constexpr GsoKind gso_kinds[] = {
    {spec::net_hdr_gso_tcpv4, offload_tso4, 4, protocol_tcp},
    {spec::net_hdr_gso_tcpv6, offload_tso6, 6, protocol_tcp},
    {spec::net_hdr_gso_udp_l4, offload_uso4 | offload_uso6, 0, protocol_udp},
};

const GsoKind* kind_of(uint8_t gso_type) noexcept {
    for (const GsoKind& kind : gso_kinds)
        if (kind.type == (gso_type & ~spec::net_hdr_gso_ecn)) return &kind;
    return nullptr;
}

/// The flags and types that may be there at all.
NetHeaderFault check_negotiated(const spec::NetHeader& header, OffloadSet negotiated,
                                const GsoKind* kind) noexcept {
    const bool csum = (header.flags & spec::net_hdr_f_needs_csum) != 0;
    const bool ecn = (header.gso_type & spec::net_hdr_gso_ecn) != 0;
    if (csum && (negotiated & offload_csum) == 0) return NetHeaderFault::csum_not_negotiated;
    if (header.gso_type == spec::net_hdr_gso_none) return NetHeaderFault::none;
    if (kind == nullptr) {
        const bool known = header.gso_type == spec::net_hdr_gso_udp;
        return known ? NetHeaderFault::gso_not_negotiated : NetHeaderFault::gso_type_unknown;
    }
    if ((negotiated & kind->set) == 0) return NetHeaderFault::gso_not_negotiated;
    if (ecn && kind->protocol != protocol_tcp) return NetHeaderFault::ecn_without_tcp;
    if (ecn && (negotiated & offload_ecn) == 0) return NetHeaderFault::ecn_not_negotiated;
    return csum ? NetHeaderFault::none : NetHeaderFault::gso_without_csum;
}

/// Whoever completes the checksum writes two bytes where the sender says. They must not be those by
/// which the frame was switched: addresses, tags, protocols, ports.
bool rewrites_addresses(const Headers& headers, uint32_t start, uint32_t offset) noexcept {
    if (headers.found == HeadersFound::no_ip) return start < headers.network_at;
    if (headers.found == HeadersFound::malformed) return true;
    // Every header that was found is before transport_at, even if there are more of them.
    if (headers.transport_at == 0 || start < headers.transport_at) return true;
    const bool tcp = headers.protocol == protocol_tcp;
    if (headers.found != HeadersFound::transport || (!tcp && headers.protocol != protocol_udp))
        return false;
    if (start == headers.transport_at) return offset != (tcp ? tcp::checksum_at : udp::checksum_at);
    return start < headers.transport_at + udp::header_bytes;  // Else inside a tunnel.
}

NetHeaderFault check_csum(const spec::NetHeader& header, const StagedFrame& frame,
                          const Headers& headers, FrameOffload& out) noexcept {
    const uint32_t start = header.csum_start;
    const uint32_t field = start + header.csum_offset;  // Of two 16-bit numbers.
    if (field + 2 > frame.len_bytes || field > UINT16_MAX)
        return NetHeaderFault::csum_outside_frame;
    if (rewrites_addresses(headers, start, header.csum_offset))
        return NetHeaderFault::csum_in_addresses;
    out.csum_at = static_cast<uint16_t>(start);
    out.csum_field = static_cast<uint16_t>(field);
    out.needs = offload_csum;
    return NetHeaderFault::none;
}

/// Finds where the payload begins.
NetHeaderFault check_transport(const GsoKind& kind, const StagedFrame& frame,
                               const Headers& headers, FrameOffload& out) noexcept {
    if (headers.found == HeadersFound::too_deep) return NetHeaderFault::headers_too_deep;
    if (headers.found != HeadersFound::transport || headers.protocol != kind.protocol ||
        (kind.version != 0 && kind.version != headers.version))
        return NetHeaderFault::not_what_gso_says;
    const uint32_t at = headers.transport_at;
    const bool tcp = kind.protocol == protocol_tcp;
    uint32_t header_bytes = tcp ? tcp::header_bytes_min : udp::header_bytes;
    if (at + header_bytes > frame.staged) return NetHeaderFault::headers_too_deep;
    if (tcp) {
        header_bytes = (frame.bytes[at + tcp::data_offset_at] >> 4) * 4u;
        if (header_bytes < tcp::header_bytes_min) return NetHeaderFault::not_what_gso_says;
    }
    if (out.csum_at != at || out.csum_field != at + (tcp ? tcp::checksum_at : udp::checksum_at))
        return NetHeaderFault::csum_not_transport;
    out.network_at = static_cast<uint8_t>(headers.network_at);  // Both are staged.
    out.transport_at = static_cast<uint8_t>(headers.transport_at);
    out.version = headers.version;
    out.header_bytes = static_cast<uint16_t>(at + header_bytes);
    return NetHeaderFault::none;
}

NetHeaderFault check_gso(const spec::NetHeader& header, const GsoKind& kind,
                         const StagedFrame& frame, const Headers& headers,
                         FrameOffload& out) noexcept {
    if (header.hdr_len > frame.len_bytes) return NetHeaderFault::hdr_len_outside_frame;
    const NetHeaderFault fault = check_transport(kind, frame, headers, out);
    if (fault != NetHeaderFault::none) return fault;
    if (out.header_bytes >= frame.len_bytes) return NetHeaderFault::no_payload;
    const uint32_t smallest = kind.protocol == protocol_tcp ? tcp_segment_bytes_min : 1;
    if (header.gso_size < smallest) return NetHeaderFault::gso_size_too_small;
    const uint64_t payload = frame.len_bytes - out.header_bytes;
    if (payload > uint64_t{header.gso_size} * cut_segments_max)
        return NetHeaderFault::too_many_segments;
    out.gso_bytes = header.gso_size;
    OffloadSet set = kind.set;
    if (kind.version == 0) set = headers.version == 4 ? offload_uso4 : offload_uso6;
    if ((header.gso_type & spec::net_hdr_gso_ecn) != 0) set |= offload_ecn;
    out.needs |= set;
    return NetHeaderFault::none;
}

}  // namespace

const char* name_of(NetHeaderFault fault) noexcept {
    return fault_rows[static_cast<size_t>(fault)].name;
}

DropReason reason_of(NetHeaderFault fault) noexcept {
    return fault_rows[static_cast<size_t>(fault)].reason;
}

/// @spec virtio 1.2, 5.1.6.2.2: flags that we do not know are ignored, DATA_VALID and RSC_INFO,
/// which no driver sets, among them.
NetHeaderFault check_net_header(const spec::NetHeader& header, const StagedFrame& frame,
                                OffloadSet negotiated, FrameOffload& out) noexcept {
    out = FrameOffload{};
    const GsoKind* kind = kind_of(header.gso_type);
    NetHeaderFault fault = check_negotiated(header, negotiated, kind);
    if (fault != NetHeaderFault::none) return fault;
    if ((header.flags & spec::net_hdr_f_needs_csum) == 0) return NetHeaderFault::none;
    const Headers headers = find_headers(frame.bytes, frame.staged);
    fault = check_csum(header, frame, headers, out);
    if (fault == NetHeaderFault::none && kind != nullptr)
        fault = check_gso(header, *kind, frame, headers, out);
    if (fault != NetHeaderFault::none) out = FrameOffload{};
    return fault;
}

spec::NetHeader net_header_of(const FrameOffload& offload) noexcept {
    spec::NetHeader header{};
    header.num_buffers = 1;
    if (offload.needs == 0) return header;
    header.flags = spec::net_hdr_f_needs_csum;
    header.csum_start = offload.csum_at;
    header.csum_offset = static_cast<uint16_t>(offload.csum_field - offload.csum_at);
    if (!offload.segmented()) return header;
    header.gso_type = (offload.needs & offload_tso4) != 0   ? spec::net_hdr_gso_tcpv4
                      : (offload.needs & offload_tso6) != 0 ? spec::net_hdr_gso_tcpv6
                                                            : spec::net_hdr_gso_udp_l4;
    if ((offload.needs & offload_ecn) != 0) header.gso_type |= spec::net_hdr_gso_ecn;
    header.hdr_len = offload.header_bytes;
    header.gso_size = offload.gso_bytes;
    return header;
}

}  // namespace valenic
