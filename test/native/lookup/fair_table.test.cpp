// The address table between ports: the largest holder loses first, and sizes are exact.
#include <algorithm>
#include <thread>

#include "lookup/learning.hpp"
#include "lookup_rig.hpp"

using namespace valenic;
using namespace valenic::test;
using spec::PortCounter;

namespace {

struct TableRig : LookupRig {
    /// Always the same hash: a table that is full to the last place may turn one in 10^8 away.
    explicit TableRig(LearningOptions options = {})
        : LookupRig(std::make_unique<LearningLookup>(
              LearningOptions{options.ageing_s, options.table_entries, 4242})) {}
    size_t held(uint8_t slot) { return lookup->addresses_of(slot).size(); }
    uint64_t evicted_in_all() const {
        uint64_t sum = 0;
        for (unsigned slot = 0; slot < 256; ++slot) sum += evicted(static_cast<uint8_t>(slot));
        return sum;
    }
    /// `count` addresses of a port's own, from `first` on.
    void fill(uint8_t slot, uint32_t first, uint32_t count) {
        for (uint32_t i = 0; i < count; ++i) learn(slot, first + i);
    }
};

/// Numbers of addresses that belong to a slot.
constexpr uint32_t own(uint8_t slot, uint32_t number = 0) {
    return (uint32_t{slot} + 1) << 20 | number;
}

}  // namespace

TEST_SUITE("address table: sizes and limits mean what they say") {
    TEST_CASE("a limit of 8000 in a table of 8192: 8000 of one port are kept, none is pushed out") {
        TableRig rig;
        rig.mac_limit = 8000;
        rig.fill(5, 0, 8000);
        CHECK(rig.held(5) == 8000);
        for (uint32_t i = 0; i < 8000; ++i) REQUIRE(rig.where(i) == 5);
        rig.fill(5, 8000, 100);
        CHECK(rig.count(PortCounter::macs_refused) == 100);
        CHECK(rig.held(5) == 8000);
        CHECK(rig.evicted_in_all() == 0);
    }
    TEST_CASE("a table of any size holds so many, of one port or of many, and no more") {
        for (const size_t room :
             {size_t{64}, size_t{65}, size_t{100}, size_t{8192}, size_t{10'000}, size_t{65'536}}) {
            CAPTURE(room);
            for (const unsigned ports : {1u, 3u, 250u}) {
                if (ports > room) continue;
                CAPTURE(ports);
                TableRig rig({.table_entries = room});
                rig.mac_limit = UINT32_MAX;
                for (uint32_t i = 0; i < room; ++i) {
                    const auto slot = static_cast<uint8_t>(i % ports);
                    rig.learn(slot, own(slot, i));
                }
                CHECK(rig.count(PortCounter::macs_learned) == room);
                CHECK(rig.evicted_in_all() == 0);
                size_t held = 0;
                for (unsigned slot = 0; slot < ports; ++slot)
                    held += rig.held(static_cast<uint8_t>(slot));
                CHECK(held == room);
                rig.learn(0, own(251));  // One more: one goes.
                CHECK(rig.evicted_in_all() == 1);
            }
        }
    }
    TEST_CASE("at a limit of 1024 the 1025th is refused, and pushes nobody out of any port") {
        TableRig rig({.table_entries = 4096});
        rig.fill(1, own(1), 1024);
        rig.fill(2, own(2), 1024);
        rig.fill(3, own(3), 2048);
        CHECK(rig.count(PortCounter::macs_refused) == 1024);
        for (const uint8_t slot : {1, 2, 3}) {
            for (uint32_t i = 0; i < 1024; ++i) REQUIRE(rig.where(own(slot, i)) == slot);
            CHECK(rig.held(slot) == 1024);
        }
        CHECK(rig.evicted_in_all() == 0);
        rig.learn(4, own(4));  // The others find their room.
        CHECK(rig.where(own(4)) == 4);
    }
    TEST_CASE("what a port at its limit sends is answered: known ones, refused ones, its own") {
        TableRig rig;
        rig.mac_limit = 2;
        rig.fill(1, own(1), 5);
        rig.now_s += 1;
        rig.fill(1, own(1), 5);  // Looked through in this second: now without the lock.
        rig.fill(1, own(1), 5);
        CHECK(rig.count(PortCounter::macs_refused) == 9);
        CHECK(rig.held(1) == 2);
        for (uint32_t i = 0; i < 5; ++i)
            CHECK(rig.where(own(1, i)) == (i < 2 ? Action::output(1) : Action::flood_unknown()));
    }
    TEST_CASE("a full table of what expired has room, and counts nothing as pushed out") {
        TableRig rig({.ageing_s = 10, .table_entries = 64});
        for (uint8_t slot = 0; slot < 64; ++slot) rig.learn(slot, own(slot));
        rig.now_s += 11;
        for (uint8_t slot = 100; slot < 164; ++slot) rig.learn(slot, own(slot));
        for (uint8_t slot = 100; slot < 164; ++slot) CHECK(rig.where(own(slot)) == slot);
        CHECK(rig.evicted_in_all() == 0);
    }
    TEST_CASE("an address that comes back elsewhere after it expired is a new one") {
        TableRig rig({.ageing_s = 10});
        rig.learn(1, 7);
        rig.now_s += 11;
        rig.learn(2, 7);
        CHECK(rig.where(7) == 2);
        CHECK(rig.count(PortCounter::macs_learned) == 2);
        CHECK(rig.count(PortCounter::macs_moved) == 0);
    }
}

TEST_SUITE("address table: fair between ports") {
    TEST_CASE("20 ports x 1024 addresses: whoever holds few keeps them all, silent or not") {
        TableRig rig;
        rig.learn(100, own(100));    // A silent receiver.
        rig.fill(101, own(101), 3);  // A host that goes on speaking.
        rig.fill(102, own(102), 300);
        for (uint32_t round = 0; round < 1024; ++round) {
            for (uint8_t slot = 0; slot < 20; ++slot) rig.learn(slot, own(slot, round));
            if (round % 128 == 0) rig.now_s += 1;
            if (round % 16 == 0) rig.fill(101, own(101), 3);
            REQUIRE(rig.where(own(100)) == 100);
        }
        for (uint32_t i = 0; i < 3; ++i) CHECK(rig.where(own(101, i)) == 101);
        for (uint32_t i = 0; i < 300; ++i) CHECK(rig.where(own(102, i)) == 102);
        for (const uint8_t slot : {100, 101, 102}) CHECK(rig.evicted(slot) == 0);
        for (uint8_t slot = 0; slot < 20; ++slot) {
            CHECK(rig.evicted(slot) == 1024 - rig.held(slot));
            CHECK(rig.held(slot) >= (8192 - 304) / 20);
        }
        // And after it: new addresses of the attackers push out their own alone.
        for (uint8_t slot = 0; slot < 20; ++slot) rig.fill(slot, own(slot, 5000), 1024);
        CHECK(rig.where(own(100)) == 100);
        CHECK(rig.evicted(100) + rig.evicted(101) + rig.evicted(102) == 0);
    }
    TEST_CASE("the port that holds most gives one up, whichever port asks for it") {
        TableRig rig({.table_entries = 64});
        rig.fill(1, own(1), 50);
        rig.fill(2, own(2), 14);
        rig.learn(3, own(3));
        CHECK(rig.evicted(1) == 1);
        CHECK(rig.evicted(2) == 0);
        CHECK(rig.held(1) == 49);
        CHECK(rig.where(own(3)) == 3);
    }
    TEST_CASE("a port takes none from one that would hold fewer than itself then") {
        TableRig rig({.table_entries = 64});
        rig.fill(1, own(1), 33);
        rig.fill(2, own(2), 31);
        rig.learn(2, own(2, 100));  // 32 and 32.
        CHECK(rig.evicted(1) == 1);
        for (uint32_t i = 0; i < 100; ++i) {
            rig.learn(2, own(2, 200 + i));
            rig.learn(1, own(1, 200 + i));
            CHECK(rig.held(1) == 32);
            CHECK(rig.held(2) == 32);
        }
        CHECK(rig.evicted(1) == 101);
        CHECK(rig.evicted(2) == 100);
    }
    TEST_CASE("nobody loses its last address to another; who has none then is refused, counted") {
        TableRig rig({.table_entries = 64});
        for (uint8_t slot = 0; slot < 64; ++slot) rig.learn(slot, own(slot));
        rig.now_s += 100;
        for (uint32_t i = 0; i < 100; ++i) rig.learn(200, own(200, i));
        for (uint8_t slot = 0; slot < 64; ++slot) CHECK(rig.where(own(slot)) == slot);
        CHECK(rig.count(PortCounter::macs_refused) == 100);
        CHECK(rig.evicted_in_all() == 0);
        rig.learn(3, own(3, 9));  // Its own it may replace.
        CHECK(rig.where(own(3, 9)) == 3);
        CHECK(rig.evicted(3) == 1);
    }
    TEST_CASE("of one port, what speaks stays and what was silent goes") {
        TableRig rig({.table_entries = 1024});
        rig.mac_limit = UINT32_MAX;
        rig.fill(1, own(1), 1024);
        for (uint32_t round = 0; round < 40; ++round) {
            rig.now_s += 1;
            rig.fill(1, own(1), 16);  // These speak in every second.
            rig.fill(1, own(1, 10'000 + round * 16), 16);
        }
        for (uint32_t i = 0; i < 16; ++i) CHECK(rig.where(own(1, i)) == 1);
        // A few are looked at each time: where all of them speak, one of them goes, and comes back.
        CHECK(rig.evicted(1) >= 640);
        CHECK(rig.evicted(1) <= 640 + 16);
    }
    TEST_CASE("ties within one second: each of a port's addresses goes in its turn") {
        TableRig rig({.table_entries = 64});
        rig.mac_limit = UINT32_MAX;
        rig.fill(1, own(1), 64);
        rig.fill(1, own(1, 1000), 64);  // All in the same second.
        for (uint32_t i = 0; i < 64; ++i) {
            CHECK(rig.where(own(1, i)) == Action::flood_unknown());
            CHECK(rig.where(own(1, 1000 + i)) == 1);
        }
    }
    TEST_CASE("who comes late to a full table gets an equal share") {
        TableRig rig({.table_entries = 1000});
        rig.mac_limit = UINT32_MAX;
        rig.fill(1, own(1), 1000);
        for (uint8_t slot = 2; slot <= 10; ++slot) rig.fill(slot, own(slot), 1000);
        for (uint8_t slot = 1; slot <= 10; ++slot) {
            CHECK(rig.held(slot) >= 99);
            CHECK(rig.held(slot) <= 101);
        }
    }
    TEST_CASE("the books are right after moves, ageing and ports that leave") {
        TableRig rig({.ageing_s = 50, .table_entries = 256});
        rig.mac_limit = 100;
        uint32_t random = 1;
        for (uint32_t step = 0; step < 50'000; ++step) {
            random = random * 1'103'515'245 + 12'345;
            const auto slot = static_cast<uint8_t>(random >> 16 & 7);
            if (step % 97 == 0) rig.now_s += 1;
            if (step % 1009 == 0) {
                rig.lookup->forget(slot);
                ++rig.generation[slot];
                CHECK(rig.held(slot) == 0);
            } else {
                rig.learn(slot, random >> 20 & 511);
            }
            if (step % 500 != 0) continue;
            size_t held = 0;
            for (uint8_t each = 0; each < 8; ++each) {
                CHECK(rig.held(each) <= 100);
                held += rig.held(each);
            }
            CHECK(held <= 256);
        }
        for (uint8_t slot = 0; slot < 8; ++slot) rig.lookup->forget(slot);
        // Whatever was forgotten left its room: the whole table is there again.
        rig.mac_limit = 256;
        const uint64_t before = rig.evicted_in_all();
        rig.fill(9, own(9), 256);
        CHECK(rig.held(9) == 256);
        CHECK(rig.evicted_in_all() == before);
    }
    TEST_CASE("the same address in VLANs is as many addresses, of the ports that said them") {
        TableRig rig({.table_entries = 64});
        rig.learn(9, own(9));
        const Bytes frame = frame_between({broadcast_mac, mac(1)});
        rig.batch->clear();
        append_frame(*rig.batch, frame);
        for (uint16_t vlan = 1; vlan <= 200; ++vlan) {
            LookupSource source = rig.source(1);
            source.vlans = &vlan;
            Action action = unsaid;
            rig.lookup->resolve(*rig.batch, source, {&action, 1});
        }
        CHECK(rig.held(1) == 63);
        CHECK(rig.evicted(1) == 200 - 63);
        CHECK(rig.where(own(9)) == 9);
    }
}

TEST_SUITE("address table: readers and writers at once") {
    TEST_CASE("no reader sees an address of a port that has left, or of another one's") {
        LearningLookup lookup({.table_entries = 256});
        std::array<CounterBlock, 256> blocks{};
        std::array<CounterBlock*, 256> books{};
        for (size_t slot = 0; slot < books.size(); ++slot) books[slot] = &blocks[slot];
        constexpr uint32_t addresses_each = 40;
        constexpr uint32_t owners = 4;
        std::atomic<uint32_t> generation{0};  ///< Odd: slot 7 is nobody's.
        std::atomic<bool> done{false};
        std::atomic<uint64_t> wrong{0}, found{0};
        const auto look = [&](Batch& batch, const LookupSource& source, uint32_t to,
                              uint32_t from) {
            batch.clear();
            const Bytes frame = frame_between({mac(to), from == 0 ? broadcast_mac : mac(from)});
            append_frame(batch, frame);
            Action action = unsaid;
            lookup.resolve(batch, source, {&action, 1});
            return action;
        };
        std::vector<std::thread> threads;
        for (unsigned reader = 0; reader < 2; ++reader)
            threads.emplace_back([&] {
                auto batch = std::make_unique<Batch>();
                CounterBlock counters{};
                const LookupSource source{200, 1, 0, 1, &counters, nullptr, books.data(), 0};
                for (uint32_t round = 0; !done.load(std::memory_order_acquire); ++round) {
                    const uint32_t owner = round % owners;
                    const uint32_t number =
                        own(static_cast<uint8_t>(owner), round / owners % addresses_each);
                    const Action action = look(*batch, source, number, 0);
                    if (action != Action::flood_unknown() && action != owner) ++wrong;
                    found += action == owner;
                    const uint32_t before = generation.load(std::memory_order_acquire);
                    const Action led = look(*batch, source, own(7, before / 2), 0);
                    const uint32_t after = generation.load(std::memory_order_acquire);
                    if (led != Action::flood_unknown() && led != 7) ++wrong;
                    // Nobody was there from before the question until after it.
                    if (before == after && before % 2 != 0) wrong += !reaches_everyone(led);
                }
            });
        auto batch = std::make_unique<Batch>();
        for (uint32_t turn = 0; turn < 3000; ++turn) {
            for (uint8_t slot = 0; slot < owners; ++slot)
                look(*batch, {slot, 1, 1024, 1, &blocks[slot], nullptr, books.data(), 0}, 0,
                     own(slot, turn % addresses_each));
            // Slot 7: a port comes, says an address of its own, pushes others about, and goes.
            const auto life = static_cast<uint8_t>(turn);
            const LookupSource seven{7, life, 1024, 1, &blocks[7], nullptr, books.data(), 0};
            look(*batch, seven, 0, own(7, turn));
            for (uint32_t i = 0; i < 8; ++i) look(*batch, seven, 0, own(8, turn * 8 + i));
            lookup.forget(7);
            generation.store(turn * 2 + 1, std::memory_order_release);
            std::this_thread::yield();
            generation.store(turn * 2 + 2, std::memory_order_release);
        }
        done.store(true, std::memory_order_release);
        for (auto& thread : threads) thread.join();
        CHECK(wrong.load() == 0);
        CHECK(found.load() > 0);
    }
    TEST_CASE("what stays is found all the time, however much others push about around it") {
        LearningLookup lookup({.table_entries = 64});
        std::array<CounterBlock, 256> blocks{};
        std::array<CounterBlock*, 256> books{};
        for (size_t slot = 0; slot < books.size(); ++slot) books[slot] = &blocks[slot];
        std::atomic<bool> done{false};
        std::atomic<uint64_t> misled{0};
        const auto say = [&](Batch& batch, uint8_t slot, uint32_t to, uint32_t from) {
            batch.clear();
            const Bytes frame = frame_between({mac(to), mac(from)});
            append_frame(batch, frame);
            Action action = unsaid;
            lookup.resolve(batch, {slot, 1, 1024, 1, &blocks[slot], nullptr, books.data(), 0},
                           {&action, 1});
            return action;
        };
        auto own_batch = std::make_unique<Batch>();
        say(*own_batch, 50, 0, own(50));
        std::thread reader([&] {
            auto batch = std::make_unique<Batch>();
            while (!done.load(std::memory_order_acquire)) {
                const Action action = say(*batch, 51, own(50), own(51));
                if (action != 50 && action != Action::flood_unknown()) ++misled;
            }
        });
        for (uint32_t i = 0; i < 100'000; ++i)
            say(*own_batch, static_cast<uint8_t>(i % 20), 0, own(60, i));
        done.store(true, std::memory_order_release);
        reader.join();
        CHECK(misled.load() == 0);
        CHECK(say(*own_batch, 51, own(50), own(51)) == 50);
        CHECK(blocks[50].read(PortCounter::macs_evicted) == 0);
    }
}
