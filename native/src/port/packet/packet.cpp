#include "port/packet/packet.hpp"

#include <sys/mman.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/atomic.hpp"
#include "port/gather.hpp"
#include "port/send_errors.hpp"
#include "port/send_many.hpp"

namespace valenic {

using spec::DropReason;
using spec::Fault;

namespace {

constexpr uint16_t tag_protocol_default = 0x8100;  // IEEE 802.1Q.

/// Checks what the kernel says of the frame against its slot. False: it cannot be true.
bool read_slot(const uint8_t* slot, uint32_t status, PacketArrival& arrival) noexcept {
    const auto& header = *reinterpret_cast<const tpacket2_hdr*>(slot);
    const uint32_t at = header.tp_mac;
    arrival.len_bytes = header.tp_len;
    arrival.here_bytes = std::min(header.tp_snaplen, header.tp_len);
    if (at < sizeof(tpacket2_hdr) + packet_header_bytes || at > packet_slot_bytes ||
        arrival.here_bytes > packet_slot_bytes - at || arrival.here_bytes < ethernet_header_bytes)
        return false;
    arrival.frame = slot + at;
    arrival.net_header = arrival.frame - packet_header_bytes;
    arrival.tagged = (status & TP_STATUS_VLAN_VALID) != 0;
    arrival.tag = header.tp_vlan_tci;
    const bool named = (status & TP_STATUS_VLAN_TPID_VALID) != 0;
    arrival.tag_protocol = named ? header.tp_vlan_tpid : tag_protocol_default;
    return true;
}

}  // namespace

std::unique_ptr<PacketRing> PacketRing::map(int fd) noexcept {
    void* bytes = mmap(nullptr, packet_ring_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (bytes == MAP_FAILED) return nullptr;
    return std::unique_ptr<PacketRing>(new PacketRing(static_cast<uint8_t*>(bytes)));
}

PacketRing::~PacketRing() { munmap(bytes_, packet_ring_bytes); }

bool PacketQueue::prepare(int fd, std::span<const OwnedFd>) {
    next_ring_ = PacketRing::map(fd);
    return next_ring_ != nullptr;
}

void PacketQueue::attach(const Parked& parked, OwnedFd fd) {
    LinkQueue::attach(parked, std::move(fd));
    ring_ = std::move(next_ring_);
}

void PacketQueue::detach(const Parked& parked) {
    ring_.reset();
    LinkQueue::detach(parked);
}

// ---- What comes from the interface.

size_t PacketQueue::receive(Batch& batch, WorkerContext& context) {
    if (!usable()) return 0;
    CounterBlock& counters = port_.counters(context.worker);
    const size_t most = wanted(context);
    size_t work = 0;
    for (; work < most; ++work, ++ring_->taken) {
        const uint32_t status = load_acquire(ring_->header(ring_->taken).tp_status);
        if ((status & TP_STATUS_USER) == 0) break;
        if ((status & TP_STATUS_LOSING) != 0) count_overflow(counters);
        if (!take(status, batch, counters)) break;
    }
    return work;
}

/// False: it has to wait for the next batch, and stays where it is.
///
/// A frame too long for a slot waits whole in the socket's own queue, in the same order, and is
/// taken from there by a system call: few frames are, and each is worth it.
bool PacketQueue::take(uint32_t status, Batch& batch, CounterBlock& counters) noexcept {
    PacketArrival arrival;
    uint32_t staged = 0;
    Asked asked = Asked::refused;
    DropReason why = DropReason::tx_too_long;  // Of a slot that cannot be read.
    const bool readable = read_slot(ring_->slot(ring_->taken), status, arrival);
    if (readable) {
        const uint32_t longest = port_.settings().max_frame_bytes.load(std::memory_order_relaxed);
        asked = stage_arrival(arrival, longest, batch, staged, why);
        if (asked == Asked::no_room) return false;
    }
    const bool beside = (status & TP_STATUS_COPY) != 0;
    const bool whole = beside ? receive_whole(arrival, buffers_.slot(batch.count))
                              : arrival.here_bytes == arrival.len_bytes;
    if (asked == Asked::granted && whole) {
        append_arrival(arrival, staged, batch);
        return true;
    }
    if (batch.offloaded) batch.needs[batch.count] = 0;  // The next frame has this index.
    // What was granted and is not whole: the socket was too full to keep the rest.
    if (asked == Asked::granted) why = DropReason::tx_ring_overflow;
    counters.drop(why, 1);
    return true;
}

/// Takes the next of the frames that wait in the socket.
bool PacketQueue::receive_whole(PacketArrival& arrival, uint8_t* into) noexcept {
    uint8_t again[packet_header_bytes];  // The slot has it already.
    iovec pieces[] = {{again, sizeof again}, {into, FrameBuffers::slot_bytes}};
    msghdr message{};
    message.msg_iov = pieces;
    message.msg_iovlen = 2;
    ssize_t count = recvmsg(fd_.get(), &message, MSG_DONTWAIT);
    // The interface went down meanwhile: that is said once, in the place of a frame.
    if (count < 0 && errno == ENETDOWN) count = recvmsg(fd_.get(), &message, MSG_DONTWAIT);
    if (count != static_cast<ssize_t>(sizeof again + arrival.len_bytes)) return false;
    arrival.frame = into;
    return (message.msg_flags & MSG_TRUNC) == 0;
}

/// The slots go back in the order in which they were filled.
void PacketQueue::release(WorkerContext&) {
    if (!ring_) return;
    for (; ring_->released < ring_->taken; ++ring_->released)
        store_release(ring_->header(ring_->released).tp_status, uint32_t{TP_STATUS_KERNEL});
}

/// The kernel counts what found no slot, and forgets it when it is asked.
void PacketQueue::count_overflow(CounterBlock& counters) noexcept {
    tpacket_stats stats{};
    socklen_t size = sizeof stats;
    if (getsockopt(fd_.get(), SOL_PACKET, PACKET_STATISTICS, &stats, &size) == 0)
        counters.drop(DropReason::tx_ring_overflow, stats.tp_drops);
}

/// The kernel wakes the owner for every frame; what came before is looked at.
bool PacketQueue::arm() {
    if (!usable()) return false;
    return (load_acquire(ring_->header(ring_->taken).tp_status) & TP_STATUS_USER) != 0;
}

PollWord PacketQueue::poll_word() const noexcept {
    if (!usable()) return {};
    static_assert(std::endian::native == std::endian::little);
    const auto* status = &ring_->header(ring_->taken).tp_status;
    return {reinterpret_cast<const uint16_t*>(status), TP_STATUS_USER, 0, false};
}

// ---- What becomes of the interface.

void PacketQueue::acknowledge(WorkerContext& context) {
    LinkQueue::acknowledge(context);
    if (usable() && take_socket_error(fd_.get()) && interface_is_gone(fd_.get()))
        lost(Fault::interface_gone, context);
}

/// One that polls is not woken when its interface goes, and losses at the end of a burst have no
/// frame behind them that would tell.
void PacketQueue::look_after(WorkerContext& context) noexcept {
    if (!usable()) return;
    count_overflow(port_.counters(context.worker));
    if (interface_is_gone(fd_.get())) lost(Fault::interface_gone, context);
}

// ---- What goes to the interface.

/// Several workers at once: the kernel orders frames, and takes or refuses each at once. It copies
/// them once, into buffers of its own.
void PacketQueue::transmit(const Batch& batch, std::span<const uint8_t> indices,
                           WorkerContext& context) {
    if (nothing_to_send(indices.size(), context)) return;
    std::array<mmsghdr, batch_frames> messages;
    std::array<iovec, 2 * batch_frames + batch_segments> pieces;
    size_t used = 0;
    for (size_t i = 0; i < indices.size(); ++i) {
        messages[i] = {};
        messages[i].msg_hdr.msg_iov = &pieces[used];
        auto* header = const_cast<uint8_t*>(batch.stages[indices[i]].net_header);
        pieces[used] = {header, packet_header_bytes};
        const size_t count = 1 + gather(batch, indices[i], &pieces[used + 1]);
        messages[i].msg_hdr.msg_iovlen = count;
        used += count;
    }
    size_t sent = 0;
    uint64_t bytes = 0;
    bool asked_again = false;
    DropReason reason = DropReason::rx_backlog_full;
    const auto taken = [&](size_t at, size_t count) {
        sent += count;
        for (size_t i = at; i < at + count; ++i) bytes += batch.frames[indices[i]].len_bytes;
    };
    const auto refused = [&](int error) {
        // That it was down is said once, when it may be up again.
        if (error == ENETDOWN && !std::exchange(asked_again, true)) return Refused::again;
        const SendError why = charge_send_error(error, context);
        reason = why.reason;
        if (why.blame == Blame::gone) lost(Fault::interface_gone, context);
        if (why.blame != Blame::frame) return Refused::stop;
        drop(reason, 1, context);
        return Refused::skip;
    };
    const size_t done = send_many(fd_.get(), {messages.data(), indices.size()}, taken, refused);
    count_sent(sent + indices.size() - done, sent, bytes, reason, context);
}

}  // namespace valenic
