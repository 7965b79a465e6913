// TCP transfers whose every byte is checked, at the receiver and again by checksum at the sender.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <thread>

#include "address.hpp"
#include "base/clock.hpp"
#include "base/fd.hpp"
#include "ops.hpp"
#include "tcp_pattern.hpp"

namespace valenic::agent {
namespace {

/// Nothing moved for so long: the transfer is dead. Longer than a few retransmission time-outs.
constexpr uint64_t stall_limit_ns = 30'000'000'000;

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

OwnedFd open_tcp() {
    OwnedFd fd(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd.valid()) fail_errno("opening a TCP socket");
    return fd;
}

sockaddr_in endpoint(uint32_t address, const Args& args) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(address);
    at.sin_port = htons(static_cast<uint16_t>(args.whole("port", 1, 65535)));
    return at;
}

/// Accepts one transfer after the other (one at a time) and keeps count.
class TcpListener final : public Job {
 public:
    explicit TcpListener(OwnedFd listener) : listener_(std::move(listener)) {
        thread_ = std::thread([this] { run(); });
    }
    ~TcpListener() override { stop(); }

    bool done() const override { return transfers_.load(std::memory_order_acquire) > 0; }
    void stop() override {
        stopping_.store(true, std::memory_order_relaxed);
        if (thread_.joinable()) thread_.join();
    }
    Json report(bool) override {
        const std::lock_guard lock(mutex_);
        Json report = last_;
        report["transfers"] = transfers_.load(std::memory_order_relaxed);
        return report;
    }

 private:
    OwnedFd listener_;
    std::atomic<bool> stopping_{false};
    std::atomic<uint64_t> transfers_{0};
    std::mutex mutex_;
    Json last_ = {{"bytes", 0}, {"seconds", 0.0}, {"checksumOk", false}};
    std::thread thread_;

    void run() {
        while (!stopping_.load(std::memory_order_relaxed)) {
            pollfd wanted{listener_.get(), POLLIN, 0};
            if (poll(&wanted, 1, 50) <= 0) continue;
            OwnedFd fd(accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
            if (!fd.valid()) continue;
            Json result;
            try {
                Stream stream(std::move(fd), stopping_);
                result = receive(stream);
            } catch (const OpError& error) {
                result = {{"bytes", 0}, {"seconds", 0.0}, {"checksumOk", false}};
                result["failure"] = error.what();
            }
            const std::lock_guard lock(mutex_);
            last_ = std::move(result);
            transfers_.fetch_add(1, std::memory_order_release);
        }
    }

    static Json receive(Stream& stream) {
        TransferHeader header;
        if (!stream.read_all(&header, sizeof header) || header.magic != transfer_magic)
            throw OpError("the connection carries no transfer of ours");
        const Pattern pattern(header.seed);
        std::vector<uint8_t> buffer(Pattern::piece);
        TransferReply reply{};
        const uint64_t start = monotonic_ns();
        while (header.bytes == 0 || reply.bytes < header.bytes) {
            const uint64_t rest = header.bytes == 0 ? buffer.size() : header.bytes - reply.bytes;
            const size_t got =
                stream.read_some(buffer.data(), std::min<uint64_t>(rest, buffer.size()));
            if (got == 0) break;
            if (std::memcmp(buffer.data(), pattern.at(reply.bytes), got) != 0) reply.mismatch = 1;
            reply.check = crc32c(reply.check, buffer.data(), got);
            reply.bytes += got;
        }
        const double seconds = static_cast<double>(monotonic_ns() - start) * 1e-9;
        stream.write_all(&reply, sizeof reply);
        const bool complete = header.bytes == 0 || reply.bytes == header.bytes;
        return {{"bytes", reply.bytes},
                {"seconds", seconds},
                {"check", reply.check},
                {"checksumOk", complete && reply.mismatch == 0}};
    }
};

struct Sent {
    uint64_t bytes = 0;
    uint32_t check = 0;
};

Sent send_payload(Stream& stream, const TransferHeader& header, uint64_t time_limit_ns) {
    const Pattern pattern(header.seed);
    stream.write_all(&header, sizeof header);
    Sent sent;
    const uint64_t start = monotonic_ns();
    while (header.bytes == 0 || sent.bytes < header.bytes) {
        if (header.bytes == 0 && monotonic_ns() - start >= time_limit_ns) break;
        const uint64_t rest = header.bytes == 0 ? Pattern::piece : header.bytes - sent.bytes;
        const uint8_t* const from = pattern.at(sent.bytes);
        const size_t put = stream.write_some(from, std::min<uint64_t>(rest, Pattern::piece));
        sent.check = crc32c(sent.check, from, put);
        sent.bytes += put;
    }
    stream.end_sending();
    return sent;
}

void connect_stream(Stream& stream, const sockaddr_in& to) {
    if (connect(stream.fd(), reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0) return;
    if (errno != EINPROGRESS) fail_errno("connecting");
    stream.wait(POLLOUT, "connecting");
    int error = 0;
    socklen_t bytes = sizeof error;
    getsockopt(stream.fd(), SOL_SOCKET, SO_ERROR, &error, &bytes);
    if (error != 0) fail_errno("connecting", error);
}

}  // namespace

/// {port} -> {job}; the job's report is that of its last transfer, and it is done after the first.
Json op_tcp_listen(const Args& args, OpContext& context) {
    OwnedFd fd = open_tcp();
    const int on = 1;
    setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    const sockaddr_in at = endpoint(INADDR_ANY, args);
    if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0 ||
        listen(fd.get(), 16) != 0)
        fail_errno("listening on TCP port " + std::to_string(ntohs(at.sin_port)));
    return context.jobs.add(std::make_unique<TcpListener>(std::move(fd)));
}

/// {address, port, bytes|seconds, seed?} -> {bytes, seconds, check, checksumOk}
Json op_tcp_connect(const Args& args, OpContext& context) {
    const std::string text = args.text("address");
    const auto address = parse_ipv4(text);
    if (!address) throw OpError("\"" + text + "\" is no IPv4 address");
    if (args.has("bytes") == args.has("seconds")) throw OpError("give either bytes or seconds");
    const auto seed = static_cast<uint32_t>(args.whole("seed", 0, UINT32_MAX, 1));
    const uint64_t bytes = args.whole("bytes", 1, uint64_t{1} << 48, 0);
    const auto limit_ns = static_cast<uint64_t>(args.number("seconds", 0.001, 86'400, 1) * 1e9);
    Stream stream(open_tcp(), context.stop);
    connect_stream(stream, endpoint(*address, args));

    const uint64_t start = monotonic_ns();
    const Sent sent = send_payload(stream, {transfer_magic, seed, bytes}, limit_ns);
    TransferReply reply{};
    if (!stream.read_all(&reply, sizeof reply))
        throw OpError("the receiver closed the connection before it confirmed the transfer");
    const double seconds = static_cast<double>(monotonic_ns() - start) * 1e-9;
    return {{"bytes", sent.bytes},
            {"seconds", seconds},
            {"check", sent.check},
            {"checksumOk",
             reply.bytes == sent.bytes && reply.check == sent.check && reply.mismatch == 0}};
}

}  // namespace valenic::agent
