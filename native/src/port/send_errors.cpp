#include "port/send_errors.hpp"

#include <array>
#include <cerrno>

#include "switch/port.hpp"

namespace valenic {

using spec::DropReason;

namespace {

struct Row {
    int error;
    Blame blame;
};

/// unix(7), udp(7), tcp(7), packet(7), tun(4), xsk; sendmsg(2), writev(2).
constexpr std::array rows{
    // A page of the frame has no memory behind it: a file that was truncated, or cannot be read.
    Row{EFAULT, Blame::source},
    Row{EMSGSIZE, Blame::frame},  // Longer than the MTU or than a datagram may be.
    Row{EINVAL, Blame::frame},    // tun(4): shorter or longer than it takes.
    Row{EAGAIN, Blame::full},
    Row{ENOBUFS, Blame::full},  // The queue of the interface.
    Row{EINTR, Blame::full},
    Row{ENOMEM, Blame::host},
    Row{EPERM, Blame::host},  // A filter of this host.
    Row{EACCES, Blame::absent},
    Row{ENETDOWN, Blame::link_down},
    Row{EIO, Blame::link_down},  // tun(4): the interface is down.
    Row{EPIPE, Blame::absent},
    Row{ECONNRESET, Blame::absent},
    Row{ECONNREFUSED, Blame::absent},
    Row{ECONNABORTED, Blame::absent},
    Row{ENOTCONN, Blame::absent},
    Row{EDESTADDRREQ, Blame::absent},
    Row{ENOENT, Blame::absent},  // Of a datagram socket's path, as the three below.
    Row{ENOTDIR, Blame::absent},
    Row{ELOOP, Blame::absent},
    Row{EPROTOTYPE, Blame::absent},
    Row{ETIMEDOUT, Blame::absent},
    Row{EHOSTUNREACH, Blame::absent},
    Row{EHOSTDOWN, Blame::absent},
    Row{ENETUNREACH, Blame::absent},
    Row{ENXIO, Blame::gone},  // The interface was deleted, as the next.
    Row{ENODEV, Blame::gone},
    Row{EBADFD, Blame::gone},
    Row{EBADF, Blame::gone},
};
static_assert(EAGAIN == EWOULDBLOCK);

constexpr std::array<DropReason, blame_count> reasons{
    DropReason::tx_memory_unreadable, DropReason::rx_too_long,        DropReason::rx_backlog_full,
    DropReason::rx_refused_by_host,   DropReason::rx_link_down,       DropReason::rx_not_connected,
    DropReason::rx_not_connected,     DropReason::rx_refused_by_host,
};

constexpr SendError of(Blame blame) noexcept {
    return {blame, reasons[static_cast<unsigned>(blame)]};
}

}  // namespace

SendError send_error(int error) noexcept {
    for (const Row& row : rows)
        if (row.error == error) return of(row.blame);
    return of(Blame::unknown);
}

bool source_lost(const WorkerContext& context) noexcept {
    return context.source != nullptr && context.source->memory_lost();
}

bool blame_source(const WorkerContext& context) noexcept {
    return context.source != nullptr && context.source->blame_memory();
}

SendError charge_send_error(int error, const WorkerContext& context) noexcept {
    const SendError found = send_error(error);
    if (found.blame != Blame::source || blame_source(context)) return found;
    return of(Blame::host);
}

}  // namespace valenic
