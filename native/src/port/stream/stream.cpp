#include "port/stream/stream.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

namespace valenic {

using spec::DropReason;
using spec::Fault;

void StreamQueue::attach(const Parked& parked, OwnedFd fd) {
    framer_.reset();
    // Without a descriptor to wait for, the queue would be polled for ever: rather no peer.
    if (!sender_.attach(parked, fd.get())) fd.reset();
    LinkQueue::attach(parked, std::move(fd));
}

void StreamQueue::detach(const Parked& parked) {
    sender_.detach(parked);
    LinkQueue::detach(parked);
}

/// One system call at most. Frames are borrowed from the framer's memory until the next call.
size_t StreamQueue::receive(Batch& batch, WorkerContext& context) {
    if (!usable()) return 0;
    const Whereabouts::Visit visit(context.whereabouts, {port_.id, index_}, Act::receive);
    if (sender_.blocked() && !sender_.flush()) {
        lost(Fault::none, context);
        return 0;
    }
    if (!framer_.ready() && !fill(context)) return 0;
    CounterBlock& counters = port_.counters(context.worker);
    const size_t most = wanted(context);
    size_t work = 0;
    batch.small_only = true;
    for (; work < most; ++work) {
        std::span<const uint8_t> frame;
        const StreamFramer::Step step = framer_.next(frame);
        if (step == StreamFramer::Step::broken) lost(framer_.fault(), context);
        if (step != StreamFramer::Step::frame) break;
        admit(batch, frame, counters);
    }
    return work;
}

/// Takes what the socket has, as far as there is room. False: nothing came.
bool StreamQueue::fill(WorkerContext& context) noexcept {
    // One largest frame at most: the kernel copies what is asked for, and that is a turn's cost.
    std::span<uint8_t> room = framer_.room();
    room = room.first(std::min<size_t>(room.size(), stream_unit_bytes));
    // Descriptors that a peer sends along are let go by the kernel in here: closing one may wait.
    const ssize_t count = [&] {
        const Whereabouts::ForeignCall call;
        return recv(fd_.get(), room.data(), room.size(), MSG_DONTWAIT);
    }();
    if (count > 0) {
        framer_.filled(static_cast<size_t>(count));
        return true;
    }
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) return false;
    lost(framer_.amid_frame() ? Fault::stream_truncated : Fault::none, context);
    return false;
}

void StreamQueue::transmit(const Batch& batch, std::span<const uint8_t> indices,
                           WorkerContext& context) {
    if (nothing_to_send(indices.size(), context)) return;
    const StreamSender::Sent sent = sender_.send(batch, indices, context);
    if (sent.broken) lost(Fault::none, context);
    drop(DropReason::tx_memory_unreadable, sent.unreadable, context);
    const DropReason reason =
        sent.broken ? DropReason::rx_not_connected : DropReason::rx_backlog_full;
    count_sent(indices.size() - sent.unreadable, sent.frames, sent.bytes, reason, context);
}

bool StreamQueue::arm() {
    if (!usable()) return false;
    if (framer_.ready()) return true;
    pollfd state{sender_.wait_fd(), POLLIN, 0};
    return poll(&state, 1, 0) == 1;
}

}  // namespace valenic
