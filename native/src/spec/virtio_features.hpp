// GENERATED from frontend-spec/virtio/feature*.ts by `npm run spec`. Do not edit.
#pragma once
#include <cstdint>

namespace valenic::spec {

// Bit numbers. virtio 1.2, 6 "Reserved Feature Bits" and 5.1.3 "Feature bits".
// a call when the ring runs empty, even if suppressed
inline constexpr unsigned feature_notify_on_empty = 24;
// log every write into guest memory; not for the driver
inline constexpr unsigned vhost_f_log_all = 26;
// the device takes the header in any number of buffers
inline constexpr unsigned feature_any_layout = 27;
// a descriptor may hold a table of descriptors
inline constexpr unsigned feature_ring_indirect_desc = 28;
// used_event and avail_event say when to notify
inline constexpr unsigned feature_ring_event_idx = 29;
// the backend has protocol features to negotiate; not for the driver
inline constexpr unsigned vhost_user_feature_protocol_features = 30;
// complies with virtio 1.0 or later
inline constexpr unsigned feature_version_1 = 32;
// addresses go through the platform (IOMMU)
inline constexpr unsigned feature_access_platform = 33;
// packed virtqueue layout
inline constexpr unsigned feature_ring_packed = 34;
// buffers are used in the order they were made available
inline constexpr unsigned feature_in_order = 35;
// memory is ordered as the platform orders it
inline constexpr unsigned feature_order_platform = 36;
// single root I/O virtualization
inline constexpr unsigned feature_sr_iov = 37;
// a kick carries the queue position
inline constexpr unsigned feature_notification_data = 38;
// a kick carries the number the device gave the queue
inline constexpr unsigned feature_notif_config_data = 39;
// one queue can be reset alone
inline constexpr unsigned feature_ring_reset = 40;
// the device has administration virtqueues
inline constexpr unsigned feature_admin_vq = 41;
// the driver can suspend the device
inline constexpr unsigned feature_suspend = 43;
// device takes frames with partial checksums
inline constexpr unsigned net_feature_csum = 0;
// driver takes frames with partial checksums
inline constexpr unsigned net_feature_guest_csum = 1;
// driver changes its offloads at run time
inline constexpr unsigned net_feature_ctrl_guest_offloads = 2;
// device tells its MTU
inline constexpr unsigned net_feature_mtu = 3;
// device has a MAC address
inline constexpr unsigned net_feature_mac = 5;
// device takes frames of any GSO type
inline constexpr unsigned net_feature_gso = 6;
// driver takes TCPv4 segments to split
inline constexpr unsigned net_feature_guest_tso4 = 7;
// driver takes TCPv6 segments to split
inline constexpr unsigned net_feature_guest_tso6 = 8;
// driver takes TSO with ECN
inline constexpr unsigned net_feature_guest_ecn = 9;
// driver takes UDP to fragment
inline constexpr unsigned net_feature_guest_ufo = 10;
// device takes TCPv4 segments to split
inline constexpr unsigned net_feature_host_tso4 = 11;
// device takes TCPv6 segments to split
inline constexpr unsigned net_feature_host_tso6 = 12;
// device takes TSO with ECN
inline constexpr unsigned net_feature_host_ecn = 13;
// device takes UDP to fragment
inline constexpr unsigned net_feature_host_ufo = 14;
// one frame may fill several receive chains
inline constexpr unsigned net_feature_mrg_rxbuf = 15;
// link state in the configuration
inline constexpr unsigned net_feature_status = 16;
// a control virtqueue
inline constexpr unsigned net_feature_ctrl_vq = 17;
// receive modes through the control queue
inline constexpr unsigned net_feature_ctrl_rx = 18;
// VLAN filter through the control queue
inline constexpr unsigned net_feature_ctrl_vlan = 19;
// more receive modes
inline constexpr unsigned net_feature_ctrl_rx_extra = 20;
// driver announces itself when asked, after a migration
inline constexpr unsigned net_feature_guest_announce = 21;
// several queue pairs
inline constexpr unsigned net_feature_mq = 22;
// MAC through the control queue
inline constexpr unsigned net_feature_ctrl_mac_addr = 23;
// device tells its counters
inline constexpr unsigned net_feature_device_stats = 50;
// hash of the inner header of a tunnel
inline constexpr unsigned net_feature_hash_tunnel = 51;
// notification coalescing of one queue
inline constexpr unsigned net_feature_vq_notf_coal = 52;
// notification coalescing
inline constexpr unsigned net_feature_notf_coal = 53;
// driver takes UDPv4 segments to split
inline constexpr unsigned net_feature_guest_uso4 = 54;
// driver takes UDPv6 segments to split
inline constexpr unsigned net_feature_guest_uso6 = 55;
// device takes UDP segments to split
inline constexpr unsigned net_feature_host_uso = 56;
// device reports a hash for each frame
inline constexpr unsigned net_feature_hash_report = 57;
// driver gives the exact hdr_len
inline constexpr unsigned net_feature_guest_hdrlen = 59;
// receive-side scaling
inline constexpr unsigned net_feature_rss = 60;
// counts of coalesced segments
inline constexpr unsigned net_feature_rsc_ext = 61;
// stands in for another device of the same MAC
inline constexpr unsigned net_feature_standby = 62;
// device tells speed and duplex
inline constexpr unsigned net_feature_speed_duplex = 63;

/// The mask of one feature bit.
constexpr uint64_t feature_mask(unsigned bit) noexcept { return uint64_t{1} << bit; }

/// An offload, and the one or two features of which it needs one; without, it is ignored.
/// @spec virtio 1.2, 5.1.3.1 "Feature bit requirements"
struct OffloadNeed {
    unsigned feature;
    unsigned any_of[2];
};
inline constexpr OffloadNeed offload_needs[] = {
    {net_feature_guest_tso4, {net_feature_guest_csum, net_feature_guest_csum}},
    {net_feature_guest_tso6, {net_feature_guest_csum, net_feature_guest_csum}},
    {net_feature_guest_ecn, {net_feature_guest_tso4, net_feature_guest_tso6}},
    {net_feature_guest_ufo, {net_feature_guest_csum, net_feature_guest_csum}},
    {net_feature_guest_uso4, {net_feature_guest_csum, net_feature_guest_csum}},
    {net_feature_guest_uso6, {net_feature_guest_csum, net_feature_guest_csum}},
    {net_feature_host_tso4, {net_feature_csum, net_feature_csum}},
    {net_feature_host_tso6, {net_feature_csum, net_feature_csum}},
    {net_feature_host_ecn, {net_feature_host_tso4, net_feature_host_tso6}},
    {net_feature_host_ufo, {net_feature_csum, net_feature_csum}},
    {net_feature_host_uso, {net_feature_csum, net_feature_csum}},
    {net_feature_rsc_ext, {net_feature_host_tso4, net_feature_host_tso6}},
};
/// The mask without the offloads whose needs are not met.
constexpr uint64_t settle_offloads(uint64_t features) noexcept {
    for (const OffloadNeed& need : offload_needs) {
        const uint64_t any_of = feature_mask(need.any_of[0]) | feature_mask(need.any_of[1]);
        if ((features & any_of) == 0) features &= ~feature_mask(need.feature);
    }
    return features;
}

}  // namespace valenic::spec
