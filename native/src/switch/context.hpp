// What one worker carries with it through a round.
#pragma once
#include <cstddef>
#include <cstdint>

#include "base/parked.hpp"
#include "base/timers.hpp"
#include "base/whereabouts.hpp"
#include "net/edited.hpp"
#include "net/rewritten.hpp"
#include "ring/ring.hpp"
#include "switch/held_frames.hpp"
#include "switch/rules.hpp"
#include "switch/shares.hpp"
#include "switch/timed.hpp"

namespace valenic {

class Port;

/// All that a worker has to do later: calls (interrupts) held back by notification moderation, and
/// frames held back by an action. The worker that transmitted keeps a call; a queue is in a
/// worker's list at most once.
class WorkerTimers : public Timers<Timed> {
 public:
    /// Calls that wait. A queue that finds no place calls at once.
    static constexpr size_t calls_max = 1024;
    /// Frames that are held.
    static constexpr size_t frames_max = 2048;

    WorkerTimers() : Timers(calls_max + frames_max) {}
};

/// What the rules of ports make of the frames of one batch.
struct Classified {
    FrameVlan frames[batch_frames];
    uint16_t vlans[batch_frames];     ///< For the lookup.
    TagChange changes[batch_frames];  ///< Of the frames for the receiver in hand.
    bool reached[batch_frames];       ///< By a flood.
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
    WorkerTimers timers;
    // What stages of a batch's way need, in their order.
    Classified classified;     ///< By the rules of ports.
    EditedBatch edited;        ///< As an action list makes them.
    EditedBatch retagged;      ///< Of a receiver that gets other VLAN tags.
    RewrittenBatch rewritten;  ///< Of a receiver that does not take frames as they are.
    HeldFrames held;
};

/// Does what is due by then. By the context's own worker.
void run_timers(uint64_t now_ns, WorkerContext& context);
/// Forgets what was to be done later for a port that goes.
void forget_in(const Parked&, WorkerContext& context, Port& port) noexcept;

}  // namespace valenic
