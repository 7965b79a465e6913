// A host I/O thread: owns queue pairs, polls them or waits for them.
#pragma once
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "base/fd.hpp"
#include "base/parked.hpp"
#include "io/gate.hpp"
#include "io/watch_list.hpp"
#include "io/watchdog.hpp"
#include "net/batch.hpp"
#include "stats/counters.hpp"
#include "switch/port.hpp"

namespace valenic {

class Worker {
 public:
    /// `index`: this worker's block in every port's counters.
    /// `clock`: what work is charged with; tests have one of their own.
    Worker(Gate& gate, uint16_t index, CounterBlock& counters,
           TickClock clock = TickClock::of_cpu());
    ~Worker();  ///< Stops and joins, however long that takes.
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

    /// Starts the thread, bound to `cpu` when given. False with errno when the system refuses.
    bool start(std::optional<int> cpu);
    /// Tells the thread to end at its next boundary.
    void ask_to_stop() noexcept;
    /// The thread does nothing more: joining it does not wait.
    bool ended() const noexcept { return ended_.load(std::memory_order_acquire); }
    /// For the watchdog, once started.
    Watched& watched() noexcept { return watched_; }
    int thread_id() const noexcept { return thread_id_.load(std::memory_order_acquire); }
    bool parked() const noexcept { return pass_.outside(); }
    /// Ends a sleep, so that new settings and queues are seen. Any thread.
    void wake() noexcept;

    /// Owns the queue from here on, wherever it was before: it is polled first.
    void add(const Parked&, Port& port, Queue& queue);
    /// Gives one queue up. Calls that this worker held back for it are still this worker's to send.
    void remove(const Parked&, const Queue& queue);
    /// The port goes: gives its queues up and forgets their calls.
    void remove(const Parked&, Port& port);
    /// Before the port's descriptors change: waits for none of them any more. The peer holds them
    /// open too, so closing ours would not take them out of epoll.
    void suspend(const Parked&, const Port& port);
    /// After its rings or descriptors changed: looks at it afresh.
    void refresh(const Parked&, const Port& port);
    size_t queue_count() const noexcept { return entry_count_; }

    /// One round, as the thread does them: what is polled is looked at. True when there was
    /// anything to do. Public for who steps a worker that was never started: test/bench/guard.cpp.
    bool round();

 private:
    void run(std::optional<int> cpu);
    void attend();
    size_t look_at(size_t index);
    size_t look_at_cold(bool all);
    size_t serve(size_t index);
    void count_turn(CounterBlock& counters, const Entry& entry, uint64_t used_ns) noexcept;
    void fell_quiet(size_t index);
    void settle(size_t index);
    uint64_t patience_ns(const Entry& entry) const noexcept;
    bool wait_is_due(bool worked) noexcept;
    void sleep();
    void wait(int64_t timeout_ns);
    Entry* entry_of(uint64_t tag) noexcept;
    void activate(Entry& entry);
    void look_at_settings();
    void look_again();
    void release(std::unique_ptr<Entry>& entry);
    void register_fd(Entry& entry);
    void unregister_fd(Entry& entry);

    CounterBlock& counters_;
    GatePass pass_;
    Gate& gate_;
    OwnedFd epoll_;
    OwnedFd wake_;
    std::vector<std::unique_ptr<Entry>> entries_;  ///< By slot; free ones are empty.
    size_t entry_count_ = 0;
    uint32_t next_generation_ = 0;
    WatchList watches_;
    unsigned rounds_since_wait_ = 0;
    uint64_t next_wait_for_none_ns_ = 0;
    uint64_t next_look_ns_ = 0;
    uint64_t tick_ = 0;  ///< When the last turn ended, or this round began, in ticks.
    std::unique_ptr<Batch> batch_;
    std::unique_ptr<WorkerContext> context_;
    Watched watched_;
    std::atomic<int> thread_id_{0};
    std::atomic<bool> ended_{false};
    std::thread thread_;
    /// Bits below. Other threads set them, the worker reads them once a round: a line of its own.
    alignas(64) std::atomic<uint32_t> attention_{0};
};

}  // namespace valenic
