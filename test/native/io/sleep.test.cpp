// Polling modes: who sleeps, what wakes it, and what notifications cost.
#include "engine_rig.hpp"
#include "port/vhost/vhost_commands.hpp"

using namespace valenic;
using namespace valenic::test;
using spec::PollingMode;
using spec::PortCounter;
using spec::WorkerCounter;

namespace {

SettingsChange polling(PollingMode mode) {
    SettingsChange change;
    change.polling = mode;
    return change;
}

/// Until the worker sleeps and stays asleep for a while: no round is made.
bool falls_asleep(EngineRig& rig) {
    return eventually([&] {
        const uint64_t before = rig.worker_count(WorkerCounter::rounds);
        pause_ms(20);
        return rig.worker_count(WorkerCounter::rounds) == before &&
               rig.worker_count(WorkerCounter::sleeps) > 0;
    });
}

}  // namespace

TEST_SUITE("engine: sleeping") {
    TEST_CASE("event and adaptive modes sleep without work; busy never does") {
        for (const PollingMode mode : {PollingMode::event, PollingMode::adaptive}) {
            EngineRig rig;
            EngineGuest guest(rig, "a", {}, polling(mode));
            CHECK(falls_asleep(rig));
        }
        EngineRig rig;
        EngineGuest guest(rig, "a", {}, polling(PollingMode::busy));
        const uint64_t sleeps = rig.worker_count(WorkerCounter::sleeps);
        const uint64_t rounds = rig.worker_count(WorkerCounter::rounds);
        CHECK(
            eventually([&] { return rig.worker_count(WorkerCounter::rounds) > rounds + 10'000; }));
        CHECK(rig.worker_count(WorkerCounter::sleeps) == sleeps);
    }
    TEST_CASE("an engine without ports sleeps") {
        EngineRig rig;
        CHECK(falls_asleep(rig));
    }
    TEST_CASE("the time asleep is counted, and none of a worker that polls") {
        const uint64_t began_ns = monotonic_ns();
        EngineRig rig;
        EngineGuest guest(rig, "a", {}, polling(PollingMode::busy));
        const uint64_t polls = rig.worker_count(WorkerCounter::rounds);
        REQUIRE(eventually([&] { return rig.worker_count(WorkerCounter::rounds) > polls + 1000; }));
        const uint64_t before = rig.worker_count(WorkerCounter::asleep_ns);
        REQUIRE(eventually([&] { return rig.worker_count(WorkerCounter::rounds) > polls + 2000; }));
        CHECK(rig.worker_count(WorkerCounter::asleep_ns) == before);

        REQUIRE_FALSE(rig.engine.set_port(guest.id, polling(PollingMode::event)));
        REQUIRE(falls_asleep(rig));
        REQUIRE_FALSE(rig.engine.set_port(guest.id, polling(PollingMode::busy)));  // Wakes it.
        REQUIRE(eventually([&] { return rig.worker_count(WorkerCounter::asleep_ns) > before; }));
        CHECK(rig.worker_count(WorkerCounter::asleep_ns) < monotonic_ns() - began_ns);
    }
    TEST_CASE("one frame at a time between sleeping sides: each kick and each call arrives") {
        for (const PollingMode mode : {PollingMode::event, PollingMode::adaptive}) {
            for (const uint64_t features : {modern, with_events}) {
                CAPTURE(mode);
                CAPTURE(features);
                EngineRig rig;
                const GuestOptions options{.features = features, .wants_calls = true};
                EngineGuest a(rig, "a", options, polling(mode));
                EngineGuest b(rig, "b", options, polling(mode));
                for (unsigned i = 0; i < 300 / traffic_share; ++i) {
                    b.guest.net().rx().ask_for_call();
                    REQUIRE(a.guest.send(frame_between(addresses(1, 0), 60 + i % 900, i)));
                    std::vector<Bytes> frames;
                    while (frames.empty()) {  // A call may be an earlier one's.
                        REQUIRE(b.wait_call());
                        frames = b.guest.receive();
                    }
                    REQUIRE(frames.size() == 1);
                    CHECK((frames[0] == frame_between(addresses(1, 0), 60 + i % 900, i)));
                    if (i % 16 == 0) pause_ms(1);  // Deep asleep.
                }
                CHECK(a.count(PortCounter::kicks) > 0);
                CHECK(b.count(PortCounter::calls) > 0);
                CHECK(rig.worker_count(WorkerCounter::wakeups) > 0);
            }
        }
    }
    TEST_CASE("a driver that forgets to kick waits a second, not for ever") {
        EngineRig rig;
        EngineGuest a(rig, "a", {}, polling(PollingMode::event));
        EngineGuest b(rig, "b");
        REQUIRE(falls_asleep(rig));
        CHECK(rig.worker_count(WorkerCounter::kicks_missed) == 0);
        const auto frame = frame_between({broadcast_mac, mac(0)});
        const auto write = [&](uint8_t* to) { std::memcpy(to, frame.data(), frame.size()); };
        REQUIRE(a.guest.net().send(1, static_cast<uint32_t>(frame.size()), write) == 1);
        CHECK(eventually([&] { return b.guest.net().rx().used_waiting() == 1; }));
        CHECK(rig.worker_count(WorkerCounter::kicks_missed) == 1);
    }
    TEST_CASE("a ring without a kick descriptor is polled, also in event mode") {
        EngineRig rig;
        EngineGuest a(rig, "a", {}, polling(PollingMode::event), false);
        EngineGuest b(rig, "b", {}, polling(PollingMode::event));
        REQUIRE(VhostCommands(rig.engine)
                    .start_ring(a.id, 1, a.guest.config(1), OwnedFd(), OwnedFd(), true)
                    .ok());
        for (int i = 0; i < 20; ++i) {
            a.guest.send(frame_between({broadcast_mac, mac(0)}));
            CHECK(eventually([&] { return b.guest.receive().size() == 1; }));
        }
    }
    TEST_CASE("a sleeping worker sees new settings, new ports and commands at once") {
        EngineRig rig;
        EngineGuest a(rig, "a", {}, polling(PollingMode::event));
        REQUIRE(falls_asleep(rig));
        const uint64_t rounds = rig.worker_count(WorkerCounter::rounds);
        a.set_polling(PollingMode::busy);
        CHECK(eventually([&] { return rig.worker_count(WorkerCounter::rounds) > rounds + 1000; }));
        a.set_polling(PollingMode::event);
        REQUIRE(falls_asleep(rig));
        EngineGuest b(rig, "b");
        b.introduce(1);
        CHECK(a.guest.receive().size() == 1);
    }
    TEST_CASE("frames that wait when a ring starts need no kick") {
        EngineRig rig;
        EngineGuest a(rig, "a", {}, polling(PollingMode::event), false);
        EngineGuest b(rig, "b");
        for (int i = 0; i < 5; ++i) a.guest.send(frame_between({broadcast_mac, mac(0)}));
        a.start(1);
        CHECK(eventually([&] { return b.guest.net().rx().used_waiting() == 5; }));
    }
    TEST_CASE(
        "a ring that starts again is looked at once, and its driver is asked for kicks anew") {
        EngineRig rig;
        EngineGuest a(rig, "a", {.features = with_events}, polling(PollingMode::event));
        EngineGuest b(rig, "b");
        const auto broadcast = [&] { return a.guest.send(frame_between({broadcast_mac, mac(0)})); };
        REQUIRE(broadcast());
        REQUIRE(eventually([&] { return b.guest.net().rx().used_waiting() == 1; }));
        REQUIRE(falls_asleep(rig));
        for (const uint16_t said : {0, 1, 6, 40}) {
            b.guest.receive();
            REQUIRE(VhostCommands(rig.engine).stop_ring(a.id, 1).ok());
            // Offered while nobody looks: past the index that a kick was wanted for.
            for (int i = 0; i < 5; ++i) REQUIRE(broadcast());
            drain_eventfd(a.guest.ring(1).kick.get());
            RingConfig config = a.guest.config(1);
            config.base = said;
            a.start(1, config);
            CHECK(eventually([&] { return b.guest.net().rx().used_waiting() == 5; }));
            b.guest.receive();
            REQUIRE(falls_asleep(rig));
            REQUIRE(broadcast());  // Kicks only if that was asked for.
            CHECK(eventually([&] { return b.guest.net().rx().used_waiting() == 1; }));
            REQUIRE(falls_asleep(rig));
        }
    }
    TEST_CASE("polling asks for no kicks: none comes under load") {
        for (const uint64_t features : {modern, with_events}) {
            EngineRig rig;
            EngineGuest a(rig, "a", {.ring_size = 256, .features = features},
                          polling(PollingMode::busy));
            EngineGuest b(rig, "b", {.ring_size = 256}, polling(PollingMode::busy));
            SendingGuest sender(a.guest, {broadcast_mac, mac(0)}, 1);
            const std::atomic<bool> never{false};
            CHECK(sender.run(20'000 / traffic_share, 60, never));
            CHECK(sender.drain());
            CHECK(a.count(PortCounter::kicks) <= 1);  // With event index the first one passes it.
        }
    }
    TEST_CASE("a broken ring costs nothing any more") {
        EngineRig rig;
        EngineGuest a(rig, "a", {}, polling(PollingMode::event));
        store_release(a.guest.net().tx().avail()->idx, uint16_t{999});
        signal_eventfd(a.guest.ring(1).kick.get());
        CHECK(eventually([&] { return rig.events().size() == 1; }));
        const auto faults = rig.events_of<boundary::RingFaultEvent>();
        REQUIRE(faults.size() == 1);
        CHECK(faults[0].fault == spec::Fault::avail_index_jumped);
        CHECK(faults[0].ring == 1);
        CHECK(falls_asleep(rig));
        signal_eventfd(a.guest.ring(1).kick.get());
        CHECK(falls_asleep(rig));
        CHECK(rig.events().size() == 1);
        CHECK(a.count(PortCounter::queue_faults) == 1);
    }
}

TEST_SUITE("engine: moderation of calls") {
    TEST_CASE("a call that was held back comes with the timer, also from a sleeping worker") {
        for (const PollingMode mode : {PollingMode::busy, PollingMode::event}) {
            EngineRig rig;
            EngineGuest a(rig, "a", {}, polling(mode));
            SettingsChange moderated = polling(mode);
            moderated.moderation_frames = 1000;
            moderated.moderation_us = 2000;
            EngineGuest b(rig, "b", {.wants_calls = true}, moderated);
            for (int i = 0; i < 5; ++i) {
                a.guest.send(frame_between({broadcast_mac, mac(0)}));
                CHECK(b.wait_call());
                CHECK(b.guest.receive().size() == 1);
            }
            CHECK(b.count(PortCounter::calls_moderated) == 5);
            // Counted after it was sent.
            CHECK(eventually([&] { return b.count(PortCounter::calls) == 5; }));
        }
    }
    TEST_CASE("enough frames bring the call before the timer") {
        EngineRig rig;
        EngineGuest a(rig, "a");
        SettingsChange moderated;
        moderated.moderation_frames = 4;
        moderated.moderation_us = 1'000'000;
        EngineGuest b(rig, "b", {.wants_calls = true}, moderated);
        for (int i = 0; i < 4; ++i) a.guest.send(frame_between({broadcast_mac, mac(0)}));
        CHECK(b.wait_call());
        CHECK(eventually([&] { return b.guest.net().rx().used_waiting() == 4; }));
    }
    TEST_CASE("a port that goes while its call is held back takes it along") {
        EngineRig rig;
        EngineGuest a(rig, "a");
        for (int i = 0; i < 20; ++i) {
            SettingsChange moderated;
            moderated.moderation_frames = 1000;
            moderated.moderation_us = 500;
            EngineGuest b(rig, "b", {.wants_calls = true}, moderated);
            a.guest.send(frame_between({broadcast_mac, mac(0)}));
            CHECK(eventually([&] { return b.guest.net().rx().used_waiting() == 1; }));
            CHECK_FALSE(rig.engine.remove_port(b.id));
            a.guest.net().reclaim();
        }
    }
}
