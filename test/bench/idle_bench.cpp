// What idle ports cost a worker: one guest sends to another through a real engine, beside so many
// guests that do nothing. Prints the worker's time for each frame and round; nothing passes or
// fails.
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>

#include "base/clock.hpp"
#include "base/eventfd.hpp"
#include "bench_guest.hpp"
#include "io/engine.hpp"
#include "port/vhost/vhost_commands.hpp"

using namespace valenic;
using namespace valenic::bench;

namespace {

void bind_to(int cpu) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(static_cast<unsigned>(cpu), &set);
    pthread_setaffinity_np(pthread_self(), sizeof set, &set);
}

struct Attached {
    Guest guest;
    OwnedFd kick = create_eventfd();
    uint32_t id = 0;

    Attached(Engine& engine, uint32_t home, const std::string& name, spec::PollingMode mode,
             uint16_t ring_size)
        : guest(ring_size) {
        SettingsChange settings;
        settings.polling = mode;
        id = engine.create_port({home, name, Engine::PortKind::vhost, 1, {0}, settings})
                 .value()
                 .port;
        VhostCommands commands(engine);
        CHECK(!commands.set_features(id, features));
        CHECK(!commands.set_memory(id, guest.regions()));
        const RingConfig rx = guest.config(guest.rx_ring);
        const RingConfig tx = guest.config(guest.tx_ring);
        CHECK(commands.start_ring(id, 0, rx, OwnedFd(), OwnedFd(), true).ok());
        CHECK(commands.start_ring(id, 1, tx, OwnedFd(dup(kick.get())), OwnedFd(), true).ok());
    }
    void introduce(uint16_t number) {
        guest.net->send(1, 60, [&](uint8_t* frame) { write_frame(frame, 0xffff, number); });
        signal_eventfd(kick.get());
        while (guest.net->reclaim() == 0) sched_yield();
    }
};

struct Sum {
    uint64_t rounds, working, busy_ns, frames;
};

Sum sum_of(Engine& engine, size_t block) {
    const auto at = [&](size_t index, unsigned word) {
        return load_once(engine.stats()[index * spec::stats_words_per_block + word]);
    };
    return {at(1, static_cast<unsigned>(spec::WorkerCounter::rounds)),
            at(1, static_cast<unsigned>(spec::WorkerCounter::rounds_with_work)),
            at(1, static_cast<unsigned>(spec::WorkerCounter::busy_ns)),
            at(block, static_cast<unsigned>(spec::PortCounter::tx_frames))};
}

void measure(spec::PollingMode mode, unsigned idle, uint64_t run_ns) {
    cpu_set_t both;
    CPU_ZERO(&both);
    CPU_SET(0, &both);
    CPU_SET(1, &both);
    pthread_setaffinity_np(pthread_self(), sizeof both, &both);
    Engine engine(1024, {[](const boundary::Event&) {}});
    if (!engine.add_worker(1)) std::exit(1);
    const uint32_t home = engine.create_switch("bench", {}).value();
    Attached a(engine, home, "a", mode, 256);
    Attached b(engine, home, "b", mode, 256);
    std::vector<std::unique_ptr<Attached>> others;
    for (unsigned i = 0; i < idle; ++i)
        others.push_back(
            std::make_unique<Attached>(engine, home, "i" + std::to_string(i), mode, 16));
    b.introduce(2);
    bind_to(0);
    a.guest.net->prepare_frames([](uint8_t* frame) { write_frame(frame, 2, 1); });
    const size_t block = StatsPage::first_block_of(0);
    const auto play = [&](uint64_t for_ns) {
        const uint64_t until = monotonic_ns() + for_ns;
        while (monotonic_ns() < until) {
            a.guest.net->reclaim();
            if (a.guest.net->send(64, 60, [](uint8_t*) {}) > 0 && a.guest.net->tx().kick_wanted())
                signal_eventfd(a.kick.get());
            b.guest.net->receive(64, [](const uint8_t*, uint32_t) {});
        }
    };
    play(run_ns / 4);
    const Sum before = sum_of(engine, block);
    play(run_ns);
    const Sum after = sum_of(engine, block);
    const uint64_t quiet_from = monotonic_ns();
    while (monotonic_ns() - quiet_from < 20'000'000) sched_yield();
    const Sum quiet = sum_of(engine, block);
    const uint64_t quiet_since = monotonic_ns();
    while (monotonic_ns() - quiet_since < run_ns / 4) sched_yield();
    const uint64_t quiet_ns = monotonic_ns() - quiet_since;
    const uint64_t quiet_rounds = sum_of(engine, block).rounds - quiet.rounds;
    const auto each = [](uint64_t amount, uint64_t count) {
        return static_cast<double>(amount) / static_cast<double>(std::max<uint64_t>(count, 1));
    };
    const uint64_t busy = after.busy_ns - before.busy_ns;
    const uint64_t frames = after.frames - before.frames;
    std::printf(
        "%-8s %3u idle: %6.2f Mpps  %6.2f ns a frame  %7.1f ns a round with work (%4.1f "
        "frames)  %8.1f ns an idle round\n",
        spec::name_of(mode), idle, each(frames * 1000, run_ns), each(busy, frames),
        each(busy, after.working - before.working), each(frames, after.working - before.working),
        each(quiet_ns, quiet_rounds));
    std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    const uint64_t run_ns = (argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 400) * 1'000'000;
    for (const auto mode :
         {spec::PollingMode::busy, spec::PollingMode::adaptive, spec::PollingMode::event})
        for (const unsigned idle : {0u, 10u, 100u, 248u}) measure(mode, idle, run_ns);
    return 0;
}
