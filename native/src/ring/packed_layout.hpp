// Where the three parts of a packed ring lie in our address space, and positions in it.
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "base/atomic.hpp"
#include "base/lines.hpp"
#include "base/result.hpp"
#include "memory/guest_write.hpp"
#include "memory/memory_map.hpp"
#include "ring/ring.hpp"
#include "ring/suppression.hpp"
#include "spec/virtio_ring.hpp"

namespace valenic {

/// Index in the ring, and wrap counter in bit 15: as in event structures and vring bases.
struct PackedPosition {
    static constexpr uint16_t wrap_bit = uint16_t{1} << spec::packed_event_wrap_bit;

    uint16_t off_wrap;

    uint16_t index() const noexcept { return off_wrap & (wrap_bit - 1); }
    bool wrap() const noexcept { return (off_wrap & wrap_bit) != 0; }
    /// AVAIL and USED of a descriptor that the driver made available in this round.
    uint16_t available_flags() const noexcept {
        return wrap() ? spec::packed_desc_f_avail : spec::packed_desc_f_used;
    }
    /// AVAIL and USED of one that the device used in this round.
    uint16_t used_flags() const noexcept {
        return wrap() ? spec::packed_desc_f_avail | spec::packed_desc_f_used : 0;
    }
    /// @param slots  At most the ring's size.
    void advance(uint32_t slots, uint16_t size) noexcept {
        const uint32_t next = index() + slots;
        off_wrap = next < size ? static_cast<uint16_t>(off_wrap + slots)
                               : static_cast<uint16_t>((next - size) | (~off_wrap & wrap_bit));
    }
};

/// A descriptor in memory, in halves that are loaded and stored whole. Availability, length and
/// id are in one half: who sees the flags sees those as well.
struct PackedSlot {
    uint64_t addr;
    uint64_t rest;  ///< len, id, flags.
};
static_assert(sizeof(PackedSlot) == sizeof(spec::PackedDesc));

constexpr uint16_t packed_flags(uint64_t rest) noexcept {
    return static_cast<uint16_t>(rest >> 48);
}
constexpr uint16_t packed_id(uint64_t rest) noexcept { return static_cast<uint16_t>(rest >> 32); }
constexpr uint32_t packed_len(uint64_t rest) noexcept { return static_cast<uint32_t>(rest); }
constexpr uint64_t packed_rest(uint32_t len, uint16_t id, uint16_t flags) noexcept {
    return len | uint64_t{id} << 32 | uint64_t{flags} << 48;
}
/// The flags that say in which state a descriptor is.
inline constexpr uint16_t packed_state_flags = spec::packed_desc_f_avail | spec::packed_desc_f_used;

/// One descriptor, each half loaded once; the address belongs to the flags or is newer.
inline spec::PackedDesc load_packed(const PackedSlot& slot) noexcept {
    const uint64_t rest = load_acquire(slot.rest);
    return {load_once(slot.addr), packed_len(rest), packed_id(rest), packed_flags(rest)};
}

/// A packed ring, resolved and bound-checked. Whoever keeps a layout keeps the map.
/// @spec virtio 1.2, 2.8 "Packed Virtqueues".
struct PackedLayout {
    PackedSlot* slots = nullptr;             ///< Both write.
    const uint32_t* driver_event = nullptr;  ///< Guest writes, we read: off_wrap, flags.
    uint32_t* device_event = nullptr;        ///< We write, guest reads.
    uint16_t size = 0;
    bool event_index = false;
    bool indirect = false;
    bool in_order = false;

    static Result<PackedLayout, spec::Fault> resolve(const RingConfig& config,
                                                     const MemoryMap& memory) noexcept;

    /// Where a device resumes: at the given base, unless the descriptors say otherwise. A packed
    /// ring has no index in guest memory, and QEMU keeps none for a backend that ended.
    Result<uint16_t, spec::Fault> start(const RingConfig& config) const noexcept;

    /// Whether the driver made the descriptor there available.
    bool available(PackedPosition at) const noexcept {
        const uint16_t flags = packed_flags(load_acquire(slots[at.index()].rest));
        return (flags & packed_state_flags) == at.available_flags();
    }
    /// The flags of the descriptor there, which say that it is available.
    PollWord poll_word(PackedPosition at) const noexcept {
        const auto* flags = reinterpret_cast<const uint16_t*>(&slots[at.index()].rest) + 3;
        return {flags, packed_state_flags, at.available_flags(), true};
    }
    /// Begins to fetch the lines of `count` descriptors from `at` on, to write them: each is read
    /// first and marked used later, so that its line crosses once and not twice.
    void own_slots(PackedPosition at, size_t count) const noexcept {
        if (count > 1) own_entries(slots, at.index(), count, size);
    }
    /// Marks `count` slots from `at` on as used; each holds a chain of its own.
    /// `content_of(i)` gives length, id and the flags that do not tell a round.
    template <typename ContentOf>
    void mark_used_run(PackedPosition at, size_t count, ContentOf content_of) const noexcept {
        for (size_t done = 0; done < count;) {
            const size_t run = std::min<size_t>(count - done, size - at.index());
            PackedSlot* const to = slots + at.index();
            const uint64_t flags = uint64_t{at.used_flags()} << 48;
            for (size_t i = 0; i < run; ++i)
                guest_publish(to[i].rest, content_of(done + i) | flags);
            at.advance(static_cast<uint32_t>(run), size);
            done += run;
        }
    }
    /// Nothing was ever written to the first descriptor.
    bool untouched() const noexcept {
        return load_once(slots[0].addr) == 0 && load_once(slots[0].rest) == 0;
    }
    /// Places are numbered on and on where several of them are counted. The first number of a
    /// position leaves a whole round below it.
    uint64_t place_of(PackedPosition at) const noexcept {
        return uint64_t{size} * 2 + at.index() + (at.wrap() ? 0 : size);
    }
    PackedPosition position_of(uint64_t place) const noexcept {
        const auto in_rounds = static_cast<uint32_t>(place % (uint64_t{2} * size));
        const bool wrap = in_rounds < size;
        return {
            static_cast<uint16_t>(wrap ? in_rounds | PackedPosition::wrap_bit : in_rounds - size)};
    }
    /// Asks the guest for a kick once it makes the descriptor at `next` available.
    void ask_for_kicks(PackedPosition next) const noexcept {
        const uint32_t flags =
            event_index ? spec::packed_event_flag_desc : spec::packed_event_flag_enable;
        guest_store(*device_event, flags << 16 | next.off_wrap);
    }
    void ask_for_no_kicks() const noexcept {
        guest_store(*device_event, uint32_t{spec::packed_event_flag_disable} << 16);
    }
    /// Whether the guest wants a call for the last `count` places before `position`.
    bool wants_call(PackedPosition position, uint64_t count) const noexcept {
        const uint32_t event = load_once(*driver_event);
        const auto flags = static_cast<uint16_t>(event >> 16);
        if (flags == spec::packed_event_flag_desc && event_index)
            return packed_event_passed(static_cast<uint16_t>(event), position.off_wrap, count,
                                       size);
        return flags != spec::packed_event_flag_disable;
    }

 private:
    bool may_stand_at(PackedPosition at) const noexcept;
};

}  // namespace valenic
