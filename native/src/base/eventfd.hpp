// Eventfds that came from a peer: checked, made non-blocking, never able to stop a worker.
#pragma once
#include <cstdint>

#include "base/fd.hpp"

namespace valenic {

/// Whether `fd` is an eventfd: nothing else is ever written or read as a kick or a call.
/// Looks at /proc/self/fd, so it is for the control thread.
bool is_eventfd(int fd) noexcept;

/// Makes it non-blocking. False when the system refuses.
bool make_nonblocking(int fd) noexcept;

/// Adds one. A full counter (EAGAIN) is success: the peer has a wake-up pending anyway.
void signal_eventfd(int fd) noexcept;

/// Takes the whole count; 0 when it was empty.
uint64_t drain_eventfd(int fd) noexcept;

/// A fresh one: non-blocking, close-on-exec, count 0.
OwnedFd create_eventfd() noexcept;

}  // namespace valenic
