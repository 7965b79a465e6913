// A memory file truncated after it was mapped: one device notices, nobody else, and every other
// SIGBUS goes where it would have gone without us.
#include "memory/bus_guard.hpp"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <cstdio>
#include <fstream>
#include <string>
#include <thread>

#include "rig.hpp"

using namespace valenic;
using namespace valenic::test;

namespace {

/// Touches memory the compiler must not think about.
uint8_t read_byte(const uint8_t* at) { return *const_cast<const volatile uint8_t*>(at); }
void write_byte(uint8_t* at, uint8_t value) { *const_cast<volatile uint8_t*>(at) = value; }

/// A mapping of a file that has already lost its second page.
uint8_t* broken_mapping() {
    const OwnedFd fd(memfd_create("foreign", MFD_CLOEXEC));
    if (ftruncate(fd.get(), 2 * page_bytes) != 0) return nullptr;
    void* at = mmap(nullptr, 2 * page_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
    if (ftruncate(fd.get(), page_bytes) != 0) return nullptr;
    return static_cast<uint8_t*>(at);
}

/// Runs `body` in a child without the test framework's handlers; how it ended.
template <typename Body>
int status_of_child(Body body) {
    const pid_t child = fork();
    if (child == 0) {
        signal(SIGABRT, SIG_DFL);
        body();
        _exit(0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return status;
}

bool died_of(int status, int signal) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    // The sanitizer's own handler stood there before us, reports and exits.
    return (WIFSIGNALED(status) && WTERMSIG(status) == signal) ||
           (WIFEXITED(status) && WEXITSTATUS(status) != 0);
#else
    return WIFSIGNALED(status) && WTERMSIG(status) == signal;
#endif
}

/// What the process holds of a range, from /proc/self/smaps.
struct Held {
    size_t mappings = 0;
    size_t anonymous_bytes = 0;
    size_t share_bytes = 0;  ///< A page that is mapped several times counts once.
};
Held held_by(const void* begin, size_t bytes) {
    const auto first = reinterpret_cast<uintptr_t>(begin);
    std::ifstream smaps("/proc/self/smaps");
    Held held;
    bool inside = false;
    for (std::string line; std::getline(smaps, line);) {
        uintptr_t from = 0;
        uintptr_t to = 0;
        size_t kib = 0;
        if (std::sscanf(line.c_str(), "%lx-%lx ", &from, &to) == 2) {
            inside = from >= first && to <= first + bytes;
            held.mappings += inside;
        } else if (inside && std::sscanf(line.c_str(), "Anonymous: %zu kB", &kib) == 1) {
            held.anonymous_bytes += kib << 10;
        } else if (inside && std::sscanf(line.c_str(), "Pss: %zu kB", &kib) == 1) {
            held.share_bytes += kib << 10;
        }
    }
    return held;
}

}  // namespace

TEST_SUITE("bus guard: a truncated memory file") {
    TEST_CASE("reads give zeros, writes go nowhere, the flag is up, other maps are untouched") {
        GuestSpace victim(1 << 20);
        GuestSpace other(1 << 20);
        uint8_t* lost = victim.take(page_bytes);
        uint8_t* kept = other.take(page_bytes);
        lost[0] = 1;
        kept[0] = 2;
        CHECK_FALSE(victim.map()->truncated());
        REQUIRE(ftruncate(victim.memory().fd(), 0) == 0);
        CHECK(read_byte(victim.device_view(lost)) == 0);
        CHECK(victim.map()->truncated());
        write_byte(victim.device_view(lost), 9);
        CHECK(read_byte(victim.device_view(lost)) == 9);  // Nothing but a page of our own.
        CHECK(read_byte(victim.device_view(lost) + (1 << 20) - 1) == 0);
        CHECK_FALSE(other.map()->truncated());
        CHECK(read_byte(other.device_view(kept)) == 2);
        write_byte(other.device_view(kept), 3);
        CHECK(kept[0] == 3);
    }
    TEST_CASE("writes to all of a large one take a 64th of it, once for all its pieces") {
        constexpr size_t bytes = size_t{1} << 30;
        GuestSpace space(bytes);
        uint8_t* host = space.map()->regions()[0].host;
        write_byte(host, 1);
        REQUIRE(ftruncate(space.memory().fd(), 0) == 0);
        for (size_t at = 0; at < bytes; at += page_bytes) write_byte(host + at, 7);
        CHECK(space.map()->truncated());
        const Held held = held_by(host, bytes);
        CHECK(held.anonymous_bytes == 0);
        CHECK(held.share_bytes <= bytes / 64 + bus_guard::lost_bytes_max);
        CHECK(held.mappings <= 65);
    }
    TEST_CASE("one with more pieces than there are mappings for: each page can be written") {
        // As many files as a process may have: none is left to bound the memory with.
        GuestSpace space(size_t{16} << 20);
        uint8_t* host = space.map()->regions()[0].host;
        REQUIRE(ftruncate(space.memory().fd(), 0) == 0);
        rlimit before{};
        REQUIRE(getrlimit(RLIMIT_NOFILE, &before) == 0);
        const rlimit none{0, before.rlim_max};
        REQUIRE(setrlimit(RLIMIT_NOFILE, &none) == 0);
        write_byte(host + page_bytes, 7);
        REQUIRE(setrlimit(RLIMIT_NOFILE, &before) == 0);
        CHECK(read_byte(host + page_bytes) == 7);
        CHECK(space.map()->truncated());
    }
    TEST_CASE("what is written for one guest is read by no other") {
        constexpr size_t bytes = size_t{256} << 20;
        GuestSpace one(bytes);
        GuestSpace other(bytes);
        REQUIRE(ftruncate(one.memory().fd(), 0) == 0);
        REQUIRE(ftruncate(other.memory().fd(), 0) == 0);
        uint8_t* host = one.map()->regions()[0].host;
        for (size_t at = 0; at < bytes; at += page_bytes) write_byte(host + at, 7);
        uint8_t* there = other.map()->regions()[0].host;
        uint8_t seen = 0;
        for (size_t at = 0; at < bytes; at += page_bytes) seen |= read_byte(there + at);
        CHECK(seen == 0);
    }
    TEST_CASE("the part before the new end stays the guest's") {
        GuestSpace space(1 << 20);
        REQUIRE(ftruncate(space.memory().fd(), 16 * page_bytes) == 0);
        uint8_t* host = space.map()->regions()[0].host;
        write_byte(host + 20 * page_bytes, 1);
        CHECK(space.map()->truncated());
        write_byte(host + 3, 7);
        CHECK(space.memory().data()[3] == 7);
    }
    TEST_CASE("a ring goes on without a crash, with whatever the zeros say") {
        TxRig rig;
        rig.send(frame_of(60));
        REQUIRE(ftruncate(rig.space.memory().fd(), 0) == 0);
        rig.fetch();
        rig.ring->release();
        rig.ring->arm();
        CHECK(rig.space.map()->truncated());
    }
    TEST_CASE("several threads at once, several maps at once") {
        std::vector<std::unique_ptr<GuestSpace>> spaces;
        for (int i = 0; i < 4; ++i) spaces.push_back(std::make_unique<GuestSpace>(1 << 20));
        for (const auto& space : spaces) REQUIRE(ftruncate(space->memory().fd(), 0) == 0);
        std::vector<std::thread> threads;
        for (size_t i = 0; i < 8; ++i)
            threads.emplace_back([&, i] {
                uint8_t* host = spaces[i % 4]->map()->regions()[0].host;
                for (size_t at = 0; at < (1 << 20); at += page_bytes) read_byte(host + at);
            });
        for (auto& thread : threads) thread.join();
        for (const auto& space : spaces) CHECK(space->map()->truncated());
    }
    TEST_CASE("after a map is gone its addresses are not guarded any more") {
        CHECK(died_of(status_of_child([] {
                          uint8_t* host = nullptr;
                          size_t bytes = 0;
                          {
                              const GuestSpace space(1 << 20);
                              host = space.map()->regions()[0].host;
                              bytes = space.map()->regions()[0].size_bytes;
                          }
                          const OwnedFd fd(memfd_create("later", MFD_CLOEXEC));
                          if (ftruncate(fd.get(), page_bytes) != 0) return;
                          void* again = mmap(host, bytes, PROT_READ | PROT_WRITE,
                                             MAP_SHARED | MAP_FIXED, fd.get(), 0);
                          read_byte(static_cast<uint8_t*>(again) + 2 * page_bytes);
                      }),
                      SIGBUS));
    }
}

TEST_SUITE("bus guard: every other SIGBUS") {
    TEST_CASE("elsewhere it ends the process") {
        const GuestSpace space(1 << 20);  // The handler is in place.
        CHECK(died_of(status_of_child([] { read_byte(broken_mapping() + page_bytes); }), SIGBUS));
        CHECK(status_of_child([] { read_byte(broken_mapping()); }) == 0);
    }
    TEST_CASE("sent by kill() it ends the process, whatever address it seems to carry") {
        const GuestSpace space(1 << 20);
        CHECK(died_of(status_of_child([] { kill(getpid(), SIGBUS); }), SIGBUS));
        CHECK(died_of(status_of_child([] { raise(SIGBUS); }), SIGBUS));
    }
    // Our handler is installed once a process, with the first map. So a program that had one of its
    // own before us is a process of its own: this program again, with one of the two cases below.
    TEST_CASE("goes to the handler that was there before ours") {
        for (const char* name : {"*the program's own handler (three arguments)",
                                 "*the program's own handler (one argument)"}) {
            const int status = status_of_child([name] {
                const std::string filter = std::string("--test-case=") + name;
                execl("/proc/self/exe", "valenic_tests", "--no-skip", "--minimal", filter.c_str(),
                      nullptr);
                _exit(1);
            });
            CHECK(status == 0);
        }
    }
}

namespace {

uint8_t* expected_fault = nullptr;
int faults_seen = 0;

/// Mends what it recognises, as a garbage collector or a database would.
void mend_own(void* at) {
    ++faults_seen;
    if (at != expected_fault) _exit(2);
    mmap(at, page_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}
void with_info(int, siginfo_t* info, void*) { mend_own(info->si_addr); }
void without_info(int) { mend_own(expected_fault); }

void meet_the_guard() {
    GuestSpace space(1 << 20);
    expected_fault = broken_mapping() + page_bytes;
    CHECK(read_byte(expected_fault) == 0);
    CHECK(faults_seen == 1);
    REQUIRE(ftruncate(space.memory().fd(), 0) == 0);
    CHECK(read_byte(space.map()->regions()[0].host) == 0);
    CHECK(space.map()->truncated());
    CHECK(faults_seen == 1);
}

}  // namespace

TEST_SUITE("bus guard: in a process of its own") {
    TEST_CASE("the program's own handler (three arguments)" * doctest::skip()) {
        struct sigaction action {};
        action.sa_sigaction = with_info;
        action.sa_flags = SA_SIGINFO;
        REQUIRE(sigaction(SIGBUS, &action, nullptr) == 0);
        meet_the_guard();
    }
    TEST_CASE("the program's own handler (one argument)" * doctest::skip()) {
        struct sigaction action {};
        action.sa_handler = without_info;
        REQUIRE(sigaction(SIGBUS, &action, nullptr) == 0);
        meet_the_guard();
    }
}
