// GENERATED from frontend-spec/virtio/net.ts by `npm run spec`. Do not edit.
#pragma once
#include <cstddef>
#include <cstdint>

namespace valenic::spec {

/// What comes before each frame. Without VERSION_1 and MRG_RXBUF num_buffers is absent.
/// @spec virtio 1.2, 5.1.6 "Device Operation" (virtio_net_hdr)
struct NetHeader {
    uint8_t flags;         // net_hdr_f_*
    uint8_t gso_type;      // net_hdr_gso_*
    uint16_t hdr_len;      // bytes of the headers that each segment repeats
    uint16_t gso_size;     // payload bytes of each segment
    uint16_t csum_start;   // where checksumming starts, from the start of the frame
    uint16_t csum_offset;  // where the checksum goes, from csum_start
    uint16_t num_buffers;  // receive chains this frame fills; 0 in what is sent
};
static_assert(sizeof(NetHeader) == 12);
static_assert(offsetof(NetHeader, flags) == 0);
static_assert(offsetof(NetHeader, gso_type) == 1);
static_assert(offsetof(NetHeader, hdr_len) == 2);
static_assert(offsetof(NetHeader, gso_size) == 4);
static_assert(offsetof(NetHeader, csum_start) == 6);
static_assert(offsetof(NetHeader, csum_offset) == 8);
static_assert(offsetof(NetHeader, num_buffers) == 10);

// Bytes of the header before each frame. virtio 1.2, 5.1.6 and 5.1.6.1 "Legacy Interface: Device
// Operation".
// with VIRTIO_F_VERSION_1 or VIRTIO_NET_F_MRG_RXBUF
inline constexpr size_t net_header_bytes = 12;
// without both
inline constexpr size_t net_header_legacy_bytes = 10;
static_assert(net_header_bytes == sizeof(NetHeader));
static_assert(net_header_legacy_bytes == offsetof(NetHeader, num_buffers));

// NetHeader.flags. virtio 1.2, 5.1.6 "Device Operation".
// the checksum is partial: csum_start and csum_offset are set
inline constexpr uint8_t net_hdr_f_needs_csum = 0x1;
// the checksum was verified; to the driver only
inline constexpr uint8_t net_hdr_f_data_valid = 0x2;
// csum_start and csum_offset hold counts of coalesced segments
inline constexpr uint8_t net_hdr_f_rsc_info = 0x4;

// NetHeader.gso_type: one kind, and the ECN bit. virtio 1.2, 5.1.6 "Device Operation".
inline constexpr uint8_t net_hdr_gso_none = 0;    // an ordinary frame
inline constexpr uint8_t net_hdr_gso_tcpv4 = 1;   // TCP over IPv4 to split
inline constexpr uint8_t net_hdr_gso_udp = 3;     // UDP to fragment (UFO)
inline constexpr uint8_t net_hdr_gso_tcpv6 = 4;   // TCP over IPv6 to split
inline constexpr uint8_t net_hdr_gso_udp_l4 = 5;  // UDP datagrams to split (USO)
inline constexpr uint8_t net_hdr_gso_ecn = 128;   // bit: the TCP header has CWR set

// Least bytes of a receive buffer without VIRTIO_NET_F_MRG_RXBUF, the net header included. virtio
// 1.2, 5.1.6.3.1 "Driver Requirements: Setting Up Receive Buffers".
// when no segmentation is left to the driver
inline constexpr size_t net_receive_bytes = 1526;
// with VIRTIO_NET_F_GUEST_TSO4, TSO6, UFO, USO4 or USO6
inline constexpr size_t net_receive_segmentation_bytes = 65562;

/// The configuration space. Each field exists with its feature only.
/// @spec virtio 1.2, 5.1.4 "Device configuration layout"
struct __attribute__((packed)) NetConfig {
    // VIRTIO_NET_F_MAC
    uint8_t mac[6];
    // VIRTIO_NET_F_STATUS: net_status_*
    uint16_t status;
    // VIRTIO_NET_F_MQ or RSS: 1..32768
    uint16_t max_virtqueue_pairs;
    // VIRTIO_NET_F_MTU: at least 68
    uint16_t mtu;
    // VIRTIO_NET_F_SPEED_DUPLEX: Mbit/s; above 0x7fffffff unknown
    uint32_t speed;
    // VIRTIO_NET_F_SPEED_DUPLEX: 1 full, 0 half, else unknown
    uint8_t duplex;
    // VIRTIO_NET_F_RSS or HASH_REPORT
    uint8_t rss_max_key_size;
    // VIRTIO_NET_F_RSS
    uint16_t rss_max_indirection_table_length;
    // VIRTIO_NET_F_RSS or HASH_REPORT
    uint32_t supported_hash_types;
};
static_assert(sizeof(NetConfig) == 24);
static_assert(offsetof(NetConfig, mac) == 0);
static_assert(offsetof(NetConfig, status) == 6);
static_assert(offsetof(NetConfig, max_virtqueue_pairs) == 8);
static_assert(offsetof(NetConfig, mtu) == 10);
static_assert(offsetof(NetConfig, speed) == 12);
static_assert(offsetof(NetConfig, duplex) == 16);
static_assert(offsetof(NetConfig, rss_max_key_size) == 17);
static_assert(offsetof(NetConfig, rss_max_indirection_table_length) == 18);
static_assert(offsetof(NetConfig, supported_hash_types) == 20);

// NetConfig.status. virtio 1.2, 5.1.4 "Device configuration layout".
inline constexpr uint16_t net_status_link_up = 0x1;   // the link is up
inline constexpr uint16_t net_status_announce = 0x2;  // the driver is asked to announce itself

}  // namespace valenic::spec
