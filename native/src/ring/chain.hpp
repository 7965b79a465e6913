// Walks one descriptor chain, direct or indirect. The slow path of the rings; the fast one is a
// single direct descriptor.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>

#include "ring/packed_layout.hpp"
#include "ring/split_layout.hpp"

namespace valenic {

/// One buffer of a chain in our address space, writable when the chain is for receiving.
struct Piece {
    uint8_t* data;
    uint32_t len_bytes;
};

/// Sets `id`, `slots` and a length, with which heads and chains begin, of one that takes one slot:
/// with one store; some CPUs do only one store a cycle.
template <typename Chain>
inline void set_one_slot(Chain& chain, uint16_t id, uint32_t bytes) noexcept {
    static_assert(offsetof(Chain, id) == 0 && offsetof(Chain, slots) == 2);
    store_whole(&chain, uint64_t{bytes} << 32 | uint32_t{1} << 16 | id);
}

/// What guest memory held at one moment, at any alignment: an indirect table may lie at any
/// address.
template <typename Entry>
inline Entry load_entry(const Entry* entry) noexcept {
    Entry copy;
    __builtin_memcpy(&copy, entry, sizeof copy);
    asm volatile("" ::: "memory");  // What was copied is what is used: no second load.
    return copy;
}

/// Whether the two entries of an indirect table are one chain of two buffers to send.
/// @spec virtio 1.2, 2.7.5.3.1 (split: chained by next), 2.8.7 (packed: all entries, in order).
inline bool sends_two(const spec::SplitDesc& first, const spec::SplitDesc& second) noexcept {
    return first.flags == spec::desc_f_next && first.next == 1 && second.flags == 0;
}
inline bool sends_two(const spec::PackedDesc& first, const spec::PackedDesc& second) noexcept {
    return ((first.flags | second.flags) & spec::desc_f_write) == 0;
}

enum class ChainUse : bool { send, receive };
constexpr Access access_of(ChainUse use) noexcept {
    return use == ChainUse::receive ? Access::write : Access::read;
}

/// Longer chains than any driver is known to make break their ring: what is walked has to be paid
/// for. To send: the longest queue of QEMU's devices, VIRTQUEUE_MAX_SIZE. To receive: a page for
/// each part of 64 KiB and more is 47 at the most (Linux, MAX_SKB_FRAGS of 45), and the walk goes
/// on under the ring's lock.
inline constexpr size_t send_chain_max = 1024;
inline constexpr size_t receive_chain_max = 64;
constexpr size_t chain_max(ChainUse use) noexcept {
    return use == ChainUse::send ? send_chain_max : receive_chain_max;
}

struct ChainResult {
    spec::Fault fault = spec::Fault::none;
    size_t pieces = 0;       ///< Written to the caller's span.
    bool overflow = false;   ///< There were more than fit; `bytes` still counts all.
    size_t descriptors = 0;  ///< Looked at, of indirect tables too.
    uint64_t bytes = 0;
    uint16_t id = 0;     ///< Packed: buffer id, from the last descriptor.
    uint16_t slots = 0;  ///< Packed: descriptors in the ring itself.
};

/// Collects the buffers of the chain that begins with table entry `head`.
///
/// Guest memory may change while we read it: each descriptor is loaded once, and the copy is
/// checked and used. A buffer that adjacent regions split becomes several pieces; buffers of no
/// bytes are skipped.
///
/// @param cache  Of the ring, for its buffers.
/// @param head   Below layout.size (the caller has checked).
/// @spec virtio 1.2, 2.7.5.2 (no loops), 2.7.5.3 (indirect), 2.7.4.2 (direction of buffers).
template <ChainUse use>
ChainResult walk_chain(const SplitLayout& layout, const MemoryMap& memory,
                       RegionCache<access_of(use)>& cache, uint16_t head,
                       std::span<Piece> out) noexcept;

/// The same for a packed ring, whose chains lie side by side.
///
/// @param head       Its first descriptor was seen to be available.
/// @param slots_max  Descriptors that may belong to it: what is borrowed is not looked at again.
/// @spec virtio 1.2, 2.8.6 (chains), 2.8.7 (indirect), 2.8.20 "Driver Requirements".
template <ChainUse use>
ChainResult walk_chain(const PackedLayout& layout, const MemoryMap& memory,
                       RegionCache<access_of(use)>& cache, PackedPosition head, uint32_t slots_max,
                       std::span<Piece> out) noexcept;

}  // namespace valenic
