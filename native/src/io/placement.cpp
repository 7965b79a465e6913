#include "io/placement.hpp"

#include <pthread.h>
#include <sched.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <thread>

#include "base/clock.hpp"
#include "base/machine.hpp"

namespace valenic {

namespace {

constexpr uint64_t probe_ns = 10'000'000;
/// Without a partner on its CPU the other side would wait for ever.
constexpr uint64_t give_up_ns = 500'000'000;

/// 0, or what the system says.
int bind_to(int cpu) noexcept {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    return pthread_setaffinity_np(pthread_self(), sizeof set, &set);
}

struct alignas(64) Table {
    std::atomic<uint64_t> ball{0};  ///< Even: A's turn. Odd: B's.
    alignas(64) std::atomic<bool> stop{false};
    std::atomic<int> error_number{0};
};

void play(Table& table, int cpu, uint64_t parity) {
    if (const int error_number = bind_to(cpu); error_number != 0) {
        table.error_number.store(error_number);
        table.stop.store(true);
        return;
    }
    while (!table.stop.load(std::memory_order_relaxed)) {
        const uint64_t ball = table.ball.load(std::memory_order_acquire);
        if (ball % 2 == parity) {
            table.ball.store(ball + 1, std::memory_order_release);
        } else {
            cpu_relax();
        }
    }
}

}  // namespace

Result<double, Refusal> probe_placement(int cpu_a, int cpu_b) {
    if (cpu_a < 0 || cpu_b < 0 || cpu_a >= CPU_SETSIZE || cpu_b >= CPU_SETSIZE || cpu_a == cpu_b)
        return Refusal(spec::CommandError::invalid_argument, "cpuA, cpuB: give two CPUs");
    Table table;
    std::thread a(play, std::ref(table), cpu_a, 0);
    std::thread b(play, std::ref(table), cpu_b, 1);
    const uint64_t begun = monotonic_ns();
    while (table.ball.load() < 1000 && !table.stop.load() && monotonic_ns() - begun < give_up_ns)
        sched_yield();
    const uint64_t first = table.ball.load();
    const uint64_t start = monotonic_ns();
    timespec pause{0, static_cast<long>(probe_ns)};
    nanosleep(&pause, nullptr);
    const uint64_t moves = table.ball.load() - first;
    const uint64_t elapsed = monotonic_ns() - start;
    table.stop.store(true);
    a.join();
    b.join();
    if (const int error_number = table.error_number.load(); error_number != 0)
        return Refusal(spec::CommandError::system, error_number, "binding a thread to a CPU");
    if (moves == 0) return Refusal(spec::CommandError::system, ETIMEDOUT, "waiting for a CPU");
    return static_cast<double>(elapsed) / static_cast<double>(moves);
}

}  // namespace valenic
