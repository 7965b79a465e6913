// What a thread of the datapath is doing, for the watchdog (io/watchdog.hpp).
#pragma once
#include <atomic>
#include <cstdint>

#include "boundary/names.hpp"

namespace valenic {

/// What a thread does for a port.
using Act = spec::WorkerAct;

/// Where a thread is: a port's number, one of its queues, and what it does there.
struct Place {
    uint32_t port = 0;
    uint16_t queue = 0;
    Act act = Act::nothing;
};

/// A queue of a port, packed once so that a batch pays little for saying where it is.
struct Spot {
    uint64_t word = 0;

    constexpr Spot() = default;
    constexpr Spot(uint32_t port, unsigned queue) noexcept
        : word(uint64_t{port} | uint64_t{queue & 0xffff} << 32) {}
};

/// One thread writes, the watchdog reads. Relaxed stores into a line of the writer's own: what a
/// batch pays is a load and two stores for each of its steps.
class alignas(64) Whereabouts {
 public:
    Place place() const noexcept {
        const uint64_t word = place_.load(std::memory_order_relaxed);
        return {static_cast<uint32_t>(word), static_cast<uint16_t>(word >> 32),
                static_cast<Act>(word >> 48)};
    }
    /// Odd: inside a system call on a descriptor that somebody else holds open too.
    uint64_t calls() const noexcept { return calls_.load(std::memory_order_relaxed); }

    /// Says where the thread is from here on.
    void go(Spot spot, Act act) noexcept {
        place_.store(spot.word | static_cast<uint64_t>(act) << 48, std::memory_order_relaxed);
    }

    /// Says where the thread is for as long as this object lives, then where it was before.
    class Visit {
     public:
        Visit(Whereabouts& whereabouts, Spot spot, Act act) noexcept
            : place_(whereabouts.place_), before_(place_.load(std::memory_order_relaxed)) {
            whereabouts.go(spot, act);
        }
        ~Visit() { place_.store(before_, std::memory_order_relaxed); }
        Visit(const Visit&) = delete;
        Visit& operator=(const Visit&) = delete;

     private:
        std::atomic<uint64_t>& place_;
        const uint64_t before_;
    };

    /// This thread's from here on; nullptr: nobody watches it.
    static void adopt(Whereabouts* own) noexcept { of_thread_ = own; }

    /// Around one system call on a foreign descriptor. Of the thread, not of a context: so a call
    /// cannot be made without being told.
    class ForeignCall {
     public:
        ForeignCall() noexcept { step(); }
        ~ForeignCall() { step(); }
        ForeignCall(const ForeignCall&) = delete;
        ForeignCall& operator=(const ForeignCall&) = delete;

     private:
        static void step() noexcept {
            if (of_thread_ == nullptr) return;
            std::atomic<uint64_t>& calls = of_thread_->calls_;
            calls.store(calls.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
            std::atomic_signal_fence(std::memory_order_seq_cst);  // The call stays in between.
        }
    };

 private:
    inline static thread_local Whereabouts* of_thread_ = nullptr;

    std::atomic<uint64_t> place_{0};
    std::atomic<uint64_t> calls_{0};
};

}  // namespace valenic
