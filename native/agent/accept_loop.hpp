// The receiving end of TCP jobs: connections of one port, one after the other, on a thread.
#pragma once
#include <functional>
#include <thread>

#include "tcp_stream.hpp"

namespace valenic::agent {

/// Hands each connection to `serve`, on its thread, until stop(). What `serve` throws ends that
/// connection alone.
class AcceptLoop {
 public:
    using Serve = std::function<void(Stream&)>;

    /// `listener` listens already.
    AcceptLoop(OwnedFd listener, Serve serve)
        : listener_(std::move(listener)), serve_(std::move(serve)), thread_([this] { run(); }) {}
    ~AcceptLoop() { stop(); }
    AcceptLoop(const AcceptLoop&) = delete;
    AcceptLoop& operator=(const AcceptLoop&) = delete;

    void stop() {
        stopping_.store(true, std::memory_order_relaxed);
        if (thread_.joinable()) thread_.join();
    }

 private:
    void run() {
        while (!stopping_.load(std::memory_order_relaxed)) {
            pollfd wanted{listener_.get(), POLLIN, 0};
            if (poll(&wanted, 1, 50) <= 0) continue;
            OwnedFd fd(accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
            if (!fd.valid()) continue;
            try {
                Stream stream(std::move(fd), stopping_);
                serve_(stream);
            } catch (const OpError&) {
                // The other end is gone, or we are stopped: the next one is as welcome.
            }
        }
    }

    OwnedFd listener_;
    Serve serve_;
    std::atomic<bool> stopping_{false};
    std::thread thread_;  ///< Last: it uses the others.
};

}  // namespace valenic::agent
