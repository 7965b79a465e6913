#include "port/packet/wire.hpp"

#include <sys/socket.h>

namespace valenic {

bool WireQueue::prepare(int fd, std::span<const OwnedFd> shared) {
    int domain = 0;
    socklen_t size = sizeof domain;
    if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) != 0) return false;
    if (domain == AF_XDP) {
        next_ = &xdp_;
    } else {
        next_ = &packet_;
    }
    return next_->prepare(fd, shared);
}

void WireQueue::attach(const Parked& parked, OwnedFd fd) {
    if (now_ != next_) now_->detach(parked);
    now_ = next_;
    now_->attach(parked, std::move(fd));
}

}  // namespace valenic
