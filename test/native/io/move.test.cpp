// Queue pairs move between workers while frames go through them.
#include "engine_rig.hpp"

using namespace valenic;
using namespace valenic::test;
using spec::PollingMode;
using spec::PortCounter;
using spec::WorkerCounter;

namespace {

constexpr uint64_t many = 400'000 / traffic_share;
constexpr PollingMode modes[] = {PollingMode::busy, PollingMode::adaptive, PollingMode::event};

/// What one stream's receiver saw against what was sent: nothing twice, damaged or out of order.
struct Books {
    uint64_t received = 0;
    void add(ProbeSink& sink, uint32_t stream) {
        const StreamReport* report = sink.report_for(stream);
        REQUIRE(report != nullptr);
        CHECK(report->corrupt == 0);
        CHECK(report->reordered == 0);
        received += report->frames;
    }
};

}  // namespace

TEST_SUITE("engine: moving queue pairs") {
    TEST_CASE("back and forth every few milliseconds: every frame, in order") {
        for (const PollingMode mode : modes) {
            CAPTURE(mode);
            EngineRig rig(3);
            SettingsChange settings;
            settings.polling = mode;
            EngineGuest a(rig, "a", {.ring_size = 256, .features = with_events}, settings);
            EngineGuest b(rig, "b", {.ring_size = 256, .features = with_events}, settings);
            b.introduce(1);
            a.guest.receive();
            SendingGuest sender(a.guest, addresses(1, 0), 7);
            ReceivingGuest receiver(b.guest);
            const std::atomic<bool> never{false};
            std::atomic<bool> sent{false};
            std::atomic<bool> done{false};
            bool complete = false;
            bool heard = false;
            std::thread sending([&] {
                complete = sender.run(many / 3, 200, never) && sender.drain();
                sent.store(true);
            });
            std::thread receiving([&] { heard = receiver.run(done, true); });
            for (unsigned turn = 0; !sent.load(); ++turn) {
                CHECK_FALSE(rig.engine.move_queue(a.id, 0, rig.worker_ids[turn % 3]));
                CHECK_FALSE(rig.engine.move_queue(b.id, 0, rig.worker_ids[turn / 2 % 3]));
                pause_ms(1 + static_cast<int>(turn % 3));
            }
            sending.join();
            done.store(true);
            receiving.join();
            CHECK(complete);
            CHECK(heard);
            Books books;
            books.add(receiver.sink, 7);
            CHECK(sender.sent() == books.received + a.drops() + b.drops());
            CHECK(a.count(PortCounter::tx_frames) == sender.sent());
            CHECK(b.count(PortCounter::rx_frames) == books.received);
        }
    }
    TEST_CASE("pairs of one port move on their own, beside flows on all of them") {
        EngineRig rig(4);
        EngineGuest a(rig, "a", {.pairs = 2, .ring_size = 256});
        EngineGuest b(rig, "b", {.pairs = 2, .ring_size = 1024});
        b.introduce(100);
        for (unsigned pair = 0; pair < 2; ++pair) a.guest.receive(pair);
        std::vector<std::unique_ptr<SendingGuest>> senders;
        std::vector<std::unique_ptr<ReceivingGuest>> receivers;
        std::vector<std::thread> threads;
        const std::atomic<bool> never{false};
        std::atomic<int> running{2};
        std::atomic<bool> done{false};
        std::atomic<int> complete{0};
        for (unsigned pair = 0; pair < 2; ++pair) {
            senders.push_back(
                std::make_unique<SendingGuest>(a.guest, addresses(100, pair), pair, pair));
            receivers.push_back(std::make_unique<ReceivingGuest>(b.guest, pair));
        }
        for (unsigned pair = 0; pair < 2; ++pair) {
            threads.emplace_back([&, pair] {
                complete += senders[pair]->run(many / 4, 100, never) && senders[pair]->drain();
                --running;
            });
            threads.emplace_back([&, pair] { receivers[pair]->run(done, false); });
        }
        for (unsigned turn = 0; running.load() > 0; ++turn) {
            CHECK_FALSE(rig.engine.move_queue(a.id, turn % 2, rig.worker_ids[turn * 7 % 4]));
            CHECK_FALSE(rig.engine.move_queue(b.id, turn % 2, rig.worker_ids[turn * 5 % 4]));
            pause_ms(1);
        }
        done.store(true);
        for (auto& thread : threads) thread.join();
        CHECK(complete.load() == 2);
        // A flow goes to one pair of the receiver, whichever it is.
        uint64_t received = 0;
        for (uint32_t stream = 0; stream < 2; ++stream)
            for (auto& receiver : receivers) {
                const StreamReport* report = receiver->sink.report_for(stream);
                REQUIRE(report != nullptr);
                CHECK(report->corrupt == 0);
                CHECK(report->reordered == 0);
                received += report->frames;
            }
        CHECK(senders[0]->sent() + senders[1]->sent() == received + a.drops() + b.drops());
    }
    TEST_CASE(
        "a pair that sleeps is woken by its kick at the new worker, and the old one forgets") {
        EngineRig rig(2);
        SettingsChange event;
        event.polling = PollingMode::event;
        EngineGuest a(rig, "a", {}, event);
        EngineGuest b(rig, "b", {}, event);
        for (unsigned turn = 0; turn < 40 / traffic_share + 4; ++turn) {
            REQUIRE_FALSE(rig.engine.move_queue(a.id, 0, rig.worker_ids[turn % 2]));
            const unsigned owner = turn % 2;
            REQUIRE(eventually([&] {
                const uint64_t before = rig.worker_count(WorkerCounter::rounds, owner);
                pause_ms(2);
                return rig.worker_count(WorkerCounter::rounds, owner) == before;
            }));
            a.guest.send(frame_between({broadcast_mac, mac(0)}));
            CHECK(eventually([&] { return b.guest.receive().size() == 1; }));
        }
        CHECK(a.drops() + b.drops() == 0);
    }
    TEST_CASE("a call that was held back by moderation comes although its queue has moved") {
        EngineRig rig(2);
        EngineGuest a(rig, "a");
        SettingsChange moderated;
        moderated.moderation_frames = 1000;
        moderated.moderation_us = 5000;
        EngineGuest b(rig, "b", {.wants_calls = true}, moderated);
        for (unsigned turn = 0; turn < 10; ++turn) {
            a.guest.send(frame_between({broadcast_mac, mac(0)}));
            REQUIRE(eventually([&] { return b.guest.net().rx().used_waiting() == 1; }));
            REQUIRE_FALSE(rig.engine.move_queue(b.id, 0, rig.worker_ids[turn % 2]));
            REQUIRE_FALSE(rig.engine.move_queue(a.id, 0, rig.worker_ids[(turn + 1) % 2]));
            CHECK(b.wait_call());
            CHECK(b.guest.receive().size() == 1);
        }
    }
    TEST_CASE("what is not there is refused, and a move to where it is changes nothing") {
        EngineRig rig(2);
        EngineGuest a(rig, "a", {.pairs = 2});
        CHECK(refused(rig.engine.move_queue(a.id, 2, 0)) == "invalid_argument");
        CHECK(refused(rig.engine.move_queue(a.id, 0, 2)) == "unknown_worker");
        CHECK(refused(rig.engine.move_queue(a.id + 1000, 0, 0)) == "unknown_port");
        CHECK_FALSE(rig.engine.move_queue(a.id, 0, 0));
        CHECK_FALSE(rig.engine.remove_port(a.id));
        CHECK(refused(rig.engine.move_queue(a.id, 0, 0)) == "unknown_port");
    }
}
