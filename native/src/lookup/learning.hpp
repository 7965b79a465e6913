// The default lookup: a learning bridge. Who sends from an address is where frames for it go.
#pragma once
#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>

#include "base/spinlock.hpp"
#include "switch/lookup.hpp"

namespace valenic {

struct LearningOptions {
    uint32_t ageing_s = 300;      ///< Forget an address that was silent for so long.
    size_t table_entries = 8192;  ///< Rounded up to a power of two, at least 64.
    /// For measurements that must repeat. Else a secret of each switch's own.
    std::optional<uint64_t> seed = std::nullopt;
};

/// Readers take no lock: an entry is two words, and a torn pair at worst floods or misdirects one
/// frame during a move, as any bridge may. Entries are written only when something changed or the
/// last sight of them is a second old, so the table's lines stay shared between workers.
class LearningLookup final : public Lookup {
 public:
    explicit LearningLookup(const LearningOptions& options);

    void resolve(const Batch& batch, const LookupSource& source,
                 std::span<Action> actions) noexcept override;
    size_t header_bytes() const noexcept override { return ethernet_header_bytes; }
    void forget(uint8_t slot) noexcept override;
    size_t addresses_of(uint8_t slot, std::span<MacAddress> out) const noexcept override;

 private:
    static constexpr size_t ways = 4;
    static constexpr size_t slots_max = 256;

    /// Any worker writes under the lock, all read.
    struct Entry {
        std::atomic<uint64_t> key{0};  ///< MAC << 16 | slot << 8 | generation; 0 = free.
        /// VLAN << 32 | seconds. In a switch without VLANs that of every entry is 0.
        std::atomic<uint64_t> seen{0};
    };
    /// One cache line: a lookup touches one.
    struct alignas(64) Bucket {
        Entry entries[ways];
    };

    /// An address means nothing without its VLAN: two guests may have the same in two of them.
    struct Station {
        MacAddress mac;
        uint16_t vlan;
        bool operator==(const Station&) const = default;
    };

    Bucket& bucket_of(Station station) const noexcept;
    void resolve_in_vlans(const Batch& batch, const LookupSource& source,
                          std::span<Action> actions) noexcept;
    Action find(Station station, const LookupSource& source) const noexcept;
    void learn(Station station, const LookupSource& source) noexcept;
    void learn_slowly(Station station, const LookupSource& source) noexcept;
    bool expired(const Entry& entry, uint32_t now_s) const noexcept;
    bool expired(uint64_t seen, uint32_t now_s) const noexcept;
    Entry* place_for(Bucket& bucket, uint32_t now_s) noexcept;
    void drop_some_expired(uint32_t now_s) noexcept;
    void replace(Entry& entry, uint64_t key, uint64_t seen) noexcept;

    uint32_t ageing_s_;
    size_t mask_;
    uint64_t seed_;  ///< Secret: a guest must not be able to fill one bucket on purpose.
    std::unique_ptr<Bucket[]> buckets_;
    Spinlock lock_;                              ///< Insertions and moves; tens of nanoseconds.
    std::array<uint32_t, slots_max> learned_{};  ///< Addresses a slot has; under the lock.
    size_t sweep_left_ = 0;                      ///< Buckets of this second's pass; under the lock.
    uint32_t sweep_began_s_ = 0;
    /// Which generation holds each slot: what an older one left behind is not believed.
    std::array<std::atomic<uint8_t>, slots_max> generations_{};
};

}  // namespace valenic
