// What one worker carries with it through a round.
#pragma once
#include <cstddef>
#include <cstdint>

#include "base/parked.hpp"
#include "base/whereabouts.hpp"
#include "net/retag.hpp"
#include "net/rewritten.hpp"
#include "ring/ring.hpp"
#include "switch/shares.hpp"

namespace valenic {

class Port;
class Queue;

/// Calls (interrupts) held back by notification moderation, with the time each is due.
///
/// The worker that transmitted keeps them; capacity is one entry for each queue there can be, and a
/// queue is in a worker's list at most once.
class DeferredCalls {
 public:
    static constexpr size_t capacity = 1024;

    struct Entry {
        Queue* queue;
        uint64_t due_ns;
    };
    /// False when the list is full: call at once.
    bool add(Queue* queue, uint64_t due_ns) noexcept {
        if (count_ == capacity) return false;
        entries_[count_++] = {queue, due_ns};
        if (due_ns < next_due_ns_) next_due_ns_ = due_ns;
        return true;
    }
    /// Earliest due time, or UINT64_MAX.
    uint64_t next_due_ns() const noexcept { return next_due_ns_; }
    /// Takes out every entry due at `now_ns` and hands its queue to `visit`.
    template <typename Visit>
    void take_due(uint64_t now_ns, Visit visit) noexcept {
        size_t kept = 0;
        uint64_t next = UINT64_MAX;
        for (size_t i = 0; i < count_; ++i) {
            const Entry entry = entries_[i];
            if (entry.due_ns <= now_ns) {
                visit(entry.queue);
                continue;
            }
            if (entry.due_ns < next) next = entry.due_ns;
            entries_[kept++] = entry;
        }
        count_ = kept;
        next_due_ns_ = next;
    }
    /// Forgets a queue that goes away.
    void forget(Parked, const Queue* queue) noexcept {
        size_t kept = 0;
        for (size_t i = 0; i < count_; ++i)
            if (entries_[i].queue != queue) entries_[kept++] = entries_[i];
        count_ = kept;
    }

 private:
    size_t count_ = 0;
    uint64_t next_due_ns_ = UINT64_MAX;
    Entry entries_[capacity];
};

struct WorkerContext {
    uint16_t worker = 0;                ///< Index of this worker's counter block in every port.
    uint64_t now_ns = 0;                ///< Monotonic, refreshed once a round.
    size_t turn_frames = batch_frames;  ///< Most that receive() takes now; set for each turn.
    Shares shares;
    /// Of the delivery under way; the worker sets its limit in every round.
    RxExpense expense{nullptr, UINT64_MAX, shares.clock()};
    /// Whose frames are under way: who answers for memory that cannot be read.
    Port* source = nullptr;
    Whereabouts whereabouts;
    DeferredCalls deferred_calls;
    RewrittenBatch rewritten;  ///< Of a receiver that does not take frames as they are.
    RetaggedBatch retagged;    ///< Of a receiver that gets other VLAN tags; before `rewritten`.
};

}  // namespace valenic
