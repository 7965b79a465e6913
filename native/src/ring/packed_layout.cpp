#include "ring/packed_layout.hpp"

#include "spec/virtio_features.hpp"

namespace valenic {

using spec::Fault;

Result<PackedLayout, Fault> PackedLayout::resolve(const RingConfig& config,
                                                  const MemoryMap& memory) noexcept {
    const uint16_t size = config.size;
    if (size == 0 || size > spec::ring_size_max) return Fault::ring_size_invalid;
    if (PackedPosition{config.base}.index() >= size) return Fault::ring_base_invalid;
    if (config.desc_addr % spec::packed_desc_align != 0 ||
        config.avail_addr % spec::packed_event_align != 0 ||
        config.used_addr % spec::packed_event_align != 0)
        return Fault::ring_address_misaligned;

    const uint64_t slots_bytes = sizeof(spec::PackedDesc) * uint64_t{size};
    constexpr uint64_t event_bytes = sizeof(spec::PackedEvent);
    uint8_t* slots = memory.translate_user(config.desc_addr, slots_bytes, Access::write);
    uint8_t* driver = memory.translate_user(config.avail_addr, event_bytes, Access::read);
    uint8_t* device = memory.translate_user(config.used_addr, event_bytes, Access::write);
    // Used descriptors take the place of available ones, so the ring itself is written.
    const auto read_only = [&](const uint8_t* found, uint64_t addr, uint64_t bytes) {
        return found == nullptr && memory.translate_user(addr, bytes, Access::read) != nullptr;
    };
    if (read_only(slots, config.desc_addr, slots_bytes) ||
        read_only(device, config.used_addr, event_bytes))
        return Fault::ring_memory_not_writable;
    if (slots == nullptr || driver == nullptr || device == nullptr)
        return Fault::ring_address_unmapped;
    // A region may begin anywhere in the front-end's space: what counts for us is our own address.
    if (reinterpret_cast<uintptr_t>(slots) % spec::packed_desc_align != 0 ||
        reinterpret_cast<uintptr_t>(driver) % spec::packed_event_align != 0 ||
        reinterpret_cast<uintptr_t>(device) % spec::packed_event_align != 0)
        return Fault::ring_address_misaligned;

    PackedLayout layout;
    layout.slots = reinterpret_cast<PackedSlot*>(slots);
    layout.driver_event = reinterpret_cast<const uint32_t*>(driver);
    layout.device_event = reinterpret_cast<uint32_t*>(device);
    layout.size = size;
    layout.event_index = negotiated(config.features, spec::feature_ring_event_idx);
    layout.indirect = negotiated(config.features, spec::feature_ring_indirect_desc);
    layout.in_order = negotiated(config.features, spec::feature_in_order);
    return layout;
}

Result<uint16_t, Fault> PackedLayout::start(const RingConfig& config) const noexcept {
    if (!config.resumed && !may_stand_at({config.base})) return Fault::packed_position_lost;
    return config.base;
}

/// A position divides the ring. What lies before it the driver wrote in this round and the device
/// used; from it on lies what is available in this round, and then what the device used in the
/// round before. A used chain shows its first descriptor as used and the others as the driver wrote
/// them. Each descriptor is loaded once, so a driver that writes meanwhile cannot break a rule.
bool PackedLayout::may_stand_at(PackedPosition at) const noexcept {
    const bool first_of_all = at.off_wrap == PackedPosition::wrap_bit;
    bool ended = false;       // The tail of a used chain was seen to its end.
    bool stands_old = false;  // At the position is what the driver wrote in the round before.
    for (uint16_t i = 0; i < size; ++i) {
        const uint16_t flags = packed_flags(load_once(slots[i].rest));
        const auto state = static_cast<uint16_t>(flags & packed_state_flags);
        // A driver writes USED only from its second round on, a device only where it used.
        if (first_of_all && (state & spec::packed_desc_f_used) != 0) return false;
        const bool before = i < at.index();
        const uint16_t available = at.available_flags();
        const uint16_t available_once = available ^ packed_state_flags;
        if (i == at.index()) {
            ended = false;
            stands_old = state == available_once;
        }
        if (state == (before ? at.used_flags() ^ packed_state_flags : at.used_flags()))
            return false;
        if (!before && state == available) {
            if (stands_old) return false;
            continue;
        }
        const bool tail = state == (before ? available : available_once);
        if (!tail) ended = false;
        if (!tail || in_order) continue;
        if (ended) return false;
        ended = (flags & spec::desc_f_next) == 0;
    }
    return true;
}

}  // namespace valenic
