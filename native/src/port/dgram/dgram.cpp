#include "port/dgram/dgram.hpp"

#include <sys/socket.h>

#include <array>
#include <cerrno>

#include "port/gather.hpp"
#include "port/send_errors.hpp"
#include "port/send_many.hpp"

namespace valenic {

using spec::DropReason;

size_t DgramQueue::receive(Batch& batch, WorkerContext& context) {
    if (!usable()) return 0;
    const Whereabouts::Visit visit(context.whereabouts, {port_.id, index_}, Act::receive);
    std::array<mmsghdr, link_batch_frames> messages;
    std::array<iovec, link_batch_frames> pieces;
    const size_t most = wanted(context);
    for (size_t i = 0; i < most; ++i) {
        pieces[i] = {buffers_.slot(i), FrameBuffers::slot_bytes};
        messages[i] = {};
        messages[i].msg_hdr.msg_iov = &pieces[i];
        messages[i].msg_hdr.msg_iovlen = 1;
    }
    // An error of an earlier send (ICMP: nobody listens) may come up here. It is gone with that.
    // Descriptors that a peer sends along are let go by the kernel in here: closing one may wait.
    const int count = [&] {
        const Whereabouts::ForeignCall call;
        return recvmmsg(fd_.get(), messages.data(), static_cast<unsigned>(most), MSG_DONTWAIT,
                        nullptr);
    }();
    if (count <= 0) return 0;
    CounterBlock& counters = port_.counters(context.worker);
    batch.small_only = true;
    for (size_t i = 0; i < static_cast<size_t>(count); ++i) {
        if ((messages[i].msg_hdr.msg_flags & MSG_TRUNC) != 0) {
            counters.drop(DropReason::tx_too_long, 1);
        } else {
            admit(batch, {buffers_.slot(i), messages[i].msg_len}, counters);
        }
    }
    return static_cast<size_t>(count);
}

/// Several workers at once: the kernel orders datagrams. The socket's own buffer is the backlog.
void DgramQueue::transmit(const Batch& batch, std::span<const uint8_t> indices,
                          WorkerContext& context) {
    if (nothing_to_send(indices.size(), context)) return;
    std::array<mmsghdr, batch_frames> messages;
    std::array<iovec, batch_frames + batch_segments> pieces;
    size_t used = 0;
    for (size_t i = 0; i < indices.size(); ++i) {
        const size_t count = gather(batch, indices[i], &pieces[used]);
        messages[i] = {};
        messages[i].msg_hdr.msg_name = const_cast<sockaddr_un*>(port_.peer());
        messages[i].msg_hdr.msg_namelen = port_.peer() == nullptr ? 0 : sizeof(sockaddr_un);
        messages[i].msg_hdr.msg_iov = &pieces[used];
        messages[i].msg_hdr.msg_iovlen = count;
        used += count;
    }
    size_t sent = 0;
    uint64_t bytes = 0;
    DropReason reason = DropReason::rx_backlog_full;
    const auto taken = [&](size_t at, size_t count) {
        sent += count;
        for (size_t i = at; i < at + count; ++i) bytes += batch.frames[indices[i]].len_bytes;
    };
    const auto refused = [&](int error) {
        const SendError why = charge_send_error(error, context);
        reason = why.reason;
        if (why.blame != Blame::frame) return Refused::stop;
        drop(reason, 1, context);  // That one alone.
        return Refused::skip;
    };
    const size_t done = send_many(fd_.get(), {messages.data(), indices.size()}, taken, refused);
    count_sent(sent + indices.size() - done, sent, bytes, reason, context);
}

}  // namespace valenic
