// Frames through an engine while everything about it changes: not one lost without a name.
#include "engine_rig.hpp"
#include "port/vhost/vhost_commands.hpp"

using namespace valenic;
using namespace valenic::test;
using spec::DropReason;
using spec::PollingMode;
using spec::PortCounter;

namespace {

constexpr PollingMode modes[] = {PollingMode::busy, PollingMode::adaptive, PollingMode::event};

/// Guest 0 sends to guest 1 while `disturb(round)` is done again and again.
class Flow {
 public:
    Flow(EngineRig& rig, const GuestOptions& options, uint32_t frame_bytes = 200)
        : a(rig, "a", options),
          b(rig, "b", options),
          sender(a.guest, addresses(1, 0), 7),
          receiver(b.guest),
          frame_bytes_(frame_bytes) {
        b.introduce(1);
        a.guest.receive();
    }
    template <typename Disturb>
    void run(uint64_t frames, bool receiver_sleeps, Disturb disturb) {
        const std::atomic<bool> never{false};
        std::atomic<bool> sent{false};
        std::atomic<bool> all_done{false};
        std::thread sending([&] {
            sent_all = sender.run(frames, frame_bytes_, never) && sender.drain();
            sent.store(true);
        });
        std::thread receiving([&] { heard_calls = receiver.run(all_done, receiver_sleeps); });
        for (unsigned round = 0; !sent.load(); ++round) disturb(round);
        sending.join();
        all_done.store(true);
        receiving.join();
    }
    /// Sent = received + drops with a name, nothing twice, nothing out of order or damaged.
    void check_books() {
        CHECK(sent_all);
        CHECK(heard_calls);
        const StreamReport* report = receiver.sink.report_for(7);
        REQUIRE(report != nullptr);
        CHECK(report->corrupt == 0);
        CHECK(report->reordered == 0);
        CHECK(receiver.others == 0);
        CHECK(sender.sent() == report->frames + a.drops() + b.drops());
        CHECK(a.count(PortCounter::tx_frames) + a.drops() == sender.sent());
        CHECK(b.count(PortCounter::rx_frames) == report->frames);
    }

    EngineGuest a;
    EngineGuest b;
    SendingGuest sender;
    ReceivingGuest receiver;
    bool sent_all = false;
    bool heard_calls = false;

 private:
    uint32_t frame_bytes_;
};

constexpr uint64_t many = 800'000 / traffic_share;

}  // namespace

TEST_SUITE("engine: exact under change") {
    TEST_CASE("each polling mode alone, with a receiver that polls and one that sleeps") {
        for (const PollingMode mode : modes) {
            for (const bool sleeps : {false, true}) {
                for (const uint64_t features : {modern, with_events | mergeable}) {
                    CAPTURE(mode);
                    CAPTURE(sleeps);
                    CAPTURE(features);
                    EngineRig rig;
                    Flow flow(rig, {.ring_size = 256, .features = features});
                    flow.a.set_polling(mode);
                    flow.b.set_polling(mode);
                    flow.run(many / 8, sleeps, [](unsigned) { pause_ms(1); });
                    flow.check_books();
                }
            }
        }
    }
    TEST_CASE("polling modes, more, budget and moderation change every few milliseconds") {
        for (const uint64_t features : {modern, with_events}) {
            EngineRig rig;
            Flow flow(rig, {.ring_size = 256, .features = features});
            flow.run(many, true, [&](unsigned round) {
                SettingsChange change;
                change.polling = modes[round % 3];
                change.spin_us = round % 5 == 4 ? spin_us_auto : round % 5 * 10;
                change.more = round % 4 != 0;
                change.budget = 1 + round * 37 % 256;
                change.moderation_frames = round % 7 == 0 ? 32 : 1;
                change.moderation_us = round % 7 == 0 ? 100 : 0;
                flow.a.set(change);
                flow.b.set(change);
                pause_ms(1 + static_cast<int>(round % 3));
            });
            flow.check_books();
        }
    }
    TEST_CASE("new memory tables under traffic: rings are re-resolved, nothing is lost") {
        EngineRig rig;
        Flow flow(rig, {.ring_size = 256});
        flow.run(many / 2, false, [&](unsigned round) {
            EngineGuest& guest = round % 2 == 0 ? flow.a : flow.b;
            CHECK_FALSE(
                VhostCommands(rig.engine).set_memory(guest.id, guest.guest.space.regions()));
            pause_ms(1);
        });
        flow.check_books();
    }
    TEST_CASE("rings stop and start where they stopped") {
        EngineRig rig;
        Flow flow(rig, {.ring_size = 256, .features = with_events});
        flow.run(many / 2, true, [&](unsigned round) {
            if (round % 2 == 0) {
                flow.a.restart(1);
            } else {
                flow.b.restart(0);
            }
            pause_ms(1);
        });
        flow.check_books();
    }
    TEST_CASE("rings are disabled and enabled, ports go down and up") {
        EngineRig rig;
        Flow flow(rig, {.ring_size = 256});
        flow.run(many / 2, false, [&](unsigned round) {
            EngineGuest& guest = round % 4 < 2 ? flow.a : flow.b;
            if (round % 2 == 0) {
                const unsigned ring = round % 4 < 2 ? 1 : 0;
                CHECK_FALSE(VhostCommands(rig.engine).enable_ring(guest.id, ring, false));
                pause_ms(1);
                CHECK_FALSE(VhostCommands(rig.engine).enable_ring(guest.id, ring, true));
            } else {
                SettingsChange change;
                change.up = false;
                guest.set(change);
                pause_ms(1);
                change.up = true;
                guest.set(change);
            }
        });
        const StreamReport* report = flow.receiver.sink.report_for(7);
        REQUIRE(report != nullptr);
        CHECK(flow.sent_all);
        CHECK(report->corrupt == 0);
        CHECK(report->reordered == 0);
        // A down port's frames are not counted as sent: every other drop is a sent frame's.
        CHECK(flow.sender.sent() == report->frames + flow.a.drops() + flow.b.drops());
    }
    TEST_CASE("call and kick descriptors change under traffic: no wake-up is lost") {
        EngineRig rig;
        Flow flow(rig, {.ring_size = 256});
        for (EngineGuest* guest : {&flow.a, &flow.b}) guest->set_polling(PollingMode::event);
        flow.run(many / 4, true, [&](unsigned) {
            CHECK_FALSE(VhostCommands(rig.engine)
                            .set_call(flow.b.id, 0, duplicate(flow.b.guest.ring(0).call.get())));
            CHECK_FALSE(VhostCommands(rig.engine)
                            .set_kick(flow.a.id, 1, duplicate(flow.a.guest.ring(1).kick.get())));
            pause_ms(1);
        });
        flow.check_books();
    }
    TEST_CASE("ports come and go beside the traffic, on several workers") {
        EngineRig rig(3);
        Flow flow(rig, {.pairs = 2, .ring_size = 256});
        flow.run(many / 2, false, [&](unsigned) {
            EngineGuest passer_by(rig, "c", {.ring_size = 64});
            passer_by.introduce(3);
            pause_ms(1);
            CHECK_FALSE(rig.engine.remove_port(passer_by.id));
        });
        CHECK(flow.sent_all);
        // Broadcasts of the passers-by arrived as well; the second pair may have got some frames.
        ReceivingGuest second(flow.b.guest, 1);
        second.take();
        const StreamReport* first_report = flow.receiver.sink.report_for(7);
        const StreamReport* second_report = second.sink.report_for(7);
        CHECK(first_report->corrupt + second_report->corrupt == 0);
        CHECK(first_report->frames + second_report->frames + flow.b.drops() + flow.a.drops() >=
              flow.sender.sent());
    }
}

TEST_SUITE("engine: several workers") {
    TEST_CASE("guests on four workers send to one, while commands pause all of them") {
        EngineRig rig(4);
        EngineGuest target(rig, "target", {.ring_size = 1024, .features = mergeable});
        target.introduce(100);  // Alone on the switch: one drop.
        std::vector<std::unique_ptr<EngineGuest>> guests;
        std::vector<std::unique_ptr<SendingGuest>> senders;
        for (uint32_t i = 0; i < 4; ++i) {
            guests.push_back(std::make_unique<EngineGuest>(rig, "g" + std::to_string(i),
                                                           GuestOptions{.ring_size = 256}));
            senders.push_back(
                std::make_unique<SendingGuest>(guests[i]->guest, addresses(100, i), i));
        }
        const std::atomic<bool> never{false};
        std::atomic<int> running{4};
        std::atomic<bool> done{false};
        std::atomic<int> complete{0};
        std::vector<std::thread> threads;
        for (auto& sender : senders)
            threads.emplace_back([&] {
                complete += sender->run(many / 8, 100, never) && sender->drain();
                --running;
            });
        ReceivingGuest receiver(target.guest);
        std::thread receiving([&] { receiver.run(done, false); });
        while (running.load() > 0) {
            CHECK_FALSE(VhostCommands(rig.engine).enable_ring(target.id, 1, true));
            CHECK(VhostCommands(rig.engine).ring_states(target.id).ok());
            rig.engine.housekeeping();
            pause_ms(2);
        }
        for (auto& thread : threads) thread.join();
        done.store(true);
        receiving.join();
        CHECK(complete.load() == 4);
        uint64_t sent = 0;
        uint64_t received = 0;
        uint64_t drops = target.drops();
        for (uint32_t i = 0; i < 4; ++i) {
            const StreamReport* report = receiver.sink.report_for(i);
            REQUIRE(report != nullptr);
            CHECK(report->corrupt == 0);
            CHECK(report->reordered == 0);
            sent += senders[i]->sent();
            received += report->frames;
            drops += guests[i]->drops();
        }
        CHECK(sent + 1 == received + drops);
    }
}
