#include "probe_traffic.hpp"

#include <poll.h>
#include <sched.h>

#include <algorithm>
#include <cerrno>

#include "base/clock.hpp"

namespace valenic::agent {
namespace {

/// Buffers for one sendmmsg or recvmmsg call.
class MessageBatch {
 public:
    MessageBatch(uint32_t messages, size_t bytes_each)
        : bytes_each_(bytes_each),
          storage_(messages * bytes_each),
          vectors_(messages),
          headers_(messages) {
        for (uint32_t i = 0; i < messages; ++i) {
            vectors_[i] = {at(i), bytes_each};
            headers_[i].msg_hdr.msg_iov = &vectors_[i];
            headers_[i].msg_hdr.msg_iovlen = 1;
        }
    }
    uint8_t* at(uint32_t index) { return storage_.data() + index * bytes_each_; }
    std::vector<mmsghdr>& headers() { return headers_; }

 private:
    size_t bytes_each_;
    std::vector<uint8_t> storage_;
    std::vector<iovec> vectors_;
    std::vector<mmsghdr> headers_;
};

void sleep_until_ns(uint64_t at_ns) {
    const timespec at{static_cast<time_t>(at_ns / 1'000'000'000),
                      static_cast<long>(at_ns % 1'000'000'000)};
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, nullptr);
}

/// The kernel's transmit queue is full: a matter of microseconds, not a failure.
bool is_busy(int error) { return error == ENOBUFS || error == EAGAIN || error == EINTR; }

}  // namespace

PaceLimits pace_limits(const Args& args) {
    if (args.has("count") == args.has("seconds")) throw OpError("give either count or seconds");
    PaceLimits limits;
    limits.rate_pps = args.number("ratePps", 0, 1e9, 0);
    if (args.has("count")) {
        limits.count = args.whole("count", 1, uint64_t{1} << 48);
    } else {
        limits.time_limit_ns =
            static_cast<uint64_t>(args.number("seconds", 0.001, 86'400, 1) * 1e9);
    }
    return limits;
}

Json send_probes(const OwnedFd& socket, const ProbeTemplate& what, PaceLimits limits,
                 const std::atomic<bool>& stop) {
    const size_t header_bytes = what.headers.size();
    MessageBatch batch(messages_per_call, header_bytes + what.probe_bytes);
    for (uint32_t i = 0; i < messages_per_call; ++i)
        std::copy(what.headers.begin(), what.headers.end(), batch.at(i));

    const uint64_t start_ns = monotonic_ns();
    const Pacer pacer(limits, start_ns);
    uint64_t sent = 0, busy = 0, now_ns = start_ns;
    for (; !pacer.finished(sent, now_ns) && !stop.load(std::memory_order_relaxed);
         now_ns = monotonic_ns()) {
        const auto due = static_cast<uint32_t>(pacer.due(sent, now_ns, messages_per_call));
        if (due == 0) {
            // At most 50 ms at a time, to see `stop` and the end of the time.
            sleep_until_ns(std::min(pacer.due_at_ns(sent), now_ns + 50'000'000));
            continue;
        }
        for (uint32_t i = 0; i < due; ++i)
            write_probe(batch.at(i) + header_bytes, what.probe_bytes, what.stream, sent + i,
                        now_ns);
        const int taken = sendmmsg(socket.get(), batch.headers().data(), due, 0);
        if (taken > 0) sent += static_cast<uint64_t>(taken);
        if (taken == static_cast<int>(due)) continue;
        // ECONNREFUSED is an ICMP answer to an earlier datagram; this one was not sent.
        if (taken < 0 && !is_busy(errno) && errno != ECONNREFUSED) fail_errno("sending");
        ++busy;
        sched_yield();
    }
    return {{"sent", sent},
            {"bytes", sent * (header_bytes + what.probe_bytes)},
            {"seconds", static_cast<double>(now_ns - start_ns) * 1e-9},
            {"busy", busy}};
}

void set_receive_buffer(const OwnedFd& socket, int bytes) {
    // FORCE goes beyond net.core.rmem_max and needs CAP_NET_ADMIN; without it, as much as allowed.
    if (setsockopt(socket.get(), SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) != 0)
        setsockopt(socket.get(), SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
}

ProbeReceiver::ProbeReceiver(OwnedFd socket, size_t skip_bytes, size_t largest_message)
    : socket_(std::move(socket)), skip_bytes_(skip_bytes), largest_message_(largest_message) {
    set_receive_buffer(socket_, 16 << 20);
}

void ProbeReceiver::start() {
    thread_ = std::thread([this] { run(); });
}

void ProbeReceiver::stop() {
    stopping_.store(true, std::memory_order_relaxed);
    if (thread_.joinable()) thread_.join();
}

void ProbeReceiver::run() {
    MessageBatch batch(messages_per_call, largest_message_);
    while (!stopping_.load(std::memory_order_relaxed)) {
        pollfd wanted{socket_.get(), POLLIN, 0};
        if (poll(&wanted, 1, 50) > 0) drain(batch.headers());
    }
    drain(batch.headers());  // What arrived before stop() counts.
}

void ProbeReceiver::drain(std::vector<mmsghdr>& messages) {
    for (;;) {
        const int got =
            recvmmsg(socket_.get(), messages.data(), messages_per_call, MSG_DONTWAIT, nullptr);
        if (got <= 0) return;
        const uint64_t now_ns = monotonic_ns();
        const std::lock_guard lock(mutex_);
        if (first_ns_ == 0) first_ns_ = now_ns;
        last_ns_ = now_ns;
        for (int i = 0; i < got; ++i) {
            const mmsghdr& message = messages[static_cast<size_t>(i)];
            const auto* bytes = static_cast<const uint8_t*>(message.msg_hdr.msg_iov->iov_base);
            if (message.msg_hdr.msg_flags & MSG_TRUNC) {
                report_.take_oversized();
            } else if (message.msg_len >= skip_bytes_) {
                report_.take(bytes + skip_bytes_, message.msg_len - skip_bytes_, message.msg_len);
            }
        }
        if (stopping_.load(std::memory_order_relaxed) && got < static_cast<int>(messages_per_call))
            return;
    }
}

Json ProbeReceiver::report(bool reset) {
    const std::lock_guard lock(mutex_);
    dropped_ += kernel_dropped(socket_.get());
    Json report = report_.to_json();
    report["kernelDropped"] = dropped_;
    // From the first to the last batch: a rate that idle time before and after does not dilute.
    report["seconds"] = static_cast<double>(last_ns_ - first_ns_) * 1e-9;
    if (reset) {
        report_.reset();
        dropped_ = first_ns_ = last_ns_ = 0;
    }
    return report;
}

}  // namespace valenic::agent
