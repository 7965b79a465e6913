// Rewrites fields of a frame's headers, and what checksums owe to the change: by difference, so
// that no payload is read. RFC 1624.
#pragma once
#include <cstdint>

#include "net/batch.hpp"

namespace valenic {

/// Names as in ovs-fields(7), where it has them.
enum class Field : uint8_t {
    eth_dst,
    eth_src,
    ip_tos,  ///< DSCP and ECN of IPv4.
    ip_ttl,
    ip_src,
    ip_dst,
    ipv6_flow,  ///< Traffic class and flow label: the header's first four bytes.
    ipv6_hlim,
    ipv6_src,
    ipv6_dst,
    tp_src,  ///< Ports of TCP, UDP, UDP-Lite and DCCP. SCTP's checksum is over the payload:
             ///< refused.
    tp_dst,
    arp_op,
    arp_sha,
    arp_spa,
    arp_tha,
    arp_tpa,
    count,
};
inline constexpr uint32_t field_bytes_max = 16;
uint32_t bytes_of(Field field) noexcept;

/// As on the wire; as many bytes as the field has. A bit whose mask is 0 stays.
struct FieldEdit {
    Field field;
    uint8_t value[field_bytes_max];
    uint8_t mask[field_bytes_max];
};

enum class EditResult : uint8_t {
    done,
    absent,   ///< The frame has no such field, and is as it was.
    refused,  ///< It may have, but where it cannot be rewritten; it is as it was.
};

/// Edits the stage of a frame that is the batch's own.
///
/// Partial checksums stay partial and right; so do those of big frames that are to be cut. Of a
/// fragmented datagram the first part has the transport's header, and gets its checksum changed.
EditResult edit_header(Batch& batch, size_t index, const FieldEdit& edit) noexcept;

}  // namespace valenic
