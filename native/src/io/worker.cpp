#include "io/worker.hpp"

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include "base/check.hpp"
#include "base/clock.hpp"
#include "base/eventfd.hpp"
#include "switch/vale.hpp"

namespace valenic {

using spec::PollingMode;
using spec::WorkerCounter;

namespace {

/// While some queues are polled, those that wait are looked after once in so many rounds. A look
/// costs about 300 ns; a round with work takes a microsecond or more.
constexpr unsigned busy_rounds_between_waits = 64;
constexpr unsigned idle_rounds_between_waits = 16;
/// Events taken from the kernel in one go.
constexpr int wait_events = 64;
/// In event mode a queue that just had work is looked at a little longer before its peer is asked
/// to kick again: shorter than one kick costs the peer, so a saturating peer never pays for any.
constexpr uint64_t event_grace_ns = 2'000;
/// How often queues that are waited for are looked at all the same.
constexpr uint64_t look_again_ns = 1'000'000'000;

bool readable(int fd) noexcept {
    pollfd state{fd, POLLIN, 0};
    return poll(&state, 1, 0) == 1;
}

}  // namespace

Worker::Worker(Gate& gate, uint16_t index, CounterBlock& counters)
    : counters_(counters),
      pass_(gate),
      gate_(gate),
      batch_(std::make_unique<Batch>()),
      context_(std::make_unique<WorkerContext>()) {
    context_->worker = index;
}

Worker::~Worker() { stop(); }

bool Worker::start(std::optional<int> cpu) {
    epoll_.reset(epoll_create1(EPOLL_CLOEXEC));
    wake_ = create_eventfd();
    if (!epoll_.valid() || !wake_.valid()) return false;
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = nullptr;  // The wake fd; everything else is an Entry.
    if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wake_.get(), &event) != 0) return false;
    if (cpu) {
        cpu_set_t probe;
        CPU_ZERO(&probe);
        if (sched_getaffinity(0, sizeof probe, &probe) != 0 || !CPU_ISSET(*cpu, &probe)) {
            errno = EINVAL;
            return false;
        }
    }
    thread_ = std::thread([this, cpu] { run(cpu); });
    while (thread_id() == 0) sched_yield();
    return true;
}

void Worker::stop() {
    if (!thread_.joinable()) return;
    stopping_.store(true, std::memory_order_release);
    wake();
    thread_.join();
}

void Worker::wake() noexcept { signal_eventfd(wake_.get()); }

void Worker::add(Port& port, Queue& queue) {
    auto entry = std::make_unique<Entry>();
    entry->port = &port;
    entry->queue = &queue;
    ++active_count_;
    register_fd(*entry);
    entries_.push_back(std::move(entry));
}

void Worker::remove(Port& port) {
    for (const Queue* queue : port.queues()) context_->deferred_calls.forget(queue);
    for (auto& entry : entries_) {
        if (entry->port != &port) continue;
        unregister_fd(*entry);
        if (entry->active) --active_count_;
        entry.reset();
    }
    std::erase(entries_, nullptr);
}

void Worker::suspend(const Port& port) {
    for (auto& entry : entries_)
        if (entry->port == &port) unregister_fd(*entry);
}

void Worker::refresh(const Port& port) {
    for (auto& entry : entries_) {
        if (entry->port != &port) continue;
        register_fd(*entry);
        activate(*entry);
    }
}

void Worker::register_fd(Entry& entry) {
    const int fd = entry.queue->wait_fd();
    if (fd < 0) return;
    epoll_event event{};
    // Edge-triggered: a peer that kicks while it is polled costs one event, not one for every wait.
    event.events = EPOLLIN | EPOLLET;
    event.data.ptr = &entry;
    if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0) entry.registered_fd = fd;
}

void Worker::unregister_fd(Entry& entry) {
    if (entry.registered_fd >= 0)
        epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, entry.registered_fd, nullptr);
    entry.registered_fd = -1;
}

void Worker::run(std::optional<int> cpu) {
    char name[16];
    std::snprintf(name, sizeof name, "valenic-io%u", context_->worker);
    pthread_setname_np(pthread_self(), name);
    if (cpu) {
        cpu_set_t set;
        CPU_ZERO(&set);
        CPU_SET(*cpu, &set);
        pthread_setaffinity_np(pthread_self(), sizeof set, &set);
    }
    thread_id_.store(gettid(), std::memory_order_release);
    pass_.enter();
    while (!stopping_.load(std::memory_order_acquire)) {
        if (gate_.closing()) [[unlikely]] {
            pass_.leave();
            pass_.enter();
            counters_.add(WorkerCounter::commands, 1);
        }
        const bool worked = round();
        if (active_count_ == 0) {
            sleep();
        } else if (++rounds_since_wait_ >=
                   (worked ? busy_rounds_between_waits : idle_rounds_between_waits)) {
            rounds_since_wait_ = 0;
            wait(0);
        }
    }
    pass_.leave();
}

/// Every active queue once, then the calls that are due. True when there was anything to do.
bool Worker::round() {
    context_->now_ns = monotonic_ns();
    size_t work = 0;
    for (auto& entry : entries_)
        if (entry->active) work += serve(*entry);
    if (context_->deferred_calls.next_due_ns() <= context_->now_ns) flush_due_calls();
    counters_.add(WorkerCounter::rounds, 1);
    if (work == 0) {
        cpu_relax();
        return false;
    }
    counters_.add(WorkerCounter::rounds_with_work, 1);
    counters_.add(WorkerCounter::busy_ns, monotonic_ns() - context_->now_ns);
    return true;
}

/// Takes at most one budget from one queue. With `more` off the queue gives one frame at a time,
/// and each is forwarded, published and handed back alone.
size_t Worker::serve(Entry& entry) {
    const size_t budget = entry.port->settings().budget.load(std::memory_order_relaxed);
    size_t work = 0;
    size_t taken = 0;
    do {
        batch_->clear();
        taken = entry.queue->receive(*batch_, *context_);
        if (taken == 0) break;
        if (batch_->count > 0) entry.port->home->forward(*batch_, *entry.port, *context_);
        entry.queue->release(*context_);
        work += taken;
    } while (work < budget);
    if (work == 0) {
        after_idle(entry);
    } else {
        entry.last_work_ns = context_->now_ns;
    }
    return work;
}

/// Decides by the polling mode whether a queue without work is left to its notifications.
void Worker::after_idle(Entry& entry) {
    const PortSettings& settings = entry.port->settings();
    const PollingMode mode = settings.polling.load(std::memory_order_relaxed);
    if (mode == PollingMode::busy) {
        if (entry.queue->wait_fd() >= 0) return;
    } else {
        const uint64_t patience_ns =
            mode == PollingMode::adaptive
                ? settings.spin_us.load(std::memory_order_relaxed) * 1000ull
                : event_grace_ns;
        if (context_->now_ns - entry.last_work_ns < patience_ns) return;
    }
    if (entry.queue->arm()) {
        entry.queue->disarm();
        return;
    }
    entry.active = false;
    --active_count_;
}

void Worker::activate(Entry& entry) {
    if (entry.active) return;
    entry.active = true;
    ++active_count_;
    entry.last_work_ns = context_->now_ns;
    entry.queue->disarm();
}

/// Nothing is polled: out of the gate, asleep until a kick, a due call or a command.
void Worker::sleep() {
    const uint64_t due_ns = std::min(context_->deferred_calls.next_due_ns(), next_look_ns_);
    const uint64_t now_ns = monotonic_ns();
    const int64_t timeout_ns = due_ns > now_ns ? static_cast<int64_t>(due_ns - now_ns) : 0;
    counters_.add(WorkerCounter::sleeps, 1);
    wait(timeout_ns);
    counters_.add(WorkerCounter::wakeups, 1);
}

/// Takes events and activates their queues. A timeout of 0 looks without leaving the gate.
void Worker::wait(int64_t timeout_ns) {
    epoll_event events[wait_events];
    const bool blocks = timeout_ns != 0;
    const timespec timeout{timeout_ns / 1'000'000'000, timeout_ns % 1'000'000'000};
    if (blocks) pass_.leave();
    const int count = blocks ? epoll_pwait2(epoll_.get(), events, wait_events, &timeout, nullptr)
                             : epoll_wait(epoll_.get(), events, wait_events, 0);
    if (blocks) {
        pass_.enter();
        context_->now_ns = monotonic_ns();
    }
    for (int i = 0; i < count; ++i) {
        auto* entry = static_cast<Entry*>(events[i].data.ptr);
        if (entry == nullptr) {
            drain_eventfd(wake_.get());
            look_at_settings();
        }
    }
    // Entries may have gone while we were outside: only those still ours are touched.
    for (auto& entry : entries_) {
        for (int i = 0; i < count; ++i) {
            if (events[i].data.ptr != entry.get()) continue;
            entry->queue->acknowledge(*context_);
            activate(*entry);
        }
    }
    if (context_->now_ns >= next_look_ns_) look_again();
}

/// A driver whose stores and loads pass each other kicks too seldom: some hypervisors' emulation
/// does that to a guest with one CPU. Then its queue stands still for a second, and not for ever.
void Worker::look_again() {
    next_look_ns_ = context_->now_ns + look_again_ns;
    for (auto& entry : entries_) {
        if (entry->active || !entry->queue->arm()) continue;
        if (!readable(entry->queue->wait_fd())) counters_.add(WorkerCounter::kicks_missed, 1);
        activate(*entry);
    }
}

/// After a wake: a queue that is to be polled now is polled, whatever it waited for.
void Worker::look_at_settings() {
    for (auto& entry : entries_) activate(*entry);
}

void Worker::flush_due_calls() {
    context_->deferred_calls.take_due(context_->now_ns,
                                      [this](Queue* queue) { queue->flush_calls(*context_); });
}

}  // namespace valenic
