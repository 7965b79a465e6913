// Where packets enter and leave a switch: one queue pair of a port.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/poll_word.hpp"
#include "net/batch.hpp"
#include "switch/context.hpp"
#include "switch/timed.hpp"

namespace valenic {

/// One direction pair of a port: a virtqueue pair of a guest, a ring of a host program.
///
/// Ownership: one worker owns the queue and alone calls receive(), release(), arm() and disarm().
/// Any worker may call transmit() and flush_calls(); the queue orders them itself. A queue appears
/// and disappears with a Parked: Worker::add(), Worker::remove(). Cost: one virtual call per batch,
/// never per frame. Nothing here blocks or allocates.
class Queue : public Timed {
 public:
    /// Borrows waiting frames into the empty `batch`. Returns how much work was done (frames and
    /// chains that were dropped): 0 = nothing waits.
    virtual size_t receive(Batch& batch, WorkerContext& context) = 0;
    /// Hands everything borrowed back to the peer and notifies it if it asked for that. Borrowed
    /// frames are unreadable afterwards.
    virtual void release(WorkerContext& context) = 0;
    /// Copies the frames with these indices out, in order, and wakes the peer if it asked (subject
    /// to moderation). Counts what was delivered and, by reason, what was not.
    virtual void transmit(const Batch& batch, std::span<const uint8_t> indices,
                          WorkerContext& context) = 0;
    /// What frames may leave to this queue's peer: those that leave more are not given to
    /// transmit(). The same for as long as workers run.
    virtual OffloadSet accepts() const noexcept { return 0; }
    /// Sends the call that moderation held back. May be called when none is pending.
    virtual void flush_calls(WorkerContext& context) = 0;
    void on_time(uint32_t, WorkerContext& context) final { flush_calls(context); }
    /// Asks the peer for notifications, fences, looks again. True when work waits: do not sleep.
    virtual bool arm() = 0;
    /// The owner polls: asks the peer for none.
    virtual void disarm() = 0;
    /// Readable when receive() may have work; -1: nothing to wait for. Then arm() tells a queue
    /// that is polled for ever (true) from one that cannot have work until it is changed. The owner
    /// drains it with acknowledge().
    virtual int wait_fd() const noexcept = 0;
    /// Where the owner may look for work instead of calling receive(). Good until the next
    /// receive() or until something about the queue changes.
    virtual PollWord poll_word() const noexcept { return {}; }
    /// Empties wait_fd() after the owner woke for it. May report a peer that kicks but shows no
    /// work.
    virtual void acknowledge(WorkerContext& context) = 0;
};

}  // namespace valenic
