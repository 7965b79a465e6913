// As large as it gets: a full switch, many switches, a full table of addresses, many workers.
#include <sys/resource.h>

#include "engine_rig.hpp"

using namespace valenic;
using namespace valenic::test;
using spec::PollingMode;
using spec::PortCounter;

namespace {

constexpr unsigned many_ports = 250;
/// A small guest: two hundred of them fit into a test.
constexpr GuestOptions small{.ring_size = 16, .buffer_bytes = 256};

/// Ten descriptors for each port, on both sides.
void allow_descriptors() {
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

SettingsChange polling(PollingMode mode) {
    SettingsChange change;
    change.polling = mode;
    return change;
}

}  // namespace

TEST_SUITE("engine: scale") {
    TEST_CASE("250 ports on one switch: a broadcast reaches all, then each is found by address") {
        allow_descriptors();
        for (const PollingMode mode : {PollingMode::busy, PollingMode::event}) {
            CAPTURE(mode);
            EngineRig rig(2, 4096);
            std::vector<std::unique_ptr<EngineGuest>> guests;
            for (unsigned i = 0; i < many_ports; ++i)
                guests.push_back(std::make_unique<EngineGuest>(rig, "p" + std::to_string(i), small,
                                                               polling(mode)));
            for (unsigned i = 0; i < many_ports; ++i)
                REQUIRE(guests[i]->guest.send(frame_between({broadcast_mac, mac(i)})));
            std::vector<size_t> heard(many_ports);
            const auto all_heard = [&] {
                uint64_t sum = 0;
                for (unsigned i = 0; i < many_ports; ++i) {
                    heard[i] += guests[i]->guest.receive().size();
                    sum += heard[i] + guests[i]->drops();
                }
                return sum == uint64_t{many_ports} * (many_ports - 1);
            };
            CHECK(eventually(all_heard));
            for (unsigned i = 0; i < many_ports; ++i) {
                const unsigned to = (i * 7 + 3) % many_ports;
                if (to == i) continue;
                REQUIRE(guests[i]->guest.send(frame_between(addresses(to, i))));
                REQUIRE(eventually([&] { return guests[to]->guest.receive().size() == 1; }));
                CHECK(guests[(to + 1) % many_ports]->guest.net().rx().used_waiting() == 0);
            }
        }
    }
    TEST_CASE("16 switches with ports of the same names keep their frames apart") {
        EngineRig rig(2, 4096);
        std::vector<std::unique_ptr<EngineGuest>> guests;
        for (unsigned home = 0; home < 16; ++home) {
            auto created = rig.engine.create_switch("s" + std::to_string(home), {});
            REQUIRE(created.ok());
            rig.switch_id = created.value();
            for (unsigned i = 0; i < 3; ++i)
                guests.push_back(
                    std::make_unique<EngineGuest>(rig, "p" + std::to_string(i), small));
        }
        for (unsigned home = 0; home < 16; ++home)
            REQUIRE(
                guests[home * 3]->guest.send(frame_between({broadcast_mac, mac(1)}, 60 + home)));
        for (unsigned i = 0; i < guests.size(); ++i) {
            if (i % 3 == 0) continue;
            std::vector<Bytes> frames;
            REQUIRE(eventually([&] { return !(frames = guests[i]->guest.receive()).empty(); }));
            REQUIRE(frames.size() == 1);
            CHECK(frames[0].size() == 60 + i / 3);
        }
        // The same address, on each switch, at another port.
        for (unsigned home = 0; home < 16; ++home)
            REQUIRE(guests[home * 3 + 2]->guest.send(frame_between(addresses(1, 2))));
        for (unsigned home = 0; home < 16; ++home) {
            CHECK(eventually([&] { return guests[home * 3]->guest.receive().size() == 1; }));
            CHECK(guests[home * 3 + 1]->guest.receive().empty());
        }
    }
    TEST_CASE("64 k addresses are learned on one port and all of them are found") {
        constexpr uint32_t addresses_count = 65'536;
        EngineRig rig(1, 64);
        LearningOptions options;
        options.table_entries = addresses_count + 2;  // Of `one`, two.
        auto created = rig.engine.create_switch("large", options);
        REQUIRE(created.ok());
        rig.switch_id = created.value();
        SettingsChange settings;
        settings.mac_limit = addresses_count;
        EngineGuest many(rig, "many", {.ring_size = 1024, .buffer_bytes = 256}, settings);
        EngineGuest one(rig, "one", {.ring_size = 1024, .buffer_bytes = 256}, settings);
        EngineGuest other(rig, "other", small);
        one.introduce(0);
        const auto send_all = [&](EngineGuest& from, auto addresses_of) {
            for (uint32_t i = 0; i < addresses_count; ++i) {
                const Bytes frame = frame_between(addresses_of(i));
                REQUIRE(eventually([&] { return from.guest.send(frame); }));
                if (i % 256 == 0) many.guest.receive();
                if (i % 256 == 0) one.guest.receive();
                if (i % 8 == 0) other.guest.receive();
            }
            REQUIRE(eventually([&] {
                from.guest.net().reclaim();
                return from.guest.net().tx().in_flight() == 0;
            }));
        };
        send_all(many, [](uint32_t i) { return addresses(0x0200'0000, i + 1); });
        CHECK(many.count(PortCounter::macs_learned) == addresses_count);
        CHECK(many.count(PortCounter::macs_refused) == 0);
        const auto macs = rig.engine.macs_of(many.id);
        REQUIRE(macs.ok());
        CHECK(macs.value().size() == addresses_count);
        // A frame for an address that is known is flooded to nobody.
        const uint64_t flooded = other.count(PortCounter::rx_flooded);
        send_all(one, [](uint32_t i) { return addresses(i + 1, 0x0100'0000); });
        CHECK(other.count(PortCounter::rx_flooded) == flooded);
        CHECK(many.count(PortCounter::macs_evicted) == 0);
    }
}

TEST_SUITE("engine: many workers into one port") {
    TEST_CASE(
        "two to four workers flood one slow receiver: flows in order, every frame accounted") {
        for (unsigned workers = 2; workers <= 4; ++workers) {
            CAPTURE(workers);
            EngineRig rig(workers);
            EngineGuest target(rig, "target", {.ring_size = 256, .features = mergeable},
                               polling(PollingMode::busy));
            target.introduce(100);
            std::vector<std::unique_ptr<EngineGuest>> guests;
            std::vector<std::unique_ptr<SendingGuest>> senders;
            for (uint32_t i = 0; i < workers; ++i) {
                guests.push_back(std::make_unique<EngineGuest>(
                    rig, "g" + std::to_string(i), GuestOptions{.ring_size = 256},
                    polling(i % 2 == 0 ? PollingMode::busy : PollingMode::adaptive)));
                REQUIRE_FALSE(rig.engine.move_queue(guests[i]->id, 0, rig.worker_ids[i]));
                senders.push_back(
                    std::make_unique<SendingGuest>(guests[i]->guest, addresses(100, i), i));
            }
            const std::atomic<bool> never{false};
            std::atomic<unsigned> running{workers};
            std::atomic<unsigned> complete{0};
            std::vector<std::thread> threads;
            for (auto& sender : senders)
                threads.emplace_back([&] {
                    complete += sender->run(100'000 / traffic_share, 100, never) && sender->drain();
                    --running;
                });
            // Slow: it takes what it finds and then rests, so the ring is often full.
            ReceivingGuest receiver(target.guest);
            while (running.load() > 0) {
                receiver.take();
                for (int i = 0; i < 20; ++i) std::this_thread::yield();
            }
            for (auto& thread : threads) thread.join();
            while (receiver.take() > 0) {
            }
            CHECK(complete.load() == workers);
            CHECK(receiver.others == 0);
            uint64_t received = 0;
            uint64_t sent = 1;  // The introduction, alone on the switch.
            uint64_t drops = target.drops();
            for (uint32_t i = 0; i < workers; ++i) {
                const StreamReport* report = receiver.sink.report_for(i);
                REQUIRE(report != nullptr);
                CHECK(report->corrupt == 0);
                CHECK(report->reordered == 0);
                received += report->frames;
                sent += senders[i]->sent();
                drops += guests[i]->drops();
            }
            CHECK(sent == received + drops);
            CHECK(target.count(PortCounter::rx_frames) == received);
        }
    }
}
