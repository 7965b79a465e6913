// GENERATED from frontend-spec/virtio/pci.ts by `npm run spec`. Do not edit.
#pragma once
#include <cstddef>
#include <cstdint>

namespace valenic::spec {

// Who it is. virtio 1.2, 4.1.2 "PCI Device Discovery" and 5 "Device Types".
// every virtio device
inline constexpr uint16_t pci_vendor_virtio = 0x1af4;
// network device, modern only
inline constexpr uint16_t pci_device_net = 0x1041;
// network device, legacy or both
inline constexpr uint16_t pci_device_net_transitional = 0x1000;
// device type; 0x1040 + type is the modern PCI id
inline constexpr uint16_t device_type_net = 0x1;
// no interrupt
inline constexpr uint16_t msi_no_vector = 0xffff;

// PciCap.cap_vndr and PciCap.cfg_type. virtio 1.2, 4.1.4 "Virtio Structure PCI Capabilities".
// a vendor-specific capability
inline constexpr uint8_t pci_cap_id_vendor = 9;
// PciCommonCfg
inline constexpr uint8_t pci_cfg_type_common = 1;
// doorbells
inline constexpr uint8_t pci_cfg_type_notify = 2;
// interrupt status
inline constexpr uint8_t pci_cfg_type_isr = 3;
// configuration of the device type: NetConfig
inline constexpr uint8_t pci_cfg_type_device = 4;
// access through PCI configuration space
inline constexpr uint8_t pci_cfg_type_pci = 5;
// a shared memory region
inline constexpr uint8_t pci_cfg_type_shared_memory = 8;
// the device vendor's own
inline constexpr uint8_t pci_cfg_type_vendor = 9;

// How far driver and device are; 0 resets. virtio 1.2, 2.1 "Device Status Field".
inline constexpr uint8_t status_acknowledge = 0x1;          // the guest has seen the device
inline constexpr uint8_t status_driver = 0x2;               // the guest knows how to drive it
inline constexpr uint8_t status_driver_ok = 0x4;            // the driver is set up
inline constexpr uint8_t status_features_ok = 0x8;          // features are agreed; read it back
inline constexpr uint8_t status_device_needs_reset = 0x40;  // the device gave up
inline constexpr uint8_t status_failed = 0x80;              // the driver gave up

/// Where one of the structures lies: which BAR, where in it.
/// @spec virtio 1.2, 4.1.4 "Virtio Structure PCI Capabilities"
struct PciCap {
    // pci_cap_id_vendor
    uint8_t cap_vndr;
    // offset of the next capability, 0 = last
    uint8_t cap_next;
    // bytes of this capability
    uint8_t cap_len;
    // pci_cfg_type_*
    uint8_t cfg_type;
    // 0..5; other values are to be skipped
    uint8_t bar;
    // tells several of one type apart
    uint8_t id;
    uint8_t padding[2];
    // bytes from the start of the BAR
    uint32_t offset;
    // bytes
    uint32_t length;
};
static_assert(sizeof(PciCap) == 16);
static_assert(offsetof(PciCap, cap_vndr) == 0);
static_assert(offsetof(PciCap, cap_next) == 1);
static_assert(offsetof(PciCap, cap_len) == 2);
static_assert(offsetof(PciCap, cfg_type) == 3);
static_assert(offsetof(PciCap, bar) == 4);
static_assert(offsetof(PciCap, id) == 5);
static_assert(offsetof(PciCap, padding) == 6);
static_assert(offsetof(PciCap, offset) == 8);
static_assert(offsetof(PciCap, length) == 12);

/// The doorbell of a queue is at cap.offset + queue_notify_off * notify_off_multiplier.
/// @spec virtio 1.2, 4.1.4.4 "Notification structure layout"
struct PciNotifyCap {
    PciCap cap;                      // of type pci_cfg_type_notify
    uint32_t notify_off_multiplier;  // 0 or an even power of two
};
static_assert(sizeof(PciNotifyCap) == 20);
static_assert(offsetof(PciNotifyCap, cap) == 0);
static_assert(offsetof(PciNotifyCap, notify_off_multiplier) == 16);

/// The registers of a modern device. The last four exist with their features only.
/// @spec virtio 1.2, 4.1.4.3 "Common configuration structure layout"
struct PciCommonCfg {
    // which 32 bits device_feature shows
    uint32_t device_feature_select;
    // read-only
    uint32_t device_feature;
    // which 32 bits driver_feature shows
    uint32_t driver_feature_select;
    uint32_t driver_feature;
    // msi_no_vector = none
    uint16_t config_msix_vector;
    // read-only
    uint16_t num_queues;
    // status_*; writing 0 resets
    uint8_t device_status;
    // read-only; changes with the configuration
    uint8_t config_generation;
    // which queue the fields from here show
    uint16_t queue_select;
    uint16_t queue_size;
    // msi_no_vector = none
    uint16_t queue_msix_vector;
    // 1 = on; writing 0 is forbidden
    uint16_t queue_enable;
    // read-only; see PciNotifyCap
    uint16_t queue_notify_off;
    // guest-physical address
    uint64_t queue_desc;
    // guest-physical address (available ring)
    uint64_t queue_driver;
    // guest-physical address (used ring)
    uint64_t queue_device;
    // VIRTIO_F_NOTIF_CONFIG_DATA
    uint16_t queue_notify_data;
    // VIRTIO_F_RING_RESET
    uint16_t queue_reset;
    // virtio 1.3: VIRTIO_F_ADMIN_VQ
    uint16_t admin_queue_index;
    // virtio 1.3: VIRTIO_F_ADMIN_VQ
    uint16_t admin_queue_num;
};
static_assert(sizeof(PciCommonCfg) == 64);
static_assert(offsetof(PciCommonCfg, device_feature_select) == 0);
static_assert(offsetof(PciCommonCfg, device_feature) == 4);
static_assert(offsetof(PciCommonCfg, driver_feature_select) == 8);
static_assert(offsetof(PciCommonCfg, driver_feature) == 12);
static_assert(offsetof(PciCommonCfg, config_msix_vector) == 16);
static_assert(offsetof(PciCommonCfg, num_queues) == 18);
static_assert(offsetof(PciCommonCfg, device_status) == 20);
static_assert(offsetof(PciCommonCfg, config_generation) == 21);
static_assert(offsetof(PciCommonCfg, queue_select) == 22);
static_assert(offsetof(PciCommonCfg, queue_size) == 24);
static_assert(offsetof(PciCommonCfg, queue_msix_vector) == 26);
static_assert(offsetof(PciCommonCfg, queue_enable) == 28);
static_assert(offsetof(PciCommonCfg, queue_notify_off) == 30);
static_assert(offsetof(PciCommonCfg, queue_desc) == 32);
static_assert(offsetof(PciCommonCfg, queue_driver) == 40);
static_assert(offsetof(PciCommonCfg, queue_device) == 48);
static_assert(offsetof(PciCommonCfg, queue_notify_data) == 56);
static_assert(offsetof(PciCommonCfg, queue_reset) == 58);
static_assert(offsetof(PciCommonCfg, admin_queue_index) == 60);
static_assert(offsetof(PciCommonCfg, admin_queue_num) == 62);

}  // namespace valenic::spec
