#include "port/tap/tap_socket.hpp"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "spec/virtio_net.hpp"

namespace valenic {

namespace {

TapFailure failed(const char* call) { return {errno, call}; }

ifreq request_for(const std::string& name) {
    ifreq request{};
    std::memcpy(request.ifr_name, name.data(), name.size());
    return request;
}

bool exists(const std::string& name) { return ::if_nametoindex(name.c_str()) != 0; }

/// One queue of the interface. An interface that was made with several queues wants to be told so
/// also by who opens one, and the other way round.
Result<OwnedFd, TapFailure> open_queue(const std::string& name, const TapWanted& wanted) {
    OwnedFd fd(::open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK));
    if (!fd.valid()) return failed("/dev/net/tun");
    const bool several = wanted.queues > 1;
    unsigned known = 0;
    short flags = IFF_TAP | IFF_NO_PI;
    if (wanted.offloads && ::ioctl(fd.get(), TUNGETFEATURES, &known) == 0 &&
        (known & IFF_VNET_HDR) != 0)
        flags |= IFF_VNET_HDR;
    ifreq request = request_for(name);
    request.ifr_flags = flags;
    if (several) request.ifr_flags |= IFF_MULTI_QUEUE;
    if (::ioctl(fd.get(), TUNSETIFF, &request) == 0) return fd;
    if (errno != EINVAL || several) return failed("TUNSETIFF");
    request.ifr_flags = static_cast<short>(flags | IFF_MULTI_QUEUE);
    if (::ioctl(fd.get(), TUNSETIFF, &request) != 0) return failed("TUNSETIFF");
    return fd;
}

/// Since Linux 6.2; not in every header.
constexpr unsigned tun_f_uso = 0x20 | 0x40;

/// Settles what stands before frames, and what the kernel may leave to us: all that it knows, since
/// the switch cuts and completes for whoever does not take it. An interface with queues of another
/// program stays as that made it, and one that persists remembers what it was told: so it is asked,
/// and told in any case.
Result<spec::NetHeaderUse, TapFailure> settle_header(int tap, bool offloads) {
    ifreq request{};
    if (::ioctl(tap, TUNGETIFF, &request) != 0) return failed("TUNGETIFF");
    const bool header = (request.ifr_flags & IFF_VNET_HDR) != 0;
    int bytes = spec::net_header_bytes;
    if (header && ::ioctl(tap, TUNSETVNETHDRSZ, &bytes) != 0) return failed("TUNSETVNETHDRSZ");
    if (header && offloads) {
        constexpr unsigned tso = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;
        if (::ioctl(tap, TUNSETOFFLOAD, tso | tun_f_uso) == 0) return spec::NetHeaderUse::uso;
        if (::ioctl(tap, TUNSETOFFLOAD, tso) == 0) return spec::NetHeaderUse::tso;
    }
    if (::ioctl(tap, TUNSETOFFLOAD, 0) != 0) return failed("TUNSETOFFLOAD");
    return header ? spec::NetHeaderUse::plain : spec::NetHeaderUse::none;
}

/// Sets an interface of ours up.
std::optional<TapFailure> set_up(const std::string& name, const TapWanted& wanted, int tap) {
    const OwnedFd control(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!control.valid()) return failed("socket");
    ifreq request = request_for(name);
    if (wanted.mtu) {
        request.ifr_mtu = static_cast<int>(*wanted.mtu);
        if (::ioctl(control.get(), SIOCSIFMTU, &request) != 0) return failed("SIOCSIFMTU");
    }
    request = request_for(name);
    if (::ioctl(control.get(), SIOCGIFFLAGS, &request) != 0) return failed("SIOCGIFFLAGS");
    request.ifr_flags |= IFF_UP;
    if (::ioctl(control.get(), SIOCSIFFLAGS, &request) != 0) return failed("SIOCSIFFLAGS");
    if (wanted.persist && ::ioctl(tap, TUNSETPERSIST, 1) != 0) return failed("TUNSETPERSIST");
    return std::nullopt;
}

}  // namespace

Result<TapOpened, TapFailure> open_tap(const std::string& name, const TapWanted& wanted) {
    if (name.empty() || name.size() >= IFNAMSIZ) return TapFailure{EINVAL, "name"};
    if (wanted.queues == 0) return TapFailure{EINVAL, "queues"};
    TapOpened opened;
    opened.created = !exists(name);
    for (unsigned i = 0; i < wanted.queues; ++i) {
        auto queue = open_queue(name, wanted);
        if (!queue) return queue.error();
        opened.fds.push_back(std::move(queue.value()));
    }
    const auto use = settle_header(opened.fds[0].get(), wanted.offloads);
    if (!use) return use.error();
    opened.net_header = use.value();
    if (opened.created)
        if (const auto failure = set_up(name, wanted, opened.fds[0].get())) return *failure;
    return opened;
}

}  // namespace valenic
