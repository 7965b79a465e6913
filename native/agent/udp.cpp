// UDP datagrams that carry probes.
#include <linux/sock_diag.h>
#include <netinet/in.h>

#include "address.hpp"
#include "probe_traffic.hpp"

namespace valenic::agent {
namespace {

/// 65535 less the IP and UDP headers.
constexpr uint32_t largest_payload = 65'507;

OwnedFd open_udp() {
    OwnedFd fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!fd.valid()) fail_errno("opening a UDP socket");
    return fd;
}

class UdpReceiver final : public ProbeReceiver {
 public:
    explicit UdpReceiver(OwnedFd socket) : ProbeReceiver(std::move(socket), 0, largest_payload) {
        start();
    }
    ~UdpReceiver() override { stop(); }

 protected:
    uint64_t kernel_dropped(int socket) override {
        uint32_t info[SK_MEMINFO_VARS] = {};
        socklen_t bytes = sizeof info;
        if (getsockopt(socket, SOL_SOCKET, SO_MEMINFO, info, &bytes) != 0) return 0;
        const uint32_t total = info[SK_MEMINFO_DROPS];
        return total - std::exchange(seen_, total);
    }

 private:
    uint32_t seen_ = 0;
};

}  // namespace

/// {address, port, payloadBytes, count|seconds, ratePps?, stream?} -> {sent, bytes, seconds, busy}
Json op_udp_send(const Args& args, OpContext& context) {
    const uint32_t address = ipv4_of(args, "address");
    const auto bytes =
        static_cast<uint32_t>(args.whole("payloadBytes", sizeof(ProbeHeader), largest_payload));
    const PaceLimits limits = pace_limits(args);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_addr.s_addr = htonl(address);
    to.sin_port = htons(static_cast<uint16_t>(args.whole("port", 1, 65535)));
    const OwnedFd fd = open_udp();
    if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0)
        fail_errno("sending to " + args.text("address"));
    const auto stream = static_cast<uint32_t>(args.whole("stream", 0, UINT32_MAX, 1));
    return send_probes(fd, {{}, bytes, stream}, limits, context.stop);
}

/// {port} -> {job}
Json op_udp_receive(const Args& args, OpContext& context) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(static_cast<uint16_t>(args.whole("port", 1, 65535)));
    OwnedFd fd = open_udp();
    if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0)
        fail_errno("receiving on UDP port " + std::to_string(ntohs(at.sin_port)));
    return context.jobs.add(std::make_unique<UdpReceiver>(std::move(fd)));
}

}  // namespace valenic::agent
