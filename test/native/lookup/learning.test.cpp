// The learning lookup: for a while, frames for an address go to the port that last sent from it.
#include "lookup/learning.hpp"

#include <set>
#include <thread>

#include "lookup_rig.hpp"

using namespace valenic;
using namespace valenic::test;
using spec::PortCounter;

namespace {

struct LearningRig : LookupRig {
    explicit LearningRig(LearningOptions options = {})
        : LookupRig(std::make_unique<LearningLookup>(options)) {}
    std::set<MacAddress> macs(uint8_t slot) {
        const std::vector<MacAddress> all = lookup->addresses_of(slot);
        return {all.begin(), all.end()};
    }
};

}  // namespace

TEST_SUITE("learning lookup: VLANs") {
    /// The answer for one frame in a VLAN.
    Action in_vlan(LearningRig & rig, uint16_t vlan, const Addresses& both, uint8_t slot) {
        rig.batch->clear();
        const Bytes frame = frame_between(both);
        append_frame(*rig.batch, frame);
        LookupSource source = rig.source(slot);
        source.vlans = &vlan;
        Action action = unsaid;
        rig.lookup->resolve(*rig.batch, source, {&action, 1});
        return action;
    }
    TEST_CASE("the same address in every VLAN, each time on another port") {
        LearningRig rig({.table_entries = 65'536});
        const auto slot_of = [](uint16_t vlan) { return static_cast<uint8_t>(vlan % 250); };
        for (uint16_t vlan = 0; vlan < 1000; ++vlan)
            in_vlan(rig, vlan, {broadcast_mac, mac(1)}, slot_of(vlan));
        size_t found = 0;
        for (uint16_t vlan = 0; vlan < 1000; ++vlan) {
            const Action action = in_vlan(rig, vlan, {mac(1), broadcast_mac}, 251);
            found += action == slot_of(vlan);
        }
        CHECK(found == 1000);
        CHECK(in_vlan(rig, 1001, {mac(1), broadcast_mac}, 251) == Action::flood_unknown());
        CHECK(rig.count(PortCounter::macs_moved) == 0);
    }
    TEST_CASE("seen again, moved, aged and forgotten, in its VLAN alone") {
        LearningRig rig({.ageing_s = 10});
        in_vlan(rig, 10, {broadcast_mac, mac(1)}, 1);
        in_vlan(rig, 20, {broadcast_mac, mac(1)}, 2);
        rig.now_s += 8;
        in_vlan(rig, 10, {broadcast_mac, mac(1)}, 1);
        rig.now_s += 8;
        CHECK(in_vlan(rig, 10, {mac(1), broadcast_mac}, 9) == 1);
        CHECK(in_vlan(rig, 20, {mac(1), broadcast_mac}, 9) == Action::flood_unknown());
        in_vlan(rig, 10, {broadcast_mac, mac(1)}, 3);
        CHECK(in_vlan(rig, 10, {mac(1), broadcast_mac}, 9) == 3);
        CHECK(rig.count(PortCounter::macs_moved) == 1);
        rig.lookup->forget(3);
        CHECK(in_vlan(rig, 10, {mac(1), broadcast_mac}, 9) == Action::flood_unknown());
    }
    TEST_CASE("a refused frame teaches nothing, wherever it stands in a batch") {
        LearningRig rig;
        rig.batch->clear();
        const Bytes frame = frame_between(addresses(7, 8));
        for (unsigned i = 0; i < 3; ++i) append_frame(*rig.batch, frame);
        const uint16_t vlans[] = {vlan_refused, 10, vlan_refused};
        LookupSource source = rig.source(3);
        source.vlans = vlans;
        std::vector<Action> actions(3);
        rig.lookup->resolve(*rig.batch, source, actions);
        CHECK(rig.count(PortCounter::macs_learned) == 1);
        CHECK(in_vlan(rig, 10, {mac(8), broadcast_mac}, 9) == 3);
        CHECK(rig.where(8) == Action::flood_unknown());
    }
}

TEST_SUITE("learning lookup") {
    TEST_CASE("an address is learned with its first frame, and counted once") {
        LearningRig rig;
        CHECK(rig.where(1) == Action::flood_unknown());
        rig.learn(5, 1);
        rig.learn(5, 1);
        CHECK(rig.where(1) == 5);
        CHECK(rig.count(PortCounter::macs_learned) == 1);
        CHECK(rig.macs(5) == std::set{mac(1)});
    }
    TEST_CASE("addresses that differ in one bit only are different addresses") {
        LearningRig rig;
        rig.learn(1, 0);
        for (unsigned bit = 0; bit < 32; ++bit) {
            CHECK(rig.where(1u << bit) == Action::flood_unknown());
            rig.learn(2, 1u << bit);
        }
        CHECK(rig.where(0) == 1);
        for (unsigned bit = 0; bit < 32; ++bit) CHECK(rig.where(1u << bit) == 2);
    }
    TEST_CASE("in one batch: learned from its first frames, used for its later ones") {
        LearningRig rig;
        std::vector<Action> actions(4);
        rig.resolve({addresses(2, 1), addresses(1, 3), addresses(2, 1), addresses(3, 1)}, 9,
                    actions);
        CHECK((actions == std::vector<Action>{Action::flood_unknown(), Action::output(9),
                                              Action::flood_unknown(), Action::output(9)}));
    }
    TEST_CASE("group sources and the zero address are not learned") {
        LearningRig rig;
        for (const MacAddress source : {broadcast_mac, MacAddress{0x0000'5e00'0001}, MacAddress{0}})
            rig.resolve_one({mac(9), source}, 5);
        CHECK(rig.macs(5).empty());
        CHECK(rig.count(PortCounter::macs_learned) == 0);
        CHECK(rig.resolve_one({0, broadcast_mac}, 7) == Action::flood_unknown());
    }
    TEST_CASE("a station that moves is found at its new port, and its old port lets go of it") {
        LearningRig rig;
        rig.learn(5, 1);
        rig.learn(6, 1);
        CHECK(rig.where(1) == 6);
        CHECK(rig.count(PortCounter::macs_learned) == 1);
        CHECK(rig.count(PortCounter::macs_moved) == 1);
        CHECK(rig.macs(5).empty());
        CHECK(rig.macs(6) == std::set{mac(1)});
        rig.learn(5, 1);
        CHECK(rig.where(1) == 5);
    }
    TEST_CASE("an address that was silent for longer than the ageing time is forgotten") {
        LearningRig rig({100, 8192});
        rig.learn(5, 1);
        rig.now_s += 100;
        CHECK(rig.where(1) == 5);
        rig.now_s += 1;
        CHECK(rig.where(1) == Action::flood_unknown());
        rig.learn(5, 1);  // It speaks again.
        CHECK(rig.where(1) == 5);
        for (int i = 0; i < 10; ++i) {  // And keeps speaking.
            rig.now_s += 90;
            rig.learn(5, 1);
            CHECK(rig.where(1) == 5);
        }
    }
    TEST_CASE("a worker whose clock is a little behind forgets nothing") {
        LearningRig rig({1, 8192});
        rig.learn(5, 1);
        rig.now_s -= 3;
        CHECK(rig.where(1) == 5);
    }
    TEST_CASE("a port learns so many addresses and no more; the others go on working") {
        LearningRig rig;
        rig.mac_limit = 10;
        for (uint32_t i = 0; i < 50; ++i) rig.learn(5, i);
        CHECK(rig.macs(5).size() == 10);
        CHECK(rig.count(PortCounter::macs_learned) == 10);
        CHECK(rig.count(PortCounter::macs_refused) == 40);
        rig.learn(5, 3);  // A known one is no new one.
        CHECK(rig.count(PortCounter::macs_refused) == 40);
        rig.learn(6, 100);
        CHECK(rig.where(100) == 6);
        rig.learn(5, 100);  // Nor may a full port take others' addresses.
        CHECK(rig.where(100) == 6);
        rig.learn(6, 3);  // One moves away: there is room again.
        rig.learn(5, 60);
        CHECK(rig.where(60) == 5);
    }
    TEST_CASE("a limit of zero learns nothing") {
        LearningRig rig;
        rig.mac_limit = 0;
        rig.learn(5, 1);
        CHECK(rig.where(1) == Action::flood_unknown());
    }
    TEST_CASE("addresses that expired do not count against the limit") {
        // A guest that changed its address would be flooded for ever.
        LearningRig rig({100, 8192});
        rig.mac_limit = 2;
        rig.learn(5, 1);
        rig.learn(5, 2);
        rig.learn(5, 3);
        CHECK(rig.where(3) == Action::flood_unknown());
        rig.now_s += 101;
        // Looked for a few at a time, so that no frame pays for the whole table.
        for (int i = 0; i < 1000 && rig.where(3) != 5; ++i) rig.learn(5, 3);
        CHECK(rig.where(3) == 5);
    }
    TEST_CASE("a slot that was given away again gets nothing meant for its last owner") {
        LearningRig rig;
        rig.generation[5] = 1;
        rig.learn(5, 1);
        CHECK(rig.where(1) == 5);
        rig.generation[5] = 2;
        rig.learn(5, 2);  // The new owner speaks; the old address was never forgotten.
        CHECK(rig.where(2) == 5);
        CHECK(rig.where(1) == Action::flood_unknown());
        rig.learn(5, 1);
        CHECK(rig.where(1) == 5);
    }
    TEST_CASE("forget() frees the port's share of the table") {
        LearningRig rig;
        rig.mac_limit = 3;
        for (uint32_t i = 0; i < 3; ++i) rig.learn(5, i);
        rig.learn(6, 10);
        rig.lookup->forget(5);
        for (uint32_t i = 0; i < 3; ++i) CHECK(rig.where(i) == Action::flood_unknown());
        CHECK(rig.where(10) == 6);
        for (uint32_t i = 20; i < 23; ++i) rig.learn(5, i);
        CHECK(rig.macs(5).size() == 3);
        CHECK(rig.count(PortCounter::macs_refused) == 0);
    }
    TEST_CASE("a full table gives up what was silent longest, and keeps what speaks") {
        LearningRig rig({1'000'000, 64});
        rig.mac_limit = 100'000;
        rig.learn(9, 0xffff);
        for (uint32_t i = 0; i < 2000; ++i) {
            ++rig.now_s;
            rig.learn(5, i);
            CHECK(rig.where(i) == 5);  // The newest always has a place.
            rig.learn(9, 0xffff);
        }
        CHECK(rig.where(0xffff) == 9);
        CHECK(rig.macs(5).size() + rig.macs(9).size() <= 64);
        // The books of the limit went along: what was pushed out counts no more.
        rig.lookup->forget(5);
        rig.mac_limit = 5;
        for (uint32_t i = 0; i < 5; ++i) rig.learn(5, i);
        CHECK(rig.macs(5).size() == 5);
    }
    TEST_CASE("every slot 0..253 can be learned and found") {
        LearningRig rig;
        for (uint32_t slot = 0; slot < 254; ++slot) rig.learn(static_cast<uint8_t>(slot), slot);
        for (uint32_t slot = 0; slot < 254; ++slot) CHECK(rig.where(slot) == slot);
    }
    TEST_CASE("the longest time a table may be: an ageing of 2^32 - 1 s, and of none") {
        LearningRig never({UINT32_MAX, 64});
        never.learn(1, 1);
        never.now_s += 1'000'000'000;
        CHECK(never.where(1) == 1);
        LearningRig at_once({0, 64});
        at_once.learn(1, 1);
        CHECK(at_once.where(1) == 1);
        at_once.now_s += 1;
        CHECK(at_once.where(1) == Action::flood_unknown());
    }
    TEST_CASE("several workers at once: every answer is one that was true at some time") {
        LearningLookup lookup({300, 256});
        std::vector<std::thread> threads;
        std::atomic<uint64_t> wrong{0};
        for (uint8_t slot = 0; slot < 4; ++slot)
            threads.emplace_back([&, slot] {
                auto batch = std::make_unique<Batch>();
                CounterBlock counters{};
                std::array<CounterBlock*, 256> books;
                books.fill(&counters);
                std::vector<Bytes> frames(64);
                std::vector<Action> actions(64);
                for (uint32_t round = 0; round < 500; ++round) {
                    batch->clear();
                    for (uint32_t i = 0; i < 64; ++i) {
                        // Addresses 0..99 belong to slot n % 4; 1000 moves between all of them.
                        const uint32_t from = i % 8 == 0 ? 1000 : slot + 4 * ((round + i) % 25);
                        frames[i] = frame_between(addresses((round * 7 + i) % 100, from));
                        append_frame(*batch, frames[i]);
                    }
                    lookup.resolve(*batch, {slot, 1, 1024, 1, &counters, nullptr, books.data(), 0},
                                   actions);
                    for (uint32_t i = 0; i < 64; ++i)
                        if (actions[i] != Action::flood_unknown() &&
                            actions[i] != ((round * 7 + i) % 100) % 4)
                            ++wrong;
                    if (round % 50 == 49) lookup.forget(slot);
                }
            });
        for (auto& thread : threads) thread.join();
        CHECK(wrong.load() == 0);
    }
}
