#include "nat.hpp"

#include <netinet/in.h>
#include <slirp/libslirp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "admit.hpp"
#include "base/clock.hpp"

namespace valenic::user {
namespace {

/// While so much waits for the switch nothing more is read from the sockets: TCP holds its senders
/// back by itself. What guests cause meanwhile may still come on top, up to the second number.
constexpr size_t enough_waiting_bytes = 256 * 1024;
constexpr size_t most_waiting_bytes = 1024 * 1024;
/// Reads before the sockets have their turn: a guest that sends without a pause keeps only itself
/// busy.
constexpr unsigned reads_in_turn = 4;
constexpr int64_t ns_per_ms = 1'000'000;

in_addr address_of(uint32_t host_order) { return in_addr{htonl(host_order)}; }

in6_addr address_of(const Ipv6& bytes) {
    in6_addr address{};
    std::memcpy(&address, bytes.data(), sizeof address);
    return address;
}

/// Whether this machine knows a way to IPv6 addresses elsewhere. Nothing is sent for it.
bool has_ipv6() {
    const int fd = ::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return false;
    sockaddr_in6 somewhere{};
    somewhere.sin6_family = AF_INET6;
    somewhere.sin6_port = htons(53);
    somewhere.sin6_addr.s6_addr[0] = 0x20;
    const auto* target = reinterpret_cast<const sockaddr*>(&somewhere);
    const bool found = ::connect(fd, target, sizeof somewhere) == 0;
    ::close(fd);
    return found;
}

int64_t now_ms() { return static_cast<int64_t>(monotonic_ns()) / ns_per_ms; }

short to_poll(int slirp_events) {
    int events = 0;
    if ((slirp_events & SLIRP_POLL_IN) != 0) events |= POLLIN;
    if ((slirp_events & SLIRP_POLL_OUT) != 0) events |= POLLOUT;
    if ((slirp_events & SLIRP_POLL_PRI) != 0) events |= POLLPRI;
    return static_cast<short>(events);
}

int from_poll(short events) {
    int result = 0;
    if ((events & POLLIN) != 0) result |= SLIRP_POLL_IN;
    if ((events & POLLOUT) != 0) result |= SLIRP_POLL_OUT;
    if ((events & POLLPRI) != 0) result |= SLIRP_POLL_PRI;
    if ((events & (POLLERR | POLLNVAL)) != 0) result |= SLIRP_POLL_ERR;
    if ((events & POLLHUP) != 0) result |= SLIRP_POLL_HUP;
    return result;
}

}  // namespace

/// What libslirp calls.
struct Nat::Callbacks {
    static ssize_t send_packet(const void* bytes, size_t length, void* nat) {
        static_cast<Nat*>(nat)->send_frame(static_cast<const uint8_t*>(bytes), length);
        return static_cast<ssize_t>(length);
    }
    static void guest_error(const char*, void*) {}
    static int64_t clock_ns(void*) { return static_cast<int64_t>(monotonic_ns()); }
    static void* timer_new(SlirpTimerCb expired, void* opaque, void* nat) {
        auto& timers = static_cast<Nat*>(nat)->timers_;
        timers.push_back(std::make_unique<Timer>(Timer{expired, opaque, -1}));
        return timers.back().get();
    }
    static void timer_free(void* timer, void* nat) {
        std::erase_if(static_cast<Nat*>(nat)->timers_,
                      [timer](const auto& one) { return one.get() == timer; });
    }
    static void timer_mod(void* timer, int64_t at_ms, void*) {
        static_cast<Timer*>(timer)->at_ms = at_ms;
    }
    static void poll_fd(int, void*) {}
    static void notify(void*) {}
    static int add_poll(int fd, int events, void* nat) {
        auto& polled = static_cast<Nat*>(nat)->polled_;
        polled.push_back(pollfd{fd, to_poll(events), 0});
        return static_cast<int>(polled.size()) - 1;
    }
    static int revents(int index, void* nat) {
        return from_poll(static_cast<Nat*>(nat)->polled_[static_cast<size_t>(index)].revents);
    }
};

Nat::Nat(const Options& options) : options_(options) {
    static constexpr SlirpCb callbacks{
        .send_packet = Callbacks::send_packet,
        .guest_error = Callbacks::guest_error,
        .clock_get_ns = Callbacks::clock_ns,
        .timer_new = Callbacks::timer_new,
        .timer_free = Callbacks::timer_free,
        .timer_mod = Callbacks::timer_mod,
        .register_poll_fd = Callbacks::poll_fd,
        .unregister_poll_fd = Callbacks::poll_fd,
        .notify = Callbacks::notify,
    };
    SlirpConfig config{};
    config.version = 3;
    config.in_enabled = true;
    config.vnetwork = address_of(options.network.base);
    config.vnetmask = address_of(options.network.mask);
    config.vhost = address_of(options.network.gateway());
    config.vdhcp_start = address_of(options.network.first_guest());
    config.vnameserver = address_of(options.network.nameserver());
    config.in6_enabled = has_ipv6();
    config.vprefix_addr6 = address_of(prefix6);
    config.vprefix_len = 64;
    config.vhost6 = address_of(gateway6);
    config.vnameserver6 = address_of(nameserver6);
    config.disable_host_loopback = !options.host_loopback;
    slirp_ = slirp_new(&config, &callbacks, this);
}

Nat::~Nat() {
    if (slirp_ != nullptr) slirp_cleanup(slirp_);
}

int Nat::forward(const Forward& forward) {
    errno = 0;
    const int result =
        slirp_add_hostfwd(slirp_, forward.udp ? 1 : 0, address_of(forward.host), forward.host_port,
                          address_of(forward.guest), forward.guest_port);
    if (result == 0) return 0;
    return errno != 0 ? errno : EINVAL;
}

bool Nat::run() {
    for (;;) {
        polled_.clear();
        const bool full = waiting_.size() - sent_ >= enough_waiting_bytes;
        const int events = sent_ < waiting_.size() ? POLLIN | POLLOUT : POLLIN;
        polled_.push_back(pollfd{options_.fd, static_cast<short>(events), 0});
        uint32_t slirp_ms = UINT32_MAX;
        if (!full) slirp_pollfds_fill(slirp_, &slirp_ms, Callbacks::add_poll, this);
        const int64_t patience = wait_ms(slirp_ms);
        const int ready = ::poll(polled_.data(), polled_.size(), static_cast<int>(patience));
        if (ready < 0 && errno != EINTR) return false;
        fire_timers();
        if (!full) slirp_pollfds_poll(slirp_, ready < 0 ? 1 : 0, Callbacks::revents, this);
        const bool readable = (polled_[0].revents & (POLLIN | POLLHUP | POLLERR)) != 0;
        if (readable && !take_frames()) return !broken_;
        if (!flush()) return true;
    }
}

int64_t Nat::wait_ms(uint32_t slirp_ms) const {
    int64_t patience = slirp_ms == UINT32_MAX ? -1 : static_cast<int64_t>(slirp_ms);
    for (const auto& timer : timers_) {
        if (timer->at_ms < 0) continue;
        const int64_t left = std::max<int64_t>(timer->at_ms - now_ms(), 0);
        patience = patience < 0 ? left : std::min(patience, left);
    }
    return std::min<int64_t>(patience, 60'000);
}

void Nat::fire_timers() {
    const int64_t now = now_ms();
    // By index: a timer may make another one.
    for (size_t i = 0; i < timers_.size(); ++i) {
        Timer& timer = *timers_[i];
        if (timer.at_ms < 0 || timer.at_ms > now) continue;
        timer.at_ms = -1;
        timer.expired(timer.opaque);
    }
}

bool Nat::take_frames() {
    for (unsigned turn = 0; turn < reads_in_turn; ++turn) {
        const std::span<uint8_t> room = framer_.room();
        const ssize_t bytes = ::recv(options_.fd, room.data(), room.size(), MSG_DONTWAIT);
        if (bytes < 0) return errno == EAGAIN || errno == EINTR;
        if (bytes == 0) return false;
        framer_.filled(static_cast<size_t>(bytes));
        std::span<const uint8_t> frame;
        auto step = framer_.next(frame);
        for (; step == StreamFramer::Step::frame; step = framer_.next(frame)) {
            if (refusal_of(frame, options_.network) != Refusal::none) continue;
            slirp_input(slirp_, frame.data(), static_cast<int>(frame.size()));
        }
        broken_ = step == StreamFramer::Step::broken;
        if (broken_) return false;
    }
    return true;
}

void Nat::send_frame(const uint8_t* frame, size_t bytes) {
    if (waiting_.size() - sent_ + bytes > most_waiting_bytes) return;
    uint8_t header[stream_header_bytes];
    write_stream_length(header, static_cast<uint32_t>(bytes));
    waiting_.insert(waiting_.end(), header, header + sizeof header);
    waiting_.insert(waiting_.end(), frame, frame + bytes);
}

bool Nat::flush() {
    while (sent_ < waiting_.size()) {
        const ssize_t bytes = ::send(options_.fd, waiting_.data() + sent_, waiting_.size() - sent_,
                                     MSG_NOSIGNAL | MSG_DONTWAIT);
        if (bytes < 0 && errno == EINTR) continue;
        if (bytes < 0 && errno != EAGAIN) return false;
        if (bytes < 0) break;
        sent_ += static_cast<size_t>(bytes);
    }
    waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<ptrdiff_t>(sent_));
    sent_ = 0;
    return true;
}

}  // namespace valenic::user
