// The switch over real rings: who gets which frame, how it is counted, and what it costs others.
#include "switch/vale.hpp"

#include <map>
#include <set>
#include <string>

#include "alone.hpp"
#include "lookup/hub.hpp"
#include "switch_rig.hpp"

using namespace valenic;
using namespace valenic::test;
using spec::DropReason;
using spec::PortCounter;

namespace {

Bytes broadcast_from(uint32_t from, size_t bytes = 60) {
    return frame_between({broadcast_mac, mac(from)}, bytes);
}
Bytes unicast(uint32_t to, uint32_t from, size_t bytes = 60, unsigned seed = 0) {
    return frame_between(addresses(to, from), bytes, seed);
}

/// Three ports that know each other: port i has address i.
struct Three : SwitchRig {
    explicit Three(const GuestOptions& options = {}) {
        for (uint32_t i = 0; i < 3; ++i) add(options);
        for (uint32_t i = 0; i < 3; ++i) send(*ports[i], broadcast_from(i));
        for (auto& port : ports) port->guest.receive();
    }
    PortRig& port(size_t index) { return *ports[index]; }
    size_t received(size_t index) { return ports[index]->guest.receive().size(); }
};

/// The same frames in an order of their own.
std::multiset<std::string> sorted(const std::vector<Bytes>& frames) {
    std::multiset<std::string> set;
    for (const Bytes& frame : frames) set.emplace(frame.begin(), frame.end());
    return set;
}

/// A UDP datagram over IPv4 with these ports.
Bytes datagram(uint32_t to, uint32_t from, uint16_t source_port, uint16_t number) {
    Bytes frame = unicast(to, from, 80);
    const uint8_t ip[] = {0x08, 0, 0x45, 0,  0, 66, 0, 0,  0, 0, 64,
                          17,   0, 0,    10, 0, 0,  1, 10, 0, 0, 2};
    std::memcpy(frame.data() + 12, ip, sizeof ip);
    frame[34] = static_cast<uint8_t>(source_port >> 8);
    frame[35] = static_cast<uint8_t>(source_port);
    std::memcpy(frame.data() + 60, &number, 2);
    return frame;
}

}  // namespace

TEST_SUITE("vale: destinations") {
    TEST_CASE("a learned address gets its frames alone, whole") {
        Three rig;
        for (const size_t bytes : {60, 117, 1514}) {
            rig.send(rig.port(0), unicast(2, 0, bytes));
            const auto frames = rig.port(2).guest.receive();
            REQUIRE(frames.size() == 1);
            CHECK((frames[0] == unicast(2, 0, bytes)));
            CHECK(rig.received(0) == 0);
            CHECK(rig.received(1) == 0);
        }
        CHECK(rig.port(0).count(PortCounter::tx_frames) == 4);
        CHECK(rig.port(0).count(PortCounter::tx_bytes) == 60 + 60 + 117 + 1514);
        CHECK(rig.port(2).count(PortCounter::rx_frames) == 2 + 3);
    }
    TEST_CASE("unknown, broadcast and multicast go to everyone but their source") {
        Three rig;
        const Bytes multicast = frame_between({0x0100'5e01, mac(0)});
        for (const Bytes& frame : {unicast(99, 0), broadcast_from(0), multicast}) {
            rig.send(rig.port(0), frame);
            CHECK(rig.received(0) == 0);
            for (size_t i = 1; i < 3; ++i) {
                const auto frames = rig.port(i).guest.receive();
                REQUIRE(frames.size() == 1);
                CHECK((frames[0] == frame));
            }
        }
        CHECK(rig.port(1).count(PortCounter::rx_flooded) == 2 + 3);
    }
    TEST_CASE("tx_reflected: never back to the port it came from") {
        Three rig;
        rig.send(rig.port(0), broadcast_from(50));  // Another station behind port 0.
        for (size_t i = 1; i < 3; ++i) rig.received(i);
        rig.send(rig.port(0), unicast(50, 0));
        for (size_t i = 0; i < 3; ++i) CHECK(rig.received(i) == 0);
        CHECK(rig.port(0).count(DropReason::tx_reflected) == 1);
    }
    TEST_CASE("tx_no_destination: alone on the switch") {
        SwitchRig rig;
        PortRig& only = rig.add();
        rig.send(only, broadcast_from(0));
        rig.send(only, unicast(7, 0));
        CHECK(only.count(DropReason::tx_no_destination) == 2);
        CHECK(only.guest.receive().empty());
    }
    TEST_CASE("one batch to many places: each gets its own, in order, with the floods between") {
        Three rig;
        std::vector<std::vector<Bytes>> expected(3);
        for (unsigned i = 0; i < 30; ++i) {
            const uint32_t to = i % 4;  // 0 is reflected, 3 is unknown.
            const Bytes frame = unicast(to, 0, 60 + i, i);
            REQUIRE(rig.port(0).guest.send(frame));
            if (to == 3) {
                expected[1].push_back(frame);
                expected[2].push_back(frame);
            } else if (to != 0) {
                expected[to].push_back(frame);
            }
        }
        CHECK(rig.serve(rig.port(0)) == 30);  // One batch.
        for (size_t i = 1; i < 3; ++i) {
            // Frames of one destination keep their order; floods are a destination of their own.
            auto frames = rig.port(i).guest.receive();
            CHECK((sorted(frames) == sorted(expected[i])));
            std::vector<size_t> unicasts;
            for (const Bytes& frame : frames)
                if (frame[2] == i) unicasts.push_back(frame.size());
            CHECK(std::is_sorted(unicasts.begin(), unicasts.end()));
        }
        CHECK(rig.port(0).count(DropReason::tx_reflected) == 8);
    }
    TEST_CASE("sixty-four destinations in one batch of sixty-four") {
        SwitchRig rig;
        for (uint32_t i = 0; i < 65; ++i) rig.add({.ring_size = 64});
        for (uint32_t i = 0; i < 65; ++i) {
            rig.send(*rig.ports[i], broadcast_from(i));
            for (auto& port : rig.ports) port->guest.receive();
        }
        for (uint32_t i = 1; i < 65; ++i) REQUIRE(rig.ports[0]->guest.send(unicast(i, 0)));
        CHECK(rig.serve(*rig.ports[0]) == 64);
        for (uint32_t i = 1; i < 65; ++i) CHECK(rig.ports[i]->guest.receive().size() == 1);
    }
    TEST_CASE("any lookup will do: a hub gives everything to everyone") {
        SwitchRig rig(std::make_unique<HubLookup>());
        for (int i = 0; i < 3; ++i) rig.add();
        for (auto& port : rig.ports) rig.send(*port, unicast(1, 2));
        for (auto& port : rig.ports) CHECK(port->guest.receive().size() == 2);
    }
}

TEST_SUITE("vale: ports") {
    TEST_CASE("rx_port_down, tx_port_down: a down port neither receives nor sends") {
        Three rig;
        rig.port(2).port.settings().up = false;
        rig.send(rig.port(0), unicast(2, 0));
        CHECK(rig.received(2) == 0);
        CHECK(rig.port(2).count(DropReason::rx_port_down) == 1);
        rig.send(rig.port(2), unicast(0, 2));
        CHECK(rig.received(0) == 0);
        CHECK(rig.port(2).count(DropReason::tx_port_down) == 1);
        CHECK(rig.port(2).guest.net().tx().used_waiting() == 1);  // Its buffers come back.
        rig.port(2).port.settings().up = true;
        rig.send(rig.port(0), unicast(2, 0));
        CHECK(rig.received(2) == 1);
    }
    TEST_CASE("rx_ring_stopped: not started, not enabled, stopped again") {
        SwitchRig rig;
        PortRig& sender = rig.add();
        PortRig& receiver = rig.add({}, false);
        rig.send(sender, broadcast_from(0));
        CHECK(receiver.count(DropReason::rx_ring_stopped) == 1);
        receiver.start(0, false);
        rig.send(sender, broadcast_from(0));
        CHECK(receiver.count(DropReason::rx_ring_stopped) == 2);
        receiver.port.enable(alone(), 0, true);
        rig.send(sender, broadcast_from(0));
        CHECK(receiver.guest.receive().size() == 1);
        CHECK(receiver.port.stop(alone(), 0) == 1);
        rig.send(sender, broadcast_from(0));
        CHECK(receiver.count(DropReason::rx_ring_stopped) == 3);
        CHECK(receiver.guest.receive().empty());
    }
    TEST_CASE("a full receiver blocks nobody: it loses its own frames, by name") {
        Three rig({.ring_size = 16});
        for (int i = 0; i < 40; ++i) rig.send(rig.port(0), unicast(1, 0));
        CHECK(rig.port(1).count(DropReason::rx_no_buffer) == 40 - 16);
        for (int i = 0; i < 10; ++i) rig.send(rig.port(0), unicast(2, 0));
        CHECK(rig.received(2) == 10);
        rig.send(rig.port(2), broadcast_from(2));
        CHECK(rig.received(0) == 1);
        CHECK(rig.received(1) == 16);
        CHECK(rig.port(0).guest.net().tx().in_flight() ==
              rig.port(0).guest.net().tx().used_waiting());
    }
    TEST_CASE("rx_ring_broken: one guest's fault is told once, and touches no other") {
        Three rig;
        // Two buffers were used so far; the fourth from now is not writable.
        rig.port(1).guest.net().rx().table()[5].flags = 0;
        for (int i = 0; i < 5; ++i) rig.send(rig.port(0), broadcast_from(0));
        CHECK(rig.port(1).count(DropReason::rx_ring_broken) == 2);
        CHECK(rig.port(1).count(PortCounter::queue_faults) == 1);
        REQUIRE(rig.port(1).events.said.size() == 1);
        CHECK(rig.port(1).events.said[0].ring == 0);
        CHECK(rig.port(1).events.said[0].fault == spec::Fault::readable_in_receive_chain);
        CHECK(rig.received(2) == 5);
    }
    TEST_CASE("254 ports are on the switch, a 255th is not") {
        SwitchRig rig;
        for (size_t i = 0; i < rig.vale.lookup().ports_max(); ++i) rig.add({.ring_size = 4});
        PortRig surplus("surplus", {.ring_size = 4});
        CHECK_FALSE(rig.vale.attach(alone(), surplus.port));
        CHECK(rig.vale.port_count() == 254);
        rig.send(*rig.ports[253], broadcast_from(253));
        size_t copies = 0;
        for (auto& port : rig.ports) copies += port->guest.receive().size();
        CHECK(copies == 253);
        rig.send(*rig.ports[0], unicast(253, 0));
        CHECK(rig.ports[253]->guest.receive().size() == 1);
        rig.vale.detach(alone(), rig.ports[100]->port);
        CHECK(rig.vale.attach(alone(), surplus.port));
        CHECK(surplus.port.slot == 100);
        CHECK(surplus.port.generation == 2);
        rig.vale.detach(alone(), surplus.port);
    }
    TEST_CASE("a reused slot never gets what was meant for its last owner") {
        Three rig;
        rig.vale.detach(alone(), rig.port(2).port);
        PortRig& next = rig.add();
        CHECK(next.port.slot == 2);
        rig.send(rig.port(0), unicast(2, 0));  // Unknown again: flooded.
        CHECK(rig.received(1) == 1);
        CHECK(next.count(PortCounter::rx_flooded) == 1);
    }
    TEST_CASE("a slot's generation goes around without giving old traffic away") {
        Three rig;
        for (int i = 0; i < 300; ++i) {
            VhostPort& port = rig.port(2).port;
            rig.vale.detach(alone(), port);
            REQUIRE(rig.vale.attach(alone(), port));
            rig.send(rig.port(2), broadcast_from(2));
            rig.received(0), rig.received(1);
            rig.send(rig.port(0), unicast(2, 0));
            REQUIRE(rig.received(2) == 1);
            REQUIRE(rig.received(1) == 0);
        }
    }
}

TEST_SUITE("vale: batches and notifications") {
    TEST_CASE("more on: one publication and one call for a batch") {
        Three rig({.wants_calls = true});
        rig.port(1).calls();
        for (unsigned i = 0; i < 20; ++i) REQUIRE(rig.port(0).guest.send(unicast(1, 0)));
        const uint64_t batches = rig.port(1).count(PortCounter::rx_batches);
        CHECK(rig.serve(rig.port(0)) == 20);
        CHECK(rig.port(1).calls() == 1);
        CHECK(rig.port(1).count(PortCounter::rx_batches) == batches + 1);
    }
    TEST_CASE("more off: every frame is taken, published, called for and handed back alone") {
        Three rig({.wants_calls = true});
        rig.port(0).port.settings().more = false;
        rig.port(1).calls();
        rig.port(0).calls(1);
        for (unsigned i = 0; i < 20; ++i) REQUIRE(rig.port(0).guest.send(unicast(1, 0)));
        const uint64_t batches = rig.port(1).count(PortCounter::rx_batches);
        for (unsigned i = 1; i <= 20; ++i) {
            CHECK(rig.serve(rig.port(0)) == 1);
            CHECK(rig.port(1).guest.net().rx().used_waiting() == i);
            CHECK(rig.port(0).guest.net().tx().used_waiting() == i);
            CHECK(rig.port(1).calls() == 1);
            CHECK(rig.port(0).calls(1) == 1);
        }
        CHECK(rig.serve(rig.port(0)) == 0);
        CHECK(rig.port(1).count(PortCounter::rx_batches) == batches + 20);
    }
    TEST_CASE("calls are counted, sent or suppressed") {
        Three rig({.features = with_events, .wants_calls = true});
        for (int round = 0; round < 5; ++round) {
            const uint64_t calls = rig.port(1).count(PortCounter::calls);
            const uint64_t suppressed = rig.port(1).count(PortCounter::calls_suppressed);
            rig.port(1).guest.net().rx().ask_for_call();
            rig.send(rig.port(0), unicast(1, 0));
            CHECK(rig.port(1).count(PortCounter::calls) == calls + 1);
            rig.send(rig.port(0), unicast(1, 0));  // It has not asked again.
            CHECK(rig.port(1).count(PortCounter::calls) == calls + 1);
            CHECK(rig.port(1).count(PortCounter::calls_suppressed) == suppressed + 1);
            rig.received(1);
        }
    }
    TEST_CASE("budget: no more than that from one queue at a time") {
        Three rig({.ring_size = 128});
        rig.port(0).port.settings().budget = 5;
        for (unsigned i = 0; i < 12; ++i) REQUIRE(rig.port(0).guest.send(unicast(1, 0)));
        CHECK(rig.serve(rig.port(0)) == 5);
        CHECK(rig.serve(rig.port(0)) == 5);
        CHECK(rig.serve(rig.port(0)) == 2);
    }
    TEST_CASE("a full batch for many destinations: each gets its own, in order, and no other's") {
        SwitchRig rig;
        const GuestOptions options{.ring_size = 512};
        PortRig& sender = rig.add(options);
        for (uint32_t i = 1; i < 20; ++i) rig.send(rig.add(options), broadcast_from(i));
        for (auto& port : rig.ports) port->guest.receive();
        sender.port.settings().budget = batch_frames;
        std::map<uint32_t, std::vector<Bytes>> expected;
        for (unsigned i = 0; i < batch_frames; ++i) {
            const uint32_t to = i * i % 23;  // 0: itself. 20 and more: nobody knows them.
            const Bytes frame = frame_between(addresses(to, 0), 60 + i, i);
            for (uint32_t port = 1; port < 20; ++port)
                if (to == port || to >= 20) expected[port].push_back(frame);
            REQUIRE(sender.guest.send(frame));
        }
        CHECK(rig.serve(sender) == batch_frames);
        for (uint32_t port = 1; port < 20; ++port) {
            std::vector<Bytes> received = rig.ports[port]->guest.receive();
            // Frames for one destination come together, floods at their own turn; each has a length
            // of its own.
            const auto shorter = [](const Bytes& a, const Bytes& b) { return a.size() < b.size(); };
            std::sort(received.begin(), received.end(), shorter);
            std::sort(expected[port].begin(), expected[port].end(), shorter);
            CHECK((received == expected[port]));
        }
        CHECK(sender.count(DropReason::tx_reflected) > 0);
    }
    TEST_CASE("a batch of 256 is spread over the pairs of its receiver, every frame once") {
        SwitchRig rig;
        PortRig& sender = rig.add({.ring_size = 512});
        PortRig& receiver = rig.add({.pairs = 2, .ring_size = 512});
        rig.send(receiver, broadcast_from(1));
        sender.port.settings().budget = batch_frames;
        for (uint16_t i = 0; i < batch_frames; ++i)
            REQUIRE(sender.guest.send(datagram(1, 0, 1000, i)));
        CHECK(rig.serve(sender) == batch_frames);
        const size_t first = receiver.guest.receive(0).size();
        CHECK(first + receiver.guest.receive(1).size() == batch_frames);
        CHECK((first == 0 || first == batch_frames));  // One flow.
    }
    TEST_CASE("the port's largest frame holds for its next frame") {
        Three rig;
        rig.port(0).port.settings().max_frame_bytes = 100;
        rig.send(rig.port(0), unicast(1, 0, 101));
        rig.send(rig.port(0), unicast(1, 0, 100));
        CHECK(rig.port(0).count(DropReason::tx_too_long) == 1);
        CHECK(rig.received(1) == 1);
    }
}

TEST_SUITE("vale: several queue pairs") {
    TEST_CASE("frames of one flow stay on one pair and in order; flows are spread") {
        SwitchRig rig;
        PortRig& sender = rig.add({.ring_size = 256});
        PortRig& receiver = rig.add({.pairs = 4, .ring_size = 256});
        rig.send(receiver, broadcast_from(1));
        CHECK(receiver.port.active_pairs() == 4);
        for (uint16_t number = 0; number < 50; ++number) {
            for (uint16_t flow = 0; flow < 16; ++flow)
                REQUIRE(sender.guest.send(datagram(1, 0, 1000 + flow, number)));
            rig.serve_all(sender);
            sender.guest.net().reclaim();
            if (number % 4 != 3 && number != 49) continue;
        }
        std::map<uint16_t, unsigned> pair_of;
        std::map<uint16_t, std::vector<uint16_t>> numbers;
        std::set<unsigned> used;
        for (unsigned pair = 0; pair < 4; ++pair)
            for (const Bytes& frame : receiver.guest.receive(pair)) {
                const auto flow = static_cast<uint16_t>(frame[34] << 8 | frame[35]);
                uint16_t number;
                std::memcpy(&number, frame.data() + 60, 2);
                CHECK((!pair_of.contains(flow) || pair_of[flow] == pair));
                pair_of[flow] = pair;
                numbers[flow].push_back(number);
                used.insert(pair);
            }
        CHECK(pair_of.size() == 16);
        CHECK(used.size() >= 3);
        for (const auto& [flow, list] : numbers) CHECK(std::is_sorted(list.begin(), list.end()));
    }
    TEST_CASE("only pairs enabled from the first on count") {
        SwitchRig rig;
        rig.add();
        PortRig& receiver = rig.add({.pairs = 4});
        receiver.port.enable(alone(), 2, false);
        CHECK(receiver.port.active_pairs() == 1);
        receiver.port.enable(alone(), 2, true);
        CHECK(receiver.port.active_pairs() == 4);
        receiver.port.enable(alone(), 6, false);
        CHECK(receiver.port.active_pairs() == 3);
        receiver.port.enable(alone(), 0, false);
        CHECK(receiver.port.active_pairs() == 0);
        for (uint16_t flow = 0; flow < 8; ++flow)
            rig.send(*rig.ports[0], datagram(1, 0, 1000 + flow, 0));
        CHECK(receiver.count(DropReason::rx_ring_stopped) == 8);
    }
    TEST_CASE("every pair sends") {
        SwitchRig rig;
        PortRig& sender = rig.add({.pairs = 4});
        PortRig& receiver = rig.add();
        for (unsigned pair = 0; pair < 4; ++pair) rig.send(sender, broadcast_from(0), pair);
        CHECK(receiver.guest.receive().size() == 4);
    }
}
