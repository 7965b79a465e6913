// Where the three parts of a split ring lie in our address space.
#pragma once
#include <algorithm>
#include <cstdint>

#include "base/atomic.hpp"
#include "base/machine.hpp"
#include "base/result.hpp"
#include "memory/guest_write.hpp"
#include "memory/memory_map.hpp"
#include "ring/ring.hpp"
#include "ring/suppression.hpp"
#include "spec/virtio_ring.hpp"

namespace valenic {

/// A used entry as it lies in memory.
constexpr uint64_t split_used(uint16_t id, uint32_t written_bytes) noexcept {
    return uint64_t{written_bytes} << 32 | id;
}

/// A split ring, resolved and bound-checked. Plain pointers into one MemoryMap: the owner of a
/// layout keeps the map. @spec virtio 1.2, 2.7 "Split Virtqueues".
struct SplitLayout {
    const spec::SplitDesc* table = nullptr;  ///< Guest writes, we read.
    spec::SplitAvail* avail = nullptr;       ///< Guest writes, we read.
    spec::SplitUsed* used = nullptr;         ///< We write, guest reads.
    uint16_t size = 0;
    uint16_t mask = 0;
    bool event_index = false;
    bool indirect = false;
    bool notify_on_empty = false;
    bool in_order = false;

    static Result<SplitLayout, spec::Fault> resolve(const RingConfig& config,
                                                    const MemoryMap& memory) noexcept;

    /// Where a device resumes: at the used index in guest memory, or why it cannot. The base of the
    /// message is a front-end's word, and some send the available index there.
    /// @spec vhost-user, "VHOST_USER_SET_VRING_BASE"; virtio 1.2, 2.7.8 "The Virtqueue Used Ring".
    Result<uint16_t, spec::Fault> start(const RingConfig& config) const noexcept;

    const uint16_t* avail_ring() const noexcept {
        return reinterpret_cast<const uint16_t*>(avail + 1);
    }
    spec::SplitUsedElem* used_ring() const noexcept {
        return reinterpret_cast<spec::SplitUsedElem*>(used + 1);
    }
    /// Guest publishes (release), we read (acquire): descriptors before it are visible.
    uint16_t avail_index() const noexcept { return load_acquire(avail->idx); }
    uint16_t avail_flags() const noexcept { return load_once(avail->flags); }
    /// used_event: the used index after which the guest wants a call.
    uint16_t used_event() const noexcept { return load_once(avail_ring()[size]); }
    /// Asks the guest for a kick once its available index passes `index`, or for each without event
    /// index.
    void ask_for_kicks(uint16_t index) const noexcept;
    /// Asks for none. With event index the old avail_event stays: one kick in 65536 frames.
    void ask_for_no_kicks() const noexcept;
    /// Writes `count` used entries from place `first` on, of which `entry_of(i)` gives
    /// split_used(). The guest does not look at them before the index says so: one store for both
    /// fields of each.
    template <typename EntryOf>
    void write_used_run(uint16_t first, size_t count, EntryOf entry_of) const noexcept {
        spec::SplitUsedElem* const ring = used_ring();
        const size_t at = first & mask;
        const size_t before_end = std::min<size_t>(count, size - at);
        for (size_t i = 0; i < before_end; ++i) guest_store_pair(ring + at + i, entry_of(i));
        for (size_t i = before_end; i < count; ++i)
            guest_store_pair(ring + (i - before_end), entry_of(i));
    }
    /// Whether the guest wants a call for a used index moved from `old_index` to `new_index`.
    bool wants_call(uint16_t old_index, uint16_t new_index) const noexcept {
        if (event_index) return index_passed(used_event(), new_index, old_index);
        return (avail_flags() & spec::avail_f_no_interrupt) == 0 && new_index != old_index;
    }
};

/// One descriptor, loaded once. The table is 16-byte aligned: resolve() checks it.
inline __attribute__((always_inline)) spec::SplitDesc load_descriptor(
    const spec::SplitDesc& descriptor) noexcept {
    const auto [addr, rest] = load_halves(&descriptor);
    return {addr, static_cast<uint32_t>(rest), static_cast<uint16_t>(rest >> 32),
            static_cast<uint16_t>(rest >> 48)};
}

}  // namespace valenic
