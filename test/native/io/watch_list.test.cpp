// The list of polled queues: hot ones first, cold ones in turn, whatever comes and goes.
#include "io/watch_list.hpp"

#include <set>

#include "testing.hpp"

using namespace valenic;

namespace {

/// Every entry stands where it says it does.
void check_places(WatchList& list, std::vector<Entry>& entries) {
    std::set<const Entry*> seen;
    for (size_t i = 0; i < list.size(); ++i) {
        CHECK(list.at(i).entry->watch == i);
        seen.insert(list.at(i).entry);
    }
    CHECK(seen.size() == list.size());
    for (const Entry& entry : entries)
        CHECK((entry.watch == Entry::not_watched) == !seen.contains(&entry));
    CHECK(list.hot() + list.cold() == list.size());
}

}  // namespace

TEST_SUITE("watch list") {
    TEST_CASE("places stay true under any order of changes") {
        std::vector<Entry> entries(20);
        WatchList list;
        list.reserve(entries.size());
        uint32_t random = 7;
        const auto next = [&](size_t below) {
            random = random * 1'664'525 + 1'013'904'223;
            return (random >> 8) % below;
        };
        for (unsigned step = 0; step < 5000; ++step) {
            Entry& entry = entries[next(entries.size())];
            if (entry.watch == Entry::not_watched) {
                list.add(entry);
                CHECK(entry.watch < list.hot());
            } else if (next(3) == 0) {
                list.remove(entry.watch);
            } else if (entry.watch < list.hot()) {
                list.cool(entry.watch);
                CHECK(entry.watch >= list.hot());
            } else {
                list.warm(entry.watch);
                CHECK(entry.watch == list.hot() - 1);
            }
            check_places(list, entries);
        }
    }
    TEST_CASE("cold ones have their turn one after the other") {
        std::vector<Entry> entries(9);
        WatchList list;
        for (Entry& entry : entries) list.add(entry);
        for (int i = 0; i < 6; ++i) list.cool(0);
        std::multiset<size_t> turns;
        for (int i = 0; i < 12; ++i) turns.insert(list.next_cold());
        for (size_t index = list.hot(); index < list.size(); ++index)
            CHECK(turns.count(index) == 2);
    }
    TEST_CASE("a word tells of work: split rings by another index, packed ones by equal flags") {
        uint16_t word = 7;
        CHECK(PollWord{}.may_have_work());
        const PollWord split{&word, 0xffff, 7, false};
        CHECK_FALSE(split.may_have_work());
        word = 8;
        CHECK(split.may_have_work());
        const PollWord packed{&word, 0x8080, 0x0080, true};
        CHECK_FALSE(packed.may_have_work());
        word = 0x1080;
        CHECK(packed.may_have_work());
        word = 0x8080;
        CHECK_FALSE(packed.may_have_work());
    }
}
