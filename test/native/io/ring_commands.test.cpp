// The engine's commands for a guest's memory and rings.
#include <sched.h>
#include <sys/eventfd.h>

#include "engine_rig.hpp"
#include "port/vhost/vhost_commands.hpp"

using namespace valenic;
using namespace valenic::test;
using spec::CommandError;
using spec::DropReason;
using spec::Fault;
using spec::PortCounter;
using Kind = Engine::PortKind;

namespace {

OwnedFd pipe_end() {
    int ends[2];
    REQUIRE(pipe(ends) == 0);
    close(ends[1]);
    return OwnedFd(ends[0]);
}

}  // namespace

TEST_SUITE("engine commands: a guest's memory and rings") {
    TEST_CASE("a ring needs memory, a number that exists, and eventfds") {
        EngineRig rig;
        EngineGuest a(rig, "a", {}, {}, false);
        const RingConfig config = a.guest.config(0);
        for (const unsigned ring : {2u, 3u, UINT32_MAX}) {
            CHECK(refused(VhostCommands(rig.engine)
                              .start_ring(a.id, ring, config, OwnedFd(), OwnedFd(), true)) ==
                  "invalid_argument");
            CHECK(refused(VhostCommands(rig.engine).stop_ring(a.id, ring)) == "invalid_argument");
            CHECK(refused(VhostCommands(rig.engine).enable_ring(a.id, ring, true)) ==
                  "invalid_argument");
        }
        CHECK(refused(VhostCommands(rig.engine)
                          .start_ring(a.id, 0, config, pipe_end(), OwnedFd(), true)) ==
              "fd_not_eventfd");
        CHECK(refused(VhostCommands(rig.engine)
                          .start_ring(a.id, 0, config, OwnedFd(), pipe_end(), true)) ==
              "fd_not_eventfd");
        CHECK(refused(VhostCommands(rig.engine).set_call(a.id, 0, pipe_end())) == "fd_not_eventfd");
        CHECK(refused(VhostCommands(rig.engine).set_kick(a.id, 0, pipe_end())) == "fd_not_eventfd");
        CHECK(refused(VhostCommands(rig.engine).stop_ring(a.id, 0)) == "wrong_state");
        CHECK(refused(VhostCommands(rig.engine).move_ring(a.id, 0, config)) == "wrong_state");
        CHECK(refused(VhostCommands(rig.engine).set_memory(a.id, {})) == "");
        CHECK(refused(VhostCommands(rig.engine)
                          .start_ring(a.id, 0, config, OwnedFd(), OwnedFd(), true)) ==
              "ring_address_unmapped");
        CHECK(refused(VhostCommands(rig.engine).set_memory(a.id, a.guest.space.regions())) == "");
        RingConfig bad = config;
        bad.size = 3;
        CHECK(refused(
                  VhostCommands(rig.engine).start_ring(a.id, 0, bad, OwnedFd(), OwnedFd(), true)) ==
              "ring_size_invalid");
        CHECK(refused(VhostCommands(rig.engine)
                          .start_ring(a.id, 0, config, OwnedFd(), OwnedFd(), true)) == "");
        CHECK(refused(VhostCommands(rig.engine).set_features(a.id, modern)) == "wrong_state");
    }
    TEST_CASE("a full, blocking call descriptor stops nobody") {
        EngineRig rig;
        EngineGuest a(rig, "a");
        EngineGuest b(rig, "b", {.wants_calls = true});
        OwnedFd blocking(eventfd(0, 0));
        const uint64_t most = UINT64_MAX - 1;
        REQUIRE(write(blocking.get(), &most, sizeof most) == sizeof most);
        CHECK(refused(VhostCommands(rig.engine).set_call(b.id, 0, duplicate(blocking.get()))) ==
              "");
        for (int i = 0; i < 5; ++i) a.guest.send(frame_between({broadcast_mac, mac(0)}));
        CHECK(eventually([&] { return b.guest.net().rx().used_waiting() == 5; }));
        CHECK(refused(VhostCommands(rig.engine).enable_ring(b.id, 0, true)) == "");
    }
    TEST_CASE("a stopped ring: the base is the next index, and not a byte is written after it") {
        EngineRig rig;
        EngineGuest a(rig, "a", {.ring_size = 256});
        EngineGuest b(rig, "b", {.ring_size = 256});
        b.introduce(1);
        REQUIRE(VhostCommands(rig.engine).stop_ring(b.id, 1).ok());
        SendingGuest sender(a.guest, addresses(1, 0), 1);
        std::atomic<bool> stop{false};
        std::thread sending([&] { sender.run(UINT64_MAX / 2, 300, stop); });
        for (int round = 0; round < 20; ++round) {
            REQUIRE(eventually([&] { return b.guest.net().rx().used_waiting() > 100; }));
            auto base = VhostCommands(rig.engine).stop_ring(b.id, 0);
            REQUIRE(base.ok());
            CHECK(b.guest.net().rx().used()->idx == base.value());
            const uint8_t* memory = b.guest.space.memory().data();
            const Bytes before(memory, memory + b.guest.space.memory().bytes());
            const uint64_t dropped = b.count(DropReason::rx_ring_stopped);
            CHECK(eventually([&] { return b.count(DropReason::rx_ring_stopped) > dropped + 200; }));
            CHECK(std::memcmp(memory, before.data(), before.size()) == 0);
            b.guest.receive();
            RingConfig config = b.guest.config(0);
            config.base = base.value();
            b.start(0, config);
        }
        stop.store(true);
        sending.join();
    }
    TEST_CASE("a stopped TX ring gives back the first frame not taken; no frame twice or never") {
        EngineRig rig;
        EngineGuest a(rig, "a", {.ring_size = 256});
        EngineGuest b(rig, "b", {.ring_size = 1024});
        b.introduce(1);
        SendingGuest sender(a.guest, addresses(1, 0), 1);
        ReceivingGuest receiver(b.guest);
        const std::atomic<bool> never{false};
        for (int round = 0; round < 50; ++round) {
            REQUIRE(sender.run(100, 60, never));
            const uint16_t base = a.restart(1);
            CHECK(base <= 100 * (round + 1));
            REQUIRE(sender.drain());
            receiver.take();
        }
        const StreamReport* report = receiver.sink.report_for(1);
        REQUIRE(report != nullptr);
        CHECK(report->frames + b.drops() + a.drops() == sender.sent());
        CHECK(report->reordered == 0);
    }
    TEST_CASE("a ring started where another backend stopped calls once, whatever it owed") {
        EngineRig rig;
        EngineGuest a(rig, "a", {.features = with_events, .base = 40, .wants_calls = true});
        for (const unsigned ring : {0u, 1u}) {
            pollfd wait{a.guest.ring(ring).call.get(), POLLIN, 0};
            CHECK(poll(&wait, 1, 0) == 1);
        }
        EngineGuest fresh(rig, "fresh");
        pollfd wait{fresh.guest.ring(0).call.get(), POLLIN, 0};
        CHECK(poll(&wait, 1, 0) == 0);
    }
    TEST_CASE("ring states say what runs and where it stands") {
        EngineRig rig;
        EngineGuest a(rig, "a", {}, {}, false);
        EngineGuest b(rig, "b");
        a.start(1);
        a.introduce(0);
        auto states = VhostCommands(rig.engine).ring_states(a.id);
        REQUIRE(states.ok());
        REQUIRE(states.value().size() == 2);
        CHECK_FALSE(states.value()[0].running);
        const RingState& tx = states.value()[1];
        CHECK(tx.running);
        CHECK(tx.enabled);
        CHECK(tx.size == 64);
        CHECK(tx.avail_index == 1);
        CHECK(tx.used_index == 1);
        CHECK(tx.fault == Fault::none);
        states = VhostCommands(rig.engine).ring_states(b.id);
        CHECK(states.value()[0].used_index == 1);
    }
    TEST_CASE("a new memory table that no longer holds the rings faults them, and no other port") {
        EngineRig rig;
        EngineGuest a(rig, "a");
        EngineGuest b(rig, "b");
        EngineGuest c(rig, "c");
        const GuestSpace other(1 << 20);
        CHECK(refused(VhostCommands(rig.engine).set_memory(a.id, other.regions())) == "");
        const auto events = rig.events_of<boundary::RingFaultEvent>();
        REQUIRE(rig.events().size() == 2);
        REQUIRE(events.size() == 2);
        for (const auto& event : events) {
            CHECK(event.port == a.id);
            CHECK(event.fault == Fault::ring_address_unmapped);
        }
        b.introduce(1);
        CHECK(eventually([&] { return c.guest.net().rx().used_waiting() == 1; }));
        CHECK(a.count(DropReason::rx_ring_broken) == 1);
        CHECK(a.count(PortCounter::queue_faults) == 2);
        // Told once, however often it is found again.
        CHECK(refused(VhostCommands(rig.engine).set_memory(a.id, other.regions())) == "");
        CHECK(rig.events().size() == 2);
    }
    TEST_CASE("no memory at all stops the rings; addresses may move") {
        EngineRig rig;
        EngineGuest a(rig, "a");
        CHECK(refused(VhostCommands(rig.engine).move_ring(a.id, 0, a.guest.config(0))) == "");
        RingConfig bad = a.guest.config(0);
        bad.used_addr = 4096;
        CHECK(refused(VhostCommands(rig.engine).move_ring(a.id, 0, bad)) ==
              "ring_address_unmapped");
        CHECK(refused(VhostCommands(rig.engine).set_memory(a.id, {})) == "");
        for (const RingState& state : states_of(a)) CHECK_FALSE(state.running);
    }
    TEST_CASE("a refused memory table leaves the old one in place") {
        EngineRig rig;
        EngineGuest a(rig, "a");
        EngineGuest b(rig, "b");
        auto regions = a.guest.space.regions();
        auto again = a.guest.space.regions();
        regions.push_back(std::move(again[0]));
        CHECK(refused(VhostCommands(rig.engine).set_memory(a.id, std::move(regions))) ==
              "region_overlaps");
        a.introduce(0);
        CHECK(eventually([&] { return b.guest.net().rx().used_waiting() == 1; }));
    }
}
