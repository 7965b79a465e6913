// A host I/O thread: owns queue pairs, polls them or waits for them.
#pragma once
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "base/fd.hpp"
#include "io/gate.hpp"
#include "net/batch.hpp"
#include "stats/counters.hpp"
#include "switch/port.hpp"

namespace valenic {

class Worker {
 public:
    /// `index`: this worker's block in every port's counters.
    Worker(Gate& gate, uint16_t index, CounterBlock& counters);
    ~Worker();  ///< Stops and joins.
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

    /// Starts the thread, bound to `cpu` when given. False with errno when the system refuses.
    bool start(std::optional<int> cpu);
    void stop();
    int thread_id() const noexcept { return thread_id_.load(std::memory_order_acquire); }
    bool parked() const noexcept { return pass_.outside(); }
    /// Ends a sleep, so that new settings and queues are seen. Any thread.
    void wake() noexcept;

    // Only while the worker is parked.

    void add(Port& port, Queue& queue);
    void remove(Port& port);
    /// Before the port's descriptors change: waits for none of them any more. The peer holds them
    /// open too, so closing ours would not take them out of epoll.
    void suspend(const Port& port);
    /// After its rings or descriptors changed: looks at it afresh.
    void refresh(const Port& port);
    size_t queue_count() const noexcept { return entries_.size(); }

 private:
    /// One queue this worker owns.
    struct Entry {
        Port* port;
        Queue* queue;
        bool active = true;      ///< Polled; otherwise armed and waited for.
        int registered_fd = -1;  ///< In epoll.
        uint64_t last_work_ns = 0;
    };

    void run(std::optional<int> cpu);
    bool round();
    size_t serve(Entry& entry);
    void after_idle(Entry& entry);
    void sleep();
    void wait(int64_t timeout_ns);
    void activate(Entry& entry);
    void look_at_settings();
    void look_again();
    void flush_due_calls();
    void register_fd(Entry& entry);
    void unregister_fd(Entry& entry);

    CounterBlock& counters_;
    GatePass pass_;
    Gate& gate_;
    OwnedFd epoll_;
    OwnedFd wake_;
    std::vector<std::unique_ptr<Entry>> entries_;
    size_t active_count_ = 0;
    unsigned rounds_since_wait_ = 0;
    uint64_t next_look_ns_ = 0;
    std::atomic<bool> stopping_{false};
    std::atomic<int> thread_id_{0};
    std::unique_ptr<Batch> batch_;
    std::unique_ptr<WorkerContext> context_;
    std::thread thread_;
};

}  // namespace valenic
