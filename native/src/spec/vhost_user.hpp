// GENERATED from frontend-spec/vhost-user/*.ts by `npm run spec`. Do not edit.
#pragma once
#include <cstddef>
#include <cstdint>

namespace valenic::spec {

/// vhost-user, "Front-end message types".
enum class VhostUserRequest : uint32_t {
    get_features = 1,
    set_features = 2,
    set_owner = 3,
    reset_owner = 4,
    set_mem_table = 5,
    set_log_base = 6,
    set_log_fd = 7,
    set_vring_num = 8,
    set_vring_addr = 9,
    set_vring_base = 10,
    get_vring_base = 11,
    set_vring_kick = 12,
    set_vring_call = 13,
    set_vring_err = 14,
    get_protocol_features = 15,
    set_protocol_features = 16,
    get_queue_num = 17,
    set_vring_enable = 18,
    send_rarp = 19,
    net_set_mtu = 20,
    set_backend_req_fd = 21,
    iotlb_msg = 22,
    set_vring_endian = 23,
    get_config = 24,
    set_config = 25,
    create_crypto_session = 26,
    close_crypto_session = 27,
    postcopy_advise = 28,
    postcopy_listen = 29,
    postcopy_end = 30,
    get_inflight_fd = 31,
    set_inflight_fd = 32,
    gpu_set_socket = 33,
    reset_device = 34,
    vring_kick = 35,
    get_max_mem_slots = 36,
    add_mem_reg = 37,
    rem_mem_reg = 38,
    set_status = 39,
    get_status = 40,
    get_shared_object = 41,
    set_device_state_fd = 42,
    check_device_state = 43,
    get_shmem_config = 44,
    get_vring_base_skip_drain = 45,
};

/// vhost-user, "Back-end message types".
enum class VhostUserBackendRequest : uint32_t {
    iotlb_msg = 1,
    config_change_msg = 2,
    vring_host_notifier_msg = 3,
    vring_call = 4,
    vring_err = 5,
    shared_object_add = 6,
    shared_object_remove = 7,
    shared_object_lookup = 8,
    shmem_map = 9,
    shmem_unmap = 10,
};

// VhostUserHeader.flags. vhost-user, "Header".
inline constexpr uint32_t vhost_user_version_mask = 0x3;  // where the version is
inline constexpr uint32_t vhost_user_version = 0x1;       // the only version
inline constexpr uint32_t vhost_user_reply = 0x4;         // an answer of the backend
inline constexpr uint32_t vhost_user_need_reply = 0x8;    // REPLY_ACK: an answer, please

// The 64-bit payload that names the ring of a descriptor. vhost-user, "VHOST_USER_SET_VRING_KICK",
// "_CALL", "_ERR".
inline constexpr uint32_t vring_fd_index_mask = 0xff;  // virtqueue number
inline constexpr uint32_t vring_fd_none = 0x100;       // no descriptor comes: poll

// VringState.num of a packed ring in SET_VRING_BASE and GET_VRING_BASE. vhost-user, "Vring
// descriptor indices for packed virtqueues".
inline constexpr unsigned packed_base_index_bits = 15;      // width of each index
inline constexpr unsigned packed_base_avail_wrap_bit = 15;  // the driver's wrap counter
inline constexpr unsigned packed_base_used_shift = 16;      // where the used index begins
inline constexpr unsigned packed_base_used_wrap_bit = 31;   // the device's wrap counter

// VringAddr.flags. vhost-user, "Migration".
// log writes into the used ring, from VringAddr.log on
inline constexpr uint32_t vring_f_log = 0x1;

// Most of each. vhost-user, "Multiple memory regions description", "Virtio device config space".
inline constexpr size_t memory_table_max = 8;    // regions in one SET_MEM_TABLE
inline constexpr size_t config_space_max = 256;  // bytes of configuration space
inline constexpr size_t log_page_bytes = 4096;   // guest memory for each bit of the log

// Bit numbers. vhost-user, "Protocol features".
// the backend tells how many queues it has
inline constexpr unsigned protocol_feature_mq = 0;
// the dirty-page log comes as a file descriptor
inline constexpr unsigned protocol_feature_log_shmfd = 1;
// the backend announces the guest after a migration
inline constexpr unsigned protocol_feature_rarp = 2;
// any request can ask for an answer
inline constexpr unsigned protocol_feature_reply_ack = 3;
// the front-end tells the MTU
inline constexpr unsigned protocol_feature_mtu = 4;
// the backend has a channel for requests of its own
inline constexpr unsigned protocol_feature_backend_req = 5;
// the byte order of legacy rings can be set
inline constexpr unsigned protocol_feature_cross_endian = 6;
// crypto devices only
inline constexpr unsigned protocol_feature_crypto_session = 7;
// post-copy migration through userfaultfd
inline constexpr unsigned protocol_feature_pagefault = 8;
// the backend owns the configuration space
inline constexpr unsigned protocol_feature_config = 9;
// the backend sends descriptors over its channel
inline constexpr unsigned protocol_feature_backend_send_fd = 10;
// doorbells of hardware are mapped into the guest
inline constexpr unsigned protocol_feature_host_notifier = 11;
// descriptors in flight are recorded in shared memory
inline constexpr unsigned protocol_feature_inflight_shmfd = 12;
// the device can be reset without a new connection
inline constexpr unsigned protocol_feature_reset_device = 13;
// kicks and calls as messages, for simulators
inline constexpr unsigned protocol_feature_inband_notifications = 14;
// memory regions come and go one by one
inline constexpr unsigned protocol_feature_configure_mem_slots = 15;
// the device status is told to the backend
inline constexpr unsigned protocol_feature_status = 16;
// memory of Xen guests
inline constexpr unsigned protocol_feature_xen_mmap = 17;
// objects (dma-buf) shared among backends
inline constexpr unsigned protocol_feature_shared_object = 18;
// the backend saves and loads its own state
inline constexpr unsigned protocol_feature_device_state = 19;
// requests in flight survive the stop of a ring
inline constexpr unsigned protocol_feature_get_vring_base_inflight = 20;
// ring addresses are guest-physical
inline constexpr unsigned protocol_feature_gpa_addresses = 21;
// the backend maps files into shared memory of the device
inline constexpr unsigned protocol_feature_shmem = 22;
// a ring can be stopped without draining it
inline constexpr unsigned protocol_feature_get_vring_base_skip_drain = 23;

/// @spec vhost-user, "Header"
struct VhostUserHeader {
    uint32_t request;
    uint32_t flags;
    uint32_t size;
};
static_assert(sizeof(VhostUserHeader) == 12);
static_assert(offsetof(VhostUserHeader, request) == 0);
static_assert(offsetof(VhostUserHeader, flags) == 4);
static_assert(offsetof(VhostUserHeader, size) == 8);

/// @spec vhost-user, "A vring state description"
struct VringState {
    uint32_t index;
    uint32_t num;
};
static_assert(sizeof(VringState) == 8);
static_assert(offsetof(VringState, index) == 0);
static_assert(offsetof(VringState, num) == 4);

/// @spec vhost-user, "A vring address description"
struct VringAddr {
    uint32_t index;
    uint32_t flags;
    uint64_t descriptor;
    uint64_t used;
    uint64_t available;
    uint64_t log;
};
static_assert(sizeof(VringAddr) == 40);
static_assert(offsetof(VringAddr, index) == 0);
static_assert(offsetof(VringAddr, flags) == 4);
static_assert(offsetof(VringAddr, descriptor) == 8);
static_assert(offsetof(VringAddr, used) == 16);
static_assert(offsetof(VringAddr, available) == 24);
static_assert(offsetof(VringAddr, log) == 32);

/// @spec vhost-user, "Memory region description"
struct MemoryRegionRow {
    uint64_t guest_address;
    uint64_t size;
    uint64_t user_address;
    uint64_t mmap_offset;
};
static_assert(sizeof(MemoryRegionRow) == 32);
static_assert(offsetof(MemoryRegionRow, guest_address) == 0);
static_assert(offsetof(MemoryRegionRow, size) == 8);
static_assert(offsetof(MemoryRegionRow, user_address) == 16);
static_assert(offsetof(MemoryRegionRow, mmap_offset) == 24);

/// As many rows of memoryRegion as num_regions says follow, at most 8.
/// @spec vhost-user, "Multiple memory regions description"
struct MemoryTable {
    uint32_t num_regions;
    uint32_t padding;
};
static_assert(sizeof(MemoryTable) == 8);
static_assert(offsetof(MemoryTable, num_regions) == 0);
static_assert(offsetof(MemoryTable, padding) == 4);

/// @spec vhost-user, "Single memory region description"
struct SingleMemoryRegion {
    uint64_t padding;
    uint64_t guest_address;
    uint64_t size;
    uint64_t user_address;
    uint64_t mmap_offset;
};
static_assert(sizeof(SingleMemoryRegion) == 40);
static_assert(offsetof(SingleMemoryRegion, padding) == 0);
static_assert(offsetof(SingleMemoryRegion, guest_address) == 8);
static_assert(offsetof(SingleMemoryRegion, size) == 16);
static_assert(offsetof(SingleMemoryRegion, user_address) == 24);
static_assert(offsetof(SingleMemoryRegion, mmap_offset) == 32);

/// @spec vhost-user, "Log description"
struct Log {
    uint64_t log_size;
    uint64_t log_offset;
};
static_assert(sizeof(Log) == 16);
static_assert(offsetof(Log, log_size) == 0);
static_assert(offsetof(Log, log_offset) == 8);

/// @spec vhost-user, "An IOTLB message"
struct Iotlb {
    uint64_t iova;
    uint64_t size;
    uint64_t user_address;
    uint8_t permissions;
    uint8_t type;
    uint8_t padding[6];
};
static_assert(sizeof(Iotlb) == 32);
static_assert(offsetof(Iotlb, iova) == 0);
static_assert(offsetof(Iotlb, size) == 8);
static_assert(offsetof(Iotlb, user_address) == 16);
static_assert(offsetof(Iotlb, permissions) == 24);
static_assert(offsetof(Iotlb, type) == 25);
static_assert(offsetof(Iotlb, padding) == 26);

/// As many bytes as size says follow, at most 256.
/// @spec vhost-user, "Virtio device config space"
struct ConfigSpace {
    uint32_t offset;
    uint32_t size;
    uint32_t flags;
};
static_assert(sizeof(ConfigSpace) == 12);
static_assert(offsetof(ConfigSpace, offset) == 0);
static_assert(offsetof(ConfigSpace, size) == 4);
static_assert(offsetof(ConfigSpace, flags) == 8);

/// @spec vhost-user, "Vring area description"
struct VringArea {
    uint64_t index_and_flags;
    uint64_t size;
    uint64_t offset;
};
static_assert(sizeof(VringArea) == 24);
static_assert(offsetof(VringArea, index_and_flags) == 0);
static_assert(offsetof(VringArea, size) == 8);
static_assert(offsetof(VringArea, offset) == 16);

/// @spec vhost-user, "Inflight description"
struct Inflight {
    uint64_t mmap_size;
    uint64_t mmap_offset;
    uint16_t num_queues;
    uint16_t queue_size;
    uint8_t padding[4];
};
static_assert(sizeof(Inflight) == 24);
static_assert(offsetof(Inflight, mmap_size) == 0);
static_assert(offsetof(Inflight, mmap_offset) == 8);
static_assert(offsetof(Inflight, num_queues) == 16);
static_assert(offsetof(Inflight, queue_size) == 18);
static_assert(offsetof(Inflight, padding) == 20);

/// @spec vhost-user, "VhostUserShared"
struct SharedObject {
    uint8_t uuid[16];
};
static_assert(sizeof(SharedObject) == 16);
static_assert(offsetof(SharedObject, uuid) == 0);

/// @spec vhost-user, "Device state transfer parameters"
struct DeviceState {
    uint32_t direction;
    uint32_t phase;
};
static_assert(sizeof(DeviceState) == 8);
static_assert(offsetof(DeviceState, direction) == 0);
static_assert(offsetof(DeviceState, phase) == 4);

/// @spec vhost-user, "MMAP request"
struct MmapRequest {
    uint8_t shmid;
    uint8_t padding[7];
    uint64_t fd_offset;
    uint64_t shm_offset;
    uint64_t len;
    uint64_t flags;
};
static_assert(sizeof(MmapRequest) == 40);
static_assert(offsetof(MmapRequest, shmid) == 0);
static_assert(offsetof(MmapRequest, padding) == 1);
static_assert(offsetof(MmapRequest, fd_offset) == 8);
static_assert(offsetof(MmapRequest, shm_offset) == 16);
static_assert(offsetof(MmapRequest, len) == 24);
static_assert(offsetof(MmapRequest, flags) == 32);

/// @spec vhost-user, "VIRTIO Shared Memory Region configuration"
struct ShmemConfig {
    uint32_t num_regions;
    uint32_t padding;
    uint64_t sizes[256];
};
static_assert(sizeof(ShmemConfig) == 2056);
static_assert(offsetof(ShmemConfig, num_regions) == 0);
static_assert(offsetof(ShmemConfig, padding) == 4);
static_assert(offsetof(ShmemConfig, sizes) == 8);

}  // namespace valenic::spec
