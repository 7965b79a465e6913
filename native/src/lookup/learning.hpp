// The default lookup: a learning bridge. Who sends from an address is where frames for it go.
#pragma once
#include <array>
#include <atomic>
#include <cstdint>
#include <optional>

#include "base/spinlock.hpp"
#include "boundary/messages.hpp"
#include "lookup/address_board.hpp"
#include "lookup/mac_table.hpp"
#include "switch/lookup.hpp"

namespace valenic {

struct LearningOptions {
    /// Forget an address that was silent for so long.
    uint32_t ageing_s = boundary::SwitchCreate::ageing_seconds_default;
    /// Addresses that it can hold.
    size_t table_entries = boundary::SwitchCreate::mac_table_size_default;
    /// For measurements that must repeat. Else a secret of each switch's own.
    std::optional<uint64_t> seed = std::nullopt;
};

/// Readers take no lock: an entry is two words, and one that moves while it is looked for at worst
/// floods or misdirects one frame, as any bridge may. Entries are written only when something
/// changed or the last sight of them is a second old, so the table's lines stay shared between
/// workers.
class LearningLookup final : public Lookup {
 public:
    explicit LearningLookup(const LearningOptions& options);

    void resolve(const Batch& batch, const LookupSource& source,
                 std::span<Action> actions) noexcept override;
    size_t header_bytes() const noexcept override { return ethernet_header_bytes; }
    void set_sticky(const Parked& parked, uint16_t slot, bool sticky) noexcept override {
        table_.set_sticky(parked, static_cast<uint8_t>(slot), sticky);
    }
    void forget(uint16_t slot) noexcept override;
    std::vector<MacAddress> addresses_of(uint16_t slot) const override;
    AddressNews news_of(uint16_t slot) const noexcept override {
        return board_.read(static_cast<uint8_t>(slot));
    }

 private:
    void resolve_in_vlans(const Batch& batch, const LookupSource& source,
                          std::span<Action> actions) noexcept;
    Action find(Station station, const LookupSource& source) const noexcept;
    bool learn(Station station, const LookupSource& source) noexcept;
    bool learn_slowly(Station station, const LookupSource& source) noexcept;
    void learn_moved(MacTable::Place place, const LookupSource& source) noexcept;
    void learn_new(Station station, const LookupSource& source) noexcept;
    bool has_room(const LookupSource& source) noexcept;

    MacTable table_;
    /// Which generation holds each slot: what an older one left behind is not believed.
    alignas(64) std::array<std::atomic<uint8_t>, MacTable::slots_max> generations_{};
    /// Insertions and moves: some hundred nanoseconds, independent of what the ports do.
    alignas(64) Spinlock lock_;
    AddressBoard board_;
};

}  // namespace valenic
