#include "base/eventfd.hpp"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "base/whereabouts.hpp"

namespace valenic {

bool is_eventfd(int fd) noexcept {
    char link[64];
    char target[64];
    std::snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    const ssize_t length = readlink(link, target, sizeof target);
    constexpr char expected[] = "anon_inode:[eventfd]";
    return length == sizeof expected - 1 && std::memcmp(target, expected, sizeof expected - 1) == 0;
}

bool make_nonblocking(int fd) noexcept {
    const int flags = fcntl(fd, F_GETFL);
    return flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0;
}

/// The kernel has no write to an eventfd that cannot block: RWF_NOWAIT works only for reads.
bool call_peer(int fd) noexcept {
    const uint64_t one = 1;
    const Whereabouts::ForeignCall call;
    return write(fd, &one, sizeof one) == sizeof one || errno != EINTR;
}

uint64_t take_kicks(int fd) noexcept {
    uint64_t count = 0;
    const iovec part{&count, sizeof count};
    return preadv2(fd, &part, 1, -1, RWF_NOWAIT) == sizeof count ? count : 0;
}

void signal_eventfd(int fd) noexcept {
    const uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = write(fd, &one, sizeof one);
}

uint64_t drain_eventfd(int fd) noexcept {
    uint64_t count = 0;
    return read(fd, &count, sizeof count) == sizeof count ? count : 0;
}

OwnedFd create_eventfd() noexcept { return OwnedFd(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)); }

}  // namespace valenic
