// Bare Ethernet frames of EtherType 0x88b5 through AF_PACKET (packet(7)).
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/ioctl.h>

#include "address.hpp"
#include "probe_traffic.hpp"

namespace valenic::agent {
namespace {

constexpr uint32_t smallest_frame = 60;     // Ethernet's minimum, without FCS.
constexpr uint32_t largest_frame = 65'549;  // An MTU of 65535 and the Ethernet header.

struct PacketSocket {
    OwnedFd fd;
    Mac mac;
};

PacketSocket open_packet_socket(const std::string& name, uint16_t ethertype) {
    const unsigned index = name.size() < IFNAMSIZ ? if_nametoindex(name.c_str()) : 0;
    if (index == 0) throw OpError("there is no interface \"" + name + "\"");
    PacketSocket opened;
    // Protocol 0 until it is bound: otherwise frames of every interface would come in between.
    opened.fd.reset(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0));
    if (!opened.fd.valid()) fail_errno("opening a packet socket");
    ifreq request{};
    name.copy(request.ifr_name, IFNAMSIZ - 1);
    if (ioctl(opened.fd.get(), SIOCGIFHWADDR, &request) != 0) fail_errno(name + ": its MAC");
    std::memcpy(opened.mac.data(), request.ifr_hwaddr.sa_data, opened.mac.size());
    // Our own outgoing frames are not received frames.
    const int on = 1;
    setsockopt(opened.fd.get(), SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on);
    sockaddr_ll at{};
    at.sll_family = AF_PACKET;
    at.sll_protocol = htons(ethertype);
    at.sll_ifindex = static_cast<int>(index);
    if (bind(opened.fd.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0)
        fail_errno(name + ": binding a packet socket");
    return opened;
}

class PacketReceiver final : public ProbeReceiver {
 public:
    explicit PacketReceiver(OwnedFd socket)
        : ProbeReceiver(std::move(socket), probe_offset_bytes, largest_frame) {
        start();
    }
    ~PacketReceiver() override { stop(); }

 protected:
    uint64_t kernel_dropped(int socket) override {
        tpacket_stats stats{};  // Reading it resets it.
        socklen_t bytes = sizeof stats;
        if (getsockopt(socket, SOL_PACKET, PACKET_STATISTICS, &stats, &bytes) != 0) return 0;
        return stats.tp_drops;
    }
};

Mac mac_argument(const Args& args, const char* key) {
    const std::string text = args.text(key);
    const auto mac = parse_mac(text);
    if (!mac) throw OpError(std::string(key) + ": \"" + text + "\" is not a MAC address");
    return *mac;
}

}  // namespace

/// {interface, destination, source?, frameBytes, count|seconds, ratePps?, stream?,
/// queueDiscipline?}
Json op_packet_send(const Args& args, OpContext& context) {
    const Mac destination = mac_argument(args, "destination");
    const auto frame_bytes =
        static_cast<uint32_t>(args.whole("frameBytes", smallest_frame, largest_frame));
    const PaceLimits limits = pace_limits(args);
    const PacketSocket opened = open_packet_socket(args.text("interface"), 0);
    const Mac source = args.has("source") ? mac_argument(args, "source") : opened.mac;
    if (!args.boolean("queueDiscipline", false)) {
        // Straight to the driver: a full ring is then an error we see, and no frame is lost.
        const int on = 1;
        setsockopt(opened.fd.get(), SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof on);
    }
    ProbeTemplate frame;
    const uint16_t ethertype = htons(probe_ethertype);
    frame.headers.resize(probe_offset_bytes);
    std::memcpy(frame.headers.data(), destination.data(), destination.size());
    std::memcpy(frame.headers.data() + 6, source.data(), source.size());
    std::memcpy(frame.headers.data() + 12, &ethertype, sizeof ethertype);
    frame.probe_bytes = frame_bytes - probe_offset_bytes;
    frame.stream = static_cast<uint32_t>(args.whole("stream", 0, UINT32_MAX, 1));
    return send_probes(opened.fd, frame, limits, context.stop);
}

/// {interface, promiscuous?} -> {job}
Json op_packet_receive(const Args& args, OpContext& context) {
    const std::string name = args.text("interface");
    PacketSocket opened = open_packet_socket(name, probe_ethertype);
    if (args.boolean("promiscuous", false)) {
        packet_mreq membership{};
        membership.mr_ifindex = static_cast<int>(if_nametoindex(name.c_str()));
        membership.mr_type = PACKET_MR_PROMISC;
        if (setsockopt(opened.fd.get(), SOL_PACKET, PACKET_ADD_MEMBERSHIP, &membership,
                       sizeof membership) != 0)
            fail_errno(name + ": promiscuous mode");
    }
    return context.jobs.add(std::make_unique<PacketReceiver>(std::move(opened.fd)));
}

}  // namespace valenic::agent
