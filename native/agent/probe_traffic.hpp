// Sending and receiving probes through a kernel socket: what UDP and bare packets have in common.
#pragma once
#include <sys/socket.h>

#include <thread>
#include <vector>

#include "base/fd.hpp"
#include "ops.hpp"
#include "pacer.hpp"
#include "stream_report.hpp"

namespace valenic::agent {

/// Frames handed to the kernel in one system call: beyond this the gain is lost in noise.
inline constexpr uint32_t messages_per_call = 64;

/// What a sender repeats for every message.
struct ProbeTemplate {
    std::vector<uint8_t> headers;  ///< Put before every probe (an Ethernet header, or nothing).
    uint32_t probe_bytes;          ///< The probe after it, header included.
    uint32_t stream;
};

/// count|seconds, ratePps, from the arguments of a request.
PaceLimits pace_limits(const Args& args);

/// Sends probes through a connected or bound socket until the pace is finished or `stop`.
/// Answers {sent, bytes, seconds, busy}: `busy` counts how often the kernel's queue was full.
Json send_probes(const OwnedFd& socket, const ProbeTemplate& what, PaceLimits limits,
                 const std::atomic<bool>& stop);

/// Lets the kernel hold this many bytes for us while we are not scheduled.
void set_receive_buffer(const OwnedFd& socket, int bytes);

/// Receives probes on a socket in a thread of its own and counts them.
class ProbeReceiver : public Job {
 public:
    /// `skip_bytes`: bytes before the probe in each message.
    ProbeReceiver(OwnedFd socket, size_t skip_bytes, size_t largest_message);
    ~ProbeReceiver() override { stop(); }
    Json report(bool reset) override;
    void stop() override;

 protected:
    /// Messages the kernel threw away because we were too slow, since the last call.
    virtual uint64_t kernel_dropped(int socket) = 0;
    /// Derived classes call this when they are complete.
    void start();

 private:
    OwnedFd socket_;
    size_t skip_bytes_;
    size_t largest_message_;
    std::atomic<bool> stopping_{false};
    std::mutex mutex_;
    StreamReport report_;
    uint64_t dropped_ = 0;
    uint64_t first_ns_ = 0;
    uint64_t last_ns_ = 0;
    std::thread thread_;

    void run();
    void drain(std::vector<mmsghdr>& messages);
};

}  // namespace valenic::agent
