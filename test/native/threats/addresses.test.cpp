// Guests that send from ever new addresses cost the others none of theirs.
#include "engine_rig.hpp"
#include "lookup_rig.hpp"

using namespace valenic;
using namespace valenic::test;
using spec::PortCounter;

TEST_CASE("20 hostile ports with 1024 addresses each: a silent receiver is flooded to nobody") {
    constexpr uint32_t hostile_ports = 20;
    constexpr uint32_t silent_address = 1;
    EngineRig rig;
    EngineGuest silent(rig, "silent");
    EngineGuest sender(rig, "sender");
    std::vector<std::unique_ptr<EngineGuest>> hostile;
    for (uint32_t i = 0; i < hostile_ports; ++i)
        hostile.push_back(std::make_unique<EngineGuest>(rig, "h" + std::to_string(i)));
    const auto flooded = [&] {
        uint64_t sum = 0;
        for (const auto& guest : hostile) sum += guest->count(PortCounter::rx_flooded);
        return sum;
    };
    const auto inject = [&](uint32_t port, uint32_t to, uint32_t from) {
        REQUIRE_FALSE(rig.engine.inject(port, frame_between(addresses(to, from))));
    };
    inject(silent.id, 2, silent_address);  // Its only frame: for an address nobody has.
    const uint64_t before = flooded();
    CHECK(before == hostile_ports);
    // Each new address of the attackers asks for the silent one, so only a lost entry floods.
    for (uint32_t round = 0; round < 2 * 1024; ++round)
        for (uint32_t i = 0; i < hostile_ports; ++i)
            inject(hostile[i]->id, silent_address, (i + 1) << 20 | round);
    for (int i = 0; i < 100; ++i) inject(sender.id, silent_address, 3);
    CHECK(flooded() == before);
    CHECK(sender.count(PortCounter::tx_frames) == 100);
    CHECK(silent.count(PortCounter::macs_evicted) == 0);
    CHECK(sender.count(PortCounter::macs_evicted) == 0);
    for (const auto& guest : hostile) CHECK(guest->count(PortCounter::macs_evicted) > 0);
    CHECK(rig.engine.macs_of(silent.id).value() == std::vector{mac(silent_address)});
}
