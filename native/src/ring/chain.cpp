#include "ring/chain.hpp"

namespace valenic {

using spec::Fault;

namespace {

struct Table {
    const spec::SplitDesc* entries;
    uint16_t size;
    bool is_indirect;
};

spec::SplitDesc load_table_entry(const Table& table, uint16_t index) noexcept {
    // An indirect table may lie at any address; only the ring's own is aligned.
    if (!table.is_indirect) return load_descriptor(table.entries[index]);
    spec::SplitDesc copy;
    __builtin_memcpy(&copy, &table.entries[index], sizeof copy);
    asm volatile("" ::: "memory");  // What was copied is what is used: no second load.
    return copy;
}

Fault add_buffer(const MemoryMap& memory, const spec::SplitDesc& desc, ChainUse use,
                 std::span<Piece> out, ChainResult& result) noexcept {
    uint64_t addr = desc.addr;
    uint64_t left = desc.len;
    if (left > UINT64_MAX - addr) return Fault::address_outside_memory;
    result.bytes += left;
    while (left > 0) {  // At most one step for each region.
        const auto part = memory.translate_part(addr, left, use == ChainUse::receive);
        if (part.empty()) {
            const bool there = !memory.translate_part(addr, left, false).empty();
            return there ? Fault::memory_not_writable : Fault::address_outside_memory;
        }
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

Fault open_indirect(const SplitLayout& layout, const MemoryMap& memory, const spec::SplitDesc& desc,
                    Table& table) noexcept {
    if (!layout.indirect) return Fault::indirect_not_negotiated;
    if (table.is_indirect) return Fault::indirect_nested;
    if ((desc.flags & spec::desc_f_next) != 0) return Fault::indirect_with_next;
    const uint32_t entries = desc.len / sizeof(spec::SplitDesc);
    if (entries == 0 || desc.len % sizeof(spec::SplitDesc) != 0 || entries > layout.size)
        return Fault::indirect_size_invalid;
    RegionCache cache;
    const uint8_t* host = memory.translate(desc.addr, desc.len, false, cache);
    if (host == nullptr) return Fault::address_outside_memory;
    table = {reinterpret_cast<const spec::SplitDesc*>(host), static_cast<uint16_t>(entries), true};
    return Fault::none;
}

}  // namespace

ChainResult walk_chain(const SplitLayout& layout, const MemoryMap& memory, uint16_t head,
                       ChainUse use, std::span<Piece> out) noexcept {
    ChainResult result;
    Table table{layout.table, layout.size, false};
    uint16_t index = head;
    // A chain without loops fits in its table; the indirect one starts its own count.
    for (uint32_t step = 0; step < table.size; ++step) {
        if (index >= table.size) {
            result.fault = Fault::index_outside_table;
            return result;
        }
        const spec::SplitDesc desc = load_table_entry(table, index);
        if ((desc.flags & spec::desc_f_indirect) != 0) {
            result.fault = open_indirect(layout, memory, desc, table);
            if (result.fault != Fault::none) return result;
            index = 0;
            step = UINT32_MAX;  // Wraps to 0.
            continue;
        }
        const bool writable = (desc.flags & spec::desc_f_write) != 0;
        if (writable != (use == ChainUse::receive)) {
            result.fault = use == ChainUse::receive ? Fault::readable_in_receive_chain
                                                    : Fault::writable_in_send_chain;
            return result;
        }
        result.fault = add_buffer(memory, desc, use, out, result);
        if (result.fault != Fault::none) return result;
        if ((desc.flags & spec::desc_f_next) == 0) return result;
        index = desc.next;
    }
    result.fault = Fault::chain_loops;
    return result;
}

}  // namespace valenic
