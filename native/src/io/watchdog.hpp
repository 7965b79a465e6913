// Looks after the threads of the datapath: breaks the system calls in which they wait for a peer,
// and tells of one that waits for something else.
//
// It never takes a lock that a thread it looks after could hold, and touches no guest's memory.
#pragma once
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "base/whereabouts.hpp"
#include "stats/counters.hpp"

namespace valenic {

/// A thread to watch. Written before watch(), except the atomics.
struct Watched {
    int thread_id = 0;
    uint16_t worker = 0;
    const Whereabouts* whereabouts = nullptr;
    std::function<bool()> inside;      ///< Between the boundaries of its batches.
    std::function<uint64_t()> rounds;  ///< Changes while it makes progress.

    /// Waits inside a batch for longer than `late_after_ns`. The watchdog writes.
    std::atomic<bool> stalled{false};

 private:
    friend class Watchdog;
    uint64_t calls_before = 0;
    uint64_t rounds_before = 0;
    uint64_t run_ns_before = 0;
    std::atomic<uint64_t> asleep_since_ns{0};  ///< 0: it was seen to run, or outside.
};

class Watchdog {
 public:
    /// How often it looks: what a peer that makes its eventfd blocking costs a worker, once or
    /// twice, before its device is closed. A look costs a microsecond or two for each thread.
    static constexpr uint64_t period_ns = 20'000'000;
    /// A thread that sleeps inside a batch for so long is told of. Pages that a busy disk has to
    /// bring take a tenth of that.
    static constexpr uint64_t late_after_ns = 3'000'000'000;

    struct Late {
        uint16_t worker;
        Place place;
        uint64_t asleep_ns;
    };
    /// `on_late` is called by the watchdog's thread, once for each time a thread is late.
    explicit Watchdog(std::function<void(const Late&)> on_late);
    ~Watchdog();
    Watchdog(const Watchdog&) = delete;
    Watchdog& operator=(const Watchdog&) = delete;

    /// With the first one the watchdog's own thread starts.
    void watch(Watched& watched);
    /// The thread may end after this, and the object may go.
    void forget(Watched& watched);
    /// Ends its own thread, until watch() is called again. Not from `on_late`.
    void rest();

    /// How long the thread has been asleep inside its batch, as far as was seen. Any thread.
    static uint64_t asleep_ns(const Watched& watched) noexcept;

 private:
    void run();
    void look_at(Watched& watched);

    std::function<void(const Late&)> on_late_;
    std::mutex mutex_;
    std::condition_variable ends_;
    bool ending_ = false;            // under mutex_
    std::vector<Watched*> watched_;  // under mutex_
    std::thread thread_;
};

}  // namespace valenic
