// Descriptors that an honest front-end never has.
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <thread>

#include "attackers.hpp"

bool make_blocking(const Order& order, std::vector<int>&) {
    const int fd = order.fds.at(0);
    const int flags = fcntl(fd, F_GETFL);
    const bool done = flags >= 0 && fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) == 0;
    close(fd);
    return done;
}

bool fill_eventfd(const Order& order, std::vector<int>&) {
    const int fd = order.fds.at(0);
    const int flags = fcntl(fd, F_GETFL);
    fcntl(fd, F_SETFL, flags | O_NONBLOCK);
    const uint64_t all = 0xffff'ffff'ffff'fffe;
    uint64_t before = 0;
    // What is in it already makes the sum too large.
    [[maybe_unused]] const ssize_t drained = read(fd, &before, sizeof before);
    const bool done = write(fd, &all, sizeof all) == sizeof all;
    fcntl(fd, F_SETFL, flags);
    close(fd);
    return done;
}

/// Readable, and drained before whoever was told so comes to read it. It stays blocking: who drains
/// it may come too late as well, so another writes.
bool fight_for_kicks(const Order& order, std::vector<int>&) {
    const int fd = order.fds.at(0);
    std::thread([fd] {
        for (const uint64_t one = 1; write(fd, &one, sizeof one) > 0;) usleep(50);
    }).detach();
    std::thread([fd] {
        pollfd kick{fd, POLLIN, 0};
        for (uint64_t count = 0; poll(&kick, 1, -1) >= 0;) {
            [[maybe_unused]] const ssize_t drained = read(fd, &count, sizeof count);
        }
    }).detach();
    return true;
}

/// A connection on the loopback whose other end does not read, and whose close() waits.
bool make_lingering(const Order& order, std::vector<int>& made) {
    const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    auto* const where = reinterpret_cast<sockaddr*>(&address);
    const int small = 4096;
    setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    if (bind(listener, where, length) != 0 || listen(listener, 1) != 0 ||
        getsockname(listener, where, &length) != 0)
        return false;
    const int mine = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(mine, where, length) != 0) return false;
    // Nobody reads it; it stays open as long as this process lives.
    [[maybe_unused]] const int theirs = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    close(listener);
    std::array<char, 65536> bytes{};
    while (send(mine, bytes.data(), bytes.size(), MSG_DONTWAIT) > 0) {
    }
    const linger wait{1, static_cast<int>(order.number(0))};
    if (setsockopt(mine, SOL_SOCKET, SO_LINGER, &wait, sizeof wait) != 0) return false;
    made.push_back(mine);
    return true;
}

/// One message of vhost-user whose header comes with `count` descriptors: the same one again and
/// again, and another last.
bool send_crowd(const Order& order, std::vector<int>&) {
    const int wire = order.fds.at(0);
    std::vector<int> crowd(order.number(1), order.fds.at(1));
    crowd.back() = order.fds.at(2);
    std::array<uint32_t, 3> header{static_cast<uint32_t>(order.number(0)), 1, 0};
    std::vector<uint64_t> control(CMSG_SPACE(crowd.size() * sizeof(int)) / sizeof(uint64_t) + 1);
    iovec bytes{header.data(), sizeof header};
    msghdr message{};
    message.msg_iov = &bytes;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = CMSG_SPACE(crowd.size() * sizeof(int));
    cmsghdr* const head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(crowd.size() * sizeof(int));
    std::memcpy(CMSG_DATA(head), crowd.data(), crowd.size() * sizeof(int));
    const bool sent = sendmsg(wire, &message, MSG_NOSIGNAL) == sizeof header;
    for (const int fd : order.fds) close(fd);
    return sent;
}
