#include "ring/chain.hpp"

#include <algorithm>

namespace valenic {

using spec::Fault;

namespace {

struct Table {
    const spec::SplitDesc* entries;
    uint16_t size;
    bool is_indirect;
    uint16_t steps;  ///< Of a walk in it.
};

constexpr uint16_t steps_in(uint16_t size, ChainUse use) noexcept {
    return static_cast<uint16_t>(std::min<size_t>(size, chain_max(use)));
}

spec::SplitDesc load_table_entry(const Table& table, uint16_t index) noexcept {
    // An indirect table may lie at any address; only the ring's own is aligned.
    if (!table.is_indirect) return load_descriptor(table.entries[index]);
    return load_entry(&table.entries[index]);
}

Fault direction_fault(uint16_t flags, ChainUse use) noexcept {
    const bool writable = (flags & spec::desc_f_write) != 0;
    if (writable == (use == ChainUse::receive)) return Fault::none;
    return use == ChainUse::receive ? Fault::readable_in_receive_chain
                                    : Fault::writable_in_send_chain;
}

/// What a chain's buffers are looked up with: the ring's cache, for its kind of access.
template <ChainUse use>
using Cache = RegionCache<access_of(use)>;

/// Why a buffer has no place in memory.
Fault fault_at(const MemoryMap& memory, uint64_t addr) noexcept {
    RegionCache<Access::read> cache;
    const bool there = memory.translate(addr, 1, cache) != nullptr;
    return there ? Fault::memory_not_writable : Fault::address_outside_memory;
}

template <ChainUse use>
inline Fault add_buffer(const MemoryMap& memory, Cache<use>& cache, uint64_t addr, uint64_t left,
                        std::span<Piece> out, ChainResult& result) noexcept {
    if (left > UINT64_MAX - addr) return Fault::address_outside_memory;
    result.bytes += left;
    while (left > 0) {  // At most one step for each region.
        const auto part = memory.translate_part(addr, left, cache);
        if (part.empty()) [[unlikely]]
            return fault_at(memory, addr);
        if (result.pieces < out.size()) {
            out[result.pieces++] = {part.data(), static_cast<uint32_t>(part.size())};
        } else {
            result.overflow = true;
        }
        addr += part.size();
        left -= part.size();
    }
    return Fault::none;
}

/// The table of `bytes` at `addr`, or why there is none. Entries of both kinds of ring have 16
/// bytes.
template <ChainUse use>
Result<const uint8_t*, Fault> open_indirect(const MemoryMap& memory, Cache<use>& cache,
                                            uint64_t addr, uint32_t bytes,
                                            uint16_t ring_size) noexcept {
    constexpr uint32_t entry_bytes = sizeof(spec::SplitDesc);
    static_assert(sizeof(spec::PackedDesc) == entry_bytes);
    const uint32_t entries = bytes / entry_bytes;
    if (entries == 0 || bytes % entry_bytes != 0 || entries > ring_size)
        return Fault::indirect_size_invalid;
    const uint8_t* host = nullptr;
    if constexpr (use == ChainUse::send) {
        host = memory.translate(addr, bytes, cache);
    } else {  // A table is read, whatever its buffers are for.
        RegionCache<Access::read> for_reading;
        host = memory.translate(addr, bytes, for_reading);
    }
    if (host == nullptr) return Fault::address_outside_memory;
    return host;
}

template <ChainUse use>
Fault open_split_table(const SplitLayout& layout, const MemoryMap& memory, Cache<use>& cache,
                       const spec::SplitDesc& desc, Table& table) noexcept {
    if (!layout.indirect) return Fault::indirect_not_negotiated;
    if (table.is_indirect) return Fault::indirect_nested;
    if ((desc.flags & spec::desc_f_next) != 0) return Fault::indirect_with_next;
    const auto opened = open_indirect<use>(memory, cache, desc.addr, desc.len, layout.size);
    if (!opened) return opened.error();
    const auto size = static_cast<uint16_t>(desc.len / sizeof(spec::SplitDesc));
    table = {reinterpret_cast<const spec::SplitDesc*>(opened.value()), size, true,
             steps_in(size, use)};
    return Fault::none;
}

/// Every entry of a packed ring's table, in its order: of their flags only the direction counts.
template <ChainUse use>
Fault add_packed_table(const PackedLayout& layout, const MemoryMap& memory, Cache<use>& cache,
                       const spec::PackedDesc& desc, std::span<Piece> out,
                       ChainResult& result) noexcept {
    const auto opened = open_indirect<use>(memory, cache, desc.addr, desc.len, layout.size);
    if (!opened) return opened.error();
    const auto* entries = reinterpret_cast<const spec::PackedDesc*>(opened.value());
    const uint32_t count = desc.len / sizeof *entries;
    if (count > chain_max(use)) return Fault::chain_too_long;
    result.descriptors += count;
    for (uint32_t i = 0; i < count; ++i) {
        const spec::PackedDesc entry = load_entry(&entries[i]);
        Fault fault = direction_fault(entry.flags, use);
        if (fault == Fault::none)
            fault = add_buffer<use>(memory, cache, entry.addr, entry.len, out, result);
        if (fault != Fault::none) return fault;
    }
    return Fault::none;
}

}  // namespace

template <ChainUse use>
ChainResult walk_chain(const SplitLayout& layout, const MemoryMap& memory, Cache<use>& cache,
                       uint16_t head, std::span<Piece> out) noexcept {
    ChainResult result;
    Table table{layout.table, layout.size, false, steps_in(layout.size, use)};
    uint16_t index = head;
    // A chain without loops fits in its table; the indirect one starts its own count.
    for (uint32_t step = 0; step < table.steps; ++step) {
        const spec::SplitDesc desc = load_table_entry(table, index);
        if ((desc.flags & spec::desc_f_indirect) != 0) {
            result.descriptors = step;
            result.fault = open_split_table<use>(layout, memory, cache, desc, table);
            if (result.fault != Fault::none) return result;
            index = 0;
            step = UINT32_MAX;  // Wraps to 0.
            continue;
        }
        result.fault = direction_fault(desc.flags, use);
        if (result.fault != Fault::none) return result;
        result.fault = add_buffer<use>(memory, cache, desc.addr, desc.len, out, result);
        if (result.fault != Fault::none) return result;
        if ((desc.flags & spec::desc_f_next) == 0) {
            result.descriptors += step + 1;
            return result;
        }
        index = desc.next;
        // At the link, before the steps are counted: the last of a full table may lead outside too.
        if (index >= table.size) {
            result.fault = Fault::index_outside_table;
            return result;
        }
    }
    result.fault = table.steps == table.size ? Fault::chain_loops : Fault::chain_too_long;
    return result;
}

template <ChainUse use>
ChainResult walk_chain(const PackedLayout& layout, const MemoryMap& memory, Cache<use>& cache,
                       PackedPosition head, uint32_t slots_max, std::span<Piece> out) noexcept {
    ChainResult result;
    PackedPosition at = head;
    const uint32_t end = std::min<uint32_t>(slots_max, chain_max(use));
    while (result.slots < end) {
        const spec::PackedDesc desc = load_packed(layout.slots[at.index()]);
        at.advance(1, layout.size);
        ++result.slots;
        result.id = desc.id;
        if ((desc.flags & spec::desc_f_indirect) != 0) {
            if (!layout.indirect) {
                result.fault = Fault::indirect_not_negotiated;
            } else if (result.slots > 1 || (desc.flags & spec::desc_f_next) != 0) {
                result.fault = Fault::indirect_with_next;
            } else {
                result.descriptors = 1;
                result.fault = add_packed_table<use>(layout, memory, cache, desc, out, result);
            }
            return result;
        }
        result.fault = direction_fault(desc.flags, use);
        if (result.fault != Fault::none) return result;
        result.fault = add_buffer<use>(memory, cache, desc.addr, desc.len, out, result);
        if (result.fault != Fault::none) return result;
        if ((desc.flags & spec::desc_f_next) != 0) continue;
        result.descriptors = result.slots;
        return result;
    }
    result.fault = end == slots_max ? Fault::chain_loops : Fault::chain_too_long;
    return result;
}

template ChainResult walk_chain<ChainUse::send>(const SplitLayout&, const MemoryMap&,
                                                Cache<ChainUse::send>&, uint16_t,
                                                std::span<Piece>) noexcept;
template ChainResult walk_chain<ChainUse::receive>(const SplitLayout&, const MemoryMap&,
                                                   Cache<ChainUse::receive>&, uint16_t,
                                                   std::span<Piece>) noexcept;
template ChainResult walk_chain<ChainUse::send>(const PackedLayout&, const MemoryMap&,
                                                Cache<ChainUse::send>&, PackedPosition, uint32_t,
                                                std::span<Piece>) noexcept;
template ChainResult walk_chain<ChainUse::receive>(const PackedLayout&, const MemoryMap&,
                                                   Cache<ChainUse::receive>&, PackedPosition,
                                                   uint32_t, std::span<Piece>) noexcept;

}  // namespace valenic
