// The simplest lookup: every frame goes to everyone. For taps, tests, and as the second witness of
// the interface.
#pragma once
#include "switch/lookup.hpp"

namespace valenic {

class HubLookup final : public Lookup {
 public:
    void resolve(const Batch& batch, const LookupSource&,
                 std::span<Action> actions) noexcept override {
        for (size_t i = 0; i < batch.count; ++i) actions[i] = Action::flood();
    }
    size_t header_bytes() const noexcept override { return 0; }
    void forget(uint16_t) noexcept override {}
    std::vector<MacAddress> addresses_of(uint16_t) const override { return {}; }
};

}  // namespace valenic
