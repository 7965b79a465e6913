#include "io/watchdog.hpp"

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "base/break_signal.hpp"
#include "base/clock.hpp"
#include "base/fd.hpp"

namespace valenic {

namespace {

/// What the kernel says about one of our threads.
struct ThreadFacts {
    bool asleep = false;  ///< Neither running nor waiting for a CPU.
    uint64_t run_ns = 0;  ///< On a CPU so far.
};

bool read_file(int thread_id, const char* name, char (&text)[512]) noexcept {
    char path[64];
    std::snprintf(path, sizeof path, "/proc/self/task/%d/%s", thread_id, name);
    const OwnedFd fd(open(path, O_RDONLY | O_CLOEXEC));
    if (!fd.valid()) return false;
    const ssize_t count = read(fd.get(), text, sizeof text - 1);
    if (count <= 0) return false;
    text[count] = '\0';
    return true;
}

/// A thread that was stopped, has ended or cannot be read counts as running.
ThreadFacts facts_of(int thread_id) noexcept {
    ThreadFacts facts;
    char text[512];
    if (!read_file(thread_id, "stat", text)) return facts;
    const char* name_end = std::strrchr(text, ')');  // A name may contain anything.
    if (name_end == nullptr || name_end[1] == '\0') return facts;
    facts.asleep = name_end[2] == 'S' || name_end[2] == 'D';
    if (read_file(thread_id, "schedstat", text)) facts.run_ns = std::strtoull(text, nullptr, 10);
    return facts;
}

}  // namespace

Watchdog::Watchdog(std::function<void(const Late&)> on_late) : on_late_(std::move(on_late)) {
    break_signal::install();
}

Watchdog::~Watchdog() { rest(); }

void Watchdog::rest() {
    if (!thread_.joinable()) return;
    {
        const std::scoped_lock lock(mutex_);
        ending_ = true;
    }
    ends_.notify_one();
    thread_.join();
    thread_ = {};
    ending_ = false;
}

void Watchdog::watch(Watched& watched) {
    if (!thread_.joinable()) {
        thread_ = std::thread([this] { run(); });
        pthread_setname_np(thread_.native_handle(), "valenic-watch");
    }
    const std::scoped_lock lock(mutex_);
    watched_.push_back(&watched);
}

void Watchdog::forget(Watched& watched) {
    const std::scoped_lock lock(mutex_);
    std::erase(watched_, &watched);
}

uint64_t Watchdog::asleep_ns(const Watched& watched) noexcept {
    const uint64_t since = watched.asleep_since_ns.load(std::memory_order_relaxed);
    return since == 0 ? 0 : monotonic_ns() - since;
}

void Watchdog::run() {
    std::unique_lock lock(mutex_);
    while (!ending_) {
        for (Watched* watched : watched_) look_at(*watched);
        ends_.wait_for(lock, std::chrono::nanoseconds(period_ns));
    }
}

void Watchdog::look_at(Watched& watched) {
    const uint64_t calls = watched.whereabouts->calls();
    // The same call as at the last look: it waits, or its thread waits for a CPU. To that one the
    // signal does nothing.
    if (calls % 2 == 1 && calls == watched.calls_before) break_signal::send(watched.thread_id);
    watched.calls_before = calls;

    const uint64_t rounds = watched.rounds();
    const bool moved = rounds != std::exchange(watched.rounds_before, rounds);
    if (moved || !watched.inside()) {
        watched.asleep_since_ns.store(0, std::memory_order_relaxed);
        watched.stalled.store(false, std::memory_order_relaxed);
        return;
    }
    // It has been in one round since the last look: that is rare, and worth two files.
    const ThreadFacts facts = facts_of(watched.thread_id);
    const bool ran = facts.run_ns != std::exchange(watched.run_ns_before, facts.run_ns);
    if (ran || !facts.asleep) {
        watched.asleep_since_ns.store(0, std::memory_order_relaxed);
        return;
    }
    const uint64_t now_ns = monotonic_ns();
    if (watched.asleep_since_ns.load(std::memory_order_relaxed) == 0)
        watched.asleep_since_ns.store(now_ns, std::memory_order_relaxed);
    const uint64_t asleep = asleep_ns(watched);
    if (asleep < late_after_ns || watched.stalled.exchange(true, std::memory_order_relaxed)) return;
    on_late_({watched.worker, watched.whereabouts->place(), asleep});
}

}  // namespace valenic
