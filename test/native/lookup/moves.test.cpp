// Addresses that move between ports again and again: noticed by the lookup, told by the engine.
#include "engine_rig.hpp"
#include "lookup/hub.hpp"
#include "lookup/learning.hpp"
#include "lookup_rig.hpp"

using namespace valenic;
using namespace valenic::test;
using spec::PortCounter;

namespace {

struct MovesRig : LookupRig {
    MovesRig() : LookupRig(std::make_unique<LearningLookup>(LearningOptions{})) {}
    /// `number` is said on two ports in turn.
    void flap(uint32_t number, uint8_t a, uint8_t b, unsigned moves) {
        learn(a, number);
        for (unsigned i = 0; i < moves; ++i) learn(i % 2 == 0 ? b : a, number);
    }
    AddressMoves of(uint8_t slot) {
        const AddressNews news = lookup->news_of(slot);
        REQUIRE(news.whole);
        return news.moves;
    }
};

}  // namespace

TEST_SUITE("moves: what the lookup notices") {
    TEST_CASE("an address on two ports in turn is noted at both, with how often and how long") {
        MovesRig rig;
        rig.learn(3, 9);
        for (unsigned i = 1; i <= 886; ++i) {
            if (i == 443) rig.now_s += 2;
            rig.learn(i % 2 == 1 ? 4 : 3, 9);
        }
        for (const uint8_t slot : {3, 4}) {
            const AddressMoves moves = rig.of(slot);
            CHECK(moves.mac == mac(9));
            CHECK(moves.vlan == 0);
            CHECK(moves.other == 7 - slot);
            CHECK(moves.count == 886);
            CHECK(moves.seconds == 2);
            CHECK(moves.last_s == rig.now_s);
        }
        CHECK(rig.count(PortCounter::macs_moved) == 886);
        CHECK(rig.of(5).count == 0);
    }
    TEST_CASE("a guest that migrates once, or once in a while, is not worth a word") {
        MovesRig rig;
        rig.flap(9, 3, 4, AddressMoves::many - 1);
        CHECK(rig.of(3).count == 0);
        for (int i = 0; i < 100; ++i) {
            rig.now_s += AddressMoves::pause_s + 1;
            rig.learn(i % 2 == 0 ? 5 : 6, 9);
        }
        CHECK(rig.of(5).count == 0);
    }
    TEST_CASE("many addresses that move once each (a failover) are not worth a word") {
        MovesRig rig;
        for (uint32_t i = 0; i < 1000; ++i) rig.learn(3, i);
        for (uint32_t i = 0; i < 1000; ++i) rig.learn(4, i);
        CHECK(rig.count(PortCounter::macs_moved) == 1000);
        CHECK(rig.of(3).count == 0);
        CHECK(rig.of(4).count == 0);
    }
    TEST_CASE("nobody hides a duplicate behind other addresses that move") {
        MovesRig rig;
        rig.learn(3, 9);
        for (unsigned round = 0; round < 10; ++round) {
            for (uint32_t i = 100; i < 400; ++i) rig.learn(round % 2 == 0 ? 10 : 11, i);
            rig.learn(round % 2 == 0 ? 10 : 3, 9);
        }
        CHECK(rig.of(3).mac == mac(9));
        CHECK(rig.of(3).count == 10);
    }
    TEST_CASE("a port that may learn no more takes no address, and is noted all the same") {
        MovesRig rig;
        rig.learn(3, 9);
        rig.mac_limit = 0;
        for (int i = 0; i < 20; ++i) rig.learn(4, 9);
        CHECK(rig.where(9) == 3);
        CHECK(rig.count(PortCounter::macs_moved) == 0);
        CHECK(rig.of(3).count == 20);
        CHECK(rig.of(4).other == 3);
    }
    TEST_CASE("a port that leaves takes along what is said of it, at the other port too") {
        MovesRig rig;
        rig.flap(9, 3, 4, 20);
        rig.flap(8, 5, 6, 20);
        rig.lookup->forget(4);
        CHECK(rig.of(3).count == 0);
        CHECK(rig.of(4).count == 0);
        CHECK(rig.of(5).count == 20);
    }
    TEST_CASE("a port that comes back under the same slot with its address has not moved") {
        MovesRig rig;
        for (unsigned i = 0; i < 20; ++i) {
            ++rig.generation[3];
            rig.learn(3, 9);
        }
        CHECK(rig.of(3).count == 0);
    }
    TEST_CASE("evictions are told too, and a lookup that learns nothing has no news") {
        LookupRig full(std::make_unique<LearningLookup>(LearningOptions{.table_entries = 64}));
        for (uint32_t i = 0; i < 100; ++i) full.learn(3, i);
        CHECK(full.lookup->news_of(3).evicted == 36);
        CHECK(full.evicted(3) == 36);
        LookupRig hub(std::make_unique<HubLookup>());
        hub.learn(3, 1);
        CHECK(hub.lookup->news_of(3).whole);
        CHECK(hub.lookup->news_of(3).evicted == 0);
    }
    TEST_CASE("who reads while it is written reads all of one, or that it was being written") {
        AddressBoard board;
        std::atomic<bool> done{false};
        std::thread writer([&] {
            for (uint16_t i = 1; !done.load(std::memory_order_acquire); ++i)
                board.write(3, {uint64_t{i} << 8, i, static_cast<uint8_t>(i), i, i, i});
        });
        uint64_t torn = 0;
        for (uint64_t whole = 0; whole < 10'000;) {
            const AddressNews news = board.read(3);
            if (!news.whole) continue;
            ++whole;
            const AddressMoves& moves = news.moves;
            const uint16_t i = moves.count;
            torn += moves.mac != uint64_t{i} << 8 || moves.vlan != i ||
                    moves.other != static_cast<uint8_t>(i) || moves.seconds != i ||
                    moves.last_s != i;
        }
        done.store(true, std::memory_order_release);
        writer.join();
        CHECK(torn == 0);
    }
}

TEST_SUITE("moves: what the engine tells") {
    constexpr uint64_t second_ns = 1'000'000'000;

    /// A frame from `number` comes out of a port, as the NIC of another guest might send it.
    void say(EngineRig & rig, uint32_t port, uint32_t number) {
        REQUIRE_FALSE(rig.engine.inject(port, frame_between({broadcast_mac, mac(number)})));
    }

    TEST_CASE("both ports are told once, with each other; and once that it has stopped") {
        EngineRig rig;
        EngineGuest a(rig, "a");
        EngineGuest b(rig, "b");
        EngineGuest bystander(rig, "c");
        for (int i = 0; i < 50; ++i) say(rig, i % 2 == 0 ? a.id : b.id, 7);
        for (int i = 0; i < 3; ++i) rig.engine.housekeeping();
        const auto events = rig.events_of<boundary::MacMovesEvent>();
        REQUIRE(rig.events().size() == 2);
        REQUIRE(events.size() == 2);
        for (const auto& event : events) {
            CHECK(event.mac.value == mac(7));
            CHECK(event.moves == 49);
            CHECK(event.other == (event.port == a.id ? b.id : a.id));
        }
        CHECK(events[0].port != events[1].port);
        for (int i = 0; i < 3; ++i) rig.engine.housekeeping(monotonic_ns() + 20 * second_ns);
        CHECK(rig.events_of<boundary::MacRestsEvent>().size() == 2);
        CHECK(rig.events().size() == 4);
    }
    TEST_CASE("a broadcast that comes back through another port is the same") {
        EngineRig rig;
        EngineGuest host(rig, "host");
        EngineGuest loop(rig, "loop");
        for (int i = 0; i < 5; ++i) {
            say(rig, host.id, 7);
            for (const Bytes& frame : loop.guest.receive())
                REQUIRE_FALSE(rig.engine.inject(loop.id, frame));
        }
        rig.engine.housekeeping();
        CHECK(rig.events_of<boundary::MacMovesEvent>().size() == 2);
    }
    TEST_CASE("a few a second, whatever the guests do, and everybody has a turn") {
        EngineRig rig;
        std::vector<std::unique_ptr<EngineGuest>> guests;
        for (int i = 0; i < 20; ++i)
            guests.push_back(std::make_unique<EngineGuest>(rig, "g" + std::to_string(i)));
        for (int i = 0; i < 20; ++i)
            for (uint32_t pair = 0; pair < 10; ++pair)
                say(rig, guests[pair * 2 + i % 2]->id, pair + 1);
        size_t before = 0;
        for (int second = 0; second < 7; ++second) {
            rig.engine.housekeeping();
            CHECK(rig.events().size() - before <= 3);
            before = rig.events().size();
        }
        CHECK(rig.events_of<boundary::MacMovesEvent>().size() == 20);
    }
    TEST_CASE("ports that lose addresses without end hold up no notice of another's") {
        EngineRig rig;
        LearningOptions options;
        options.table_entries = 64;
        auto created = rig.engine.create_switch("small", options);
        REQUIRE(created.ok());
        rig.switch_id = created.value();
        std::vector<std::unique_ptr<EngineGuest>> hostile;
        for (int i = 0; i < 20; ++i)
            hostile.push_back(std::make_unique<EngineGuest>(rig, "h" + std::to_string(i)));
        EngineGuest a(rig, "a");
        EngineGuest b(rig, "b");
        for (uint32_t i = 0; i < 200; ++i) say(rig, hostile[i % 20]->id, 1000 + i);
        for (int i = 0; i < 10; ++i) say(rig, i % 2 == 0 ? a.id : b.id, 7);
        rig.engine.housekeeping();
        CHECK(rig.events_of<boundary::MacMovesEvent>().size() == 2);
        CHECK(rig.events_of<boundary::MacsEvictedEvent>().size() == 3);
        for (int second = 0; second < 10; ++second) rig.engine.housekeeping();
        CHECK(rig.events_of<boundary::MacsEvictedEvent>().size() == 20);
    }
    TEST_CASE("a port that is removed meanwhile is named to nobody") {
        EngineRig rig;
        EngineGuest a(rig, "a");
        {
            EngineGuest b(rig, "b");
            for (int i = 0; i < 50; ++i) say(rig, i % 2 == 0 ? a.id : b.id, 7);
            REQUIRE_FALSE(rig.engine.remove_port(b.id));
        }
        rig.engine.housekeeping();
        CHECK(rig.events().empty());
    }
    TEST_CASE("addresses that were pushed out: counted and told at the port that lost them") {
        EngineRig rig;
        LearningOptions options;
        options.table_entries = 64;
        auto created = rig.engine.create_switch("small", options);
        REQUIRE(created.ok());
        rig.switch_id = created.value();
        EngineGuest many(rig, "many");
        EngineGuest one(rig, "one");
        say(rig, one.id, 1);
        for (uint32_t i = 0; i < 100; ++i) say(rig, many.id, 100 + i);
        rig.engine.housekeeping();
        rig.engine.housekeeping();
        const auto events = rig.events_of<boundary::MacsEvictedEvent>();
        REQUIRE(rig.events().size() == 1);
        REQUIRE(events.size() == 1);
        CHECK(events[0].port == many.id);
        CHECK(events[0].evicted == 37);
        CHECK(many.count(PortCounter::macs_evicted) == 37);
        CHECK(one.count(PortCounter::macs_evicted) == 0);
        say(rig, many.id, 5000);
        rig.engine.housekeeping();
        CHECK(rig.events_of<boundary::MacsEvictedEvent>().back().evicted == 1);
    }
}
