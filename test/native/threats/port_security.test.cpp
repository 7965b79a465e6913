// A guest beside an honest pair says that it is one of them, floods, or listens to what is not its
// own. docs/THREAT_MODEL.md names these tests.
#include "switch_rig.hpp"
#include "vlans.hpp"

using namespace valenic;
using namespace valenic::test;
using spec::DropReason;
using spec::PortCounter;

namespace {

constexpr uint32_t alice = 1;
constexpr uint32_t bob = 2;
constexpr uint32_t mallory = 66;

/// Two honest guests, the attacker, and a fourth that only listens.
struct Scene : SwitchRig {
    Scene() : a(add()), b(add()), x(add({.ring_size = 512})), y(add({.ring_size = 512})) {}
    ~Scene() { clear(*this); }
    void secure(PortRig& port, const PortSecurity& security) {
        vale.set_rules(alone(), port.port, {{}, true, security});
    }
    /// Both introduce themselves; what the others received of it is discarded.
    void greet() {
        send(a, frame_between({broadcast_mac, mac(alice)}));
        send(b, frame_between({broadcast_mac, mac(bob)}));
        for (auto& port : ports) port->guest.receive();
    }
    /// Frames both ways: all arrive, at the other one alone.
    void expect_pair() {
        for (unsigned i = 0; i < 5; ++i) {
            const Bytes there = frame_between(addresses(bob, alice), 100, i);
            const Bytes back = frame_between(addresses(alice, bob), 100, i);
            send(a, there);
            send(b, back);
            REQUIRE((b.guest.receive() == std::vector<Bytes>{there}));
            REQUIRE((a.guest.receive() == std::vector<Bytes>{back}));
            REQUIRE(x.guest.receive().empty());
            REQUIRE(y.guest.receive().empty());
        }
    }
    void spoof(uint32_t number, unsigned times = 20) {
        for (unsigned i = 0; i < times; ++i) send(x, frame_between({broadcast_mac, mac(number)}));
        for (auto& port : ports) port->guest.receive();
    }

    PortRig& a;
    PortRig& b;
    PortRig& x;
    PortRig& y;
};

PortSecurity allowing(uint32_t number) {
    PortSecurity security;
    security.allow.push_back({mac(number), {}, {}});
    return security;
}
PortSecurity sticky() {
    PortSecurity security;
    security.sticky = true;
    return security;
}
PortSecurity isolated() {
    PortSecurity security;
    security.isolated = true;
    return security;
}

}  // namespace

TEST_SUITE("threats: port security") {
    TEST_CASE("a spoofed address takes nothing away from a port that allows it") {
        Scene scene;
        scene.secure(scene.a, allowing(alice));
        scene.secure(scene.b, allowing(bob));
        scene.greet();
        scene.spoof(bob);
        scene.expect_pair();
        CHECK(scene.x.count(DropReason::tx_mac_claimed) == 20);
        // Who says nothing yet is safe as well.
        scene.spoof(alice);
        CHECK(scene.vale.lookup().addresses_of(scene.x.port.slot).empty());
        scene.expect_pair();
    }
    TEST_CASE("nor from one whose addresses are sticky; without either it does") {
        for (const bool protect : {true, false}) {
            Scene scene;
            if (protect) scene.secure(scene.a, sticky());
            if (protect) scene.secure(scene.b, sticky());
            scene.greet();
            scene.spoof(bob);
            if (protect) {
                scene.expect_pair();
                CHECK(scene.x.count(DropReason::tx_mac_claimed) == 20);
                CHECK(scene.x.count(PortCounter::macs_moved) == 0);
            } else {
                scene.send(scene.a, frame_between(addresses(bob, alice)));
                CHECK(scene.b.guest.receive().empty());
                CHECK(scene.x.guest.receive().size() == 1);
            }
        }
    }
    TEST_CASE("a sticky address stays while its port is silent, and goes with its port") {
        Scene scene;
        scene.secure(scene.b, sticky());
        scene.greet();
        scene.context->now_ns += uint64_t{1000} * 1'000'000'000;  // Ages 300 s.
        scene.spoof(bob);
        CHECK(scene.x.count(DropReason::tx_mac_claimed) == 20);
        const Bytes frame = frame_between(addresses(bob, alice));
        scene.send(scene.a, frame);
        CHECK((scene.b.guest.receive() == std::vector<Bytes>{frame}));
        CHECK(scene.x.guest.receive().empty());
        scene.vale.detach(alone(), scene.b.port);
        scene.spoof(bob);
        scene.send(scene.a, frame);
        CHECK((scene.x.guest.receive() == std::vector<Bytes>{frame}));
    }
    TEST_CASE("of a sticky port no more stay than its mac-limit") {
        Scene scene;
        scene.secure(scene.x, sticky());
        scene.x.port.settings().mac_limit.store(3);
        for (uint32_t i = 0; i < 50; ++i)
            scene.send(scene.x, frame_between({broadcast_mac, mac(1000 + i)}));
        CHECK(scene.vale.lookup().addresses_of(scene.x.port.slot).size() == 3);
        for (auto& port : scene.ports) port->guest.receive();
        scene.greet();
        scene.expect_pair();
    }
    TEST_CASE("a guest sends from its own address alone, and what is refused teaches nothing") {
        Scene scene;
        scene.secure(scene.x, allowing(mallory));
        scene.greet();
        scene.spoof(bob);
        scene.expect_pair();
        CHECK(scene.x.count(DropReason::tx_mac_refused) == 20);
        CHECK(scene.vale.lookup().addresses_of(scene.x.port.slot).empty());
        scene.send(scene.x, frame_between(addresses(alice, mallory)));
        CHECK(scene.a.guest.receive().size() == 1);
    }
    TEST_CASE("an address that is allowed in one VLAN is free in another") {
        Scene scene;
        scene.vale.set_rules(alone(), scene.a.port, {access_to(10), true, allowing(alice)});
        scene.vale.set_rules(alone(), scene.b.port, {access_to(10), true, {}});
        scene.vale.set_rules(alone(), scene.x.port, {access_to(20), true, {}});
        scene.vale.set_rules(alone(), scene.y.port, {access_to(20), true, {}});
        scene.spoof(alice);
        CHECK(scene.x.count(DropReason::tx_mac_claimed) == 0);
        scene.send(scene.b, frame_between({broadcast_mac, mac(alice)}));
        CHECK(scene.b.count(DropReason::tx_mac_claimed) == 1);
    }
    TEST_CASE("isolated ports reach the others and are reached by them, and not each other") {
        Scene scene;
        scene.secure(scene.x, isolated());
        scene.secure(scene.y, isolated());
        scene.greet();
        scene.send(scene.y, frame_between({broadcast_mac, mac(77)}));
        CHECK(scene.x.guest.receive().empty());
        CHECK(scene.a.guest.receive().size() == 1);
        scene.b.guest.receive();
        scene.send(scene.x, frame_between(addresses(77, mallory)));
        CHECK(scene.y.guest.receive().empty());
        CHECK(scene.x.count(DropReason::tx_isolated) == 1);
        scene.send(scene.a, frame_between(addresses(77, alice)));
        CHECK(scene.y.guest.receive().size() == 1);
        scene.expect_pair();
    }
    TEST_CASE("a port without unknown unicast does not hear what is for a silent receiver") {
        Scene scene;
        PortSecurity deaf;
        deaf.unknown_unicast = false;
        scene.secure(scene.x, deaf);
        const Bytes secret = frame_between(addresses(99, alice));
        scene.send(scene.a, secret);
        CHECK(scene.x.guest.receive().empty());
        CHECK((scene.b.guest.receive() == std::vector<Bytes>{secret}));
        CHECK((scene.y.guest.receive() == std::vector<Bytes>{secret}));
        const Bytes call = frame_between({broadcast_mac, mac(alice)});
        scene.send(scene.a, call);
        CHECK((scene.x.guest.receive() == std::vector<Bytes>{call}));
    }
}

TEST_SUITE("threats: storms") {
    TEST_CASE("a flood takes no more of a ring than its limit, and unicast passes beside it") {
        struct Kind {
            MacAddress to;
            DropReason reason;
            std::atomic<uint32_t> PortSettings::*limit;
        };
        const Kind kinds[] = {
            {broadcast_mac, DropReason::tx_storm_broadcast, &PortSettings::storm_broadcast},
            {0x0100'5e00'0001 | 1, DropReason::tx_storm_multicast, &PortSettings::storm_multicast},
            {mac(99), DropReason::tx_storm_unknown_unicast, &PortSettings::storm_unknown_unicast}};
        for (const Kind& kind : kinds) {
            Scene scene;
            scene.greet();
            (scene.x.port.settings().*kind.limit).store(100);  // 10 at once.
            for (unsigned i = 0; i < 200; ++i)
                scene.send(scene.x, frame_between({kind.to, mac(mallory)}));
            CHECK(scene.x.count(kind.reason) == 190);
            CHECK(scene.a.guest.receive().size() == 10);
            CHECK(scene.b.guest.receive().size() == 10);
            CHECK(scene.a.count(DropReason::rx_no_buffer) == 0);
            scene.y.guest.receive();
            scene.expect_pair();
            // Half a second later there are tokens again, and no more than a burst of them.
            scene.context->now_ns += 500'000'000;
            for (unsigned i = 0; i < 20; ++i)
                scene.send(scene.x, frame_between({kind.to, mac(mallory)}));
            CHECK(scene.a.guest.receive().size() == 10);
            // Frames for a known station have no limit.
            for (unsigned i = 0; i < 50; ++i)
                scene.send(scene.x, frame_between(addresses(alice, mallory)));
            CHECK(scene.a.guest.receive().size() == 50);
        }
    }
    TEST_CASE("of a batch with all kinds each has its own limit, and the others pass") {
        Scene scene;
        scene.greet();
        scene.x.port.settings().storm_broadcast.store(0);
        scene.x.port.settings().storm_multicast.store(20);  // 2 at once.
        for (unsigned i = 0; i < 10; ++i) {
            REQUIRE(scene.x.guest.send(frame_between({broadcast_mac, mac(mallory)})));
            REQUIRE(scene.x.guest.send(frame_between({0x0100'5e00'0001 | 1, mac(mallory)})));
            REQUIRE(scene.x.guest.send(frame_between({mac(99), mac(mallory)})));
            REQUIRE(scene.x.guest.send(frame_between(addresses(alice, mallory))));
        }
        scene.serve_all(scene.x);
        CHECK(scene.a.guest.receive().size() == 22);
        CHECK(scene.b.guest.receive().size() == 12);
        CHECK(scene.x.count(DropReason::tx_storm_broadcast) == 10);
        CHECK(scene.x.count(DropReason::tx_storm_multicast) == 8);
        CHECK(scene.x.count(DropReason::tx_storm_unknown_unicast) == 0);
    }
    TEST_CASE(
        "without a limit of its own a port has a high one, and between two ports there is none") {
        for (const bool crowd : {true, false}) {
            SwitchRig rig;
            PortRig& sender = rig.add({.ring_size = 256});
            rig.add({.ring_size = 4});
            if (crowd) rig.add({.ring_size = 4});
            sender.port.settings().budget = batch_frames;
            constexpr unsigned most = storm_auto_pps[0] / (1'000'000'000 / storm_burst_ns);
            for (unsigned i = 0; i < most + 500; ++i)
                rig.send(sender, frame_between({broadcast_mac, mac(1)}));
            CHECK(sender.count(DropReason::tx_storm_broadcast) == (crowd ? 500 : 0));
            clear(rig);
        }
    }
}
