// One address in the table, as two words that are read without a lock.
#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "net/ethernet.hpp"

namespace valenic {

/// An address means nothing without its VLAN: two guests may have the same in two of them.
struct Station {
    MacAddress mac;
    uint16_t vlan;
    bool operator==(const Station&) const = default;
};

/// Where a station is: the port's slot, and which of the ports that had that slot.
struct Seat {
    uint8_t slot;
    uint8_t generation;
};

constexpr uint64_t key_of(MacAddress mac, Seat seat) noexcept {
    return mac << 16 | uint64_t{seat.slot} << 8 | seat.generation;
}
constexpr MacAddress mac_of(uint64_t key) noexcept { return key >> 16; }
constexpr uint8_t slot_of(uint64_t key) noexcept { return static_cast<uint8_t>(key >> 8); }
constexpr uint8_t generation_of(uint64_t key) noexcept { return static_cast<uint8_t>(key); }

constexpr uint64_t seen_of(uint16_t vlan, uint32_t now_s) noexcept {
    return uint64_t{vlan} << 32 | now_s;
}
constexpr uint32_t second_of(uint64_t seen) noexcept { return static_cast<uint32_t>(seen); }
constexpr uint16_t vlan_of(uint64_t seen) noexcept { return static_cast<uint16_t>(seen >> 32); }

/// Any worker writes under the lookup's lock, all read. Without it, only `seen` is renewed.
struct MacEntry {
    std::atomic<uint64_t> key{0};  ///< MAC << 16 | slot << 8 | generation; 0 = free.
    /// VLAN << 32 | seconds. In a switch without VLANs that of every entry is 0.
    std::atomic<uint64_t> seen{0};

    bool free() const noexcept { return key.load(std::memory_order_relaxed) == 0; }
    uint8_t slot() const noexcept { return slot_of(key.load(std::memory_order_relaxed)); }
    uint32_t second() const noexcept { return second_of(seen.load(std::memory_order_relaxed)); }
    Station station() const noexcept {
        return {mac_of(key.load(std::memory_order_relaxed)),
                vlan_of(seen.load(std::memory_order_relaxed))};
    }
    /// The same station in another place: a reader finds one or the other.
    void move(uint64_t new_key, uint64_t new_seen) noexcept {
        seen.store(new_seen, std::memory_order_relaxed);
        key.store(new_key, std::memory_order_release);
    }
    /// Whoever reads the new key reads its VLAN too: pairs with MacTable::match().
    void write(uint64_t new_key, uint64_t new_seen) noexcept {
        key.store(0, std::memory_order_relaxed);
        std::atomic_thread_fence(std::memory_order_release);
        seen.store(new_seen, std::memory_order_relaxed);
        key.store(new_key, std::memory_order_release);
    }
};

/// One cache line: a lookup touches one, hardly ever two.
struct alignas(64) MacBucket {
    static constexpr size_t ways = 4;
    MacEntry entries[ways];
};

}  // namespace valenic
