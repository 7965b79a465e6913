#include "process/server.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>

#include "base/eventfd.hpp"
#include "control/events.hpp"

namespace valenic::process {

namespace {

constexpr int exit_failed = 1;
constexpr auto look_period = std::chrono::milliseconds(control::Control::housekeeping_period_ms);

int failed(const char* what, const char* path) {
    std::fprintf(stderr, "valenic-datapath: %s: %s: %s\n", path, what, std::strerror(errno));
    return exit_failed;
}

OwnedFd termination() {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    return OwnedFd(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
}

/// Nobody but this user may connect, not even for a moment.
OwnedFd listen_at(const char* path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (std::strlen(path) >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        return {};
    }
    std::strcpy(address.sun_path, path);
    OwnedFd listener(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const mode_t before = umask(S_IRWXG | S_IRWXO);
    const bool bound =
        bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    umask(before);
    return bound && listen(listener.get(), 1) == 0 ? std::move(listener) : OwnedFd();
}

}  // namespace

Server::Server(uint32_t ports_max)
    : wake_(create_eventfd()),
      next_look_(Clock::now() + look_period),
      control_(ports_max, *this, true) {
    control_.adopt_this_thread();
}

int Server::serve(OwnedFd socket) {
    Channel channel(std::move(socket));
    converse(channel, -1);
    return end(channel.reason());
}

int Server::serve_at(const char* path) {
    const OwnedFd term = termination();
    const OwnedFd listener = listen_at(path);
    if (!listener.valid()) return failed("it cannot listen there", path);
    for (;;) {
        pollfd states[] = {{listener.get(), POLLIN, 0}, {term.get(), POLLIN, 0}};
        poll(states, std::size(states), static_cast<int>(look_period.count()));
        look_after(take_look_now());
        if (states[1].revents != 0) break;
        if (states[0].revents == 0) continue;
        OwnedFd socket(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
        if (!socket.valid()) continue;
        Channel channel(std::move(socket));
        converse(channel, term.get());
        if (!channel.reason().empty())
            std::fprintf(stderr, "valenic-datapath: a connection was closed: %s\n",
                         channel.reason().c_str());
    }
    unlink(path);
    return end({});
}

/// A worker that is stuck holds what cannot be freed; the kernel takes it all.
int Server::end(const std::string& reason) {
    if (!reason.empty())
        std::fprintf(stderr, "valenic-datapath: its connection was closed: %s\n", reason.c_str());
    control_.close();
    std::fflush(nullptr);
    _exit(reason.empty() ? 0 : exit_failed);
}

/// The stats page is the first that the other side gets.
void Server::greet(Channel& channel) {
    channel.send(control::ready_message(control_.stats().size_bytes()), control_.stats_fd());
}

/// @param end  Readable: it is over. -1: only the other side ends it.
void Server::converse(Channel& channel, int end) {
    greet(channel);
    while (wait(channel, end)) {
        look_after(take_look_now());
        if (!speak(channel)) return;
    }
}

bool Server::wait(Channel& channel, int end) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        std::max(next_look_ - Clock::now(), Clock::duration::zero()));
    const int reads = channel.may_receive() ? POLLIN : 0;
    const int writes = channel.wants_to_send() ? POLLOUT : 0;
    pollfd states[] = {{channel.fd(), static_cast<short>(reads | writes), 0},
                       {wake_.get(), POLLIN, 0},
                       {end, POLLIN, 0}};
    poll(states, std::size(states), static_cast<int>(left.count()) + 1);
    if (states[1].revents != 0) drain_eventfd(wake_.get());
    if (states[2].revents != 0) return false;
    const bool gone = (states[0].revents & (POLLHUP | POLLERR)) != 0;
    if ((states[0].revents & POLLIN) != 0 || (gone && reads != 0)) return take_commands(channel);
    return !gone;
}

bool Server::take_commands(Channel& channel) {
    std::vector<Frame> frames;
    const bool open = channel.receive(frames);
    for (Frame& frame : frames) {
        // Also between commands that never cease: who sends them must not keep it from being done.
        look_after(take_look_now());
        channel.send(control_.run(frame.message, std::move(frame.descriptors)));
    }
    return open;
}

bool Server::speak(Channel& channel) {
    std::vector<std::vector<uint8_t>> events;
    {
        const std::scoped_lock lock(mutex_);
        events.swap(events_);
    }
    if (channel.may_receive())  // Who does not even take answers misses events.
        for (const auto& message : events) channel.send(message);
    return channel.flush();
}

void Server::look_after(bool at_once) {
    if (!at_once && Clock::now() < next_look_) return;
    control_.housekeeping();
    next_look_ = Clock::now() + look_period;
}

bool Server::take_look_now() {
    const std::scoped_lock lock(mutex_);
    return std::exchange(look_now_, false);
}

/// Any thread of the datapath, as the next one.
void Server::event(std::vector<uint8_t> message) {
    {
        const std::scoped_lock lock(mutex_);
        if (events_.size() == events_max) return;
        events_.push_back(std::move(message));
    }
    signal_eventfd(wake_.get());
}

void Server::housekeeping_due() {
    {
        const std::scoped_lock lock(mutex_);
        look_now_ = true;
    }
    signal_eventfd(wake_.get());
}

}  // namespace valenic::process
