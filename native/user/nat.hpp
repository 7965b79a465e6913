// The NAT itself: libslirp between a stream of frames and the sockets of this process.
#pragma once
#include <poll.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "net/stream_framing.hpp"
#include "options.hpp"

struct Slirp;

namespace valenic::user {

/// One thread, one instance. libslirp keeps pointers into it.
class Nat {
 public:
    explicit Nat(const Options& options);
    ~Nat();
    Nat(const Nat&) = delete;
    Nat& operator=(const Nat&) = delete;

    bool valid() const noexcept { return slirp_ != nullptr; }
    /// 0, or why the port cannot be had.
    int forward(const Forward& forward);
    /// Until the stream ends (true) or breaks (false).
    bool run();

 private:
    struct Timer {
        void (*expired)(void*) = nullptr;
        void* opaque = nullptr;
        int64_t at_ms = -1;  ///< Less than 0: not set.
    };
    struct Callbacks;

    int64_t wait_ms(uint32_t slirp_ms) const;
    void fire_timers();
    /// False when the stream is over.
    bool take_frames();
    void send_frame(const uint8_t* frame, size_t bytes);
    /// False when nobody reads any more.
    bool flush();

    const Options& options_;
    Slirp* slirp_ = nullptr;
    StreamFramer framer_;
    std::vector<uint8_t> waiting_;  ///< Written to the stream, from `sent_` on.
    size_t sent_ = 0;
    std::vector<std::unique_ptr<Timer>> timers_;
    std::vector<pollfd> polled_;
    bool broken_ = false;
};

}  // namespace valenic::user
