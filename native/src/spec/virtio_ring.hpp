// GENERATED from frontend-spec/virtio/ring-*.ts by `npm run spec`. Do not edit.
#pragma once
#include <cstddef>
#include <cstdint>

namespace valenic::spec {

// Flags of a descriptor, split and packed alike. virtio 1.2, 2.7.5 and 2.8.1.
inline constexpr uint16_t desc_f_next = 0x1;      // the chain goes on
inline constexpr uint16_t desc_f_write = 0x2;     // for the device to write; otherwise to read
inline constexpr uint16_t desc_f_indirect = 0x4;  // the buffer holds a table of descriptors

// Hints of one side that it polls. Without VIRTIO_F_EVENT_IDX only. virtio 1.2, 2.7.7 and 2.7.10
// "Available Buffer Notification Suppression".
inline constexpr uint16_t avail_f_no_interrupt = 0x1;  // the driver asks for no calls
inline constexpr uint16_t used_f_no_notify = 0x1;      // the device asks for no kicks

// Alignments of the three parts in bytes, and the largest Queue Size. virtio 1.2, 2.7 "Split
// Virtqueues".
inline constexpr size_t split_desc_align = 16;  // descriptor table
inline constexpr size_t split_avail_align = 2;  // available ring
inline constexpr size_t split_used_align = 4;   // used ring
inline constexpr size_t ring_size_max = 32768;  // split: and a power of two

/// One buffer, or one link of a chain of buffers. The driver writes, the device reads.
/// @spec virtio 1.2, 2.7.5 "The Virtqueue Descriptor Table"
struct SplitDesc {
    uint64_t addr;   // guest-physical address
    uint32_t len;    // bytes
    uint16_t flags;  // desc_f_*
    uint16_t next;   // table index; meaningful only with desc_f_next
};
static_assert(sizeof(SplitDesc) == 16);
static_assert(offsetof(SplitDesc, addr) == 0);
static_assert(offsetof(SplitDesc, len) == 8);
static_assert(offsetof(SplitDesc, flags) == 12);
static_assert(offsetof(SplitDesc, next) == 14);

/// Head of the available ring; u16 ring[size] and u16 used_event follow. The driver writes.
/// @spec virtio 1.2, 2.7.6 "The Virtqueue Available Ring"
struct SplitAvail {
    uint16_t flags;  // avail_f_*
    uint16_t idx;    // where the driver puts the next entry, modulo 65536
};
static_assert(sizeof(SplitAvail) == 4);
static_assert(offsetof(SplitAvail, flags) == 0);
static_assert(offsetof(SplitAvail, idx) == 2);

/// A chain that the device has finished with. The device writes.
/// @spec virtio 1.2, 2.7.8 "The Virtqueue Used Ring"
struct SplitUsedElem {
    uint32_t id;   // table index of the head of the chain
    uint32_t len;  // bytes the device wrote into the chain
};
static_assert(sizeof(SplitUsedElem) == 8);
static_assert(offsetof(SplitUsedElem, id) == 0);
static_assert(offsetof(SplitUsedElem, len) == 4);

/// Head of the used ring; SplitUsedElem ring[size] and u16 avail_event follow. We write.
/// @spec virtio 1.2, 2.7.8 "The Virtqueue Used Ring"
struct SplitUsed {
    uint16_t flags;  // used_f_*
    uint16_t idx;    // where the device puts the next entry, modulo 65536
};
static_assert(sizeof(SplitUsed) == 4);
static_assert(offsetof(SplitUsed, flags) == 0);
static_assert(offsetof(SplitUsed, idx) == 2);

// Bit numbers in flags and off_wrap. virtio 1.2, 2.8.1 "Driver and Device Ring Wrap Counters".
// made available: equals the driver's wrap counter
inline constexpr unsigned packed_desc_avail_bit = 7;
// used: equals the device's wrap counter
inline constexpr unsigned packed_desc_used_bit = 15;
// wrap counter in off_wrap, and in a vring base
inline constexpr unsigned packed_event_wrap_bit = 15;

// Flags of a packed descriptor. virtio 1.2, 2.8.1 "Driver and Device Ring Wrap Counters".
inline constexpr uint16_t packed_desc_f_avail = 0x80;   // made available
inline constexpr uint16_t packed_desc_f_used = 0x8000;  // used

// What a side asks for. virtio 1.2, 2.8.14 "Event Suppression Structure Format".
// notify always
inline constexpr uint16_t packed_event_flag_enable = 0x0;
// notify never
inline constexpr uint16_t packed_event_flag_disable = 0x1;
// notify when off_wrap is reached; VIRTIO_F_EVENT_IDX only
inline constexpr uint16_t packed_event_flag_desc = 0x2;

// Alignments of the three parts in bytes. virtio 1.2, 2.8.10.1 "Structure Size and Alignment".
inline constexpr size_t packed_desc_align = 16;  // descriptor ring
inline constexpr size_t packed_event_align = 4;  // each event suppression structure

/// One buffer. Both sides write: the driver makes it available, the device marks it used.
/// @spec virtio 1.2, 2.8.13 "The Virtqueue Descriptor Format" (pvirtq_desc)
struct PackedDesc {
    uint64_t addr;   // guest-physical address
    uint32_t len;    // bytes; in a used descriptor the bytes written
    uint16_t id;     // buffer id, in the last descriptor of a chain
    uint16_t flags;  // desc_f_* and packed_desc_f_*
};
static_assert(sizeof(PackedDesc) == 16);
static_assert(offsetof(PackedDesc, addr) == 0);
static_assert(offsetof(PackedDesc, len) == 8);
static_assert(offsetof(PackedDesc, id) == 12);
static_assert(offsetof(PackedDesc, flags) == 14);

/// When one side wants to hear from the other. One for each direction.
/// @spec virtio 1.2, 2.8.14 "Event Suppression Structure Format" (pvirtq_event_suppress)
struct PackedEvent {
    uint16_t off_wrap;  // descriptor index, and the wrap counter in packed_event_wrap_bit
    uint16_t flags;     // packed_event_flag_*
};
static_assert(sizeof(PackedEvent) == 4);
static_assert(offsetof(PackedEvent, off_wrap) == 0);
static_assert(offsetof(PackedEvent, flags) == 2);

}  // namespace valenic::spec
