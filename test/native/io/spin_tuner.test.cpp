// What adaptive mode learns from the gaps in a queue's traffic.
#include "io/spin_tuner.hpp"

#include "testing.hpp"

using namespace valenic;

namespace {

SpinTuner after(unsigned gaps, uint64_t gap_ns) {
    SpinTuner tuner;
    for (unsigned i = 0; i < gaps; ++i) tuner.saw_gap(gap_ns);
    return tuner;
}

}  // namespace

TEST_SUITE("spin tuner") {
    TEST_CASE("begins with 50 us, until it knows better") {
        CHECK(SpinTuner().spin_ns() == 50'000);
    }
    TEST_CASE("short gaps are spun through, with room to spare; long ones are slept through") {
        for (const uint64_t gap_ns : {1'000u, 10'000u, 40'000u}) {
            CHECK(after(100, gap_ns).spin_ns() >= 3 * gap_ns);
            CHECK(after(100, gap_ns).spin_ns() <= 5 * gap_ns);
        }
        for (const uint64_t gap_ns : {60'000u, 100'000u, 1'000'000u, 2'000'000'000u})
            CHECK(after(100, gap_ns).spin_ns() == 0);
    }
    TEST_CASE("never more than 200 us") {
        CHECK(after(100, 49'900).spin_ns() <= SpinTuner::most_ns);
    }
    TEST_CASE("one silence among short gaps does not end the spinning, two dozen do") {
        SpinTuner tuner = after(100, 5'000);
        tuner.saw_gap(3'000'000'000);
        CHECK(tuner.spin_ns() > 0);
        for (unsigned i = 0; i < 24; ++i) tuner.saw_gap(1'000'000);
        CHECK(tuner.spin_ns() == 0);
        for (unsigned i = 0; i < 24; ++i) tuner.saw_gap(5'000);
        CHECK(tuner.spin_ns() > 0);
    }
}
