// ICMP echo: reachability and round-trip times.
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <thread>
#include <vector>

#include "address.hpp"
#include "base/clock.hpp"
#include "base/fd.hpp"
#include "ops.hpp"

namespace valenic::agent {
namespace {

/// RFC 1071: the one's complement of the one's complement sum.
uint16_t internet_checksum(const std::vector<uint8_t>& bytes) {
    uint32_t sum = 0;
    for (size_t i = 0; i < bytes.size(); ++i)
        sum += i % 2 == 0 ? static_cast<uint32_t>(bytes[i]) << 8 : bytes[i];
    while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
    return htons(static_cast<uint16_t>(~sum));
}

/// One run of echo requests to one address.
class Pinger {
 public:
    Pinger(uint32_t address, size_t payload_bytes, const std::atomic<bool>& stop)
        : stop_(stop), socket_(socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP)) {
        if (!socket_.valid()) fail_errno("opening a raw socket");
        to_.sin_family = AF_INET;
        to_.sin_addr.s_addr = htonl(address);
        packet_.resize(sizeof(icmphdr) + payload_bytes);
        for (size_t i = sizeof(icmphdr); i < packet_.size(); ++i)
            packet_[i] = static_cast<uint8_t>(i);
        // Several pings may run at once, each with a raw socket that sees all replies.
        static std::atomic<uint16_t> runs{0};
        identifier_ = runs.fetch_add(1, std::memory_order_relaxed);
    }

    /// False: the request could not be sent (host unreachable, interface down): a lost packet.
    bool send(uint16_t sequence) {
        icmphdr header{};
        header.type = ICMP_ECHO;
        header.un.echo.id = htons(identifier_);
        header.un.echo.sequence = htons(sequence);
        std::memcpy(packet_.data(), &header, sizeof header);
        header.checksum = internet_checksum(packet_);
        std::memcpy(packet_.data(), &header, sizeof header);
        sent_ns_ = monotonic_ns();
        return sendto(socket_.get(), packet_.data(), packet_.size(), 0,
                      reinterpret_cast<const sockaddr*>(&to_), sizeof to_) >= 0;
    }

    /// The round-trip time of that request, or 0 when the reply did not come in time.
    uint64_t wait(uint16_t sequence, uint64_t timeout_ns) {
        std::vector<uint8_t> reply(packet_.size() + 60);  // An IP header has at most 60 bytes.
        while (!stop_.load(std::memory_order_relaxed)) {
            const uint64_t passed = monotonic_ns() - sent_ns_;
            if (passed >= timeout_ns) break;
            pollfd wanted{socket_.get(), POLLIN, 0};
            const uint64_t rest_ms = (timeout_ns - passed) / 1'000'000 + 1;
            if (poll(&wanted, 1, static_cast<int>(std::min<uint64_t>(rest_ms, 100))) <= 0) continue;
            const ssize_t got = recv(socket_.get(), reply.data(), reply.size(), 0);
            const uint64_t now = monotonic_ns();
            if (got > 0 && is_reply(reply.data(), static_cast<size_t>(got), sequence))
                return now - sent_ns_;
        }
        return 0;
    }

 private:
    const std::atomic<bool>& stop_;
    OwnedFd socket_;
    sockaddr_in to_{};
    std::vector<uint8_t> packet_;
    uint16_t identifier_ = 0;
    uint64_t sent_ns_ = 0;

    bool is_reply(const uint8_t* bytes, size_t len, uint16_t sequence) const {
        const size_t ip_bytes = static_cast<size_t>(bytes[0] & 0x0f) * 4;
        if (len != ip_bytes + packet_.size()) return false;
        icmphdr header;
        std::memcpy(&header, bytes + ip_bytes, sizeof header);
        return header.type == ICMP_ECHOREPLY && header.un.echo.id == htons(identifier_) &&
               header.un.echo.sequence == htons(sequence) &&
               std::memcmp(bytes + ip_bytes + sizeof header, packet_.data() + sizeof header,
                           packet_.size() - sizeof header) == 0;
    }
};

}  // namespace

/// {address, count?, timeoutMs?, intervalMs?, size?} -> {sent, received, rttUs: {min, avg, max}}
Json op_ping(const Args& args, OpContext& context) {
    const uint32_t address = ipv4_of(args, "address");
    const uint64_t count = args.whole("count", 1, 65535, 1);
    const uint64_t timeout_ns = args.whole("timeoutMs", 1, 60'000, 1000) * 1'000'000;
    const auto interval = std::chrono::milliseconds(args.whole("intervalMs", 0, 60'000, 0));
    Pinger pinger(address, args.whole("size", 0, 65'507, 56), context.stop);

    uint64_t sent = 0, received = 0, least = UINT64_MAX, most = 0, sum = 0;
    for (; sent < count && !context.stop.load(std::memory_order_relaxed); ++sent) {
        if (sent > 0) std::this_thread::sleep_for(interval);
        const auto sequence = static_cast<uint16_t>(sent);
        const bool out = pinger.send(sequence);
        const uint64_t rtt_ns = pinger.wait(sequence, out ? timeout_ns : 10'000'000);
        if (rtt_ns == 0) continue;
        ++received;
        least = std::min(least, rtt_ns);
        most = std::max(most, rtt_ns);
        sum += rtt_ns;
    }
    Json rtt = nullptr;
    if (received > 0) {
        rtt = {{"min", static_cast<double>(least) / 1e3},
               {"avg", static_cast<double>(sum) / 1e3 / static_cast<double>(received)},
               {"max", static_cast<double>(most) / 1e3}};
    }
    return {{"sent", sent}, {"received", received}, {"rttUs", std::move(rtt)}};
}

}  // namespace valenic::agent
