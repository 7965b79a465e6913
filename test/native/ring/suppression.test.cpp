// index_passed() against the formula of the specification, and against counting one by one.
#include "ring/suppression.hpp"

#include <random>

#include "testing.hpp"

using namespace valenic;

namespace {

/// What the words mean: one of the steps from `old_index` to `new_index` leaves index `event`.
bool passed_by_counting(uint16_t event, uint16_t new_index, uint16_t old_index) {
    for (uint16_t at = old_index; at != new_index; ++at)
        if (at == event) return true;
    return false;
}

}  // namespace

TEST_SUITE("suppression: virtio 1.2, 2.7.7.1 and 2.7.10.1") {
    TEST_CASE("moving past the event index notifies, reaching or leaving it behind does not") {
        CHECK(index_passed(5, 6, 5));
        CHECK(index_passed(5, 9, 3));
        CHECK_FALSE(index_passed(5, 5, 4));
        CHECK_FALSE(index_passed(5, 7, 6));
        CHECK_FALSE(index_passed(5, 5, 5));
    }
    TEST_CASE("across the wrap of 16 bits") {
        CHECK(index_passed(0xffff, 0, 0xffff));
        CHECK(index_passed(0, 1, 0xfffe));
        CHECK_FALSE(index_passed(0, 0, 0xfffe));
        CHECK_FALSE(index_passed(0xfffe, 1, 0xffff));
    }
    TEST_CASE("equals counting the steps, for any three indices") {
        std::mt19937 random(1);
        std::uniform_int_distribution<int> near(-40, 40);
        for (int i = 0; i < 200'000; ++i) {
            const auto old_index = static_cast<uint16_t>(random());
            const auto new_index = static_cast<uint16_t>(old_index + std::abs(near(random)));
            const auto event = static_cast<uint16_t>(old_index + near(random));
            CAPTURE(old_index);
            CAPTURE(new_index);
            CAPTURE(event);
            REQUIRE(index_passed(event, new_index, old_index) ==
                    passed_by_counting(event, new_index, old_index));
        }
    }
}
