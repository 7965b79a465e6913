// A lookup with a clock of the test's own and short ways to ask it.
#pragma once
#include <memory>
#include <utility>

#include "base/clock.hpp"
#include "rig.hpp"
#include "switch/lookup.hpp"

namespace valenic {

/// An action that leads to a slot, as tests write it.
inline bool operator==(const Action& action, uint32_t slot) noexcept {
    return action == Action::output(static_cast<uint16_t>(slot));
}

}  // namespace valenic

namespace valenic::test {

/// In place of an answer that must come.
constexpr Action unsaid = Action::list(0x1234);

constexpr bool reaches_everyone(Action action) {
    return action == Action::flood() || action == Action::flood_unknown();
}

/// A unicast, locally administered address with this number.
constexpr MacAddress mac(uint32_t number) noexcept { return uint64_t{number} << 16 | 0x02; }

/// Destination and source of a frame.
using Addresses = std::pair<MacAddress, MacAddress>;
constexpr Addresses addresses(uint32_t to, uint32_t from) { return {mac(to), mac(from)}; }

inline void write_addresses(uint8_t* frame, const Addresses& both) {
    std::memcpy(frame, &both.first, 6);
    std::memcpy(frame + 6, &both.second, 6);
}

inline Bytes frame_between(const Addresses& both, size_t bytes = 60, unsigned seed = 0) {
    Bytes frame = frame_of(bytes, seed);
    write_addresses(frame.data(), both);
    return frame;
}

struct LookupRig {
    explicit LookupRig(std::unique_ptr<Lookup> made)
        : lookup(std::move(made)), batch(std::make_unique<Batch>()) {
        for (size_t slot = 0; slot < blocks.size(); ++slot) books[slot] = &blocks[slot];
    }

    LookupSource source(uint8_t slot) {
        return {slot,      generation[slot], mac_limit,    now_s,
                &counters, nullptr,          books.data(), uint16_t{0}};
    }
    void resolve(const std::vector<Addresses>& frames, uint8_t slot, std::vector<Action>& actions) {
        batch->clear();
        std::vector<Bytes> bytes;
        for (const Addresses& both : frames) {
            bytes.push_back(frame_between(both));
            append_frame(*batch, bytes.back());
        }
        lookup->resolve(*batch, source(slot), actions);
    }
    Action resolve_one(const Addresses& both, uint8_t slot) {
        std::vector<Action> actions(1);
        resolve({both}, slot, actions);
        return actions[0];
    }
    /// `number` sends a broadcast from `slot`.
    void learn(uint8_t slot, uint32_t number) { resolve_one({broadcast_mac, mac(number)}, slot); }
    /// Where frames for `number` go, asked without teaching anything.
    Action where(uint32_t number) { return resolve_one({mac(number), broadcast_mac}, 250); }
    uint64_t count(spec::PortCounter counter) const { return counters.read(counter); }
    uint64_t evicted(uint8_t slot) const {
        return blocks[slot].read(spec::PortCounter::macs_evicted);
    }

    std::unique_ptr<Lookup> lookup;
    std::unique_ptr<Batch> batch;
    CounterBlock counters{};  ///< Of whoever sends.
    /// What is counted at others, by slot.
    std::array<CounterBlock, 256> blocks{};
    std::array<CounterBlock*, 256> books{};
    uint32_t mac_limit = 1024;
    std::array<uint8_t, 256> generation{};
    /// addresses_of() asks the real clock.
    uint32_t now_s = static_cast<uint32_t>(monotonic_ns() / 1'000'000'000);
};

}  // namespace valenic::test
