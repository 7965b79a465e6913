// Who fills which part of a receive ring, and what of it the guest may see.
#pragma once
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "base/check.hpp"
#include "base/limits.hpp"

namespace valenic {

/// Places [start, start + count) of the used ring that one worker fills. Places are numbered on and
/// on; 64 bits do not wrap.
struct Reservation {
    uint64_t start;
    uint32_t count;
};

/// Several workers reserve, and complete in any order; what is published is the contiguous prefix.
/// Nobody waits for another. Everything but published() is called under the ring's lock.
class Reservations {
 public:
    explicit Reservations(uint64_t first) noexcept : reserved_(first), published_(first) {}

    Reservation take(uint32_t count) noexcept {
        const Reservation reservation{reserved_, count};
        reserved_ += count;
        return reservation;
    }
    /// Acquire: the guest can see all used entries that are counted here, of any worker.
    uint64_t published() const noexcept { return published_.load(std::memory_order_acquire); }
    /// After the guest was shown everything before `end`.
    void publish(uint64_t end) noexcept { published_.store(end, std::memory_order_release); }

    /// The end of the prefix that is complete now. When it grew, the caller shows the prefix to the
    /// guest, and then counts it as published: publish().
    uint64_t complete(const Reservation& reservation) noexcept {
        uint64_t end = published_.load(std::memory_order_relaxed);
        if (reservation.start != end) {
            keep_waiting(reservation);
            return end;
        }
        end += reservation.count;
        for (size_t i = 0; i < waiting_count_;) {
            if (waiting_[i].start != end) {
                ++i;
                continue;
            }
            end += waiting_[i].count;
            waiting_[i] = waiting_[--waiting_count_];
            i = 0;  // The next one may be anywhere; there are at most workers_max.
        }
        return end;
    }

 private:
    /// Keeps what is complete until everything before it is. Neighbours become one, so that there
    /// are never more than the workers who hold them up, however long one of those is off its CPU.
    void keep_waiting(Reservation run) noexcept {
        for (size_t i = 0; i < waiting_count_;) {
            const Reservation other = waiting_[i];
            const bool before = other.start + other.count == run.start;
            const bool behind = run.start + run.count == other.start;
            if (!before && !behind) {
                ++i;
                continue;
            }
            run = {before ? other.start : run.start, run.count + other.count};
            waiting_[i] = waiting_[--waiting_count_];
        }
        CHECK(waiting_count_ < waiting_.size());
        waiting_[waiting_count_++] = run;
    }

    uint64_t reserved_;  ///< First place that nobody reserved.
    size_t waiting_count_ = 0;
    /// Complete, but behind someone's copy; no two are neighbours, so each is held up by another.
    std::array<Reservation, workers_max> waiting_;
    /// First place that the guest does not see yet. Written under the lock, read without it.
    std::atomic<uint64_t> published_;
};

}  // namespace valenic
