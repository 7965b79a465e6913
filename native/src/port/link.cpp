#include "port/link.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

#include "base/check.hpp"
#include "base/limits.hpp"
#include "port/send_errors.hpp"

namespace valenic {

using spec::DropReason;
using spec::Fault;
using spec::PortCounter;

LinkPort::LinkPort(const PortParts& parts, MakeLinkQueue make_queue) : DevicePort(parts, commands) {
    for (unsigned index = 0; index < parts.pairs; ++index) {
        queues_.push_back(make_queue(*this, index));
        add_queue(*queues_.back());
    }
}

bool LinkPort::prepare(std::span<const OwnedFd> fds, std::span<const OwnedFd> shared) {
    CHECK(fds.size() == queues_.size());
    for (size_t i = 0; i < fds.size(); ++i)
        if (!queues_[i]->prepare(fds[i].get(), shared)) return false;
    return true;
}

void LinkPort::attach(const Parked& parked, std::vector<OwnedFd> fds, spec::NetHeaderUse net_header,
                      std::vector<OwnedFd> shared) {
    CHECK(fds.size() == queues_.size());
    net_header_ = net_header;
    for (size_t i = 0; i < fds.size(); ++i) queues_[i]->attach(parked, std::move(fds[i]));
    shared_ = std::move(shared);
    set_active_pairs(parked, static_cast<unsigned>(queues_.size()));
}

void LinkPort::detach(const Parked& parked) {
    for (auto& queue : queues_) queue->detach(parked);
    shared_.clear();
    set_active_pairs(parked, 0);
}

void LinkPort::look_after(PortHost&, WorkerContext& context) {
    for (auto& queue : queues_) queue->look_after(context);
}

void LinkPort::give_up(Fault fault, WorkerContext& context) noexcept {
    for (auto& queue : queues_) queue->give_up(fault, context);
}

bool LinkPort::set_peer(const Parked&, const std::string& path) noexcept {
    sockaddr_un address{};
    if (path.empty() || path.size() >= sizeof address.sun_path) return false;
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    peer_ = address;
    return true;
}

/// What lies in a socket unread may be descriptors, and closing those may wait: the watchdog
/// breaks it. Since Linux 6.16 a socket can refuse them.
void LinkQueue::attach(const Parked&, OwnedFd fd) {
    constexpr int option_passrights = 83;  // SO_PASSRIGHTS
    constexpr int off = 0;
    if (fd.valid()) setsockopt(fd.get(), SOL_SOCKET, option_passrights, &off, sizeof off);
    const Whereabouts::ForeignCall call;
    fd_ = std::move(fd);
    down_.store(false, std::memory_order_relaxed);
}

void LinkQueue::detach(const Parked&) {
    const Whereabouts::ForeignCall call;
    fd_.reset();
}

/// The kernel tells of what comes without being asked; what came before is looked at.
bool LinkQueue::arm() {
    if (!usable()) return false;
    pollfd state{fd_.get(), POLLIN, 0};
    return poll(&state, 1, 0) == 1;
}

void LinkQueue::acknowledge(WorkerContext& context) {
    port_.counters(context.worker).add(PortCounter::kicks, 1);
}

size_t LinkQueue::wanted(const WorkerContext& context) const noexcept {
    const PortSettings& settings = port_.settings();
    if (!settings.more.load(std::memory_order_relaxed)) return 1;
    return std::min<size_t>(
        {settings.budget.load(std::memory_order_relaxed), context.turn_frames, link_batch_frames});
}

void LinkQueue::admit(Batch& batch, std::span<const uint8_t> frame,
                      CounterBlock& counters) noexcept {
    const uint32_t longest = port_.settings().max_frame_bytes.load(std::memory_order_relaxed);
    if (frame.size() < ethernet_header_bytes) {
        counters.drop(DropReason::tx_too_short, 1);
    } else if (frame.size() > longest) {
        counters.drop(DropReason::tx_too_long, 1);
    } else {
        append_frame(batch, frame);
    }
}

void LinkQueue::lost(Fault fault, WorkerContext& context) noexcept {
    if (down_.exchange(true, std::memory_order_relaxed)) return;
    if (fault != Fault::none) port_.counters(context.worker).add(PortCounter::queue_faults, 1);
    port_.tell(boundary::LinkDownEvent{port_.id, index_, fault});
}

void LinkQueue::count_sent(size_t given, size_t sent, uint64_t bytes, DropReason reason,
                           WorkerContext& context) noexcept {
    CounterBlock& counters = port_.counters(context.worker);
    if (sent > 0) {
        counters.add(PortCounter::rx_frames, sent);
        counters.add(PortCounter::rx_bytes, bytes);
        counters.add(PortCounter::rx_batches, 1);
    }
    if (sent < given) drop(reason, given - sent, context);
}

void LinkQueue::drop(DropReason reason, size_t frames, WorkerContext& context) noexcept {
    const bool of_source = reason == DropReason::tx_memory_unreadable && context.source != nullptr;
    Port& port = of_source ? *context.source : port_;
    port.counters(context.worker).drop(reason, frames);
}

bool LinkQueue::nothing_to_send(size_t frames, WorkerContext& context) noexcept {
    if (usable() && !source_lost(context)) [[likely]]
        return false;
    drop(usable() ? DropReason::tx_memory_unreadable : DropReason::rx_not_connected, frames,
         context);
    return true;
}

}  // namespace valenic
