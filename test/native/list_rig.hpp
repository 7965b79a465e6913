// A switch whose lookup answers action lists: a test says which.
#pragma once
#include <algorithm>
#include <map>
#include <memory>
#include <vector>

#include "switch/action_list.hpp"
#include "switch_rig.hpp"

namespace valenic::test {

/// The last byte of a frame's destination says its action.
class ListLookup final : public Lookup {
 public:
    void resolve(const Batch& batch, const LookupSource&,
                 std::span<Action> actions) noexcept override {
        for (size_t i = 0; i < batch.count; ++i) actions[i] = action_of(batch, i);
    }
    void resolve_again(const Batch& batch, std::span<const uint8_t> indices, const LookupSource&,
                       uint32_t id, std::span<Action> actions) noexcept override {
        ids.push_back(id);
        for (size_t i = 0; i < indices.size(); ++i) actions[i] = action_of(batch, indices[i]);
    }
    ActionSteps steps_of(uint16_t number) const noexcept override {
        const auto found = lists.find(number);
        return found == lists.end() ? ActionSteps{} : ActionSteps{found->second};
    }
    size_t header_bytes() const noexcept override { return 6; }
    size_t ports_max() const noexcept override { return 1000; }
    void forget(uint16_t) noexcept override {}
    std::vector<MacAddress> addresses_of(uint16_t) const override { return {}; }

    Action action_of(const Batch& batch, size_t index) const {
        return actions.at(batch.stages[index].bytes[5]);
    }
    std::map<uint8_t, Action> actions;
    std::map<uint16_t, std::vector<ActionStep>> lists;
    std::vector<uint32_t> ids;
};

/// Ports of a switch with such a lookup; port 0 sends.
struct ListRig : SwitchRig {
    explicit ListRig(unsigned ports = 4) : ListRig(std::make_unique<ListLookup>(), ports) {}
    ListRig(std::unique_ptr<ListLookup> made, unsigned ports)
        : SwitchRig(nullptr_free(made)), lookup(static_cast<ListLookup&>(vale.lookup())) {
        for (unsigned i = 0; i < ports; ++i) add();
        for (uint8_t i = 0; i < ports; ++i) lookup.actions[i] = Action::output(i);
    }
    ~ListRig() { clear(*this); }
    static std::unique_ptr<Lookup> nullptr_free(std::unique_ptr<ListLookup>& made) {
        return std::move(made);
    }
    /// Frames whose last byte of the destination is `key` have this list.
    void on(uint8_t key, std::vector<ActionStep> steps) {
        lookup.lists[key] = std::move(steps);
        lookup.actions[key] = Action::list(key);
    }
    void send_all(const std::vector<Bytes>& frames) {
        for (const Bytes& frame : frames) REQUIRE(ports[0]->guest.send(frame));
        serve_all(*ports[0]);
    }
    std::vector<Bytes> got(unsigned port) { return ports[port]->guest.receive(); }
    uint64_t dropped(spec::DropReason reason) { return ports[0]->count(reason); }

    ListLookup& lookup;
};

using Frames = std::vector<Bytes>;

inline Bytes frame_for(uint8_t key, size_t bytes = 200, unsigned seed = 0) {
    Bytes frame = frame_of(bytes, seed);
    frame[5] = key;
    return frame;
}
inline FieldEdit source_mac(uint8_t last) {
    FieldEdit edit{Field::eth_src, {2, 9, 9, 9, 9, last}, {}};
    std::fill_n(edit.mask, 6, uint8_t{0xff});
    return edit;
}
inline FieldEdit destination_key(uint8_t key) {
    FieldEdit edit{Field::eth_dst, {0, 0, 0, 0, 0, key}, {0, 0, 0, 0, 0, 0xff}};
    return edit;
}
inline Bytes with_source(Bytes frame, uint8_t last) {
    const uint8_t mac[] = {2, 9, 9, 9, 9, last};
    std::copy_n(mac, 6, frame.begin() + 6);
    return frame;
}
inline constexpr auto to = [](uint16_t slot) { return step::Output{Action::output(slot)}; };

}  // namespace valenic::test
