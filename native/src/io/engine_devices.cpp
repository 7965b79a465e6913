// The engine's commands for one device: a guest's memory and rings, a host port's source and sink.
#include <cerrno>

#include "base/clock.hpp"
#include "base/eventfd.hpp"
#include "io/engine.hpp"

namespace valenic {

using spec::CommandError;
using spec::Fault;

namespace {

/// A peer's notification descriptor: nothing but an eventfd, and never one that blocks us.
bool acceptable(const OwnedFd& fd) noexcept {
    return !fd.valid() || (is_eventfd(fd.get()) && make_nonblocking(fd.get()));
}

}  // namespace

Done Engine::set_memory(uint32_t id, std::vector<RegionSpec> regions) {
    auto port = find_vhost(id);
    if (!port) return port.error();
    if (port.value()->memory_lost()) {  // New memory does not make it undone.
        look_after(id, *port.value());
        return Fault::memory_truncated;
    }
    std::shared_ptr<const MemoryMap> memory;
    if (!regions.empty()) {
        auto created = MemoryMap::create(std::move(regions));
        if (!created) {
            const MapFailure& failure = created.error();
            return Refusal(failure.code, failure.error_number, failure.doing);
        }
        memory = std::move(created.value());
    }
    return change_port(*port.value(),
                       [&](Parked parked) { port.value()->set_memory(parked, std::move(memory)); });
}

Done Engine::set_features(uint32_t id, uint64_t features) {
    auto port = find_vhost(id);
    if (!port) return port.error();
    if (port.value()->any_ring_running()) return CommandError::wrong_state;
    port.value()->set_features(features);
    return std::nullopt;
}

Result<uint16_t, Refusal> Engine::start_ring(uint32_t id, unsigned ring, const RingConfig& config,
                                             OwnedFd kick, OwnedFd call, bool enabled) {
    auto found = find_ring(id, ring);
    if (!found) return found.error();
    VhostPort& port = *found.value();
    if (!acceptable(kick) || !acceptable(call)) return Refusal(CommandError::fd_not_eventfd);
    // The ring that ran there goes first: two objects must not write one used ring.
    if (port.ring_running(ring))
        if (const Done busy = change_port(port, [&](Parked parked) { port.stop(parked, ring); }))
            return *busy;
    auto prepared = port.prepare(ring, config);
    if (!prepared) return Refusal(prepared.error());
    prepared.value().kick = std::move(kick);
    prepared.value().call = std::move(call);
    prepared.value().enabled = enabled;
    const uint16_t base = prepared.value().config.base;
    const Done busy = change_port(
        port, [&](Parked parked) { port.install(parked, std::move(prepared.value())); });
    if (busy) return *busy;
    return base;
}

Result<uint16_t, Refusal> Engine::stop_ring(uint32_t id, unsigned ring) {
    auto port = find_ring(id, ring);
    if (!port) return port.error();
    std::optional<uint16_t> base;
    if (const Done busy = change_port(
            *port.value(), [&](Parked parked) { base = port.value()->stop(parked, ring); }))
        return *busy;
    if (!base) return Refusal(CommandError::wrong_state);
    return *base;
}

Done Engine::enable_ring(uint32_t id, unsigned ring, bool enabled) {
    auto port = find_ring(id, ring);
    if (!port) return port.error();
    return change_port(*port.value(),
                       [&](Parked parked) { port.value()->enable(parked, ring, enabled); });
}

Done Engine::set_call(uint32_t id, unsigned ring, OwnedFd call) {
    auto port = find_ring(id, ring);
    if (!port) return port.error();
    if (!acceptable(call)) return CommandError::fd_not_eventfd;
    return change_port(*port.value(), [&](Parked parked) {
        // What was used before there was somewhere to call is told now: QEMU kicks first and hands
        // over the call descriptor later. A call too many costs the guest one look.
        if (call.valid() && port.value()->ring_running(ring) && !call_peer(call.get()))
            port.value()->bar(Fault::notification_blocked);
        port.value()->set_call(parked, ring, std::move(call));
    });
}

Done Engine::set_kick(uint32_t id, unsigned ring, OwnedFd kick) {
    auto port = find_ring(id, ring);
    if (!port) return port.error();
    if (!acceptable(kick)) return CommandError::fd_not_eventfd;
    return change_port(*port.value(), [&](Parked parked) {
        port.value()->set_kick(parked, ring, std::move(kick));
    });
}

Done Engine::move_ring(uint32_t id, unsigned ring, const RingConfig& config) {
    auto port = find_ring(id, ring);
    if (!port) return port.error();
    if (!port.value()->ring_running(ring)) return CommandError::wrong_state;
    Fault fault = Fault::none;
    if (const Done busy = change_port(*port.value(), [&](Parked parked) {
            fault = port.value()->move_ring(parked, ring, config);
        }))
        return busy;
    if (fault != Fault::none) return fault;
    return std::nullopt;
}

Result<std::vector<RingState>, Refusal> Engine::ring_states(uint32_t id) {
    auto port = find_vhost(id);
    if (!port) return port.error();
    return port.value()->ring_states();
}

Done Engine::start_source(uint32_t id, const HostSource& source) {
    auto port = find_host(id);
    if (!port) return port.error();
    if (source.frame_bytes < HostQueue::frame_bytes_min ||
        source.frame_bytes > HostQueue::frame_bytes_max || is_group(source.source))
        return CommandError::invalid_argument;
    HostPort& host = *port.value();
    if (host.queue().running()) return CommandError::wrong_state;
    return change_port(host,
                       [&](Parked parked) { host.queue().start(parked, source, monotonic_ns()); });
}

Result<uint64_t, Refusal> Engine::stop_source(uint32_t id) {
    auto port = find_host(id);
    if (!port) return port.error();
    HostPort& host = *port.value();
    if (const Done busy = change_port(host, [&](Parked parked) { host.queue().stop(parked); }))
        return *busy;
    return host.queue().sent();
}

Result<Engine::HostReport, Refusal> Engine::host_report(uint32_t id, bool reset) {
    auto port = find_host(id);
    if (!port) return port.error();
    HostReport report{};
    HostQueue& queue = port.value()->queue();
    const Done busy = exclusive([&](Parked parked) {
        report = {queue.sent(), queue.reports(parked)};
        if (reset) queue.clear_reports(parked);
    });
    if (busy) return *busy;
    return report;
}

Done Engine::attach_link(uint32_t id, std::vector<OwnedFd> fds, std::vector<OwnedFd> shared,
                         const std::string& peer, spec::NetHeaderUse net_header) {
    auto port = find_link(id);
    if (!port) return port.error();
    LinkPort& link = *port.value();
    if (fds.size() != link.queue_count()) return CommandError::invalid_argument;
    const bool takes_headers =
        link.kind() == spec::PortKind::tap || link.kind() == spec::PortKind::packet;
    if (net_header != spec::NetHeaderUse::none && !takes_headers)
        return CommandError::invalid_argument;
    for (const OwnedFd& fd : fds)
        if (!fd.valid() || !make_nonblocking(fd.get())) return CommandError::invalid_argument;
    for (const OwnedFd& fd : shared)
        if (!fd.valid()) return CommandError::invalid_argument;
    if (!link.prepare(fds, shared))
        return Refusal(CommandError::system, errno, "preparing a descriptor");
    bool good = true;
    const Done busy = change_port(link, [&](Parked parked) {
        good = peer.empty() || link.set_peer(parked, peer);
        if (good) link.attach(parked, std::move(fds), net_header, std::move(shared));
    });
    if (busy) return busy;
    if (!good) return CommandError::invalid_argument;
    return std::nullopt;
}

Done Engine::detach_link(uint32_t id) {
    auto port = find_link(id);
    if (!port) return port.error();
    LinkPort& link = *port.value();
    return change_port(link, [&](Parked parked) { link.detach(parked); });
}

}  // namespace valenic
