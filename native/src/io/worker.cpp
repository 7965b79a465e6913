#include "io/worker.hpp"

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include "base/break_signal.hpp"
#include "base/check.hpp"
#include "base/clock.hpp"
#include "base/eventfd.hpp"
#include "base/machine.hpp"
#include "switch/vale.hpp"

namespace valenic {

using spec::PollingMode;
using spec::PortCounter;
using spec::WorkerCounter;

namespace {

/// While some queues are polled, those that wait are looked after once in so many rounds. A look
/// costs about 300 ns; a round with work takes a microsecond or more.
constexpr unsigned busy_rounds_between_waits = 64;
constexpr unsigned idle_rounds_between_waits = 16;
/// When none waits, kicks are still taken now and then: who kicks in vain has foreign memory. Not
/// more often: a round trip through the switch takes a microsecond or two, and a look falls into
/// one of so many.
constexpr uint64_t wait_for_none_every_ns = 1'000'000;
/// Events taken from the kernel in one go.
constexpr int wait_events = 64;
/// In event mode a queue that just had work is looked at a little longer before its peer is asked
/// to kick again: shorter than one kick costs the peer, so a saturating peer never pays for any.
constexpr uint64_t event_grace_ns = 2'000;
/// How often queues that are waited for are looked at all the same.
constexpr uint64_t look_again_ns = 1'000'000'000;
/// In busy mode a queue that was quiet for so long is cold...
constexpr uint64_t cold_after_ns = 1'000'000;
/// ...and looked at in one of so many rounds with other work. A full round takes about a
/// microsecond for each hot port, so the first frame after a silence waits some microseconds
/// longer.
constexpr size_t cold_share = 16;

constexpr uint32_t attention_stop = 1;
constexpr uint32_t attention_settings = 2;
constexpr uint64_t wake_tag = UINT64_MAX;

bool readable(int fd) noexcept {
    pollfd state{fd, POLLIN, 0};
    return poll(&state, 1, 0) == 1;
}

/// epoll_pwait2() came with Linux 5.11, and some sandboxes refuse what they do not know. Without
/// it: by the millisecond, rounded up.
int wait_events_ns(int epoll, epoll_event* events, int64_t timeout_ns) noexcept {
    static std::atomic<bool> missing{false};
    constexpr int64_t ns_per_ms = 1'000'000;
    if (!missing.load(std::memory_order_relaxed)) {
        const timespec timeout{timeout_ns / 1'000'000'000, timeout_ns % 1'000'000'000};
        const int count = epoll_pwait2(epoll, events, wait_events, &timeout, nullptr);
        if (count >= 0 || (errno != ENOSYS && errno != EPERM)) return count;
        missing.store(true, std::memory_order_relaxed);
    }
    const auto timeout_ms = static_cast<int>((timeout_ns + ns_per_ms - 1) / ns_per_ms);
    return epoll_wait(epoll, events, wait_events, timeout_ms);
}

}  // namespace

Worker::Worker(Gate& gate, uint16_t index, CounterBlock& counters, TickClock clock)
    : counters_(counters),
      pass_(gate),
      gate_(gate),
      batch_(std::make_unique<Batch>()),
      context_(std::make_unique<WorkerContext>()) {
    context_->worker = index;
    context_->shares = Shares(clock);
    context_->expense.clock = clock;
}

Worker::~Worker() {
    if (!thread_.joinable()) return;
    ask_to_stop();
    thread_.join();
}

bool Worker::start(std::optional<int> cpu) {
    epoll_.reset(epoll_create1(EPOLL_CLOEXEC));
    wake_ = create_eventfd();
    if (!epoll_.valid() || !wake_.valid()) return false;
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = wake_tag;
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
    watched_.thread_id = thread_id();
    watched_.worker = context_->worker;
    watched_.whereabouts = &context_->whereabouts;
    watched_.inside = [this] { return !parked(); };
    watched_.rounds = [this] { return counters_.read(WorkerCounter::rounds); };
    return true;
}

void Worker::ask_to_stop() noexcept {
    attention_.fetch_or(attention_stop, std::memory_order_release);
    signal_eventfd(wake_.get());
}

void Worker::wake() noexcept {
    attention_.fetch_or(attention_settings, std::memory_order_release);
    signal_eventfd(wake_.get());
}

// ---- The thread.

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
    break_signal::admit();
    Whereabouts::adopt(&context_->whereabouts);
    thread_id_.store(gettid(), std::memory_order_release);
    pass_.enter();
    for (;;) {
        if (gate_.closing()) [[unlikely]] {
            pass_.leave();
            pass_.enter();
            counters_.add(WorkerCounter::commands, 1);
        }
        const uint32_t attention = attention_.load(std::memory_order_relaxed);
        if ((attention & attention_stop) != 0) [[unlikely]]
            break;
        if (attention != 0) [[unlikely]]
            attend();
        const bool worked = round();
        if (watches_.size() == 0) {
            sleep();
        } else if (wait_is_due(worked)) {
            wait(0);
        }
    }
    pass_.leave();
    ended_.store(true, std::memory_order_release);
}

/// Somebody changed something and called wake().
void Worker::attend() {
    attention_.fetch_and(~attention_settings, std::memory_order_acquire);  // Pairs with wake().
    look_at_settings();
}

/// Every hot queue once, the cold ones in turn, then the calls that are due.
bool Worker::round() {
    context_->now_ns = monotonic_ns();
    context_->shares.begin_round(context_->now_ns);
    context_->expense.limit = context_->shares.receivers_limit();
    const uint64_t began = tick_ = context_->shares.clock().now();
    size_t work = 0;
    // Backwards: what leaves the hot ones is replaced by one that had its turn.
    for (size_t index = watches_.hot(); index-- > 0;) work += look_at(index);
    if (watches_.cold() != 0) work += look_at_cold(work == 0);
    if (context_->timers.next_due_ns() <= context_->now_ns) run_timers(context_->now_ns, *context_);
    context_->whereabouts.go({}, Act::nothing);
    counters_.add(WorkerCounter::rounds, 1);
    if (work == 0) {
        cpu_relax();
        return false;
    }
    counters_.add(WorkerCounter::rounds_with_work, 1);
    counters_.add(WorkerCounter::busy_ns, context_->shares.clock().to_ns(tick_ - began));
    return true;
}

size_t Worker::look_at(size_t index) {
    const Watch& watch = watches_.at(index);
    if (watch.word.may_have_work()) return serve(index);
    if (context_->now_ns >= watch.deadline_ns) settle(index);
    return 0;
}

/// Cold queues share a look in each round with work; without other work there is time for all.
size_t Worker::look_at_cold(bool all) {
    const size_t cold = watches_.cold();
    size_t work = 0;
    for (size_t left = all ? cold : (cold + cold_share - 1) / cold_share; left > 0; --left) {
        const size_t index = watches_.next_cold();
        if (!watches_.at(index).word.may_have_work()) continue;
        watches_.warm(index);
        watches_.at(watches_.hot() - 1).deadline_ns = 0;
        work += serve(watches_.hot() - 1);
        if (watches_.cold() == 0) break;
    }
    return work;
}

/// One turn of one queue, if its port may have one: at most a budget of frames, and no more once
/// they cost enough. With `more` off the queue gives one frame at a time, and each is forwarded,
/// published and handed back alone.
size_t Worker::serve(size_t index) {
    Watch& watch = watches_.at(index);
    Entry& entry = *watch.entry;
    Port& port = *entry.port;
    Shares& shares = context_->shares;
    Share& share = port.share(context_->worker);
    if (!shares.may_go(share, entry.pair)) return 1;  // There is work, for another round.
    const size_t budget = port.settings().budget.load(std::memory_order_relaxed);
    const size_t most = shares.frames_of(share, budget);
    const uint64_t began = tick_;  // One look at the clock ends a turn and begins the next.
    context_->turn_frames = most;
    size_t work = 0;
    uint64_t cost = 0;
    do {
        batch_->clear();
        const size_t taken = entry.queue->receive(*batch_, *context_);
        if (taken == 0) break;
        if (batch_->count > 0) port.home->forward(*batch_, port, *context_);
        entry.queue->release(*context_);
        work += taken;
        tick_ = shares.clock().now();
        cost = tick_ - began;
    } while (work < most && cost < shares.turn_target() && !batch_->drained);
    if (work == 0) {
        fell_quiet(index);
        return 0;
    }
    const uint64_t used_ns = shares.end_turn(share, entry.pair, budget, work, cost);
    count_turn(port.counters(context_->worker), entry, used_ns);
    if (entry.quiet) entry.spin.saw_gap(context_->now_ns - entry.last_work_ns);
    entry.quiet = false;
    entry.last_work_ns = entry.quiet_since_ns = context_->now_ns;
    watch.word = {};
    watch.deadline_ns = 0;
    return work;
}

/// The rounds in which the queue was empty count as turns that found nothing: it might have gone.
inline void Worker::count_turn(CounterBlock& counters, const Entry& entry,
                               uint64_t used_ns) noexcept {
    const uint64_t empty = entry.quiet ? context_->shares.round() - entry.quiet_round : 0;
    counters.add(PortCounter::turns, 1 + empty);
    if (empty != 0) counters.add(PortCounter::turns_empty, empty);
    counters.add(PortCounter::turn_ns, used_ns);
}

/// Nothing waits there: from here on its word is looked at, until its patience ends.
void Worker::fell_quiet(size_t index) {
    Watch& watch = watches_.at(index);
    Entry& entry = *watch.entry;
    if (!entry.quiet) entry.quiet_round = context_->shares.round();
    entry.quiet = true;
    watch.word = entry.queue->poll_word();
    if (watch.deadline_ns == 0) watch.deadline_ns = entry.quiet_since_ns + patience_ns(entry);
    if (context_->now_ns >= watch.deadline_ns) settle(index);
}

/// How long a quiet queue is polled in every round.
uint64_t Worker::patience_ns(const Entry& entry) const noexcept {
    const PortSettings& settings = entry.port->settings();
    const PollingMode mode = settings.polling.load(std::memory_order_relaxed);
    if (mode == PollingMode::busy) return cold_after_ns;
    if (mode == PollingMode::event) return event_grace_ns;
    const uint32_t spin_us = settings.spin_us.load(std::memory_order_relaxed);
    if (spin_us != spin_us_auto) return spin_us * 1000ull;
    return std::max(entry.spin.spin_ns(), event_grace_ns);
}

/// Its patience is over: a queue is left to its notifications, or polled more rarely.
void Worker::settle(size_t index) {
    Watch& watch = watches_.at(index);
    Queue& queue = *watch.entry->queue;
    const PollingMode mode = watch.entry->port->settings().polling.load(std::memory_order_relaxed);
    if (mode != PollingMode::busy || queue.wait_fd() < 0) {
        if (!queue.arm()) {
            watches_.remove(index);
            return;
        }
        queue.disarm();
        watch.word = queue.poll_word();
        if (watch.word.may_have_work()) return;  // It came in between.
    }
    watch.deadline_ns = UINT64_MAX;  // The settings decide again when they change.
    // Without a word every look is a call, and its queue (a paced source) knows its time itself.
    if (watch.word.word != nullptr) watches_.cool(index);
}

/// Polls the queue again, as if it had had work now.
void Worker::activate(Entry& entry) {
    if (entry.watch == Entry::not_watched) {
        watches_.add(entry);
        entry.queue->disarm();
    } else if (entry.watch >= watches_.hot()) {
        watches_.warm(entry.watch);
    }
    Watch& watch = watches_.at(entry.watch);
    watch.word = {};
    watch.deadline_ns = 0;
    entry.quiet_since_ns = context_->now_ns;
}

bool Worker::wait_is_due(bool worked) noexcept {
    if (watches_.size() == entry_count_) {
        if (context_->now_ns < next_wait_for_none_ns_) return false;
        next_wait_for_none_ns_ = context_->now_ns + wait_for_none_every_ns;
        return true;
    }
    const unsigned rounds = worked ? busy_rounds_between_waits : idle_rounds_between_waits;
    if (++rounds_since_wait_ < rounds) return false;
    rounds_since_wait_ = 0;
    return true;
}

/// Nothing is polled: out of the gate, asleep until a kick, a due call or a command.
void Worker::sleep() {
    const uint64_t due_ns = std::min(context_->timers.next_due_ns(), next_look_ns_);
    const uint64_t now_ns = monotonic_ns();
    const int64_t timeout_ns = due_ns > now_ns ? static_cast<int64_t>(due_ns - now_ns) : 0;
    counters_.add(WorkerCounter::sleeps, 1);
    wait(timeout_ns);
    if (timeout_ns != 0) counters_.add(WorkerCounter::asleep_ns, context_->now_ns - now_ns);
    counters_.add(WorkerCounter::wakeups, 1);
}

/// The entry an event is about; nullptr when it went while we were outside.
Entry* Worker::entry_of(uint64_t tag) noexcept {
    const auto slot = static_cast<uint32_t>(tag);
    if (slot >= entries_.size() || !entries_[slot]) return nullptr;
    return tag_of(*entries_[slot]) == tag ? entries_[slot].get() : nullptr;
}

/// Takes events and activates their queues. A timeout of 0 looks without leaving the gate.
void Worker::wait(int64_t timeout_ns) {
    epoll_event events[wait_events];
    const bool blocks = timeout_ns != 0;
    if (blocks) pass_.leave();
    const int count = blocks ? wait_events_ns(epoll_.get(), events, timeout_ns)
                             : epoll_wait(epoll_.get(), events, wait_events, 0);
    if (blocks) {
        pass_.enter();
        context_->now_ns = monotonic_ns();
    }
    for (int i = 0; i < count; ++i) {
        if (events[i].data.u64 == wake_tag) {
            drain_eventfd(wake_.get());  // attention_ says what it is about.
            continue;
        }
        Entry* entry = entry_of(events[i].data.u64);
        if (entry == nullptr) continue;
        entry->queue->acknowledge(*context_);
        // One that is polled is found with its word; late kicks must not prolong its patience.
        if (entry->watch == Entry::not_watched) activate(*entry);
    }
    if (context_->now_ns >= next_look_ns_) look_again();
}

/// A driver whose stores and loads pass each other kicks too seldom: some hypervisors' emulation
/// does that to a guest with one CPU. Its queue then stops for a second, but not for ever.
void Worker::look_again() {
    next_look_ns_ = context_->now_ns + look_again_ns;
    for (auto& entry : entries_) {
        if (!entry || entry->watch != Entry::not_watched || !entry->queue->arm()) continue;
        if (!readable(entry->queue->wait_fd())) counters_.add(WorkerCounter::kicks_missed, 1);
        activate(*entry);
    }
}

/// After a wake: queues that must be polled now are polled, even if they waited for a kick.
void Worker::look_at_settings() {
    for (auto& entry : entries_)
        if (entry) activate(*entry);
}

}  // namespace valenic
