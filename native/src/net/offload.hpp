// What one side of a port may leave to the other: checksums and segmentation.
#pragma once
#include <cstdint>

#include "spec/virtio_features.hpp"

namespace valenic {

/// Bits of an OffloadSet: what a sender may ask for, what a receiver takes as it is, and what a
/// frame needs from whoever gets it untouched.
enum Offload : uint8_t {
    offload_csum = 1 << 0,  ///< Partial checksums.
    offload_tso4 = 1 << 1,
    offload_tso6 = 1 << 2,
    offload_ecn = 1 << 3,  ///< Segments to split that have CWR set.
    offload_uso4 = 1 << 4,
    offload_uso6 = 1 << 5,
};
using OffloadSet = uint8_t;

inline constexpr OffloadSet offload_segmentation =
    offload_tso4 | offload_tso6 | offload_uso4 | offload_uso6;

namespace offload_detail {
struct Row {
    unsigned feature;
    OffloadSet set;
};
constexpr OffloadSet chosen(uint64_t features, const Row* rows, unsigned count) noexcept {
    const uint64_t settled = spec::settle_offloads(features);
    OffloadSet set = 0;
    for (unsigned i = 0; i < count; ++i)
        if ((settled & spec::feature_mask(rows[i].feature)) != 0)
            set = static_cast<OffloadSet>(set | rows[i].set);
    return set;
}
}  // namespace offload_detail

/// What a driver that acknowledged `features` may ask of us for the frames it sends.
/// A feature whose need was not acknowledged counts for nothing. virtio 1.2, 5.1.3.1.
constexpr OffloadSet offloads_of_sender(uint64_t features) noexcept {
    constexpr offload_detail::Row rows[] = {
        {spec::net_feature_csum, offload_csum},
        {spec::net_feature_host_tso4, offload_tso4},
        {spec::net_feature_host_tso6, offload_tso6},
        {spec::net_feature_host_ecn, offload_ecn},
        {spec::net_feature_host_uso, offload_uso4 | offload_uso6},
    };
    return offload_detail::chosen(features, rows, sizeof rows / sizeof rows[0]);
}

/// What a driver that acknowledged `features` takes as it is.
constexpr OffloadSet offloads_of_receiver(uint64_t features) noexcept {
    constexpr offload_detail::Row rows[] = {
        {spec::net_feature_guest_csum, offload_csum}, {spec::net_feature_guest_tso4, offload_tso4},
        {spec::net_feature_guest_tso6, offload_tso6}, {spec::net_feature_guest_ecn, offload_ecn},
        {spec::net_feature_guest_uso4, offload_uso4}, {spec::net_feature_guest_uso6, offload_uso6},
    };
    return offload_detail::chosen(features, rows, sizeof rows / sizeof rows[0]);
}

/// What one frame of a batch leaves to its receiver, checked (net/net_header_check.hpp).
struct FrameOffload {
    OffloadSet needs = 0;       ///< 0: nothing; the rest means nothing then.
    uint8_t network_at = 0;     ///< The IP header. With segmentation only.
    uint8_t transport_at = 0;   ///< The TCP or UDP header. With segmentation only.
    uint8_t version = 0;        ///< 4 or 6. With segmentation only.
    uint16_t header_bytes = 0;  ///< Ethernet to transport. With segmentation only.
    uint16_t gso_bytes = 0;     ///< Payload of each segment, the last one's excepted.
    uint16_t csum_at = 0;       ///< Where summing starts.
    uint16_t csum_field = 0;    ///< Offset of the checksum, from the start of the frame.

    bool segmented() const noexcept { return (needs & offload_segmentation) != 0; }
    bool is_tcp() const noexcept { return (needs & (offload_tso4 | offload_tso6)) != 0; }
};

}  // namespace valenic
