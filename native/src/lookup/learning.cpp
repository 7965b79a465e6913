#include "lookup/learning.hpp"

#include <mutex>

#include "base/clock.hpp"
#include "base/secret.hpp"
#include "net/vlan.hpp"

namespace valenic {

using spec::PortCounter;

namespace {

constexpr uint64_t key_of(MacAddress mac, uint8_t slot, uint8_t generation) noexcept {
    return mac << 16 | uint64_t{slot} << 8 | generation;
}
constexpr MacAddress mac_of(uint64_t key) noexcept { return key >> 16; }
constexpr uint8_t slot_of(uint64_t key) noexcept { return static_cast<uint8_t>(key >> 8); }
constexpr uint8_t generation_of(uint64_t key) noexcept { return static_cast<uint8_t>(key); }

constexpr uint64_t seen_of(uint16_t vlan, uint32_t now_s) noexcept {
    return uint64_t{vlan} << 32 | now_s;
}
constexpr uint32_t second_of(uint64_t seen) noexcept { return static_cast<uint32_t>(seen); }
constexpr uint16_t vlan_of(uint64_t seen) noexcept { return static_cast<uint16_t>(seen >> 32); }

size_t buckets_for(size_t entries, size_t ways) noexcept {
    size_t buckets = 16;
    while (buckets * ways < entries) buckets *= 2;
    return buckets;
}

/// Both addresses of a frame, as they lie there: compared in two steps.
struct AddressBytes {
    uint64_t first;
    uint32_t rest;

    explicit AddressBytes(const uint8_t* frame) noexcept {
        __builtin_memcpy(&first, frame, sizeof first);
        __builtin_memcpy(&rest, frame + sizeof first, sizeof rest);
    }
    AddressBytes another() const noexcept {
        AddressBytes other = *this;
        other.rest = ~rest;
        return other;
    }
    bool operator==(const AddressBytes& other) const noexcept {
        return ((first ^ other.first) | (rest ^ other.rest)) == 0;
    }
};

}  // namespace

LearningLookup::LearningLookup(const LearningOptions& options)
    : ageing_s_(options.ageing_s),
      mask_(buckets_for(options.table_entries, ways) - 1),
      // A multiplier must be odd to lose nothing.
      seed_(options.seed.value_or(secret_number()) | 1),
      buckets_(std::make_unique<Bucket[]>(mask_ + 1)) {}

/// Multiply-shift with a secret multiplier, folded once so that every bit of the address counts.
[[gnu::always_inline]] inline LearningLookup::Bucket& LearningLookup::bucket_of(
    Station station) const noexcept {
    const uint64_t word = station.mac | uint64_t{station.vlan} << 48;
    uint64_t hash = (word ^ (seed_ >> 17)) * seed_;
    hash ^= hash >> 32;
    hash *= seed_;
    return buckets_[(hash >> 32) & mask_];
}

bool LearningLookup::expired(const Entry& entry, uint32_t now_s) const noexcept {
    return expired(entry.seen.load(std::memory_order_relaxed), now_s);
}

bool LearningLookup::expired(uint64_t seen, uint32_t now_s) const noexcept {
    const uint32_t then = second_of(seen);
    return now_s - then > ageing_s_ && now_s > then;
}

// find() and learn() are what a lookup costs. Inlined, they know it where there are no VLANs.
[[gnu::always_inline]] inline Action LearningLookup::find(
    Station station, const LookupSource& source) const noexcept {
    for (const Entry& entry : bucket_of(station).entries) {
        const uint64_t key = entry.key.load(std::memory_order_relaxed);
        const uint64_t seen = entry.seen.load(std::memory_order_relaxed);
        if (mac_of(key) != station.mac || key == 0 || vlan_of(seen) != station.vlan ||
            expired(seen, source.now_s))
            continue;
        const uint8_t slot = slot_of(key);
        const uint8_t now = generations_[slot].load(std::memory_order_relaxed);
        return generation_of(key) == now ? slot : action_flood;
    }
    return action_flood;
}

[[gnu::always_inline]] inline void LearningLookup::learn(Station station,
                                                         const LookupSource& source) noexcept {
    const uint64_t key = key_of(station.mac, source.slot, source.generation);
    const uint64_t now = seen_of(station.vlan, source.now_s);
    for (Entry& entry : bucket_of(station).entries) {
        if (entry.key.load(std::memory_order_relaxed) != key) continue;
        uint64_t seen = entry.seen.load(std::memory_order_relaxed);
        if (seen == now) return;
        if (vlan_of(seen) != station.vlan) continue;
        // Not a plain store: the entry may have become another VLAN's meanwhile.
        entry.seen.compare_exchange_strong(seen, now, std::memory_order_relaxed);
        return;
    }
    learn_slowly(station, source);
}

void LearningLookup::resolve(const Batch& batch, const LookupSource& source,
                             std::span<Action> actions) noexcept {
    if (source.vlans != nullptr) [[unlikely]]
        return resolve_in_vlans(batch, source, actions);
    // Bursts share their addresses: the last answer is good for a frame with the same ones.
    uint64_t last_source = UINT64_MAX;
    uint64_t last_destination = UINT64_MAX;
    Action last_action = action_drop;
    AddressBytes last = AddressBytes(batch.stages[0].bytes).another();
    for (size_t i = 0; i < batch.count; ++i) {
        const AddressBytes now(batch.stages[i].bytes);
        if (now != last) [[unlikely]] {
            last = now;
            const MacAddress from = batch.source(i);
            const MacAddress to = batch.destination(i);
            if (from != last_source) {
                last_source = from;
                if (!is_group(from) && from != 0) learn({from, vlan_none}, source);
            }
            if (to != last_destination) {
                last_destination = to;
                last_action = is_group(to) ? action_flood : find({to, vlan_none}, source);
            }
        }
        actions[i] = last_action;
    }
}

/// As resolve(), with the VLAN as a part of every address.
void LearningLookup::resolve_in_vlans(const Batch& batch, const LookupSource& source,
                                      std::span<Action> actions) noexcept {
    Station last_source{0, vlan_refused};
    Station last_destination{0, vlan_refused};
    Action last_action = action_drop;
    for (size_t i = 0; i < batch.count; ++i) {
        const uint16_t vlan = source.vlans[i];
        actions[i] = action_drop;
        if (vlan == vlan_refused) continue;
        const Station from{batch.source(i), vlan};
        const Station to{batch.destination(i), vlan};
        if (from != last_source) {
            last_source = from;
            if (!is_group(from.mac) && from.mac != 0) learn(from, source);
        }
        if (to != last_destination) {
            last_destination = to;
            last_action = is_group(to.mac) ? action_flood : find(to, source);
        }
        actions[i] = last_action;
    }
}

/// New here, or moved: under the lock.
void LearningLookup::learn_slowly(Station station, const LookupSource& source) noexcept {
    const std::lock_guard guard(lock_);
    generations_[source.slot].store(source.generation, std::memory_order_relaxed);
    Bucket& bucket = bucket_of(station);
    Entry* entry = nullptr;
    for (Entry& candidate : bucket.entries)
        if (mac_of(candidate.key.load(std::memory_order_relaxed)) == station.mac &&
            candidate.key.load(std::memory_order_relaxed) != 0 &&
            vlan_of(candidate.seen.load(std::memory_order_relaxed)) == station.vlan)
            entry = &candidate;
    const uint64_t key = key_of(station.mac, source.slot, source.generation);
    if (entry != nullptr && entry->key.load(std::memory_order_relaxed) == key) return;
    if (learned_[source.slot] >= source.mac_limit) drop_some_expired(source.now_s);
    if (learned_[source.slot] >= source.mac_limit) {
        source.counters->add(PortCounter::macs_refused, 1);
        return;
    }
    const bool moved = entry != nullptr;
    if (entry == nullptr) entry = place_for(bucket, source.now_s);
    replace(*entry, key, seen_of(station.vlan, source.now_s));
    source.counters->add(moved ? PortCounter::macs_moved : PortCounter::macs_learned, 1);
}

/// Frees expired entries in the next few buckets, so that silent addresses do not fill a port's
/// share for ever. One pass over the table a second, a few buckets for each who asks: a guest that
/// sends from ever new addresses cannot make the lock expensive.
void LearningLookup::drop_some_expired(uint32_t now_s) noexcept {
    constexpr size_t buckets_each = 16;
    if (sweep_left_ == 0) {
        if (sweep_began_s_ == now_s) return;
        sweep_began_s_ = now_s;
        sweep_left_ = mask_ + 1;
    }
    for (size_t i = 0; i < buckets_each && sweep_left_ > 0; ++i) {
        for (Entry& entry : buckets_[--sweep_left_].entries)
            if (entry.key.load(std::memory_order_relaxed) != 0 && expired(entry, now_s))
                replace(entry, 0, 0);
    }
}

/// A free entry, else an expired one, else the one that was silent longest.
LearningLookup::Entry* LearningLookup::place_for(Bucket& bucket, uint32_t now_s) noexcept {
    Entry* oldest = &bucket.entries[0];
    for (Entry& entry : bucket.entries) {
        if (entry.key.load(std::memory_order_relaxed) == 0 || expired(entry, now_s)) return &entry;
        if (second_of(entry.seen.load(std::memory_order_relaxed)) <
            second_of(oldest->seen.load(std::memory_order_relaxed)))
            oldest = &entry;
    }
    return oldest;
}

void LearningLookup::replace(Entry& entry, uint64_t key, uint64_t seen) noexcept {
    const uint64_t before = entry.key.load(std::memory_order_relaxed);
    if (before != 0 && learned_[slot_of(before)] > 0) --learned_[slot_of(before)];
    if (key != 0) ++learned_[slot_of(key)];
    entry.seen.store(seen, std::memory_order_relaxed);
    entry.key.store(key, std::memory_order_relaxed);
}

void LearningLookup::forget(uint8_t slot) noexcept {
    const std::lock_guard guard(lock_);
    for (size_t i = 0; i <= mask_; ++i)
        for (Entry& entry : buckets_[i].entries) {
            const uint64_t key = entry.key.load(std::memory_order_relaxed);
            if (key != 0 && slot_of(key) == slot) replace(entry, 0, 0);
        }
    learned_[slot] = 0;
}

size_t LearningLookup::addresses_of(uint8_t slot, std::span<MacAddress> out) const noexcept {
    const auto now_s = static_cast<uint32_t>(monotonic_ns() / 1'000'000'000);
    size_t count = 0;
    for (size_t i = 0; i <= mask_; ++i)
        for (const Entry& entry : buckets_[i].entries) {
            const uint64_t key = entry.key.load(std::memory_order_relaxed);
            if (key == 0 || slot_of(key) != slot || expired(entry, now_s)) continue;
            if (count < out.size()) out[count] = mac_of(key);
            ++count;
        }
    return count;
}

}  // namespace valenic
