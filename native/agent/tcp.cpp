// TCP transfers whose every byte is checked, at the receiver and again by checksum at the sender.
#include <algorithm>

#include "accept_loop.hpp"
#include "address.hpp"
#include "ops.hpp"
#include "tcp_pattern.hpp"

namespace valenic::agent {
namespace {

/// Accepts one transfer after the other (one at a time) and keeps count.
class TcpListener final : public Job {
 public:
    explicit TcpListener(OwnedFd listener)
        : loop_(std::move(listener), [this](Stream& stream) { serve(stream); }) {}

    bool done() const override { return transfers_.load(std::memory_order_acquire) > 0; }
    void stop() override { loop_.stop(); }
    Json report(bool) override {
        const std::lock_guard lock(mutex_);
        Json report = last_;
        report["transfers"] = transfers_.load(std::memory_order_relaxed);
        return report;
    }

 private:
    void serve(Stream& stream) {
        Json result;
        try {
            result = receive(stream);
        } catch (const OpError& error) {
            result = {{"bytes", 0}, {"seconds", 0.0}, {"checksumOk", false}};
            result["failure"] = error.what();
        }
        const std::lock_guard lock(mutex_);
        last_ = std::move(result);
        transfers_.fetch_add(1, std::memory_order_release);
    }

    static Json receive(Stream& stream) {
        TransferHeader header;
        if (!stream.read_all(&header, sizeof header) || header.magic != transfer_magic)
            throw OpError("the connection does not carry one of our transfers");
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

    std::atomic<uint64_t> transfers_{0};
    std::mutex mutex_;
    Json last_ = {{"bytes", 0}, {"seconds", 0.0}, {"checksumOk", false}};
    AcceptLoop loop_;  ///< Last: its thread uses the others.
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

}  // namespace

/// {port} -> {job}; the job's report is that of its last transfer, and it is done after the first.
Json op_tcp_listen(const Args& args, OpContext& context) {
    return context.jobs.add(std::make_unique<TcpListener>(listen_tcp(args)));
}

/// {address, port, bytes|seconds, seed?} -> {bytes, seconds, check, checksumOk}
Json op_tcp_connect(const Args& args, OpContext& context) {
    const uint32_t address = ipv4_of(args, "address");
    if (args.has("bytes") == args.has("seconds")) throw OpError("give either bytes or seconds");
    const auto seed = static_cast<uint32_t>(args.whole("seed", 0, UINT32_MAX, 1));
    const uint64_t bytes = args.whole("bytes", 1, uint64_t{1} << 48, 0);
    const auto limit_ns = static_cast<uint64_t>(args.number("seconds", 0.001, 86'400, 1) * 1e9);
    Stream stream(open_tcp(), context.stop);
    connect_stream(stream, endpoint(address, args));

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
