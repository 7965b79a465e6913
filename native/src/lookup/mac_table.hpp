// The addresses of a switch: found without a lock, changed under one, shared fairly between ports.
#pragma once
#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>

#include "base/parked.hpp"
#include "lookup/mac_entry.hpp"
#include "net/vlan.hpp"

namespace valenic {

/// Room for so many addresses, in twice as many places. An address has two buckets of four places:
/// it is put into the first, into the second where that is full, and where both are, one that is
/// there makes room by going to its own other bucket. So a table that holds all it has room for
/// turns away one address in a hundred million.
///
/// When it is full, the port that holds most gives one up, of a few the one that was silent
/// longest. A port takes none from one that would then hold fewer than itself: it replaces one of
/// its own. So a port loses its last address to nobody.
class MacTable {
 public:
    static constexpr size_t slots_max = 256;
    using Place = uint32_t;  ///< Bucket * ways + way.
    static constexpr Place nowhere = UINT32_MAX;

    MacTable(size_t room, uint32_t ageing_s, uint64_t seed);

    // ---- Any thread, without a lock.

    /// The key of a station, if it is known and not silent for too long; else 0.
    uint64_t find(Station station, uint32_t now_s) const noexcept;
    /// Notes that a station spoke. False: it is not known under this key.
    bool renew(Station station, uint64_t key, uint32_t now_s) noexcept;
    /// The port has as many as it may, and all of them were looked through in this second.
    bool is_full(uint8_t slot, uint32_t limit, uint32_t now_s) const noexcept {
        return held_[slot].load(std::memory_order_relaxed) >= limit &&
               swept_s_[slot].load(std::memory_order_relaxed) == now_s;
    }
    uint32_t held(uint8_t slot) const noexcept {
        return held_[slot].load(std::memory_order_relaxed);
    }
    bool is_sticky(uint8_t slot) const noexcept {
        return sticky_[slot].load(std::memory_order_relaxed);
    }
    size_t places() const noexcept { return (mask_ + 1) * MacBucket::ways; }
    const MacEntry& entry(Place place) const noexcept {
        return buckets_[place / MacBucket::ways].entries[place % MacBucket::ways];
    }
    bool expired(uint64_t key, uint64_t seen, uint32_t now_s) const noexcept {
        const uint32_t then = second_of(seen);
        return now_s - then > ageing_s_ && now_s > then && !is_sticky(slot_of(key));
    }

    // ---- Under the owner's lock. Each touches a bounded number of places.

    /// Where the station is, also when it was silent for too long.
    Place place_of(Station station) const noexcept;
    /// Moves: how often this address changed its port, the last time, and for how long by then.
    struct Moves {
        uint16_t count = 0;  ///< Of those without a pause between them; saturates.
        uint16_t seconds = 0;
        uint32_t last_s = 0;
    };
    /// Counts that the station was seen elsewhere than where it is.
    Moves count_move(Place place, uint32_t now_s, uint32_t pause_s) noexcept;
    /// The station is at another seat from now on.
    void move(Place place, Seat seat, uint32_t now_s) noexcept;
    struct Outcome {
        bool learned = false;
        std::optional<uint8_t> loser = std::nullopt;  ///< Whose address was pushed out.
    };
    /// Puts a station in that has no place yet.
    Outcome insert(Station station, Seat seat, uint32_t now_s) noexcept;
    /// Whether a port's addresses stay its own while it is there, however silent they are.
    void set_sticky(const Parked&, uint8_t slot, bool sticky) noexcept {
        sticky_[slot].store(sticky, std::memory_order_relaxed);
    }
    /// Drops addresses of a port that were silent for too long, a few with each call and each at
    /// most once a second: a guest that sends from ever new addresses cannot make the lock
    /// expensive.
    void drop_expired_of(uint8_t slot, uint32_t now_s) noexcept;
    void remove(Place place) noexcept;
    /// Removes so many addresses of a port, or those that it has. False: there are none left.
    bool remove_some(uint8_t slot, size_t most) noexcept;

 private:
    /// Beside each place, under the lock: its neighbours in the list of its port's addresses, first
    /// that which was looked at longest ago, and how it moved.
    struct Link {
        Place next;
        Place before;
        Moves moves;
    };

    MacBucket& first_of(uint64_t hash) const noexcept { return buckets_[(hash >> 32) & mask_]; }
    MacBucket& second_of_two(uint64_t hash) const noexcept;
    uint64_t hash_of(Station station) const noexcept;
    MacBucket& other_of_two(uint64_t hash, const MacBucket& bucket) const noexcept {
        MacBucket& first = first_of(hash);
        return &bucket == &first ? second_of_two(hash) : first;
    }
    Place place_in(const MacBucket& bucket, Station station) const noexcept;
    uint64_t match(const MacBucket& bucket, Station station, uint32_t now_s) const noexcept;
    static bool renew_in(MacBucket& bucket, Station station, uint64_t key, uint64_t now) noexcept;
    uint64_t find_second(uint64_t hash, Station station, uint32_t now_s) const noexcept;
    bool renew_second(uint64_t hash, Station station, uint64_t key, uint64_t now) noexcept;

    bool expired(Place place, uint32_t now_s) const noexcept {
        const MacEntry& one = entry(place);
        return expired(one.key.load(std::memory_order_relaxed),
                       one.seen.load(std::memory_order_relaxed), now_s);
    }
    MacEntry& writable(Place place) noexcept {
        return buckets_[place / MacBucket::ways].entries[place % MacBucket::ways];
    }
    Place first_place(const MacBucket& bucket) const noexcept {
        return static_cast<Place>(&bucket - buckets_.get()) * MacBucket::ways;
    }
    Place head(uint8_t slot) const noexcept { return static_cast<Place>(places()) + slot; }
    Place free_place(const MacBucket& bucket, uint32_t now_s) noexcept;
    Place place_for(uint64_t hash, uint32_t now_s) noexcept;
    Place displaced_from(const MacBucket& bucket, uint32_t now_s) noexcept;
    bool make_room(uint8_t slot, uint32_t now_s, Outcome& outcome) noexcept;
    Place stalest_of(uint8_t slot) noexcept;
    uint8_t largest() const noexcept;
    void sweep(uint32_t now_s) noexcept;
    void link(Place place, uint8_t slot) noexcept;
    void unlink(Place place) noexcept;
    void set_held(uint8_t slot, uint32_t count) noexcept {
        held_[slot].store(count, std::memory_order_relaxed);
    }

    /// Changes with a Parked.
    std::array<std::atomic<bool>, slots_max> sticky_{};

    // Never changed: what readers share.
    const uint32_t ageing_s_;
    const size_t mask_;
    const uint64_t seed_;  ///< Secret: a guest must not be able to fill one bucket on purpose.
    const std::unique_ptr<MacBucket[]> buckets_;
    // Under the lock from here on, on lines of their own.
    alignas(64) const size_t room_;
    const std::unique_ptr<Link[]> links_;  ///< Of each place, then a head for each slot.
    size_t total_ = 0;
    size_t sweep_left_ = 0;  ///< Buckets of this second's pass.
    uint32_t sweep_began_s_ = 0;
    size_t slots_seen_ = 0;  ///< Slots that ever had one, from the first.
    std::array<std::atomic<uint32_t>, slots_max> held_{};  ///< Written under the lock.
    std::array<uint32_t, slots_max> pass_left_{};  ///< Addresses yet to look at in this pass.
    std::array<std::atomic<uint32_t>, slots_max> swept_s_{};  ///< When the last pass ended.
};

// ---- What a lookup costs. Inlined, it knows where there are no VLANs.

/// Multiply-shift with a secret multiplier, folded once so that every bit of the address counts.
[[gnu::always_inline]] inline uint64_t MacTable::hash_of(Station station) const noexcept {
    const uint64_t word = station.mac | uint64_t{station.vlan} << 48;
    uint64_t hash = (word ^ (seed_ >> 17)) * seed_;
    hash ^= hash >> 32;
    return hash * seed_;
}

[[gnu::always_inline]] inline uint64_t MacTable::match(const MacBucket& bucket, Station station,
                                                       uint32_t now_s) const noexcept {
    for (const MacEntry& entry : bucket.entries) {
        const uint64_t key = entry.key.load(std::memory_order_acquire);
        const uint64_t seen = entry.seen.load(std::memory_order_relaxed);
        if (mac_of(key) != station.mac || key == 0 || vlan_of(seen) != station.vlan ||
            expired(key, seen, now_s))
            continue;
        if (station.vlan == vlan_none) return key;
        // The VLAN may be that of another one that was written here meanwhile.
        std::atomic_thread_fence(std::memory_order_acquire);
        if (entry.key.load(std::memory_order_relaxed) == key) return key;
    }
    return 0;
}

[[gnu::always_inline]] inline uint64_t MacTable::find(Station station,
                                                      uint32_t now_s) const noexcept {
    const uint64_t hash = hash_of(station);
    const uint64_t key = match(first_of(hash), station, now_s);
    return key != 0 ? key : find_second(hash, station, now_s);
}

[[gnu::always_inline]] inline bool MacTable::renew_in(MacBucket& bucket, Station station,
                                                      uint64_t key, uint64_t now) noexcept {
    for (MacEntry& entry : bucket.entries) {
        if (entry.key.load(std::memory_order_relaxed) != key) continue;
        uint64_t seen = entry.seen.load(std::memory_order_relaxed);
        if (seen == now) return true;
        if (vlan_of(seen) != station.vlan) continue;
        // Not a plain store: the entry may have become another VLAN's meanwhile.
        entry.seen.compare_exchange_strong(seen, now, std::memory_order_relaxed);
        return true;
    }
    return false;
}

[[gnu::always_inline]] inline bool MacTable::renew(Station station, uint64_t key,
                                                   uint32_t now_s) noexcept {
    const uint64_t hash = hash_of(station);
    const uint64_t now = seen_of(station.vlan, now_s);
    return renew_in(first_of(hash), station, key, now) || renew_second(hash, station, key, now);
}

}  // namespace valenic
