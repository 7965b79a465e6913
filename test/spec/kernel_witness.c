/* GENERATED from frontend-spec/ by `npm run spec`. Do not edit.
 * The kernel's headers, held to the numbers of the tables: it compiles, or they disagree. */
#include <linux/pci_regs.h>
#include <linux/vhost_types.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_net.h>
#include <linux/virtio_pci.h>
#include <linux/virtio_ring.h>
#include <stddef.h>

/* Structures: sizes, and place and size of each field. */
_Static_assert(sizeof(struct vring_desc) == 16, "SplitDesc");
_Static_assert(offsetof(struct vring_desc, addr) == 0, "SplitDesc.addr");
_Static_assert(sizeof(((struct vring_desc*)0)->addr) == 8, "SplitDesc.addr bytes");
_Static_assert(offsetof(struct vring_desc, len) == 8, "SplitDesc.len");
_Static_assert(sizeof(((struct vring_desc*)0)->len) == 4, "SplitDesc.len bytes");
_Static_assert(offsetof(struct vring_desc, flags) == 12, "SplitDesc.flags");
_Static_assert(sizeof(((struct vring_desc*)0)->flags) == 2, "SplitDesc.flags bytes");
_Static_assert(offsetof(struct vring_desc, next) == 14, "SplitDesc.next");
_Static_assert(sizeof(((struct vring_desc*)0)->next) == 2, "SplitDesc.next bytes");
_Static_assert(sizeof(struct vring_avail) == 4, "SplitAvail");
_Static_assert(offsetof(struct vring_avail, flags) == 0, "SplitAvail.flags");
_Static_assert(sizeof(((struct vring_avail*)0)->flags) == 2, "SplitAvail.flags bytes");
_Static_assert(offsetof(struct vring_avail, idx) == 2, "SplitAvail.idx");
_Static_assert(sizeof(((struct vring_avail*)0)->idx) == 2, "SplitAvail.idx bytes");
_Static_assert(sizeof(struct vring_used_elem) == 8, "SplitUsedElem");
_Static_assert(offsetof(struct vring_used_elem, id) == 0, "SplitUsedElem.id");
_Static_assert(sizeof(((struct vring_used_elem*)0)->id) == 4, "SplitUsedElem.id bytes");
_Static_assert(offsetof(struct vring_used_elem, len) == 4, "SplitUsedElem.len");
_Static_assert(sizeof(((struct vring_used_elem*)0)->len) == 4, "SplitUsedElem.len bytes");
_Static_assert(sizeof(struct vring_used) == 4, "SplitUsed");
_Static_assert(offsetof(struct vring_used, flags) == 0, "SplitUsed.flags");
_Static_assert(sizeof(((struct vring_used*)0)->flags) == 2, "SplitUsed.flags bytes");
_Static_assert(offsetof(struct vring_used, idx) == 2, "SplitUsed.idx");
_Static_assert(sizeof(((struct vring_used*)0)->idx) == 2, "SplitUsed.idx bytes");
_Static_assert(sizeof(struct vring_packed_desc) == 16, "PackedDesc");
_Static_assert(offsetof(struct vring_packed_desc, addr) == 0, "PackedDesc.addr");
_Static_assert(sizeof(((struct vring_packed_desc*)0)->addr) == 8, "PackedDesc.addr bytes");
_Static_assert(offsetof(struct vring_packed_desc, len) == 8, "PackedDesc.len");
_Static_assert(sizeof(((struct vring_packed_desc*)0)->len) == 4, "PackedDesc.len bytes");
_Static_assert(offsetof(struct vring_packed_desc, id) == 12, "PackedDesc.id");
_Static_assert(sizeof(((struct vring_packed_desc*)0)->id) == 2, "PackedDesc.id bytes");
_Static_assert(offsetof(struct vring_packed_desc, flags) == 14, "PackedDesc.flags");
_Static_assert(sizeof(((struct vring_packed_desc*)0)->flags) == 2, "PackedDesc.flags bytes");
_Static_assert(sizeof(struct vring_packed_desc_event) == 4, "PackedEvent");
_Static_assert(offsetof(struct vring_packed_desc_event, off_wrap) == 0, "PackedEvent.off_wrap");
_Static_assert(sizeof(((struct vring_packed_desc_event*)0)->off_wrap) == 2,
               "PackedEvent.off_wrap bytes");
_Static_assert(offsetof(struct vring_packed_desc_event, flags) == 2, "PackedEvent.flags");
_Static_assert(sizeof(((struct vring_packed_desc_event*)0)->flags) == 2, "PackedEvent.flags bytes");
_Static_assert(sizeof(struct virtio_net_hdr_v1) == 12, "NetHeader");
_Static_assert(offsetof(struct virtio_net_hdr_v1, flags) == 0, "NetHeader.flags");
_Static_assert(sizeof(((struct virtio_net_hdr_v1*)0)->flags) == 1, "NetHeader.flags bytes");
_Static_assert(offsetof(struct virtio_net_hdr_v1, gso_type) == 1, "NetHeader.gso_type");
_Static_assert(sizeof(((struct virtio_net_hdr_v1*)0)->gso_type) == 1, "NetHeader.gso_type bytes");
_Static_assert(offsetof(struct virtio_net_hdr_v1, hdr_len) == 2, "NetHeader.hdr_len");
_Static_assert(sizeof(((struct virtio_net_hdr_v1*)0)->hdr_len) == 2, "NetHeader.hdr_len bytes");
_Static_assert(offsetof(struct virtio_net_hdr_v1, gso_size) == 4, "NetHeader.gso_size");
_Static_assert(sizeof(((struct virtio_net_hdr_v1*)0)->gso_size) == 2, "NetHeader.gso_size bytes");
_Static_assert(offsetof(struct virtio_net_hdr_v1, csum_start) == 6, "NetHeader.csum_start");
_Static_assert(sizeof(((struct virtio_net_hdr_v1*)0)->csum_start) == 2,
               "NetHeader.csum_start bytes");
_Static_assert(offsetof(struct virtio_net_hdr_v1, csum_offset) == 8, "NetHeader.csum_offset");
_Static_assert(sizeof(((struct virtio_net_hdr_v1*)0)->csum_offset) == 2,
               "NetHeader.csum_offset bytes");
_Static_assert(offsetof(struct virtio_net_hdr_v1, num_buffers) == 10, "NetHeader.num_buffers");
_Static_assert(sizeof(((struct virtio_net_hdr_v1*)0)->num_buffers) == 2,
               "NetHeader.num_buffers bytes");
_Static_assert(sizeof(struct virtio_net_config) == 24, "NetConfig");
_Static_assert(offsetof(struct virtio_net_config, mac) == 0, "NetConfig.mac");
_Static_assert(sizeof(((struct virtio_net_config*)0)->mac) == 6, "NetConfig.mac bytes");
_Static_assert(offsetof(struct virtio_net_config, status) == 6, "NetConfig.status");
_Static_assert(sizeof(((struct virtio_net_config*)0)->status) == 2, "NetConfig.status bytes");
_Static_assert(offsetof(struct virtio_net_config, max_virtqueue_pairs) == 8,
               "NetConfig.max_virtqueue_pairs");
_Static_assert(sizeof(((struct virtio_net_config*)0)->max_virtqueue_pairs) == 2,
               "NetConfig.max_virtqueue_pairs bytes");
_Static_assert(offsetof(struct virtio_net_config, mtu) == 10, "NetConfig.mtu");
_Static_assert(sizeof(((struct virtio_net_config*)0)->mtu) == 2, "NetConfig.mtu bytes");
_Static_assert(offsetof(struct virtio_net_config, speed) == 12, "NetConfig.speed");
_Static_assert(sizeof(((struct virtio_net_config*)0)->speed) == 4, "NetConfig.speed bytes");
_Static_assert(offsetof(struct virtio_net_config, duplex) == 16, "NetConfig.duplex");
_Static_assert(sizeof(((struct virtio_net_config*)0)->duplex) == 1, "NetConfig.duplex bytes");
_Static_assert(offsetof(struct virtio_net_config, rss_max_key_size) == 17,
               "NetConfig.rss_max_key_size");
_Static_assert(sizeof(((struct virtio_net_config*)0)->rss_max_key_size) == 1,
               "NetConfig.rss_max_key_size bytes");
_Static_assert(offsetof(struct virtio_net_config, rss_max_indirection_table_length) == 18,
               "NetConfig.rss_max_indirection_table_length");
_Static_assert(sizeof(((struct virtio_net_config*)0)->rss_max_indirection_table_length) == 2,
               "NetConfig.rss_max_indirection_table_length bytes");
_Static_assert(offsetof(struct virtio_net_config, supported_hash_types) == 20,
               "NetConfig.supported_hash_types");
_Static_assert(sizeof(((struct virtio_net_config*)0)->supported_hash_types) == 4,
               "NetConfig.supported_hash_types bytes");
_Static_assert(sizeof(struct virtio_pci_cap) == 16, "PciCap");
_Static_assert(offsetof(struct virtio_pci_cap, cap_vndr) == 0, "PciCap.cap_vndr");
_Static_assert(sizeof(((struct virtio_pci_cap*)0)->cap_vndr) == 1, "PciCap.cap_vndr bytes");
_Static_assert(offsetof(struct virtio_pci_cap, cap_next) == 1, "PciCap.cap_next");
_Static_assert(sizeof(((struct virtio_pci_cap*)0)->cap_next) == 1, "PciCap.cap_next bytes");
_Static_assert(offsetof(struct virtio_pci_cap, cap_len) == 2, "PciCap.cap_len");
_Static_assert(sizeof(((struct virtio_pci_cap*)0)->cap_len) == 1, "PciCap.cap_len bytes");
_Static_assert(offsetof(struct virtio_pci_cap, cfg_type) == 3, "PciCap.cfg_type");
_Static_assert(sizeof(((struct virtio_pci_cap*)0)->cfg_type) == 1, "PciCap.cfg_type bytes");
_Static_assert(offsetof(struct virtio_pci_cap, bar) == 4, "PciCap.bar");
_Static_assert(sizeof(((struct virtio_pci_cap*)0)->bar) == 1, "PciCap.bar bytes");
_Static_assert(offsetof(struct virtio_pci_cap, id) == 5, "PciCap.id");
_Static_assert(sizeof(((struct virtio_pci_cap*)0)->id) == 1, "PciCap.id bytes");
_Static_assert(offsetof(struct virtio_pci_cap, padding) == 6, "PciCap.padding");
_Static_assert(sizeof(((struct virtio_pci_cap*)0)->padding) == 2, "PciCap.padding bytes");
_Static_assert(offsetof(struct virtio_pci_cap, offset) == 8, "PciCap.offset");
_Static_assert(sizeof(((struct virtio_pci_cap*)0)->offset) == 4, "PciCap.offset bytes");
_Static_assert(offsetof(struct virtio_pci_cap, length) == 12, "PciCap.length");
_Static_assert(sizeof(((struct virtio_pci_cap*)0)->length) == 4, "PciCap.length bytes");
_Static_assert(sizeof(struct virtio_pci_notify_cap) == 20, "PciNotifyCap");
_Static_assert(offsetof(struct virtio_pci_notify_cap, cap) == 0, "PciNotifyCap.cap");
_Static_assert(offsetof(struct virtio_pci_notify_cap, notify_off_multiplier) == 16,
               "PciNotifyCap.notify_off_multiplier");
_Static_assert(sizeof(((struct virtio_pci_notify_cap*)0)->notify_off_multiplier) == 4,
               "PciNotifyCap.notify_off_multiplier bytes");
_Static_assert(sizeof(struct vhost_vring_state) == 8, "VringState");
_Static_assert(offsetof(struct vhost_vring_state, index) == 0, "VringState.index");
_Static_assert(sizeof(((struct vhost_vring_state*)0)->index) == 4, "VringState.index bytes");
_Static_assert(offsetof(struct vhost_vring_state, num) == 4, "VringState.num");
_Static_assert(sizeof(((struct vhost_vring_state*)0)->num) == 4, "VringState.num bytes");
_Static_assert(sizeof(struct vhost_vring_addr) == 40, "VringAddr");
_Static_assert(offsetof(struct vhost_vring_addr, index) == 0, "VringAddr.index");
_Static_assert(sizeof(((struct vhost_vring_addr*)0)->index) == 4, "VringAddr.index bytes");
_Static_assert(offsetof(struct vhost_vring_addr, flags) == 4, "VringAddr.flags");
_Static_assert(sizeof(((struct vhost_vring_addr*)0)->flags) == 4, "VringAddr.flags bytes");
_Static_assert(offsetof(struct vhost_vring_addr, desc_user_addr) == 8, "VringAddr.descriptor");
_Static_assert(sizeof(((struct vhost_vring_addr*)0)->desc_user_addr) == 8,
               "VringAddr.descriptor bytes");
_Static_assert(offsetof(struct vhost_vring_addr, used_user_addr) == 16, "VringAddr.used");
_Static_assert(sizeof(((struct vhost_vring_addr*)0)->used_user_addr) == 8, "VringAddr.used bytes");
_Static_assert(offsetof(struct vhost_vring_addr, avail_user_addr) == 24, "VringAddr.available");
_Static_assert(sizeof(((struct vhost_vring_addr*)0)->avail_user_addr) == 8,
               "VringAddr.available bytes");
_Static_assert(offsetof(struct vhost_vring_addr, log_guest_addr) == 32, "VringAddr.log");
_Static_assert(sizeof(((struct vhost_vring_addr*)0)->log_guest_addr) == 8, "VringAddr.log bytes");
_Static_assert(sizeof(struct vhost_memory_region) == 32, "MemoryRegionRow");
_Static_assert(offsetof(struct vhost_memory_region, guest_phys_addr) == 0,
               "MemoryRegionRow.guestAddress");
_Static_assert(sizeof(((struct vhost_memory_region*)0)->guest_phys_addr) == 8,
               "MemoryRegionRow.guestAddress bytes");
_Static_assert(offsetof(struct vhost_memory_region, memory_size) == 8, "MemoryRegionRow.size");
_Static_assert(sizeof(((struct vhost_memory_region*)0)->memory_size) == 8,
               "MemoryRegionRow.size bytes");
_Static_assert(offsetof(struct vhost_memory_region, userspace_addr) == 16,
               "MemoryRegionRow.userAddress");
_Static_assert(sizeof(((struct vhost_memory_region*)0)->userspace_addr) == 8,
               "MemoryRegionRow.userAddress bytes");
_Static_assert(offsetof(struct vhost_memory_region, flags_padding) == 24,
               "MemoryRegionRow.mmapOffset");
_Static_assert(sizeof(((struct vhost_memory_region*)0)->flags_padding) == 8,
               "MemoryRegionRow.mmapOffset bytes");
_Static_assert(sizeof(struct vhost_memory) == 8, "MemoryTable");
_Static_assert(offsetof(struct vhost_memory, nregions) == 0, "MemoryTable.numRegions");
_Static_assert(sizeof(((struct vhost_memory*)0)->nregions) == 4, "MemoryTable.numRegions bytes");
_Static_assert(offsetof(struct vhost_memory, padding) == 4, "MemoryTable.padding");
_Static_assert(sizeof(((struct vhost_memory*)0)->padding) == 4, "MemoryTable.padding bytes");
_Static_assert(sizeof(struct vhost_iotlb_msg) == 32, "Iotlb");
_Static_assert(offsetof(struct vhost_iotlb_msg, iova) == 0, "Iotlb.iova");
_Static_assert(sizeof(((struct vhost_iotlb_msg*)0)->iova) == 8, "Iotlb.iova bytes");
_Static_assert(offsetof(struct vhost_iotlb_msg, size) == 8, "Iotlb.size");
_Static_assert(sizeof(((struct vhost_iotlb_msg*)0)->size) == 8, "Iotlb.size bytes");
_Static_assert(offsetof(struct vhost_iotlb_msg, uaddr) == 16, "Iotlb.userAddress");
_Static_assert(sizeof(((struct vhost_iotlb_msg*)0)->uaddr) == 8, "Iotlb.userAddress bytes");
_Static_assert(offsetof(struct vhost_iotlb_msg, perm) == 24, "Iotlb.permissions");
_Static_assert(sizeof(((struct vhost_iotlb_msg*)0)->perm) == 1, "Iotlb.permissions bytes");
_Static_assert(offsetof(struct vhost_iotlb_msg, type) == 25, "Iotlb.type");
_Static_assert(sizeof(((struct vhost_iotlb_msg*)0)->type) == 1, "Iotlb.type bytes");

/* Constants. */
_Static_assert((VRING_DESC_F_NEXT) == 1, "VIRTQ_DESC_F_NEXT");
_Static_assert((VRING_DESC_F_WRITE) == 2, "VIRTQ_DESC_F_WRITE");
_Static_assert((VRING_DESC_F_INDIRECT) == 4, "VIRTQ_DESC_F_INDIRECT");
_Static_assert((VRING_AVAIL_F_NO_INTERRUPT) == 1, "VIRTQ_AVAIL_F_NO_INTERRUPT");
_Static_assert((VRING_USED_F_NO_NOTIFY) == 1, "VIRTQ_USED_F_NO_NOTIFY");
_Static_assert((VRING_DESC_ALIGN_SIZE) == 16, "VIRTQ_DESC_ALIGN");
_Static_assert((VRING_AVAIL_ALIGN_SIZE) == 2, "VIRTQ_AVAIL_ALIGN");
_Static_assert((VRING_USED_ALIGN_SIZE) == 4, "VIRTQ_USED_ALIGN");
_Static_assert((VRING_PACKED_DESC_F_AVAIL) == 7, "VIRTQ_DESC_F_AVAIL_BIT");
_Static_assert((VRING_PACKED_DESC_F_USED) == 15, "VIRTQ_DESC_F_USED_BIT");
_Static_assert((VRING_PACKED_EVENT_F_WRAP_CTR) == 15, "RING_EVENT_WRAP_BIT");
_Static_assert((VRING_PACKED_EVENT_FLAG_ENABLE) == 0, "RING_EVENT_FLAGS_ENABLE");
_Static_assert((VRING_PACKED_EVENT_FLAG_DISABLE) == 1, "RING_EVENT_FLAGS_DISABLE");
_Static_assert((VRING_PACKED_EVENT_FLAG_DESC) == 2, "RING_EVENT_FLAGS_DESC");
_Static_assert((VIRTIO_NET_HDR_F_NEEDS_CSUM) == 1, "VIRTIO_NET_HDR_F_NEEDS_CSUM");
_Static_assert((VIRTIO_NET_HDR_F_DATA_VALID) == 2, "VIRTIO_NET_HDR_F_DATA_VALID");
_Static_assert((VIRTIO_NET_HDR_F_RSC_INFO) == 4, "VIRTIO_NET_HDR_F_RSC_INFO");
_Static_assert((VIRTIO_NET_HDR_GSO_NONE) == 0, "VIRTIO_NET_HDR_GSO_NONE");
_Static_assert((VIRTIO_NET_HDR_GSO_TCPV4) == 1, "VIRTIO_NET_HDR_GSO_TCPV4");
_Static_assert((VIRTIO_NET_HDR_GSO_UDP) == 3, "VIRTIO_NET_HDR_GSO_UDP");
_Static_assert((VIRTIO_NET_HDR_GSO_TCPV6) == 4, "VIRTIO_NET_HDR_GSO_TCPV6");
#ifdef VIRTIO_NET_HDR_GSO_UDP_L4
_Static_assert((VIRTIO_NET_HDR_GSO_UDP_L4) == 5, "VIRTIO_NET_HDR_GSO_UDP_L4");
#endif
_Static_assert((VIRTIO_NET_HDR_GSO_ECN) == 128, "VIRTIO_NET_HDR_GSO_ECN");
_Static_assert((VIRTIO_NET_S_LINK_UP) == 1, "VIRTIO_NET_S_LINK_UP");
_Static_assert((VIRTIO_NET_S_ANNOUNCE) == 2, "VIRTIO_NET_S_ANNOUNCE");
_Static_assert((VIRTIO_ID_NET) == 1, "NET_DEVICE_TYPE");
_Static_assert((VIRTIO_MSI_NO_VECTOR) == 65535, "MSI_NO_VECTOR");
_Static_assert((PCI_CAP_ID_VNDR) == 9, "PCI_CAP_ID_VNDR");
_Static_assert((VIRTIO_PCI_CAP_COMMON_CFG) == 1, "VIRTIO_PCI_CAP_COMMON_CFG");
_Static_assert((VIRTIO_PCI_CAP_NOTIFY_CFG) == 2, "VIRTIO_PCI_CAP_NOTIFY_CFG");
_Static_assert((VIRTIO_PCI_CAP_ISR_CFG) == 3, "VIRTIO_PCI_CAP_ISR_CFG");
_Static_assert((VIRTIO_PCI_CAP_DEVICE_CFG) == 4, "VIRTIO_PCI_CAP_DEVICE_CFG");
_Static_assert((VIRTIO_PCI_CAP_PCI_CFG) == 5, "VIRTIO_PCI_CAP_PCI_CFG");
_Static_assert((VIRTIO_PCI_CAP_SHARED_MEMORY_CFG) == 8, "VIRTIO_PCI_CAP_SHARED_MEMORY_CFG");
#ifdef VIRTIO_PCI_CAP_VENDOR_CFG
_Static_assert((VIRTIO_PCI_CAP_VENDOR_CFG) == 9, "VIRTIO_PCI_CAP_VENDOR_CFG");
#endif
_Static_assert((VIRTIO_CONFIG_S_ACKNOWLEDGE) == 1, "ACKNOWLEDGE");
_Static_assert((VIRTIO_CONFIG_S_DRIVER) == 2, "DRIVER");
_Static_assert((VIRTIO_CONFIG_S_DRIVER_OK) == 4, "DRIVER_OK");
_Static_assert((VIRTIO_CONFIG_S_FEATURES_OK) == 8, "FEATURES_OK");
_Static_assert((VIRTIO_CONFIG_S_NEEDS_RESET) == 64, "DEVICE_NEEDS_RESET");
_Static_assert((VIRTIO_CONFIG_S_FAILED) == 128, "FAILED");
_Static_assert((1 << VHOST_VRING_F_LOG) == 1, "VHOST_VRING_F_LOG");
_Static_assert((VHOST_PAGE_SIZE) == 4096, "LOG_PAGE");

/* Feature bits. */
_Static_assert(VIRTIO_F_NOTIFY_ON_EMPTY == 24, "VIRTIO_F_NOTIFY_ON_EMPTY");
_Static_assert(VHOST_F_LOG_ALL == 26, "VHOST_F_LOG_ALL");
_Static_assert(VIRTIO_F_ANY_LAYOUT == 27, "VIRTIO_F_ANY_LAYOUT");
_Static_assert(VIRTIO_RING_F_INDIRECT_DESC == 28, "VIRTIO_F_INDIRECT_DESC");
_Static_assert(VIRTIO_RING_F_EVENT_IDX == 29, "VIRTIO_F_EVENT_IDX");
_Static_assert(VIRTIO_F_VERSION_1 == 32, "VIRTIO_F_VERSION_1");
_Static_assert(VIRTIO_F_ACCESS_PLATFORM == 33, "VIRTIO_F_ACCESS_PLATFORM");
_Static_assert(VIRTIO_F_RING_PACKED == 34, "VIRTIO_F_RING_PACKED");
_Static_assert(VIRTIO_F_IN_ORDER == 35, "VIRTIO_F_IN_ORDER");
_Static_assert(VIRTIO_F_ORDER_PLATFORM == 36, "VIRTIO_F_ORDER_PLATFORM");
_Static_assert(VIRTIO_F_SR_IOV == 37, "VIRTIO_F_SR_IOV");
#ifdef VIRTIO_F_NOTIFICATION_DATA
_Static_assert(VIRTIO_F_NOTIFICATION_DATA == 38, "VIRTIO_F_NOTIFICATION_DATA");
#endif
#ifdef VIRTIO_F_NOTIF_CONFIG_DATA
_Static_assert(VIRTIO_F_NOTIF_CONFIG_DATA == 39, "VIRTIO_F_NOTIF_CONFIG_DATA");
#endif
_Static_assert(VIRTIO_F_RING_RESET == 40, "VIRTIO_F_RING_RESET");
#ifdef VIRTIO_F_ADMIN_VQ
_Static_assert(VIRTIO_F_ADMIN_VQ == 41, "VIRTIO_F_ADMIN_VQ");
#endif
_Static_assert(VIRTIO_NET_F_CSUM == 0, "VIRTIO_NET_F_CSUM");
_Static_assert(VIRTIO_NET_F_GUEST_CSUM == 1, "VIRTIO_NET_F_GUEST_CSUM");
_Static_assert(VIRTIO_NET_F_CTRL_GUEST_OFFLOADS == 2, "VIRTIO_NET_F_CTRL_GUEST_OFFLOADS");
_Static_assert(VIRTIO_NET_F_MTU == 3, "VIRTIO_NET_F_MTU");
_Static_assert(VIRTIO_NET_F_MAC == 5, "VIRTIO_NET_F_MAC");
_Static_assert(VIRTIO_NET_F_GSO == 6, "VIRTIO_NET_F_GSO");
_Static_assert(VIRTIO_NET_F_GUEST_TSO4 == 7, "VIRTIO_NET_F_GUEST_TSO4");
_Static_assert(VIRTIO_NET_F_GUEST_TSO6 == 8, "VIRTIO_NET_F_GUEST_TSO6");
_Static_assert(VIRTIO_NET_F_GUEST_ECN == 9, "VIRTIO_NET_F_GUEST_ECN");
_Static_assert(VIRTIO_NET_F_GUEST_UFO == 10, "VIRTIO_NET_F_GUEST_UFO");
_Static_assert(VIRTIO_NET_F_HOST_TSO4 == 11, "VIRTIO_NET_F_HOST_TSO4");
_Static_assert(VIRTIO_NET_F_HOST_TSO6 == 12, "VIRTIO_NET_F_HOST_TSO6");
_Static_assert(VIRTIO_NET_F_HOST_ECN == 13, "VIRTIO_NET_F_HOST_ECN");
_Static_assert(VIRTIO_NET_F_HOST_UFO == 14, "VIRTIO_NET_F_HOST_UFO");
_Static_assert(VIRTIO_NET_F_MRG_RXBUF == 15, "VIRTIO_NET_F_MRG_RXBUF");
_Static_assert(VIRTIO_NET_F_STATUS == 16, "VIRTIO_NET_F_STATUS");
_Static_assert(VIRTIO_NET_F_CTRL_VQ == 17, "VIRTIO_NET_F_CTRL_VQ");
_Static_assert(VIRTIO_NET_F_CTRL_RX == 18, "VIRTIO_NET_F_CTRL_RX");
_Static_assert(VIRTIO_NET_F_CTRL_VLAN == 19, "VIRTIO_NET_F_CTRL_VLAN");
_Static_assert(VIRTIO_NET_F_CTRL_RX_EXTRA == 20, "VIRTIO_NET_F_CTRL_RX_EXTRA");
_Static_assert(VIRTIO_NET_F_GUEST_ANNOUNCE == 21, "VIRTIO_NET_F_GUEST_ANNOUNCE");
_Static_assert(VIRTIO_NET_F_MQ == 22, "VIRTIO_NET_F_MQ");
_Static_assert(VIRTIO_NET_F_CTRL_MAC_ADDR == 23, "VIRTIO_NET_F_CTRL_MAC_ADDR");
#ifdef VIRTIO_NET_F_DEVICE_STATS
_Static_assert(VIRTIO_NET_F_DEVICE_STATS == 50, "VIRTIO_NET_F_DEVICE_STATS");
#endif
#ifdef VIRTIO_NET_F_HASH_TUNNEL
_Static_assert(VIRTIO_NET_F_HASH_TUNNEL == 51, "VIRTIO_NET_F_HASH_TUNNEL");
#endif
#ifdef VIRTIO_NET_F_VQ_NOTF_COAL
_Static_assert(VIRTIO_NET_F_VQ_NOTF_COAL == 52, "VIRTIO_NET_F_VQ_NOTF_COAL");
#endif
_Static_assert(VIRTIO_NET_F_NOTF_COAL == 53, "VIRTIO_NET_F_NOTF_COAL");
#ifdef VIRTIO_NET_F_GUEST_USO4
_Static_assert(VIRTIO_NET_F_GUEST_USO4 == 54, "VIRTIO_NET_F_GUEST_USO4");
#endif
#ifdef VIRTIO_NET_F_GUEST_USO6
_Static_assert(VIRTIO_NET_F_GUEST_USO6 == 55, "VIRTIO_NET_F_GUEST_USO6");
#endif
#ifdef VIRTIO_NET_F_HOST_USO
_Static_assert(VIRTIO_NET_F_HOST_USO == 56, "VIRTIO_NET_F_HOST_USO");
#endif
_Static_assert(VIRTIO_NET_F_HASH_REPORT == 57, "VIRTIO_NET_F_HASH_REPORT");
#ifdef VIRTIO_NET_F_GUEST_HDRLEN
_Static_assert(VIRTIO_NET_F_GUEST_HDRLEN == 59, "VIRTIO_NET_F_GUEST_HDRLEN");
#endif
_Static_assert(VIRTIO_NET_F_RSS == 60, "VIRTIO_NET_F_RSS");
_Static_assert(VIRTIO_NET_F_RSC_EXT == 61, "VIRTIO_NET_F_RSC_EXT");
_Static_assert(VIRTIO_NET_F_STANDBY == 62, "VIRTIO_NET_F_STANDBY");
_Static_assert(VIRTIO_NET_F_SPEED_DUPLEX == 63, "VIRTIO_NET_F_SPEED_DUPLEX");

/* Registers of the common configuration. */
_Static_assert(VIRTIO_PCI_COMMON_DFSELECT == 0, "PciCommonCfg.device_feature_select");
_Static_assert(VIRTIO_PCI_COMMON_DF == 4, "PciCommonCfg.device_feature");
_Static_assert(VIRTIO_PCI_COMMON_GFSELECT == 8, "PciCommonCfg.driver_feature_select");
_Static_assert(VIRTIO_PCI_COMMON_GF == 12, "PciCommonCfg.driver_feature");
_Static_assert(VIRTIO_PCI_COMMON_MSIX == 16, "PciCommonCfg.config_msix_vector");
_Static_assert(VIRTIO_PCI_COMMON_NUMQ == 18, "PciCommonCfg.num_queues");
_Static_assert(VIRTIO_PCI_COMMON_STATUS == 20, "PciCommonCfg.device_status");
_Static_assert(VIRTIO_PCI_COMMON_CFGGENERATION == 21, "PciCommonCfg.config_generation");
_Static_assert(VIRTIO_PCI_COMMON_Q_SELECT == 22, "PciCommonCfg.queue_select");
_Static_assert(VIRTIO_PCI_COMMON_Q_SIZE == 24, "PciCommonCfg.queue_size");
_Static_assert(VIRTIO_PCI_COMMON_Q_MSIX == 26, "PciCommonCfg.queue_msix_vector");
_Static_assert(VIRTIO_PCI_COMMON_Q_ENABLE == 28, "PciCommonCfg.queue_enable");
_Static_assert(VIRTIO_PCI_COMMON_Q_NOFF == 30, "PciCommonCfg.queue_notify_off");
_Static_assert(VIRTIO_PCI_COMMON_Q_DESCLO == 32, "PciCommonCfg.queue_desc");
_Static_assert(VIRTIO_PCI_COMMON_Q_AVAILLO == 40, "PciCommonCfg.queue_driver");
_Static_assert(VIRTIO_PCI_COMMON_Q_USEDLO == 48, "PciCommonCfg.queue_device");
_Static_assert(VIRTIO_PCI_COMMON_Q_NDATA == 56, "PciCommonCfg.queue_notify_data");
_Static_assert(VIRTIO_PCI_COMMON_Q_RESET == 58, "PciCommonCfg.queue_reset");
#ifdef VIRTIO_PCI_COMMON_ADM_Q_IDX
_Static_assert(VIRTIO_PCI_COMMON_ADM_Q_IDX == 60, "PciCommonCfg.admin_queue_index");
#endif
#ifdef VIRTIO_PCI_COMMON_ADM_Q_NUM
_Static_assert(VIRTIO_PCI_COMMON_ADM_Q_NUM == 62, "PciCommonCfg.admin_queue_num");
#endif
