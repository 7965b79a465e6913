// A lock held for tens of nanoseconds: reservations in a receive ring, the MAC table's insertions.
#pragma once
#include <sched.h>

#include <atomic>

#include "base/machine.hpp"

namespace valenic {

class Spinlock {
 public:
    void lock() noexcept {
        for (unsigned spins = 0; locked_.exchange(true, std::memory_order_acquire); ++spins) {
            // With more threads than cores the holder may be off the CPU: let it run.
            while (locked_.load(std::memory_order_relaxed)) {
                if (++spins % 256 == 0) sched_yield();
                cpu_relax();
            }
        }
    }
    bool try_lock() noexcept {
        return !locked_.load(std::memory_order_relaxed) &&
               !locked_.exchange(true, std::memory_order_acquire);
    }
    void unlock() noexcept { locked_.store(false, std::memory_order_release); }

 private:
    std::atomic<bool> locked_{false};
};

}  // namespace valenic
