// Deadlines: in their order, bounded, and forgotten with what they are about.
#include "base/timers.hpp"

#include <algorithm>
#include <random>
#include <vector>

#include "testing.hpp"

using namespace valenic;

namespace {

struct Thing {};
using Entry = Timers<Thing>::Entry;

std::vector<uint32_t> due(Timers<Thing>& timers, uint64_t now_ns) {
    std::vector<uint32_t> tokens;
    timers.take_due(now_ns, [&](const Entry& entry) { tokens.push_back(entry.token); });
    return tokens;
}

}  // namespace

TEST_SUITE("timers") {
    TEST_CASE("come when they are due, the earliest first, equal ones as they were added") {
        Timers<Thing> timers(1000);
        Thing thing;
        std::mt19937 random(1);
        std::vector<std::pair<uint64_t, uint32_t>> added;
        for (uint32_t i = 0; i < 1000; ++i) {
            added.emplace_back(100 + random() % 20, i);
            REQUIRE(timers.add(&thing, added.back().first, i));
        }
        CHECK_FALSE(timers.add(&thing, 1));
        std::ranges::sort(added);
        CHECK(timers.next_due_ns() == added.front().first);
        CHECK(due(timers, 99).empty());
        std::vector<uint32_t> got;
        for (const uint64_t now_ns : {105, 110, 119})
            for (const uint32_t token : due(timers, now_ns)) got.push_back(token);
        REQUIRE(got.size() == added.size());
        for (size_t i = 0; i < got.size(); ++i) REQUIRE(got[i] == added[i].second);
        CHECK(timers.count() == 0);
        CHECK(timers.next_due_ns() == UINT64_MAX);
    }
    TEST_CASE("one that adds another which is due already does not go round for ever") {
        Timers<Thing> timers(4);
        Thing thing;
        REQUIRE(timers.add(&thing, 1));
        unsigned visits = 0;
        timers.take_due(10, [&](const Entry&) {
            ++visits;
            REQUIRE(timers.add(&thing, 1));
        });
        CHECK(visits == 1);
        CHECK(timers.count() == 1);
    }
    TEST_CASE("of a target that goes are forgotten, the others stay in order") {
        Timers<Thing> timers(10);
        Thing gone;
        Thing stays;
        for (uint32_t i = 0; i < 10; ++i)
            REQUIRE(timers.add(i % 2 == 0 ? &gone : &stays, 20 - i, i));
        timers.forget(&gone);
        CHECK((due(timers, 100) == std::vector<uint32_t>{9, 7, 5, 3, 1}));
    }
}
