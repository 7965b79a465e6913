#include "ring/split_layout.hpp"

#include "spec/virtio_features.hpp"

namespace valenic {

using spec::Fault;

Result<SplitLayout, Fault> SplitLayout::resolve(const RingConfig& config,
                                                const MemoryMap& memory) noexcept {
    const uint16_t size = config.size;
    if (size == 0 || size > spec::ring_size_max || (size & (size - 1)) != 0)
        return Fault::ring_size_invalid;
    if (config.desc_addr % spec::split_desc_align != 0 ||
        config.avail_addr % spec::split_avail_align != 0 ||
        config.used_addr % spec::split_used_align != 0)
        return Fault::ring_address_misaligned;

    SplitLayout layout;
    layout.size = size;
    layout.mask = static_cast<uint16_t>(size - 1);
    layout.event_index = negotiated(config.features, spec::feature_ring_event_idx);
    layout.indirect = negotiated(config.features, spec::feature_ring_indirect_desc);
    layout.notify_on_empty = negotiated(config.features, spec::feature_notify_on_empty);
    layout.in_order = negotiated(config.features, spec::feature_in_order);

    const uint64_t event_bytes = layout.event_index ? sizeof(uint16_t) : 0;
    const uint64_t table_bytes = sizeof(spec::SplitDesc) * uint64_t{size};
    const uint64_t avail_bytes =
        sizeof(spec::SplitAvail) + sizeof(uint16_t) * uint64_t{size} + event_bytes;
    const uint64_t used_bytes =
        sizeof(spec::SplitUsed) + sizeof(spec::SplitUsedElem) * uint64_t{size} + event_bytes;
    uint8_t* table = memory.translate_user(config.desc_addr, table_bytes, Access::read);
    uint8_t* avail = memory.translate_user(config.avail_addr, avail_bytes, Access::read);
    uint8_t* used = memory.translate_user(config.used_addr, used_bytes, Access::write);
    if (used == nullptr &&
        memory.translate_user(config.used_addr, used_bytes, Access::read) != nullptr)
        return Fault::ring_memory_not_writable;
    if (table == nullptr || avail == nullptr || used == nullptr)
        return Fault::ring_address_unmapped;
    // A region may begin anywhere in the front-end's space: what counts for us is our own address.
    if (reinterpret_cast<uintptr_t>(table) % spec::split_desc_align != 0 ||
        reinterpret_cast<uintptr_t>(avail) % spec::split_avail_align != 0 ||
        reinterpret_cast<uintptr_t>(used) % spec::split_used_align != 0)
        return Fault::ring_address_misaligned;
    layout.table = reinterpret_cast<const spec::SplitDesc*>(table);
    layout.avail = reinterpret_cast<spec::SplitAvail*>(avail);
    layout.used = reinterpret_cast<spec::SplitUsed*>(used);
    return layout;
}

Result<uint16_t, Fault> SplitLayout::start(const RingConfig& /*config*/) const noexcept {
    const uint16_t used_index = load_once(used->idx);
    if (static_cast<uint16_t>(avail_index() - used_index) > size) return Fault::used_index_invalid;
    return used_index;
}

void SplitLayout::ask_for_kicks(uint16_t index) const noexcept {
    if (event_index) {
        auto* avail_event = reinterpret_cast<uint16_t*>(used_ring() + size);
        guest_store(*avail_event, index);
        return;
    }
    guest_store(used->flags, uint16_t{0});
}

void SplitLayout::ask_for_no_kicks() const noexcept {
    if (!event_index) guest_store(used->flags, uint16_t{spec::used_f_no_notify});
}

}  // namespace valenic
