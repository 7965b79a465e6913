// The engine's commands: what each does, and what each refuses by which name.
#include <sched.h>
#include <sys/eventfd.h>

#include "engine_rig.hpp"
#include "port/host/host_commands.hpp"
#include "port/vhost/vhost_commands.hpp"

using namespace valenic;
using namespace valenic::test;
using spec::CommandError;
using spec::DropReason;
using spec::Fault;
using spec::PortCounter;
using Kind = Engine::PortKind;

namespace {

SettingsChange with(std::optional<uint32_t> SettingsChange::*field, uint32_t value) {
    SettingsChange change;
    change.*field = value;
    return change;
}

}  // namespace

TEST_SUITE("engine commands: workers, switches, ports") {
    TEST_CASE("as many workers as there are blocks, the last of which is the control thread's") {
        EngineRig rig(0);
        for (size_t i = 0; i + 1 < workers_max; ++i) {
            auto added = rig.engine.add_worker(std::nullopt);
            REQUIRE(added.ok());
            CHECK(added.value().worker == i);
            CHECK(added.value().thread_id > 0);
            rig.worker_ids.push_back(added.value().worker);
        }
        CHECK(refused(rig.engine.add_worker(std::nullopt)) == "limit_reached");
        // All of them are paused and woken together.
        EngineGuest a(rig, "a", {.pairs = 16});
        EngineGuest b(rig, "b", {.ring_size = 256});
        for (unsigned pair = 0; pair < 16; ++pair)
            REQUIRE(a.guest.send(frame_between({broadcast_mac, mac(pair)}), pair));
        CHECK(eventually([&] { return b.guest.net().rx().used_waiting() == 16; }));
    }
    TEST_CASE("a worker is bound to its CPU; one that is not there is refused") {
        EngineRig rig(0);
        cpu_set_t allowed;
        CPU_ZERO(&allowed);
        REQUIRE(sched_getaffinity(0, sizeof allowed, &allowed) == 0);
        int first = 0;
        while (!CPU_ISSET(first, &allowed)) ++first;
        auto added = rig.engine.add_worker(first);
        REQUIRE(added.ok());
        CHECK(eventually([&] {
            cpu_set_t set;
            CPU_ZERO(&set);
            return sched_getaffinity(added.value().thread_id, sizeof set, &set) == 0 &&
                   CPU_COUNT(&set) == 1 && CPU_ISSET(first, &set);
        }));
        for (const int cpu : {-1, 1023, 1024, 100'000})
            CHECK(refused(rig.engine.add_worker(cpu)) == "system");
        CHECK(rig.engine.add_worker(std::nullopt).ok());
    }
    TEST_CASE("switches have names of their own, and go when they are empty") {
        EngineRig rig;
        CHECK(refused(rig.engine.create_switch("vale0", {})) == "name_in_use");
        auto second = rig.engine.create_switch("vale1", {});
        REQUIRE(second.ok());
        CHECK(refused(rig.engine.remove_switch(999)) == "unknown_switch");
        auto port = rig.engine.create_port(rig.new_port("h", Kind::host));
        REQUIRE(port.ok());
        CHECK(refused(rig.engine.remove_switch(rig.switch_id)) == "switch_not_empty");
        CHECK(refused(rig.engine.remove_switch(second.value())) == "");
        CHECK(refused(rig.engine.remove_switch(second.value())) == "unknown_switch");
        CHECK(refused(rig.engine.remove_port(port.value().port)) == "");
        CHECK(refused(rig.engine.remove_switch(rig.switch_id)) == "");
        CHECK(rig.engine.create_switch("vale0", {}).ok());
    }
    TEST_CASE("create_port refuses by name, and takes nothing then") {
        EngineRig rig(1, 4);
        const auto good = rig.new_port("a", Kind::vhost);
        auto wanted = good;
        wanted.switch_id = 999;
        CHECK(refused(rig.engine.create_port(wanted)) == "unknown_switch");
        for (const unsigned pairs : {0u, 17u}) {
            wanted = good;
            wanted.pairs = pairs;
            CHECK(refused(rig.engine.create_port(wanted)) == "invalid_argument");
        }
        wanted = good;
        wanted.workers = {};
        CHECK(refused(rig.engine.create_port(wanted)) == "invalid_argument");
        wanted.workers = {0, 1};
        CHECK(refused(rig.engine.create_port(wanted)) == "unknown_worker");
        wanted = good;
        wanted.settings.budget = 257;
        CHECK(refused(rig.engine.create_port(wanted)) == "invalid_argument");
        wanted = good;
        wanted.kind = Kind::count;  // One that has no row.
        CHECK(refused(rig.engine.create_port(wanted)) == "invalid_argument");
        REQUIRE(rig.engine.create_port(good).ok());
        CHECK(refused(rig.engine.create_port(good)) == "name_in_use");
        for (const char* name : {"b", "c", "d"})
            CHECK(rig.engine.create_port(rig.new_port(name, Kind::vhost)).ok());
        CHECK(refused(rig.engine.create_port(rig.new_port("e", Kind::vhost))) == "limit_reached");
    }
    TEST_CASE("switch_full: 254 ports; a place that was left is given away again, counters at 0") {
        EngineRig rig(1, 300);
        std::vector<Engine::CreatedPort> ports;
        for (int i = 0; i < 254; ++i) {
            auto port = rig.engine.create_port(rig.new_port(std::to_string(i), Kind::vhost));
            REQUIRE(port.ok());
            CHECK(port.value().slot == i);
            ports.push_back(port.value());
        }
        CHECK(refused(rig.engine.create_port(rig.new_port("more", Kind::vhost))) == "switch_full");
        CHECK(refused(rig.engine.inject(ports[7].port, frame_of(60))) == "");
        CHECK(refused(rig.engine.remove_port(ports[7].port)) == "");
        const EnginePort again(rig, rig.new_port("again", Kind::vhost));
        CHECK(again.slot == 7);
        CHECK(again.id != ports[7].port);
        CHECK(again.count(PortCounter::tx_frames) == 0);
        CHECK(again.drops() == 0);
    }
    TEST_CASE("settings hold their ranges: both ends are accepted, one beyond is not") {
        EngineRig rig;
        const EnginePort port(rig, rig.new_port("a", Kind::vhost));
        const struct {
            std::optional<uint32_t> SettingsChange::*field;
            uint32_t lowest, highest;
        } ranges[] = {{&SettingsChange::spin_us, 0, 1'000'000},
                      {&SettingsChange::moderation_us, 0, 1'000'000},
                      {&SettingsChange::moderation_frames, 1, 1024},
                      {&SettingsChange::budget, 1, 256},
                      {&SettingsChange::mac_limit, 0, 65'536},
                      {&SettingsChange::max_frame_bytes, 60, 65'550},
                      {&SettingsChange::mtu, 68, 65'535}};
        for (const auto& [field, lowest, highest] : ranges) {
            CHECK(refused(rig.engine.set_port(port.id, with(field, lowest))) == "");
            CHECK(refused(rig.engine.set_port(port.id, with(field, highest))) == "");
            CHECK(refused(rig.engine.set_port(port.id, with(field, highest + 1))) ==
                  "invalid_argument");
            if (lowest > 0)
                CHECK(refused(rig.engine.set_port(port.id, with(field, lowest - 1))) ==
                      "invalid_argument");
        }
    }
    TEST_CASE("mtu 0 lifts the limit") {
        EngineRig rig;
        const EnginePort port(rig, rig.new_port("a", Kind::vhost));
        CHECK(refused(rig.engine.set_port(port.id, with(&SettingsChange::mtu, 0u))) == "");
    }
    TEST_CASE("a change that is refused changes nothing at all") {
        EngineRig rig;
        EngineGuest a(rig, "a");
        SettingsChange change;
        change.up = false;
        change.budget = 0;
        CHECK(refused(rig.engine.set_port(a.id, change)) == "invalid_argument");
        a.introduce(1);
        CHECK(a.count(DropReason::tx_port_down) == 0);
    }
    TEST_CASE("unknown_port: for every command") {
        EngineRig rig;
        Engine& engine = rig.engine;
        CHECK(refused(engine.remove_port(99)) == "unknown_port");
        CHECK(refused(engine.set_port(99, {})) == "unknown_port");
        CHECK(refused(engine.macs_of(99)) == "unknown_port");
        CHECK(refused(engine.inject(99, frame_of(60))) == "unknown_port");
        CHECK(refused(VhostCommands(engine).set_memory(99, {})) == "unknown_port");
        CHECK(refused(VhostCommands(engine).set_features(99, 0)) == "unknown_port");
        CHECK(refused(VhostCommands(engine).start_ring(99, 0, {}, OwnedFd(), OwnedFd(), true)) ==
              "unknown_port");
        CHECK(refused(VhostCommands(engine).stop_ring(99, 0)) == "unknown_port");
        CHECK(refused(VhostCommands(engine).enable_ring(99, 0, true)) == "unknown_port");
        CHECK(refused(VhostCommands(engine).set_call(99, 0, OwnedFd())) == "unknown_port");
        CHECK(refused(VhostCommands(engine).set_kick(99, 0, OwnedFd())) == "unknown_port");
        CHECK(refused(VhostCommands(engine).move_ring(99, 0, {})) == "unknown_port");
        CHECK(refused(VhostCommands(engine).ring_states(99)) == "unknown_port");
        CHECK(refused(HostCommands(engine).start_source(99, {})) == "unknown_port");
        CHECK(refused(HostCommands(engine).stop_source(99)) == "unknown_port");
        CHECK(refused(HostCommands(engine).host_report(99, false)) == "unknown_port");
    }
    TEST_CASE("wrong_state: a guest's commands for a host port, and the other way round") {
        EngineRig rig;
        const EnginePort host(rig, rig.new_port("h", Kind::host));
        const EnginePort guest(rig, rig.new_port("g", Kind::vhost));
        CHECK(refused(VhostCommands(rig.engine).set_memory(host.id, {})) == "wrong_state");
        CHECK(refused(VhostCommands(rig.engine).stop_ring(host.id, 0)) == "wrong_state");
        CHECK(refused(HostCommands(rig.engine).start_source(guest.id, {})) == "wrong_state");
        CHECK(refused(HostCommands(rig.engine).host_report(guest.id, true)) == "wrong_state");
    }
}

TEST_SUITE("engine commands: addresses and injected frames") {
    TEST_CASE("macs_of lists what a port sent from; a port that goes down loses them") {
        EngineRig rig;
        EngineGuest a(rig, "a");
        EngineGuest b(rig, "b");
        for (uint32_t i = 10; i < 13; ++i) a.introduce(i);
        auto macs = rig.engine.macs_of(a.id);
        REQUIRE(macs.ok());
        std::sort(macs.value().begin(), macs.value().end());
        CHECK((macs.value() == std::vector{mac(10), mac(11), mac(12)}));
        CHECK(rig.engine.macs_of(b.id).value().empty());
        SettingsChange down;
        down.up = false;
        a.set(down);
        CHECK(rig.engine.macs_of(a.id).value().empty());
    }
    TEST_CASE("forget_macs lets the addresses of one port go, sticky ones too") {
        EngineRig rig;
        SettingsChange sticky;
        sticky.sticky_macs = true;
        EngineGuest a(rig, "a", {}, sticky);
        EngineGuest b(rig, "b");
        for (uint32_t i = 10; i < 13; ++i) a.introduce(i);
        b.introduce(20);
        b.introduce(10);  // Belongs to the other port, and stays there.
        CHECK(rig.engine.macs_of(b.id).value() == std::vector{mac(20)});
        CHECK(rig.engine.forget_macs(a.id).value() == 3);
        CHECK(rig.engine.macs_of(a.id).value().empty());
        CHECK(rig.engine.macs_of(b.id).value() == std::vector{mac(20)});
        b.introduce(10);
        CHECK(rig.engine.macs_of(b.id).value().size() == 2);
        CHECK(rig.engine.forget_macs(a.id).value() == 0);
        CHECK(refused(rig.engine.forget_macs(99)) == "unknown_port");
    }
    TEST_CASE("an injected frame comes from its port: learned, delivered, called for") {
        EngineRig rig;
        SettingsChange moderated;
        moderated.moderation_frames = 100;
        moderated.moderation_us = 1'000'000;
        EngineGuest a(rig, "a", {.wants_calls = true}, moderated);
        EngineGuest b(rig, "b", {.wants_calls = true}, moderated);
        for (const size_t bytes : {14, 60, 200, 2000}) {
            const Bytes frame = frame_between({broadcast_mac, mac(5)}, bytes);
            CHECK(refused(rig.engine.inject(a.id, frame)) == "");
            pollfd wait{b.guest.ring(0).call.get(), POLLIN, 0};
            CHECK(poll(&wait, 1, 0) == 1);  // Not held back: the control thread has no timer.
            b.wait_call();
            const auto frames = b.guest.receive();
            REQUIRE(frames.size() == 1);
            CHECK((frames[0] == frame));
        }
        CHECK(a.guest.receive().empty());
        CHECK(rig.engine.macs_of(a.id).value() == std::vector{mac(5)});
        for (const size_t bytes : {0, 13, 65'551})
            CHECK(refused(rig.engine.inject(a.id, Bytes(bytes, 1))) == "invalid_argument");
    }
}

TEST_SUITE("engine: what housekeeping finds") {
    TEST_CASE("memory that is not the guest's: kicks come and the index stays 0; told once") {
        EngineRig rig;
        SettingsChange event_mode;
        event_mode.polling = spec::PollingMode::event;
        EngineGuest a(rig, "a", {}, event_mode, false);
        // Another file at the same addresses: a VMM that forgot share=on.
        const GuestSpace private_copy(a.guest.space.memory().bytes());
        auto regions = a.guest.space.regions();
        regions[0].fd = duplicate(private_copy.memory().fd());
        REQUIRE_FALSE(VhostCommands(rig.engine).set_memory(a.id, std::move(regions)));
        a.start(0);
        a.start(1);
        for (uint64_t kicks = 1; kicks <= 5; ++kicks) {
            signal_eventfd(a.guest.ring(1).kick.get());
            REQUIRE(eventually([&] { return a.count(PortCounter::kicks) == kicks; }));
            rig.engine.housekeeping();
            CHECK(rig.events().size() == (kicks > 1 ? 1 : 0));  // QEMU kicks once itself.
        }
        CHECK(rig.events_of<boundary::MemoryNotSharedEvent>().at(0).port == a.id);
    }
    TEST_CASE("a driver that kicks and sends is never suspected, nor is a silent one") {
        EngineRig rig;
        EngineGuest a(rig, "a");
        EngineGuest silent(rig, "silent");
        for (int i = 0; i < 10; ++i) {
            a.introduce(1);
            signal_eventfd(a.guest.ring(1).kick.get());
            signal_eventfd(a.guest.ring(0).kick.get());
            rig.engine.housekeeping();
        }
        CHECK(rig.events().empty());
    }
    TEST_CASE("a truncated memory file closes its device and no other") {
        EngineRig rig;
        EngineGuest a(rig, "a");
        EngineGuest b(rig, "b");
        EngineGuest c(rig, "c");
        REQUIRE(ftruncate(a.guest.space.memory().fd(), 0) == 0);
        b.introduce(1);  // Delivers into the hole.
        CHECK(eventually([&] {
            rig.engine.housekeeping();
            return !rig.events().empty();
        }));
        const auto faults = rig.events_of<boundary::DeviceFaultEvent>();
        REQUIRE(faults.size() == 1);
        CHECK(faults[0].port == a.id);
        CHECK(faults[0].fault == Fault::memory_truncated);
        for (const RingState& state : states_of(a)) CHECK_FALSE(state.running);
        b.introduce(1);
        CHECK(eventually([&] { return c.guest.net().rx().used_waiting() == 2; }));
        const size_t told = rig.events().size();
        rig.engine.housekeeping();
        CHECK(rig.events().size() == told);
    }
}

TEST_SUITE("engine: the end") {
    TEST_CASE("close() under traffic, twice; counters can still be read") {
        EngineRig rig(2);
        EngineGuest a(rig, "a");
        EngineGuest b(rig, "b");
        SendingGuest sender(a.guest, {broadcast_mac, mac(0)}, 1);
        std::atomic<bool> stop{false};
        std::thread sending([&] { sender.run(UINT64_MAX / 2, 60, stop); });
        CHECK(eventually([&] { return b.count(PortCounter::rx_frames) > 0; }));
        rig.engine.close();
        rig.engine.close();
        CHECK(b.count(PortCounter::rx_frames) > 0);
        CHECK(refused(rig.engine.remove_port(a.id)) == "unknown_port");
        stop.store(true);
        sending.join();
    }
}
