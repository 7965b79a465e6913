#include "port/packet/packet_socket.hpp"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sys/socket.h>
#include <sys/utsname.h>

#include <cerrno>
#include <cstdio>

namespace valenic {

namespace {

/// <net/ethernet.h> has it too, in a header that defines ours again.
constexpr uint16_t every_protocol = 0x0003;
/// Big frames that wait, and those that were sent and are not gone yet.
constexpr int socket_buffer_bytes = 8 << 20;
/// Contiguous in the kernel: larger ones are harder to have.
constexpr uint32_t ring_block_bytes = 64 << 10;

template <typename Value>
bool set(const OwnedFd& fd, int level, int option, const Value& value) noexcept {
    return setsockopt(fd.get(), level, option, &value, sizeof value) == 0;
}

/// As large as CAP_NET_ADMIN allows; without it as large as everybody may have it.
void set_buffer(const OwnedFd& fd, int forced, int allowed) noexcept {
    if (!set(fd, SOL_SOCKET, forced, socket_buffer_bytes))
        set(fd, SOL_SOCKET, allowed, socket_buffer_bytes);
}

/// TPACKET_V2: a slot is seen as soon as it is filled. docs/decisions/0012 says why not V3.
bool make_ring(const OwnedFd& fd) noexcept {
    tpacket_req request{};
    request.tp_block_size = ring_block_bytes;
    request.tp_block_nr = packet_ring_bytes / ring_block_bytes;
    request.tp_frame_size = packet_slot_bytes;
    request.tp_frame_nr = packet_slots;
    return set(fd, SOL_PACKET, PACKET_VERSION, int{TPACKET_V2}) &&
           set(fd, SOL_PACKET, PACKET_VNET_HDR, 1) && set(fd, SOL_PACKET, PACKET_COPY_THRESH, 1) &&
           set(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, 1) &&
           set(fd, SOL_PACKET, PACKET_RX_RING, request);
}

/// Nothing comes in until the sockets have shared it out among themselves.
bool hear_nothing(const OwnedFd& fd) noexcept {
    sock_filter nothing = BPF_STMT(BPF_RET | BPF_K, 0);
    return set(fd, SOL_SOCKET, SO_ATTACH_FILTER, sock_fprog{1, &nothing});
}

bool bind_to(const OwnedFd& fd, int interface) noexcept {
    sockaddr_ll address{};
    address.sll_family = AF_PACKET;
    address.sll_protocol = htons(every_protocol);
    address.sll_ifindex = interface;
    return bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

bool is_ethernet(const OwnedFd& fd) noexcept {
    sockaddr_ll address{};
    socklen_t size = sizeof address;
    return getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0 &&
           address.sll_hatype == ARPHRD_ETHER;
}

bool be_promiscuous(const OwnedFd& fd, int interface) noexcept {
    packet_mreq request{};
    request.mr_ifindex = interface;
    request.mr_type = PACKET_MR_PROMISC;
    return set(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, request);
}

/// All frames of one flow come to the same socket, whichever way they go.
bool share(const std::vector<OwnedFd>& fds) noexcept {
    if (fds.size() < 2) return true;
    int group = (PACKET_FANOUT_HASH | PACKET_FANOUT_FLAG_UNIQUEID) << 16;
    for (const OwnedFd& fd : fds) {
        if (!set(fd, SOL_PACKET, PACKET_FANOUT, group)) return false;
        if (&fd != &fds.front()) continue;
        socklen_t size = sizeof group;
        if (getsockopt(fd.get(), SOL_PACKET, PACKET_FANOUT, &group, &size) != 0) return false;
        group = (group & 0xffff) | (PACKET_FANOUT_HASH << 16);
    }
    return true;
}

/// Null, or the call that failed.
const char* prepare(const OwnedFd& fd, int interface) noexcept {
    set_buffer(fd, SO_RCVBUFFORCE, SO_RCVBUF);
    set_buffer(fd, SO_SNDBUFFORCE, SO_SNDBUF);
    if (!make_ring(fd)) return "PACKET_RX_RING";
    if (!hear_nothing(fd)) return "SO_ATTACH_FILTER";
    if (!bind_to(fd, interface)) return "bind";
    if (!is_ethernet(fd)) {
        errno = EPROTOTYPE;
        return "getsockname";
    }
    return be_promiscuous(fd, interface) ? nullptr : "PACKET_ADD_MEMBERSHIP";
}

}  // namespace

Result<std::vector<OwnedFd>, PacketFailure> open_packet_sockets(const std::string& name,
                                                                unsigned queues) {
    std::vector<OwnedFd> fds;
    for (unsigned i = 0; i < queues; ++i) {
        OwnedFd fd(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        if (!fd.valid()) return PacketFailure{errno, "socket"};
        const auto interface = static_cast<int>(if_nametoindex(name.c_str()));
        if (interface == 0) return PacketFailure{ENODEV, "if_nametoindex"};
        if (const char* call = prepare(fd, interface)) return PacketFailure{errno, call};
        fds.push_back(std::move(fd));
    }
    if (!share(fds)) return PacketFailure{errno, "PACKET_FANOUT"};
    for (const OwnedFd& fd : fds) set(fd, SOL_SOCKET, SO_DETACH_FILTER, 0);
    return fds;
}

bool take_socket_error(int fd) noexcept {
    int number = 0;
    socklen_t size = sizeof number;
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &number, &size) == 0 && number != 0;
}

bool interface_is_gone(int packet_socket) noexcept {
    sockaddr_ll address{};
    socklen_t size = sizeof address;
    return getsockname(packet_socket, reinterpret_cast<sockaddr*>(&address), &size) == 0 &&
           address.sll_ifindex <= 0;
}

/// This header has had segmentation of UDP since Linux 6.2.
OffloadSet packet_offloads() noexcept {
    OffloadSet set = offload_csum | offload_tso4 | offload_tso6 | offload_ecn;
    utsname system{};
    unsigned major = 0;
    unsigned minor = 0;
    const bool known =
        uname(&system) == 0 && std::sscanf(system.release, "%u.%u", &major, &minor) == 2;
    if (known && (major > 6 || (major == 6 && minor >= 2))) set |= offload_uso4 | offload_uso6;
    return set;
}

}  // namespace valenic
