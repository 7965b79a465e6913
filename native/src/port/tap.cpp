#include "port/tap.hpp"

#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>

#include "port/gather.hpp"

namespace valenic {

using spec::DropReason;
using spec::Fault;

namespace {

/// Why the kernel did not take a frame. tun(4) answers EIO while the interface is down.
DropReason tap_reason_of(int error) noexcept {
    switch (error) {
        case EIO:
            return DropReason::rx_link_down;
        case EBADFD:
        case EBADF:
        case ENODEV:
            return DropReason::rx_not_connected;
        case EINVAL:
        case EMSGSIZE:
            return DropReason::rx_too_long;
        default:
            return DropReason::rx_backlog_full;
    }
}

}  // namespace

/// One system call a frame: the kernel has no other way out of a tap device.
size_t TapQueue::receive(Batch& batch, WorkerContext& context) {
    if (!usable()) return 0;
    CounterBlock& counters = port_.counters(context.worker);
    const size_t most = wanted();
    size_t work = 0;
    for (; work < most; ++work) {
        const ssize_t count = read(fd_.get(), buffers_.slot(work), FrameBuffers::slot_bytes);
        if (count < 0) {
            // EBADFD: the interface was deleted under its descriptor.
            if (errno == EBADFD || errno == EBADF) lost(Fault::interface_gone, context);
            break;
        }
        admit(batch, {buffers_.slot(work), static_cast<size_t>(count)}, counters);
    }
    return work;
}

/// Several workers at once: the kernel orders frames, and takes or refuses each at once.
void TapQueue::transmit(const Batch& batch, std::span<const uint8_t> indices, bool,
                        WorkerContext& context) {
    if (!usable()) {
        count_sent(indices.size(), 0, 0, DropReason::rx_not_connected, context);
        return;
    }
    CounterBlock& counters = port_.counters(context.worker);
    iovec pieces[frame_pieces_max];
    size_t sent = 0;
    uint64_t bytes = 0;
    for (const uint8_t index : indices) {
        const size_t count = gather(batch, index, pieces);
        if (writev(fd_.get(), pieces, static_cast<int>(count)) >= 0) {
            ++sent;
            bytes += batch.frames[index].len_bytes;
            continue;
        }
        const DropReason reason = tap_reason_of(errno);
        counters.drop(reason, 1);
        if (reason == DropReason::rx_not_connected) lost(Fault::interface_gone, context);
    }
    count_sent(sent, sent, bytes, DropReason::rx_backlog_full, context);
}

}  // namespace valenic
