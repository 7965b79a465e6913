// A TCP connection that gives up when stopped or stalled, and how one begins.
#pragma once
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <atomic>

#include "base/clock.hpp"
#include "base/fd.hpp"
#include "request.hpp"

namespace valenic::agent {

/// Nothing moved for so long: the transfer is dead. Longer than a few retransmission time-outs.
inline constexpr uint64_t stall_limit_ns = 30'000'000'000;

/// A non-blocking stream that gives up when stopped or stalled.
class Stream {
 public:
    Stream(OwnedFd fd, const std::atomic<bool>& stop) : fd_(std::move(fd)), stop_(stop) {}

    /// At least one byte, or 0 at the end of the stream.
    size_t read_some(uint8_t* into, size_t most) {
        for (;;) {
            const ssize_t got = recv(fd_.get(), into, most, 0);
            if (got >= 0) return static_cast<size_t>(got);
            again_or_fail(POLLIN, "receiving");
        }
    }
    /// False: the stream ended first.
    bool read_all(void* into, size_t bytes) {
        auto* at = static_cast<uint8_t*>(into);
        while (bytes > 0) {
            const size_t got = read_some(at, bytes);
            if (got == 0) return false;
            at += got;
            bytes -= got;
        }
        return true;
    }
    size_t write_some(const uint8_t* from, size_t most) {
        for (;;) {
            const ssize_t put = send(fd_.get(), from, most, MSG_NOSIGNAL);
            if (put >= 0) return static_cast<size_t>(put);
            again_or_fail(POLLOUT, "sending");
        }
    }
    void write_all(const void* from, size_t bytes) {
        const auto* at = static_cast<const uint8_t*>(from);
        for (size_t put = 0; bytes > 0; at += put, bytes -= put) put = write_some(at, bytes);
    }
    void end_sending() { shutdown(fd_.get(), SHUT_WR); }
    /// Waits for a pending connect() or for bytes.
    void wait(short events, const char* doing) {
        const uint64_t start = monotonic_ns();
        for (;;) {
            pollfd wanted{fd_.get(), events, 0};
            if (poll(&wanted, 1, 100) > 0) return;
            if (stop_.load(std::memory_order_relaxed)) throw OpError("the transfer was stopped");
            if (monotonic_ns() - start > stall_limit_ns)
                throw OpError(std::string(doing) + ": nothing moved for 30 s");
        }
    }
    int fd() const { return fd_.get(); }

 private:
    OwnedFd fd_;
    const std::atomic<bool>& stop_;

    void again_or_fail(short events, const char* doing) {
        if (errno != EAGAIN && errno != EINTR) fail_errno(doing);
        wait(events, doing);
    }
};

inline OwnedFd open_tcp() {
    OwnedFd fd(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd.valid()) fail_errno("opening a TCP socket");
    return fd;
}

inline sockaddr_in endpoint(uint32_t address, const Args& args) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(address);
    at.sin_port = htons(static_cast<uint16_t>(args.whole("port", 1, 65535)));
    return at;
}

inline void connect_stream(Stream& stream, const sockaddr_in& to) {
    if (connect(stream.fd(), reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0) return;
    if (errno != EINPROGRESS) fail_errno("connecting");
    stream.wait(POLLOUT, "connecting");
    int error = 0;
    socklen_t bytes = sizeof error;
    getsockopt(stream.fd(), SOL_SOCKET, SO_ERROR, &error, &bytes);
    if (error != 0) fail_errno("connecting", error);
}

/// Bound to the port of `args`, and listening.
inline OwnedFd listen_tcp(const Args& args) {
    OwnedFd fd = open_tcp();
    const int on = 1;
    setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    const sockaddr_in at = endpoint(INADDR_ANY, args);
    if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0 ||
        listen(fd.get(), 16) != 0)
        fail_errno("listening on TCP port " + std::to_string(ntohs(at.sin_port)));
    return fd;
}

}  // namespace valenic::agent
