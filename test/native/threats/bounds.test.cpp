// Bounds that keep a peer from using up what is everybody's. docs/THREAT_MODEL.md names these
// tests.
#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <memory>

#include "base/eventfd.hpp"
#include "switch/context.hpp"
#include "testing.hpp"

using namespace valenic;

TEST_SUITE("descriptors of a peer") {
    TEST_CASE("a full eventfd that would block does not block once it is made non-blocking") {
        const OwnedFd fd(eventfd(0, 0));
        const uint64_t most = UINT64_MAX - 1;
        REQUIRE(write(fd.get(), &most, sizeof most) == sizeof most);

        REQUIRE(make_nonblocking(fd.get()));
        signal_eventfd(fd.get());

        CHECK(drain_eventfd(fd.get()) == most);
        CHECK(drain_eventfd(fd.get()) == 0);
    }

    TEST_CASE("nothing but an eventfd is taken for one") {
        std::array<int, 2> ends{};
        REQUIRE(pipe2(ends.data(), O_CLOEXEC) == 0);
        const OwnedFd reader(ends[0]);
        const OwnedFd writer(ends[1]);
        const OwnedFd null(open("/dev/null", O_RDWR | O_CLOEXEC));
        const OwnedFd event(eventfd(0, EFD_CLOEXEC));

        CHECK(is_eventfd(event.get()));
        CHECK_FALSE(is_eventfd(reader.get()));
        CHECK_FALSE(is_eventfd(writer.get()));
        CHECK_FALSE(is_eventfd(null.get()));
        CHECK_FALSE(is_eventfd(-1));
        CHECK_FALSE(is_eventfd(1'000'000));
    }
}

TEST_SUITE("calls held back by moderation") {
    TEST_CASE("are bounded: when the list is full the next is not held back") {
        auto calls = std::make_unique<WorkerTimers>();
        std::array<int, 2> places{};
        auto* one = reinterpret_cast<Timed*>(&places[0]);
        auto* other = reinterpret_cast<Timed*>(&places[1]);
        constexpr size_t most = WorkerTimers::calls_max + WorkerTimers::frames_max;
        for (size_t i = 0; i < most; ++i) REQUIRE(calls->add(one, 100 + i));

        CHECK_FALSE(calls->add(other, 1));
        CHECK(calls->next_due_ns() == 100);

        size_t taken = 0;
        calls->take_due(100, [&](const WorkerTimers::Entry&) { ++taken; });
        CHECK(taken == 1);
        CHECK(calls->add(other, 1));
        CHECK(calls->next_due_ns() == 1);
    }

    TEST_CASE("of a queue that goes away are forgotten") {
        auto calls = std::make_unique<WorkerTimers>();
        std::array<int, 2> places{};
        auto* gone = reinterpret_cast<Timed*>(&places[0]);
        auto* stays = reinterpret_cast<Timed*>(&places[1]);
        REQUIRE(calls->add(gone, 5));
        REQUIRE(calls->add(stays, 6));

        calls->forget(gone);

        size_t taken = 0;
        calls->take_due(10, [&](const WorkerTimers::Entry& entry) {
            CHECK(entry.target == stays);
            ++taken;
        });
        CHECK(taken == 1);
    }
}
