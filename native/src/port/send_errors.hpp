// Why the kernel did not take a frame, and whose fault that is: one table for every kind of port
// that hands frames to it.
#pragma once
#include <cstdint>

#include "boundary/names.hpp"
#include "switch/context.hpp"

namespace valenic {

/// Who caused an error of a send. Its consequences reach nobody else.
enum class Blame : uint8_t {
    source,     ///< The memory of the sender cannot be read: its device is closed.
    frame,      ///< The receiver cannot have a frame like this one: that frame alone is dropped.
    full,       ///< The receiver has no room now: it loses what does not fit.
    host,       ///< Memory or rules of this host: frames are dropped, and nobody's peer is closed.
    link_down,  ///< The receiver's interface is down: frames are dropped until it is up.
    absent,     ///< Nobody is at the other end, or not any more.
    gone,       ///< The receiver's descriptor is of no more use.
    unknown,    ///< No error that a send is known for.
};
inline constexpr unsigned blame_count = 8;

struct SendError {
    Blame blame;
    spec::DropReason reason;  ///< What the frames are counted under.
};

/// Looks an errno up.
SendError send_error(int error) noexcept;

/// Whether frames of the batch under way cannot be read any more.
bool source_lost(const WorkerContext& context) noexcept;

/// The kernel could not read a frame of the batch under way: its source is told apart from its
/// receiver, and is closed for it. False: its memory is our own.
bool blame_source(const WorkerContext& context) noexcept;

/// send_error() of the batch under way. An error that belongs to its source is its source's from
/// here on; where the memory is our own the fault is this host's.
SendError charge_send_error(int error, const WorkerContext& context) noexcept;

}  // namespace valenic
