#include "port/packet/xdp_socket.hpp"

#include <linux/ethtool.h>
#include <linux/if_packet.h>
#include <linux/if_xdp.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "port/packet/xdp_program.hpp"

namespace valenic {

namespace {

/// Frames that were sent and are still in the host.
constexpr int xdp_send_buffer_bytes = 8 << 20;

template <typename Value>
bool set_xdp(const OwnedFd& fd, int option, const Value& value) noexcept {
    return setsockopt(fd.get(), SOL_XDP, option, &value, sizeof value) == 0;
}

/// A mapping that is gone when the kernel has taken hold of its pages.
class Mapping {
 public:
    Mapping(int fd, size_t bytes) noexcept
        : bytes_(bytes), data_(mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)) {}
    ~Mapping() {
        if (data_ != MAP_FAILED) munmap(data_, bytes_);
    }
    Mapping(const Mapping&) = delete;
    Mapping& operator=(const Mapping&) = delete;
    bool valid() const noexcept { return data_ != MAP_FAILED; }
    uint64_t address() const noexcept { return reinterpret_cast<uint64_t>(data_); }

 private:
    const size_t bytes_;
    void* const data_;
};

/// A socket at the interface that hears nothing, and all that comes past it because of it.
/// Null, or the call that failed.
const char* watch_interface(const OwnedFd& fd, int interface) noexcept {
    sockaddr_ll address{};
    address.sll_family = AF_PACKET;
    address.sll_ifindex = interface;
    socklen_t size = sizeof address;
    auto* const where = reinterpret_cast<sockaddr*>(&address);
    if (bind(fd.get(), where, sizeof address) != 0) return "bind";
    if (getsockname(fd.get(), where, &size) != 0) return "getsockname";
    if (address.sll_hatype != ARPHRD_ETHER) {
        errno = EPROTOTYPE;
        return "getsockname";
    }
    packet_mreq request{};
    request.mr_ifindex = interface;
    request.mr_type = PACKET_MR_PROMISC;
    const int set =
        setsockopt(fd.get(), SOL_PACKET, PACKET_ADD_MEMBERSHIP, &request, sizeof request);
    return set == 0 ? nullptr : "PACKET_ADD_MEMBERSHIP";
}

bool register_memory(const OwnedFd& fd, const OwnedFd& memory, size_t bytes) noexcept {
    const Mapping mapping(memory.get(), bytes);
    if (!mapping.valid()) return false;
    xdp_umem_reg request;
    std::memset(&request, 0, sizeof request);  // Later kernels read what is padding here.
    request.addr = mapping.address();
    request.len = bytes;
    request.chunk_size = xdp_chunk_bytes;
    return set_xdp(fd, XDP_UMEM_REG, request);
}

bool make_rings(const OwnedFd& fd) noexcept {
    return set_xdp(fd, XDP_UMEM_FILL_RING, xdp_slots) &&
           set_xdp(fd, XDP_UMEM_COMPLETION_RING, xdp_slots) &&
           set_xdp(fd, XDP_RX_RING, xdp_slots) && set_xdp(fd, XDP_TX_RING, xdp_slots);
}

/// @param first  The socket that has the memory; null: this one.
bool bind_queue(const OwnedFd& fd, int interface, unsigned queue, const OwnedFd* first,
                bool zero_copy_only) noexcept {
    sockaddr_xdp address{};
    address.sxdp_family = AF_XDP;
    address.sxdp_ifindex = static_cast<uint32_t>(interface);
    address.sxdp_queue_id = queue;
    if (first != nullptr) {  // As the first one was bound.
        address.sxdp_flags = XDP_SHARED_UMEM;
        address.sxdp_shared_umem_fd = static_cast<uint32_t>(first->get());
    } else {
        address.sxdp_flags = XDP_USE_NEED_WAKEUP;
        if (zero_copy_only) address.sxdp_flags |= XDP_ZEROCOPY;
    }
    const auto* const where = reinterpret_cast<const sockaddr*>(&address);
    return bind(fd.get(), where, sizeof address) == 0;
}

OwnedFd open_xdp() noexcept {
    OwnedFd fd(socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0));
    if (!fd.valid()) return fd;
    const int bytes = xdp_send_buffer_bytes;
    setsockopt(fd.get(), SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof bytes);
    return fd;
}

/// One socket for each queue. Null, or the call that failed.
const char* open_queues(XdpSockets& made, int interface, unsigned queues,
                        bool zero_copy_only) noexcept {
    const size_t bytes = xdp_queue_bytes * queues;
    made.memory = OwnedFd(memfd_create("valenic-xdp", MFD_CLOEXEC));
    if (!made.memory.valid() || ftruncate(made.memory.get(), static_cast<off_t>(bytes)) != 0)
        return "memfd_create";
    for (unsigned queue = 0; queue < queues; ++queue) {
        OwnedFd fd = open_xdp();
        if (!fd.valid()) return "socket";
        if (queue == 0 && !register_memory(fd, made.memory, bytes)) return "XDP_UMEM_REG";
        if (!make_rings(fd)) return "XDP_RX_RING";
        const OwnedFd* first = queue == 0 ? nullptr : &made.fds.front();
        if (!bind_queue(fd, interface, queue, first, zero_copy_only)) {
            if (queue == 0 || errno != EINVAL) return "bind";
            errno = ERANGE;
            return "queues";
        }
        made.fds.push_back(std::move(fd));
    }
    return nullptr;
}

/// Drivers say in different ways how many queues they have, and some in none: a queue that can be
/// bound to is there, and so is one that another program has.
bool has_another_queue(const XdpSockets& made, int interface) noexcept {
    const OwnedFd fd = open_xdp();
    const auto next = static_cast<unsigned>(made.fds.size());
    if (!fd.valid() || !make_rings(fd)) return false;
    return bind_queue(fd, interface, next, &made.fds.front(), false) || errno == EBUSY;
}

bool copies_nothing(const OwnedFd& fd) noexcept {
    xdp_options options{};
    socklen_t size = sizeof options;
    return getsockopt(fd.get(), SOL_XDP, XDP_OPTIONS, &options, &size) == 0 &&
           (options.flags & XDP_OPTIONS_ZEROCOPY) != 0;
}

bool takes_tags_off(const OwnedFd& interface, const std::string& name) noexcept {
    ethtool_value value{};
    value.cmd = ETHTOOL_GFLAGS;
    ifreq request{};
    name.copy(request.ifr_name, sizeof request.ifr_name - 1);
    request.ifr_data = reinterpret_cast<char*>(&value);
    return ioctl(interface.get(), SIOCETHTOOL, &request) == 0 &&
           (value.data & ETH_FLAG_RXVLAN) != 0;
}

/// Null, or what failed.
const char* check_mtu(const OwnedFd& interface, const std::string& name) noexcept {
    ifreq request{};
    name.copy(request.ifr_name, sizeof request.ifr_name - 1);
    if (ioctl(interface.get(), SIOCGIFMTU, &request) != 0) return "SIOCGIFMTU";
    if (request.ifr_mtu <= static_cast<int>(xdp_mtu_max)) return nullptr;
    errno = EMSGSIZE;
    return "mtu";
}

}  // namespace

Result<XdpSockets, PacketFailure> open_xdp_sockets(const std::string& name, unsigned queues,
                                                   bool zero_copy_only) {
    if (queues == 0) return PacketFailure{EINVAL, "queues"};
    XdpSockets made;
    made.interface = OwnedFd(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!made.interface.valid()) return PacketFailure{errno, "socket"};
    const auto interface = static_cast<int>(if_nametoindex(name.c_str()));
    if (interface == 0) return PacketFailure{ENODEV, "if_nametoindex"};
    const char* failed = watch_interface(made.interface, interface);
    if (failed == nullptr) failed = check_mtu(made.interface, name);
    if (failed == nullptr) failed = open_queues(made, interface, queues, zero_copy_only);
    if (failed != nullptr) return PacketFailure{errno, failed};
    if (has_another_queue(made, interface)) return PacketFailure{E2BIG, "queues"};
    made.zero_copy = copies_nothing(made.fds.front());
    auto attached = attach_xdp_program(interface, made.fds);
    if (!attached) return attached.error();
    made.program = std::move(attached.value().link);
    made.native = attached.value().native;
    made.loses_tags = !attached.value().restores_tags && takes_tags_off(made.interface, name);
    if (made.loses_tags && zero_copy_only) return PacketFailure{EOPNOTSUPP, "tags"};
    return made;
}

}  // namespace valenic
