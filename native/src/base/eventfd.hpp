// Eventfds: our own, and those that came from a peer.
//
// O_NONBLOCK belongs to the open file and so to everybody who holds it: a peer can clear it at any
// moment, fill the counter or empty it. So what is done with a peer's eventfd does not rely on it
// (docs/decisions/0015-calls-that-a-peer-can-hold.md).
#pragma once
#include <cstdint>

#include "base/fd.hpp"

namespace valenic {

/// Whether `fd` is an eventfd: only eventfds are written or read as kicks and calls.
/// Looks at /proc/self/fd, so it is for the control thread.
bool is_eventfd(int fd) noexcept;

/// Makes it non-blocking. False when the system refuses.
bool make_nonblocking(int fd) noexcept;

// ---- A peer's.

/// Adds one. A full counter (EAGAIN) is success: the peer has a wake-up pending anyway. False: the
/// call waited, since the peer made the descriptor blocking, and the watchdog broke it.
[[nodiscard]] bool call_peer(int fd) noexcept;

/// Takes the whole count, under any flags of the descriptor; 0 if it was empty. Never blocks.
/// Before Linux 5.8 it leaves the count and returns 0: enough for edge-triggered waiting.
uint64_t take_kicks(int fd) noexcept;

// ---- Our own eventfds, which no peer has.

/// Adds one.
void signal_eventfd(int fd) noexcept;

/// Takes the whole count; 0 when it was empty.
uint64_t drain_eventfd(int fd) noexcept;

/// A fresh one: non-blocking, close-on-exec, count 0.
OwnedFd create_eventfd() noexcept;

}  // namespace valenic
