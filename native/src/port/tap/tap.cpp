#include "port/tap/tap.hpp"

#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <utility>

#include "net/net_header.hpp"
#include "port/gather.hpp"
#include "port/send_errors.hpp"

namespace valenic {

using spec::DropReason;
using spec::Fault;

namespace {

/// The kernel's stack cuts and completes what it is given, as a guest that negotiated all of it.
constexpr OffloadSet with_tso = offload_csum | offload_tso4 | offload_tso6 | offload_ecn;

/// The header for the receiver is before the first bytes of the frame.
void add_header(const FrameStage& stage, iovec& first) noexcept {
    static_assert(offsetof(FrameStage, bytes) == sizeof stage.net_header);
    static_assert(sizeof stage.net_header == spec::net_header_bytes);
    first = {const_cast<uint8_t*>(stage.net_header), sizeof stage.net_header + first.iov_len};
}

}  // namespace

TapQueue::TapQueue(LinkPort& port, unsigned index) noexcept : LinkQueue(port, index) {
    std::iota(order_.begin(), order_.end(), uint8_t{0});
}

void TapQueue::attach(const Parked& parked, OwnedFd fd) {
    held_bytes_ = 0;
    LinkQueue::attach(parked, std::move(fd));
}

void TapQueue::detach(const Parked& parked) {
    held_bytes_ = 0;
    LinkQueue::detach(parked);
}

OffloadSet TapQueue::accepts() const noexcept {
    const spec::NetHeaderUse use = port_.net_header();
    if (use == spec::NetHeaderUse::uso) return with_tso | offload_uso4 | offload_uso6;
    return use == spec::NetHeaderUse::tso ? with_tso : OffloadSet{0};
}

/// One system call a frame: the kernel has no other way out of a tap device.
size_t TapQueue::receive(Batch& batch, WorkerContext& context) {
    if (!usable()) return 0;
    CounterBlock& counters = port_.counters(context.worker);
    const size_t most = wanted(context);
    size_t work = 0;
    if (const size_t held = std::exchange(held_bytes_, 0); held > 0)
        take(batch, {buffers_.slot(order_[work++]), held}, counters);
    for (; work < most; ++work) {
        uint8_t* buffer = buffers_.slot(order_[work]);
        const ssize_t count = read(fd_.get(), buffer, FrameBuffers::slot_bytes);
        if (count < 0) {
            // EBADFD: the interface was deleted under its descriptor.
            if (errno == EBADFD || errno == EBADF) lost(Fault::interface_gone, context);
            break;
        }
        if (!take(batch, {buffer, static_cast<size_t>(count)}, counters)) {
            held_bytes_ = static_cast<size_t>(count);
            std::swap(order_[0], order_[work]);
            break;
        }
    }
    return work;
}

/// Puts what was read into the batch, or counts why not. False: the batch has no room for what the
/// frame may be cut into; the next one has.
bool TapQueue::take(Batch& batch, std::span<const uint8_t> bytes, CounterBlock& counters) noexcept {
    if (!has_header()) {
        admit(batch, bytes, counters);
        batch.small_only = true;
        return true;
    }
    if (bytes.size() < spec::net_header_bytes + ethernet_header_bytes) {
        counters.drop(DropReason::tx_too_short, 1);
        return true;
    }
    const auto frame = bytes.subspan(spec::net_header_bytes);
    if (asks_for_offload(bytes.data())) return take_asking(batch, bytes.data(), frame, counters);
    admit(batch, frame, counters);
    return true;
}

bool TapQueue::take_asking(Batch& batch, const uint8_t* header, std::span<const uint8_t> frame,
                           CounterBlock& counters) noexcept {
    const size_t index = batch.count;
    if (!append_frame(batch, frame)) return false;
    const uint32_t longest = port_.settings().max_frame_bytes.load(std::memory_order_relaxed);
    DropReason why{};
    const Asked asked =
        grant_offload(header, batch.frames[index].len_bytes,
                      {spec::net_header_bytes, longest, accepts()}, batch, index, why);
    if (asked == Asked::granted) return true;
    take_back_frame(batch);
    if (asked == Asked::refused) counters.drop(why, 1);
    return asked != Asked::no_room;
}

/// Several workers at once: the kernel orders frames, and takes or refuses each at once.
void TapQueue::transmit(const Batch& batch, std::span<const uint8_t> indices,
                        WorkerContext& context) {
    if (nothing_to_send(indices.size(), context)) return;
    const bool header = has_header();
    iovec pieces[frame_pieces_max];
    size_t sent = 0;
    size_t refused = 0;
    uint64_t bytes = 0;
    DropReason reason = DropReason::rx_backlog_full;
    for (const uint8_t index : indices) {
        const size_t count = gather(batch, index, pieces);
        if (header) add_header(batch.stages[index], pieces[0]);
        if (writev(fd_.get(), pieces, static_cast<int>(count)) >= 0) {
            ++sent;
            bytes += batch.frames[index].len_bytes;
            continue;
        }
        const SendError why = charge_send_error(errno, context);
        if (why.blame == Blame::gone) lost(Fault::interface_gone, context);
        if (why.blame == Blame::gone || why.blame == Blame::source) {  // Those behind it too.
            reason = why.reason;
            break;
        }
        drop(why.reason, 1, context);
        ++refused;
    }
    count_sent(indices.size() - refused, sent, bytes, reason, context);
}

}  // namespace valenic
