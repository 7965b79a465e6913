// Which queue pair a flow goes to: evenly, always the same while it speaks, whoever else is there.
#include "switch/flow_spread.hpp"

#include <algorithm>
#include <atomic>
#include <set>
#include <thread>
#include <vector>

#include "net/flow_frames.hpp"
#include "switch_rig.hpp"

using namespace valenic;
using namespace valenic::test;

namespace {

/// As the hashes of flows are: by chance.
uint32_t hash_number(uint32_t number) {
    const uint64_t mixed = (number + 1) * 0x9e37'79b9'7f4a'7c15;
    return static_cast<uint32_t>((mixed ^ mixed >> 29) * 0xbf58'476d'1ce4'e5b9 >> 32);
}

std::vector<unsigned> counts_of(FlowSpread& spread, uint32_t first, uint32_t flows, uint8_t source,
                                unsigned pairs, uint32_t now_s = 100) {
    std::vector<unsigned> counts(pairs);
    for (uint32_t flow = 0; flow < flows; ++flow)
        ++counts[spread.pair_of(hash_number(first + flow), FlowSpread::asker(source, now_s),
                                pairs)];
    return counts;
}
unsigned most(const std::vector<unsigned>& counts) {
    return *std::max_element(counts.begin(), counts.end());
}
unsigned least(const std::vector<unsigned>& counts) {
    return *std::min_element(counts.begin(), counts.end());
}

/// 64 flows as a station has them that opens one after the other.
struct Mix {
    const char* name;
    FrameSpec first;
    /// Makes the frame of flow number `flow` of it.
    void (*change)(Octets& frame, const Places& at, unsigned flow);
};
void next_port(Octets& frame, const Places& at, unsigned flow) {
    set16(frame, at.transport, 4000 + 2 * flow);
}
void next_address4(Octets& frame, const Places& at, unsigned flow) {
    frame.at(at.network + 19) = static_cast<uint8_t>(1 + flow);
}
void next_address6(Octets& frame, const Places& at, unsigned flow) {
    frame.at(at.network + 39) = static_cast<uint8_t>(1 + flow);
}
const Mix mixes[] = {
    {"IPv4, ports", {}, next_port},
    {"IPv4, addresses", {}, next_address4},
    {"IPv4 with options, ports", {.ip_options = 8}, next_port},
    {"IPv6, ports", {.version = 6}, next_port},
    {"IPv6, addresses", {.version = 6}, next_address6},
    {"VLAN, ports", {.tags = 1}, next_port},
    {"VLAN over IPv6, ports", {.version = 6, .tags = 1}, next_port},
    {"QinQ, ports", {.tags = 2}, next_port},
    {"QinQ, addresses", {.tags = 2}, next_address4},
    {"UDP, ports", {.tcp = false}, next_port},
};

}  // namespace

TEST_SUITE("spread of flows") {
    TEST_CASE("of a station's flows each pair gets as many, at every number of pairs") {
        for (unsigned pairs = 1; pairs <= Port::queues_max; ++pairs) {
            FlowSpread spread;
            const auto counts = counts_of(spread, 0, 64, 1, pairs);
            CAPTURE(pairs);
            // Flows that share a place go together: hardly any of 64 in 1024 do.
            CHECK(most(counts) <= 64 / pairs + 3);
            CHECK(least(counts) + 3 >= 64 / pairs);
        }
    }
    TEST_CASE("two guests, four queues, 64 TCP flows: all four within a quarter of even") {
        for (const Mix& mix : mixes) {
            CAPTURE(mix.name);
            SwitchRig rig;
            PortRig& sender = rig.add({.ring_size = 256});
            PortRig& receiver = rig.add({.pairs = 4, .ring_size = 256});
            const Places at = places_of(mix.first);
            for (unsigned round = 0; round < 3; ++round)
                for (unsigned flow = 0; flow < 64; ++flow) {
                    Octets frame = make_frame(mix.first);
                    mix.change(frame, at, flow);
                    rig.send(sender, frame);
                }
            size_t all = 0;
            for (unsigned pair = 0; pair < 4; ++pair) {
                const size_t frames = receiver.guest.receive(pair).size();
                CHECK(frames >= 3 * 12);
                CHECK(frames <= 3 * 20);
                all += frames;
            }
            CHECK(all == 3 * 64);
        }
    }
    TEST_CASE("a flow stays where it is while it speaks, for ever") {
        FlowSpread spread;
        std::vector<unsigned> pairs;
        for (uint32_t flow = 0; flow < 100; ++flow)
            pairs.push_back(spread.pair_of(hash_number(flow), FlowSpread::asker(1, 0), 4));
        // Seconds are kept modulo 2^16.
        unsigned moved = 0;
        for (uint32_t now_s = 0; now_s < 70'000; now_s += FlowSpread::quiet_s - 1)
            for (uint32_t flow = 0; flow < 100; ++flow)
                moved += spread.pair_of(hash_number(flow), FlowSpread::asker(1, now_s), 4) !=
                         pairs[flow];
        CHECK(moved == 0);
    }
    TEST_CASE("a flow that was quiet comes where there is room") {
        FlowSpread spread;
        counts_of(spread, 0, 64, 1, 4, 100);
        // Of the 64 only those of one pair go on.
        std::vector<uint32_t> loud;
        for (uint32_t flow = 0; flow < 64; ++flow)
            if (spread.pair_of(hash_number(flow), FlowSpread::asker(1, 100), 4) == 2)
                loud.push_back(flow);
        for (uint32_t now_s = 101; now_s < 110; ++now_s)
            for (const uint32_t flow : loud)
                CHECK(spread.pair_of(hash_number(flow), FlowSpread::asker(1, now_s), 4) == 2);
        const auto counts = counts_of(spread, 1000, 3 * 16, 1, 4, 110);
        CHECK(counts[2] <= 3);
        CHECK(most(counts) <= 19);
    }
    TEST_CASE("a flood of new flows moves nobody, its sender's own flows neither") {
        FlowSpread spread;
        const auto pairs_of = [&](uint8_t source, uint32_t now_s) {
            std::vector<unsigned> pairs;
            for (uint32_t flow = 0; flow < 64; ++flow)
                pairs.push_back(
                    spread.pair_of(hash_number(flow), FlowSpread::asker(source, now_s), 4));
            return pairs;
        };
        const auto own = pairs_of(1, 100);
        const auto other = pairs_of(2, 100);
        for (uint32_t now_s = 101; now_s < 120; ++now_s) {
            const auto flooding = counts_of(spread, 1000 * now_s, 20'000, 1, 4, now_s);
            CHECK(most(flooding) < 20'000 / 4 * 5 / 4);
            REQUIRE((pairs_of(1, now_s) == own));
            REQUIRE((pairs_of(2, now_s) == other));
        }
    }
    TEST_CASE("clocks of workers that differ by a second take nobody's place away") {
        FlowSpread spread;
        for (uint32_t flow = 0; flow < 50; ++flow) {
            const unsigned pair = spread.pair_of(hash_number(flow), FlowSpread::asker(1, 200), 3);
            CHECK(spread.pair_of(hash_number(flow), FlowSpread::asker(1, 199), 3) == pair);
            CHECK(spread.pair_of(hash_number(flow), FlowSpread::asker(1, 200), 3) == pair);
        }
    }
    TEST_CASE("fewer pairs: flows leave those that are gone, and the others stay") {
        FlowSpread spread;
        counts_of(spread, 0, 64, 1, 4);
        std::vector<unsigned> before;
        for (uint32_t flow = 0; flow < 64; ++flow)
            before.push_back(spread.pair_of(hash_number(flow), FlowSpread::asker(1, 100), 4));
        for (uint32_t flow = 0; flow < 64; ++flow) {
            const unsigned pair = spread.pair_of(hash_number(flow), FlowSpread::asker(1, 100), 2);
            CHECK(pair < 2);
            if (before[flow] < 2) CHECK(pair == before[flow]);
        }
        CHECK(least(counts_of(spread, 0, 64, 1, 2)) >= 29);
    }
    TEST_CASE("eight ports together do not lead another's flows to one queue") {
        FlowSpread spread;
        uint32_t now_s = 100;
        // Each takes every place it can get, and keeps those of pair 0 alone.
        std::vector<std::vector<uint32_t>> kept(9);
        for (uint8_t port = 1; port <= 8; ++port) {
            const uint32_t asker = FlowSpread::asker(port, now_s);
            for (uint32_t flow = 0; flow < 4096; ++flow)
                if (spread.pair_of(hash_number(flow), asker, 4) == 0) kept[port].push_back(flow);
            for (unsigned second = 0; second < FlowSpread::quiet_s; ++second) {
                ++now_s;
                for (uint8_t each = 1; each <= port; ++each)
                    for (const uint32_t flow : kept[each])
                        spread.pair_of(hash_number(flow), FlowSpread::asker(each, now_s), 4);
            }
        }
        const auto counts = counts_of(spread, 100'000, 256, 20, 4, now_s);
        CHECK(most(counts) < 64 * 3 / 2);
    }
    TEST_CASE("workers that come at once agree") {
        FlowSpread spread;
        constexpr uint32_t flows = 4096;
        std::vector<std::vector<unsigned>> chosen(3, std::vector<unsigned>(flows));
        std::atomic<unsigned> ready = 0;
        std::vector<std::thread> workers;
        for (auto& mine : chosen)
            workers.emplace_back([&] {
                ++ready;
                while (ready < 3) {
                }
                for (uint32_t flow = 0; flow < flows; ++flow)
                    mine[flow] = spread.pair_of(hash_number(flow), FlowSpread::asker(1, 7), 4);
            });
        for (std::thread& worker : workers) worker.join();
        CHECK((chosen[0] == chosen[1]));
        CHECK((chosen[0] == chosen[2]));
    }
}
