/**
 * Virtio over PCI: virtio 1.2, section 4.1 "Virtio Over PCI Bus", and section 2.1 "Device Status
 * Field".
 */

import { type ConstantTable, frozen, type StructTable } from '../table.ts';

export const pciCap = frozen({
  cpp: 'PciCap',
  bytes: 16,
  spec: 'virtio 1.2, 4.1.4 "Virtio Structure PCI Capabilities"',
  text: 'Where one of the structures lies: which BAR, where in it.',
  fields: [
    ['cap_vndr', 'u8', 0, 'pci_cap_id_vendor'],
    ['cap_next', 'u8', 1, 'offset of the next capability, 0 = last'],
    ['cap_len', 'u8', 2, 'bytes of this capability'],
    ['cfg_type', 'u8', 3, 'pci_cfg_type_*'],
    ['bar', 'u8', 4, '0..5; other values are to be skipped'],
    ['id', 'u8', 5, 'tells several of one type apart'],
    ['padding', 'u8[2]', 6, ''],
    ['offset', 'u32', 8, 'bytes from the start of the BAR'],
    ['length', 'u32', 12, 'bytes'],
  ],
  kernel: { struct: 'virtio_pci_cap' },
} as const satisfies StructTable);

export const pciNotifyCap = frozen({
  cpp: 'PciNotifyCap',
  bytes: 20,
  spec: 'virtio 1.2, 4.1.4.4 "Notification structure layout"',
  text: 'The doorbell of a queue is at cap.offset + queue_notify_off * notify_off_multiplier.',
  fields: [
    ['cap', 'PciCap', 0, 'of type pci_cfg_type_notify'],
    ['notify_off_multiplier', 'u32', 16, '0 or an even power of two'],
  ],
  kernel: { struct: 'virtio_pci_notify_cap' },
} as const satisfies StructTable);

export const pciCommonCfg = frozen({
  cpp: 'PciCommonCfg',
  bytes: 64,
  spec: 'virtio 1.2, 4.1.4.3 "Common configuration structure layout"',
  text: 'The registers of a modern device. The last four exist with their features only.',
  fields: [
    ['device_feature_select', 'u32', 0, 'which 32 bits device_feature shows'],
    ['device_feature', 'u32', 4, 'read-only'],
    ['driver_feature_select', 'u32', 8, 'which 32 bits driver_feature shows'],
    ['driver_feature', 'u32', 12, ''],
    ['config_msix_vector', 'u16', 16, 'msi_no_vector = none'],
    ['num_queues', 'u16', 18, 'read-only'],
    ['device_status', 'u8', 20, 'status_*; writing 0 resets'],
    ['config_generation', 'u8', 21, 'read-only; changes with the configuration'],
    ['queue_select', 'u16', 22, 'which queue the fields from here show'],
    ['queue_size', 'u16', 24, ''],
    ['queue_msix_vector', 'u16', 26, 'msi_no_vector = none'],
    ['queue_enable', 'u16', 28, '1 = on; writing 0 is forbidden'],
    ['queue_notify_off', 'u16', 30, 'read-only; see PciNotifyCap'],
    ['queue_desc', 'u64', 32, 'guest-physical address'],
    ['queue_driver', 'u64', 40, 'guest-physical address (available ring)'],
    ['queue_device', 'u64', 48, 'guest-physical address (used ring)'],
    ['queue_notify_data', 'u16', 56, 'VIRTIO_F_NOTIF_CONFIG_DATA'],
    ['queue_reset', 'u16', 58, 'VIRTIO_F_RING_RESET'],
    ['admin_queue_index', 'u16', 60, 'virtio 1.3: VIRTIO_F_ADMIN_VQ'],
    ['admin_queue_num', 'u16', 62, 'virtio 1.3: VIRTIO_F_ADMIN_VQ'],
  ],
} as const satisfies StructTable);

/**
 * The kernel's structure ends after the addresses, in halves; so its macros bear witness instead.
 */
export const pciCommonOffsets = frozen({
  VIRTIO_PCI_COMMON_DFSELECT: 'device_feature_select',
  VIRTIO_PCI_COMMON_DF: 'device_feature',
  VIRTIO_PCI_COMMON_GFSELECT: 'driver_feature_select',
  VIRTIO_PCI_COMMON_GF: 'driver_feature',
  VIRTIO_PCI_COMMON_MSIX: 'config_msix_vector',
  VIRTIO_PCI_COMMON_NUMQ: 'num_queues',
  VIRTIO_PCI_COMMON_STATUS: 'device_status',
  VIRTIO_PCI_COMMON_CFGGENERATION: 'config_generation',
  VIRTIO_PCI_COMMON_Q_SELECT: 'queue_select',
  VIRTIO_PCI_COMMON_Q_SIZE: 'queue_size',
  VIRTIO_PCI_COMMON_Q_MSIX: 'queue_msix_vector',
  VIRTIO_PCI_COMMON_Q_ENABLE: 'queue_enable',
  VIRTIO_PCI_COMMON_Q_NOFF: 'queue_notify_off',
  VIRTIO_PCI_COMMON_Q_DESCLO: 'queue_desc',
  VIRTIO_PCI_COMMON_Q_AVAILLO: 'queue_driver',
  VIRTIO_PCI_COMMON_Q_USEDLO: 'queue_device',
  VIRTIO_PCI_COMMON_Q_NDATA: 'queue_notify_data',
  VIRTIO_PCI_COMMON_Q_RESET: 'queue_reset',
  VIRTIO_PCI_COMMON_ADM_Q_IDX: 'admin_queue_index',
  VIRTIO_PCI_COMMON_ADM_Q_NUM: 'admin_queue_num',
} as const);

export const pciIds = frozen({
  type: 'uint16_t',
  spec: 'virtio 1.2, 4.1.2 "PCI Device Discovery" and 5 "Device Types"',
  text: 'Who it is.',
  hex: true,
  rows: {
    VENDOR: { cpp: 'pci_vendor_virtio', value: 0x1af4, text: 'every virtio device' },
    NET_MODERN: { cpp: 'pci_device_net', value: 0x1041, text: 'network device, modern only' },
    NET_TRANSITIONAL: {
      cpp: 'pci_device_net_transitional',
      value: 0x1000,
      text: 'network device, legacy or both',
    },
    NET_DEVICE_TYPE: {
      cpp: 'device_type_net',
      value: 1,
      text: 'device type; 0x1040 + type is the modern PCI id',
      kernel: 'VIRTIO_ID_NET',
    },
    MSI_NO_VECTOR: {
      cpp: 'msi_no_vector',
      value: 0xffff,
      text: 'no interrupt',
      kernel: 'VIRTIO_MSI_NO_VECTOR',
    },
  },
} as const satisfies ConstantTable);

export const pciCfgTypes = frozen({
  type: 'uint8_t',
  spec: 'virtio 1.2, 4.1.4 "Virtio Structure PCI Capabilities"',
  text: 'PciCap.cap_vndr and PciCap.cfg_type.',
  rows: {
    PCI_CAP_ID_VNDR: {
      cpp: 'pci_cap_id_vendor',
      value: 9,
      text: 'a vendor-specific capability',
      kernel: 'PCI_CAP_ID_VNDR',
    },
    VIRTIO_PCI_CAP_COMMON_CFG: {
      cpp: 'pci_cfg_type_common',
      value: 1,
      text: 'PciCommonCfg',
      kernel: 'VIRTIO_PCI_CAP_COMMON_CFG',
    },
    VIRTIO_PCI_CAP_NOTIFY_CFG: {
      cpp: 'pci_cfg_type_notify',
      value: 2,
      text: 'doorbells',
      kernel: 'VIRTIO_PCI_CAP_NOTIFY_CFG',
    },
    VIRTIO_PCI_CAP_ISR_CFG: {
      cpp: 'pci_cfg_type_isr',
      value: 3,
      text: 'interrupt status',
      kernel: 'VIRTIO_PCI_CAP_ISR_CFG',
    },
    VIRTIO_PCI_CAP_DEVICE_CFG: {
      cpp: 'pci_cfg_type_device',
      value: 4,
      text: 'configuration of the device type: NetConfig',
      kernel: 'VIRTIO_PCI_CAP_DEVICE_CFG',
    },
    VIRTIO_PCI_CAP_PCI_CFG: {
      cpp: 'pci_cfg_type_pci',
      value: 5,
      text: 'access through PCI configuration space',
      kernel: 'VIRTIO_PCI_CAP_PCI_CFG',
    },
    VIRTIO_PCI_CAP_SHARED_MEMORY_CFG: {
      cpp: 'pci_cfg_type_shared_memory',
      value: 8,
      text: 'a shared memory region',
      kernel: 'VIRTIO_PCI_CAP_SHARED_MEMORY_CFG',
    },
    VIRTIO_PCI_CAP_VENDOR_CFG: {
      cpp: 'pci_cfg_type_vendor',
      value: 9,
      text: "the device vendor's own",
      kernel: 'VIRTIO_PCI_CAP_VENDOR_CFG',
      newer: true,
    },
  },
} as const satisfies ConstantTable);

export const deviceStatus = frozen({
  type: 'uint8_t',
  spec: 'virtio 1.2, 2.1 "Device Status Field"',
  text: 'How far driver and device are; 0 resets.',
  hex: true,
  rows: {
    ACKNOWLEDGE: {
      cpp: 'status_acknowledge',
      value: 1,
      text: 'the guest has seen the device',
      kernel: 'VIRTIO_CONFIG_S_ACKNOWLEDGE',
    },
    DRIVER: {
      cpp: 'status_driver',
      value: 2,
      text: 'the guest knows how to drive it',
      kernel: 'VIRTIO_CONFIG_S_DRIVER',
    },
    DRIVER_OK: {
      cpp: 'status_driver_ok',
      value: 4,
      text: 'the driver is set up',
      kernel: 'VIRTIO_CONFIG_S_DRIVER_OK',
    },
    FEATURES_OK: {
      cpp: 'status_features_ok',
      value: 8,
      text: 'features are agreed; read it back',
      kernel: 'VIRTIO_CONFIG_S_FEATURES_OK',
    },
    DEVICE_NEEDS_RESET: {
      cpp: 'status_device_needs_reset',
      value: 0x40,
      text: 'the device gave up',
      kernel: 'VIRTIO_CONFIG_S_NEEDS_RESET',
    },
    FAILED: {
      cpp: 'status_failed',
      value: 0x80,
      text: 'the driver gave up',
      kernel: 'VIRTIO_CONFIG_S_FAILED',
    },
  },
} as const satisfies ConstantTable);
