// The signal that ends a system call in which a thread of ours waits for a peer.
#pragma once

namespace valenic::break_signal {

/// Installs a handler that does nothing, without SA_RESTART: what waits returns EINTR. Once for the
/// process; a handler that the program has there already does as well and is left.
void install() noexcept;

/// Unblocks the signal for this thread, which may have inherited a mask.
void admit() noexcept;

/// Sends it to one thread of this process. One that is just about to begin its call misses it: send
/// again. Nothing happens to a thread that has ended.
void send(int thread_id) noexcept;

}  // namespace valenic::break_signal
