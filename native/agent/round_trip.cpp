// Requests and answers over one TCP connection, one at a time: what netperf calls TCP_RR.
#include <netinet/tcp.h>

#include <algorithm>
#include <vector>

#include "accept_loop.hpp"
#include "address.hpp"
#include "ops.hpp"

namespace valenic::agent {
namespace {

constexpr size_t most_bytes = 1024;
/// Round trips whose times are kept: enough for a p99.9 of the slowest minute here.
constexpr size_t most_times = 4 << 20;

/// A request of one byte is not held back for another.
void send_at_once(int fd) {
    const int on = 1;
    if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0) fail_errno("TCP_NODELAY");
}

/// Sends back what comes, one connection after the other.
class Echo final : public Job {
 public:
    explicit Echo(OwnedFd listener)
        : loop_(std::move(listener), [this](Stream& stream) { serve(stream); }) {}

    void stop() override { loop_.stop(); }
    Json report(bool) override {
        return {{"connections", connections_.load(std::memory_order_relaxed)}};
    }

 private:
    void serve(Stream& stream) {
        connections_.fetch_add(1, std::memory_order_relaxed);
        send_at_once(stream.fd());
        std::vector<uint8_t> piece(most_bytes);
        while (const size_t got = stream.read_some(piece.data(), piece.size()))
            stream.write_all(piece.data(), got);
    }

    std::atomic<uint64_t> connections_{0};
    AcceptLoop loop_;  ///< Last: its thread uses the others.
};

double at_share(const std::vector<uint32_t>& sorted_ns, double share) {
    const auto last = static_cast<double>(sorted_ns.size() - 1);
    return static_cast<double>(sorted_ns[static_cast<size_t>(last * share)]) / 1000;
}

Json delays_of(std::vector<uint32_t> times_ns) {
    if (times_ns.empty()) throw OpError("no answer came in time");
    std::sort(times_ns.begin(), times_ns.end());
    return {{"p50", at_share(times_ns, 0.5)},
            {"p99", at_share(times_ns, 0.99)},
            {"p999", at_share(times_ns, 0.999)}};
}

}  // namespace

/// {port} -> {job}
Json op_tcp_echo(const Args& args, OpContext& context) {
    return context.jobs.add(std::make_unique<Echo>(listen_tcp(args)));
}

/// {address, port, seconds, bytes?} -> {roundTrips, seconds, latencyUs: {p50, p99, p999}}
Json op_tcp_ask(const Args& args, OpContext& context) {
    const uint32_t address = ipv4_of(args, "address");
    std::vector<uint8_t> request(args.whole("bytes", 1, most_bytes, 1), 'v');
    const auto limit_ns = static_cast<uint64_t>(args.number("seconds", 0.001, 3600, 1) * 1e9);
    Stream stream(open_tcp(), context.stop);
    connect_stream(stream, endpoint(address, args));
    send_at_once(stream.fd());
    std::vector<uint32_t> times_ns;
    const uint64_t start = monotonic_ns();
    uint64_t now = start;
    while (now - start < limit_ns && times_ns.size() < most_times) {
        stream.write_all(request.data(), request.size());
        if (!stream.read_all(request.data(), request.size()))
            throw OpError("the other end closed the connection");
        const uint64_t after = monotonic_ns();
        times_ns.push_back(static_cast<uint32_t>(std::min<uint64_t>(after - now, UINT32_MAX)));
        now = after;
    }
    const size_t trips = times_ns.size();
    return {{"roundTrips", trips},
            {"seconds", static_cast<double>(now - start) * 1e-9},
            {"latencyUs", delays_of(std::move(times_ns))}};
}

}  // namespace valenic::agent
