// Frames out through a socket, many with one system call.
#pragma once
#include <sys/socket.h>

#include <cerrno>
#include <cstdint>
#include <span>

namespace valenic {

/// What becomes of a frame that the kernel did not take, and of those behind it.
enum class Refused : uint8_t { again, skip, stop };

/// Sends `messages` in order; `refused(errno)` says how to continue.
/// Returns how many were sent or skipped.
template <typename Taken, typename OnRefusal>
size_t send_many(int fd, std::span<mmsghdr> messages, Taken taken, OnRefusal refused) noexcept {
    size_t at = 0;
    while (at < messages.size()) {
        const int count =
            sendmmsg(fd, messages.data() + at, static_cast<unsigned>(messages.size() - at),
                     MSG_DONTWAIT | MSG_NOSIGNAL);
        if (count > 0) {
            taken(at, static_cast<size_t>(count));
            at += static_cast<size_t>(count);
            continue;
        }
        const Refused next = refused(errno);
        if (next == Refused::stop) break;
        if (next == Refused::skip) ++at;
    }
    return at;
}

}  // namespace valenic
