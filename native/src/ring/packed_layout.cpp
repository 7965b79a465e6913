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

}  // namespace valenic
