#include "port/packet/xdp.hpp"

#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <mutex>

#include "net/vlan.hpp"
#include "port/packet/left_checksum.hpp"
#include "port/packet/packet_socket.hpp"
#include "port/send_errors.hpp"

namespace valenic {

using spec::DropReason;
using spec::Fault;
using spec::PortCounter;

namespace {

/// When the driver has no room: about what a full ring of a NIC takes to empty a little.
constexpr uint64_t retry_ns = 50'000;
/// The kernel sends 32 frames a call: a full ring needs 64.
constexpr unsigned send_calls_max = 2 * xdp_slots / 32;

bool begins_with_tag(const uint8_t* frame) noexcept { return is_tag(load_be16(frame + tag_at)); }

/// The whole frame, as its receiver gets it.
void copy_frame(const Batch& batch, size_t index, uint8_t* out) noexcept {
    const Frame& frame = batch.frames[index];
    std::memcpy(out, batch.stages[index].bytes, frame.stage_len);
    out += frame.stage_len;
    for (const Segment& segment : batch.segments_of(frame)) {
        std::memcpy(out, segment.data, segment.len_bytes);
        out += segment.len_bytes;
    }
}

}  // namespace

bool XdpQueue::prepare(int fd, std::span<const OwnedFd> shared) {
    if (shared.size() != xdp_shared_count) return false;
    next_rings_ = XdpRings::map(fd, shared[xdp_memory].get(), index_);
    if (!next_rings_) return false;
    xdp_options options{};
    socklen_t size = sizeof options;
    if (getsockopt(fd, SOL_XDP, XDP_OPTIONS, &options, &size) != 0) return false;
    // A driver that copies nothing has frames from its wire: their checksums are whole.
    next_rings_->from_software = (options.flags & XDP_OPTIONS_ZEROCOPY) == 0;
    next_rings_->interface_fd = shared[xdp_interface].get();
    return true;
}

void XdpQueue::attach(const Parked& parked, OwnedFd fd) {
    LinkQueue::attach(parked, std::move(fd));
    rings_ = std::move(next_rings_);
    counted_ = losses();  // What came before anybody could take it.
    look_at_interface();
}

void XdpQueue::detach(const Parked& parked) {
    rings_.reset();
    LinkQueue::detach(parked);
}

// ---- What comes from the interface.

size_t XdpQueue::receive(Batch& batch, WorkerContext& context) {
    if (!usable()) return 0;
    const size_t count = std::min<size_t>(wanted(context), rings_->arrived());
    if (count == 0) return 0;
    CounterBlock& counters = port_.counters(context.worker);
    batch.small_only = true;
    for (size_t i = 0; i < count; ++i) take(batch, counters);
    return count;
}

void XdpQueue::take(Batch& batch, CounterBlock& counters) noexcept {
    const std::span<const uint8_t> frame = rings_->next();
    rings_->take();
    if (frame.size() < ethernet_header_bytes) {
        counters.drop(DropReason::tx_too_short, 1);
        return;
    }
    uint8_t said[packet_header_bytes];
    PacketArrival arrival;
    arrival.frame = frame.data();
    arrival.len_bytes = arrival.here_bytes = static_cast<uint32_t>(frame.size());
    if (rings_->from_software && find_left_checksum(frame, said)) arrival.net_header = said;
    const uint32_t longest = port_.settings().max_frame_bytes.load(std::memory_order_relaxed);
    uint32_t staged = 0;
    DropReason why = DropReason::tx_too_long;
    if (stage_arrival(arrival, longest, batch, staged, why) == Asked::granted) {
        append_arrival(arrival, staged, batch);
        return;
    }
    if (batch.offloaded) batch.needs[batch.count] = 0;  // The next frame has this index.
    counters.drop(why, 1);
}

void XdpQueue::release(WorkerContext&) {
    if (!rings_) return;
    rings_->give_back();
    if (rings_->fill_wants_call()) recvfrom(fd_.get(), nullptr, 0, MSG_DONTWAIT, nullptr, nullptr);
}

/// The kernel wakes whoever waits; what came before is looked at.
bool XdpQueue::arm() {
    if (!usable()) return false;
    if (rings_->fill_wants_call()) recvfrom(fd_.get(), nullptr, 0, MSG_DONTWAIT, nullptr, nullptr);
    return rings_->arrived() > 0;
}

/// The kernel's count of frames, its lower half: differs from ours when one waits.
PollWord XdpQueue::poll_word() const noexcept {
    if (!usable()) return {};
    static_assert(std::endian::native == std::endian::little);
    const auto* word = reinterpret_cast<const uint16_t*>(rings_->arrival_word());
    return {word, 0xffff, static_cast<uint16_t>(rings_->taken), false};
}

// ---- What becomes of the interface.

void XdpQueue::acknowledge(WorkerContext& context) {
    LinkQueue::acknowledge(context);
    if (usable() && take_socket_error(fd_.get()) && interface_is_gone(rings_->interface_fd))
        lost(Fault::interface_gone, context);
}

void XdpQueue::look_after(WorkerContext& context) noexcept {
    if (!usable()) return;
    const Losses now = losses();
    CounterBlock& counters = port_.counters(context.worker);
    counters.drop(DropReason::tx_ring_overflow, now.ring_full - counted_.ring_full);
    counters.drop(DropReason::tx_too_long, now.too_long - counted_.too_long);
    counted_ = now;
    look_at_interface();
    if (interface_is_gone(rings_->interface_fd)) lost(Fault::interface_gone, context);
}

/// The kernel counts a frame without a chunk twice, and one that is too long for a chunk once.
XdpQueue::Losses XdpQueue::losses() const noexcept {
    xdp_statistics said{};
    socklen_t size = sizeof said;
    if (getsockopt(fd_.get(), SOL_XDP, XDP_STATISTICS, &said, &size) != 0) return counted_;
    const uint64_t without_chunk = std::min(said.rx_dropped, said.rx_fill_ring_empty_descs);
    return {said.rx_ring_full + without_chunk, said.rx_dropped - without_chunk};
}

/// The name may change, and so does the MTU.
void XdpQueue::look_at_interface() noexcept {
    sockaddr_ll address{};
    socklen_t size = sizeof address;
    ifreq request{};
    if (getsockname(rings_->interface_fd, reinterpret_cast<sockaddr*>(&address), &size) != 0)
        return;
    request.ifr_ifindex = address.sll_ifindex;
    if (ioctl(rings_->interface_fd, SIOCGIFNAME, &request) != 0) return;
    if (ioctl(rings_->interface_fd, SIOCGIFMTU, &request) == 0)
        longest_bytes_.store(static_cast<uint32_t>(request.ifr_mtu) + ethernet_header_bytes,
                             std::memory_order_relaxed);
    if (ioctl(rings_->interface_fd, SIOCGIFFLAGS, &request) == 0)
        interface_down_.store((request.ifr_flags & IFF_UP) == 0, std::memory_order_relaxed);
}

// ---- What goes to the interface.

/// Several workers at once: each fills chunks of its own outside the lock.
void XdpQueue::transmit(const Batch& batch, std::span<const uint8_t> indices,
                        WorkerContext& context) {
    if (nothing_to_send(indices.size(), context)) return;
    if (!link_is_back(context)) {
        count_sent(indices.size(), 0, 0,
                   usable() ? DropReason::rx_link_down : DropReason::rx_not_connected, context);
        return;
    }
    std::array<uint32_t, batch_frames> chunks;
    std::array<XdpRings::Written, batch_frames> written;
    size_t reserved = 0;
    {
        const std::scoped_lock locked(lock_);
        reserved = rings_->reserve({chunks.data(), indices.size()});
    }
    const uint32_t longest = longest_bytes_.load(std::memory_order_relaxed);
    size_t done = 0;  // Of `indices`: those without a chunk are left.
    size_t used = 0;
    uint64_t bytes = 0;
    for (; done < indices.size(); ++done) {
        const size_t index = indices[done];
        const uint32_t len_bytes = batch.frames[index].len_bytes;
        const uint32_t tag_bytes = begins_with_tag(batch.stages[index].bytes) ? vlan_tag_bytes : 0;
        if (len_bytes > longest + tag_bytes || len_bytes > xdp_chunk_bytes) {
            port_.counters(context.worker).drop(DropReason::rx_too_long, 1);
            continue;
        }
        if (used == reserved) break;
        copy_frame(batch, index, rings_->chunk(chunks[used]));
        if (source_lost(context)) [[unlikely]]
            break;  // It has zeros now: the chunk stays free.
        written[used] = {chunks[used], len_bytes};
        bytes += len_bytes;
        ++used;
    }
    {
        const std::scoped_lock locked(lock_);
        rings_->send({written.data(), used}, {chunks.data() + used, reserved - used});
    }
    if (used > 0) make_kernel_send(context);
    const size_t left = indices.size() - done;
    if (usable()) {
        const DropReason reason =
            source_lost(context) ? DropReason::tx_memory_unreadable : DropReason::rx_backlog_full;
        count_sent(used + left, used, bytes, reason, context);
    } else {  // The interface to send them on is gone.
        count_sent(used + left, 0, 0, DropReason::rx_not_connected, context);
    }
}

/// While it was down, a call asks for each batch whether it still is: what waits goes first then.
bool XdpQueue::link_is_back(WorkerContext& context) noexcept {
    if (!interface_down_.load(std::memory_order_relaxed)) return true;
    if (sendto(fd_.get(), nullptr, 0, MSG_DONTWAIT, nullptr, 0) < 0) {
        if (errno == ENXIO) lost(Fault::interface_gone, context);
        if (errno == ENETDOWN || errno == ENXIO) return false;
    }
    interface_down_.store(false, std::memory_order_relaxed);
    return true;
}

/// One worker calls at a time, also for the others: in the kernel they would wait for each other.
void XdpQueue::make_kernel_send(WorkerContext& context) noexcept {
    full_fence();  // The frames are there before we look whether the kernel wants a call.
    if (!rings_->send_wants_call()) {
        port_.counters(context.worker).add(PortCounter::calls_suppressed, 1);
        return;
    }
    port_.counters(context.worker).add(PortCounter::calls, 1);
    uint32_t seen = 1;
    if (callers_.fetch_add(1, std::memory_order_acq_rel) > 0) return;
    do {
        seen = callers_.load(std::memory_order_acquire);
        send_all(context);
    } while (!callers_.compare_exchange_strong(seen, 0, std::memory_order_acq_rel));
}

/// Until the kernel has taken all that is there, or has no room for more.
void XdpQueue::send_all(WorkerContext& context) noexcept {
    for (unsigned calls = 0; calls < send_calls_max && !rings_->all_sent(); ++calls) {
        const uint32_t before = rings_->sent();
        if (sendto(fd_.get(), nullptr, 0, MSG_DONTWAIT, nullptr, 0) >= 0) return;
        if (errno == ENETDOWN) {
            interface_down_.store(true, std::memory_order_relaxed);
            return;
        }
        if (errno == ENXIO) {
            lost(Fault::interface_gone, context);
            return;
        }
        if (rings_->sent() == before) break;
    }
    if (!rings_->all_sent()) try_later(context);
}

void XdpQueue::try_later(WorkerContext& context) noexcept {
    if (deferred_.exchange(true, std::memory_order_acq_rel)) return;
    if (!context.timers.add(&face_, context.now_ns + retry_ns))
        deferred_.store(false, std::memory_order_release);
}

void XdpQueue::flush_calls(WorkerContext& context) {
    deferred_.exchange(false, std::memory_order_acq_rel);
    if (usable() && !rings_->all_sent()) make_kernel_send(context);
}

}  // namespace valenic
