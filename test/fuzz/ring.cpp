// Random guest memory under both rings, split and packed: whatever stands there, the device side
// ends, reads nothing outside the region, writes only where a device may write, and stops at the
// first broken rule.
#include "ring/ring.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>

#include "base/check.hpp"
#include "driver/guest_memory.hpp"
#include "driver/packed_queue.hpp"
#include "driver/split_queue.hpp"
#include "spec/virtio_features.hpp"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#include <sanitizer/asan_interface.h>
#define POISON(at, bytes) ASAN_POISON_MEMORY_REGION(at, bytes)
#endif
#endif
#ifndef POISON
#define POISON(at, bytes) (void)(at)
#endif

using namespace valenic;

namespace {

constexpr size_t page_bytes = 4096;
constexpr size_t file_bytes = 16 << 10;
/// The region ends inside a page: what is behind it is mapped, and still not the guest's.
constexpr size_t memory_bytes = file_bytes - 40;
constexpr uint16_t ring_size = 16;
/// Of an input: options, then the heads that are offered; the rest is the memory from its start.
constexpr size_t heads_at = 4;
constexpr size_t memory_at = heads_at + ring_size;
constexpr uint64_t guest_base = driver::GuestMemory::guest_base;

using ByteSet = std::bitset<memory_bytes>;

/// Made once; the input is copied over it each time.
struct Target {
    driver::GuestMemory memory = std::move(*driver::GuestMemory::create(file_bytes));
    std::shared_ptr<const MemoryMap> map;
    std::unique_ptr<Batch> batch = std::make_unique<Batch>();
    std::unique_ptr<uint8_t[]> before = std::make_unique<uint8_t[]>(memory_bytes);
    CounterBlock counters{};

    Target() {
        std::vector<RegionSpec> regions;
        regions.push_back(
            {guest_base, memory.user_base(), memory_bytes, 0, OwnedFd(dup(memory.fd()))});
        auto created = MemoryMap::create(std::move(regions));
        CHECK(created.ok());
        map = created.value();
        uint8_t* host = map->regions()[0].host;
        POISON(host + memory_bytes, file_bytes - memory_bytes);
        // Pages that end the process when they are touched, unless something else is there already.
        for (uint8_t* page : {host - page_bytes, host + file_bytes})
            mmap(page, page_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1,
                 0);
    }
};

bool is_packed(uint64_t features) noexcept {
    return (features & spec::feature_mask(spec::feature_ring_packed)) != 0;
}
driver::SplitQueue::Parts parts(uint64_t features) noexcept {
    return is_packed(features) ? driver::PackedQueue::parts_of(ring_size)
                               : driver::SplitQueue::parts_of(ring_size);
}

RingConfig config_of(const Target& target, uint64_t features) {
    const uint64_t at = target.memory.user_base();
    const auto where = parts(features);
    const uint16_t base = is_packed(features) ? driver::PackedQueue::first_position : 0;
    // Half of the packed rings are a front-end's word, which their descriptors must bear out.
    const bool resumed = (target.memory.data()[memory_bytes - 1] & 1) == 0;
    return {ring_size, base, features, at + where.desc, at + where.avail, at + where.used, resumed};
}

/// What both kinds of descriptor have.
struct Entry {
    uint64_t addr;
    uint32_t len;
    uint16_t flags;
};
constexpr size_t entry_bytes = sizeof(spec::SplitDesc);

Entry entry_at(const uint8_t* at, bool packed) {
    if (packed) {
        spec::PackedDesc desc;
        std::memcpy(&desc, at, sizeof desc);
        return {desc.addr, desc.len, desc.flags};
    }
    spec::SplitDesc desc;
    std::memcpy(&desc, at, sizeof desc);
    return {desc.addr, desc.len, desc.flags};
}
Entry entry_of(const Target& target, size_t index, bool packed) {
    return entry_at(target.memory.data() + index * entry_bytes, packed);
}

/// Descriptors of random input rarely point anywhere: their addresses are brought near the memory.
template <typename Desc>
void bring_near(Desc* table, uint16_t count) {
    for (uint16_t i = 0; i < count; ++i) {
        if (table[i].addr % 8 == 7) continue;  // Some stay wild.
        table[i].addr = guest_base + table[i].addr % (memory_bytes + 64);
        if (table[i].len % 4 != 3) table[i].len %= 4096;
        if ((table[i].flags & spec::desc_f_indirect) != 0 && table[i].len % 8 != 5)
            table[i].len = table[i].len % (ring_size + 2) * sizeof(spec::SplitDesc);
        // Most are available, of a packed ring in its first round.
        const bool wild = table[i].addr % 16 == 15;
        table[i].flags &= 7;
        if constexpr (std::is_same_v<Desc, spec::PackedDesc>) {
            if (!wild) table[i].flags |= spec::packed_desc_f_avail;
        } else {
            table[i].next %= ring_size + 1;
        }
    }
}

/// As bring_near(), for the tables that descriptors point at.
template <typename Desc>
void bring_indirect_near(Target& target, size_t ring_bytes) {
    for (uint16_t i = 0; i < ring_size; ++i) {
        const Entry desc = entry_of(target, i, std::is_same_v<Desc, spec::PackedDesc>);
        const uint64_t at = desc.addr - guest_base;
        if ((desc.flags & spec::desc_f_indirect) == 0 || at < ring_bytes) continue;
        if (at >= memory_bytes || desc.len > memory_bytes - at) continue;
        Desc entries[ring_size + 1];
        const size_t count = std::min<size_t>(desc.len / sizeof entries[0], ring_size);
        std::memcpy(entries, target.memory.data() + at, count * sizeof entries[0]);
        bring_near(entries, static_cast<uint16_t>(count));
        std::memcpy(target.memory.data() + at, entries, count * sizeof entries[0]);
    }
}

void mark(ByteSet& bytes, uint64_t at, uint64_t count) {
    for (uint64_t i = at; i < memory_bytes && i - at < count; ++i) bytes.set(i);
}

/// What is the device's own: its used ring, or a packed ring's descriptors and event structure.
void mark_ring(ByteSet& writable, uint64_t features) {
    const auto where = parts(features);
    if (is_packed(features)) {
        mark(writable, where.desc, entry_bytes * ring_size);
        mark(writable, where.used, sizeof(spec::PackedEvent));
    } else {
        mark(writable, where.used, sizeof(spec::SplitUsed) + 8 * ring_size + 2);
    }
}

/// What descriptors offer to be written.
ByteSet offered_bytes(const Target& target, bool packed) {
    ByteSet writable;
    for (uint16_t i = 0; i < ring_size; ++i) {
        const Entry desc = entry_of(target, i, packed);
        if ((desc.flags & spec::desc_f_write) != 0 && (desc.flags & spec::desc_f_indirect) == 0)
            mark(writable, desc.addr - guest_base, desc.len);
        if ((desc.flags & spec::desc_f_indirect) == 0) continue;
        const uint64_t at = desc.addr - guest_base;
        for (uint64_t entry = at; entry < memory_bytes && memory_bytes - entry >= entry_bytes &&
                                  entry - at < ring_size * entry_bytes;
             entry += entry_bytes) {
            const Entry inner = entry_at(target.memory.data() + entry, packed);
            if ((inner.flags & spec::desc_f_write) != 0)
                mark(writable, inner.addr - guest_base, inner.len);
        }
    }
    return writable;
}

/// A guest may offer its own descriptors as buffers; then what is offered changes as we write.
/// Nor may a table lie where the ring itself is written.
bool tables_are_stable(const Target& target, const ByteSet& offered, const ByteSet& writable,
                       uint64_t features) {
    for (size_t i = 0; i < parts(features).used; ++i)
        if (offered.test(i)) return false;
    for (uint16_t i = 0; i < ring_size; ++i) {
        const Entry desc = entry_of(target, i, is_packed(features));
        if ((desc.flags & spec::desc_f_indirect) == 0) continue;
        const uint64_t at = desc.addr - guest_base;
        for (uint64_t j = at; j < memory_bytes && j - at < ring_size * entry_bytes; ++j)
            if (writable.test(j)) return false;
    }
    return true;
}

void check_writes(const Target& target, const ByteSet& writable) {
    constexpr size_t line = 64;
    const uint8_t* now = target.memory.data();
    for (size_t at = 0; at < memory_bytes; at += line) {
        const size_t end = std::min(at + line, memory_bytes);
        if (std::memcmp(now + at, target.before.get() + at, end - at) == 0) continue;
        for (size_t i = at; i < end; ++i)
            if (now[i] != target.before[i]) CHECK(writable.test(i));
    }
}

/// The only reason that memory may give, and nothing of it is written then.
void check_refused(const Target& target, uint64_t features, spec::Fault fault) {
    CHECK(fault == (is_packed(features) ? spec::Fault::packed_position_lost
                                        : spec::Fault::used_index_invalid));
    check_writes(target, {});
}

void drain_tx(Target& target, uint64_t features) {
    auto made = make_tx_ring(config_of(target, features), target.map);
    if (!made) return check_refused(target, features, made.error());
    TxRing& ring = *made.value();
    for (int round = 0; round < 8; ++round) {
        target.batch->clear();
        if (ring.fetch(*target.batch, {batch_frames, largest_frame_bytes}, target.counters) == 0)
            break;
        uint8_t sum = 0;
        for (size_t i = 0; i < target.batch->count; ++i)
            for (const Segment& segment : target.batch->segments_of(target.batch->frames[i]))
                for (uint32_t at = 0; at < segment.len_bytes; ++at) sum ^= segment.data[at];
        asm volatile("" ::"r"(sum));
        ring.release();
        CHECK(ring.used_index() == ring.next_avail());
        ring.call_wanted();
    }
    ring.arm();
    ByteSet own;
    mark_ring(own, features);
    check_writes(target, own);
}

void fill_rx(Target& target, uint64_t features, size_t frame_bytes) {
    static uint8_t frame[9000] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2};
    const ByteSet offered = offered_bytes(target, is_packed(features));
    ByteSet writable = offered;
    mark_ring(writable, features);
    const bool stable = tables_are_stable(target, offered, writable, features);
    auto made = make_rx_ring(config_of(target, features), target.map);
    if (!made) return check_refused(target, features, made.error());
    target.batch->clear();
    uint8_t indices[8];
    for (uint8_t i = 0; i < 8; ++i) {
        append_frame(*target.batch, {frame, frame_bytes});
        indices[i] = i;
    }
    for (int round = 0; round < 4; ++round)
        made.value()->deliver(*target.batch, indices, target.counters);
    CHECK(made.value()->used_index() == made.value()->next_avail());
    made.value()->call_wanted();
    if (stable) check_writes(target, writable);
}

template <typename Desc>
void bring_all_near(Target& target, uint64_t features) {
    bring_near(reinterpret_cast<Desc*>(target.memory.data()), ring_size);
    bring_indirect_near<Desc>(target, parts(features).bytes);
}

/// The available index of the input is kept, but some of it must be there.
void offer_heads(Target& target, const uint8_t* data) {
    auto* avail = reinterpret_cast<spec::SplitAvail*>(target.memory.data() + parts(0).avail);
    if (avail->idx == 0 || (data[0] & 32) != 0) avail->idx = data[1] % (ring_size + 2);
    auto* used = reinterpret_cast<spec::SplitUsed*>(target.memory.data() + parts(0).used);
    if ((data[0] & 32) == 0) used->idx = 0;
    auto* heads = reinterpret_cast<uint16_t*>(avail + 1);
    for (uint16_t i = 0; i < ring_size; ++i)
        if (heads[i] == 0) heads[i] = data[heads_at + i] % (ring_size + 1);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    static Target target;
    if (size < memory_at) return 0;
    std::memset(target.memory.data(), 0, memory_bytes);
    std::memcpy(target.memory.data(), data + memory_at, std::min(size - memory_at, memory_bytes));
    uint64_t features = 0;
    if ((data[0] & 128) != 0) features |= spec::feature_mask(spec::feature_ring_packed);
    if ((data[1] & 128) != 0) features |= spec::feature_mask(spec::feature_in_order);
    if ((data[0] & 1) != 0) {
        if (is_packed(features)) {
            bring_all_near<spec::PackedDesc>(target, features);
        } else {
            bring_all_near<spec::SplitDesc>(target, features);
        }
    }
    if ((data[0] & 2) != 0) features |= spec::feature_mask(spec::feature_version_1);
    if ((data[0] & 4) != 0) features |= spec::feature_mask(spec::feature_ring_indirect_desc);
    if ((data[0] & 8) != 0) features |= spec::feature_mask(spec::feature_ring_event_idx);
    if ((data[0] & 16) != 0) features |= spec::feature_mask(spec::net_feature_mrg_rxbuf);
    if (!is_packed(features)) offer_heads(target, data);
    std::memcpy(target.before.get(), target.memory.data(), memory_bytes);
    if ((data[0] & 64) != 0) {
        drain_tx(target, features);
    } else {
        fill_rx(target, features, 14 + (size_t{data[2]} << 8 | data[3]) % 8986);
    }
    return 0;
}
