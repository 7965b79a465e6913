#include "port/vhost/vhost_commands.hpp"

#include <cerrno>

#include "base/eventfd.hpp"

namespace valenic {

using spec::CommandError;
using spec::Fault;

namespace {

/// A peer's notification descriptor: nothing but an eventfd, and never one that blocks us.
bool acceptable(const OwnedFd& fd) noexcept {
    return !fd.valid() || (is_eventfd(fd.get()) && make_nonblocking(fd.get()));
}

}  // namespace

Result<VhostPort*, Refusal> VhostCommands::find_ring(uint32_t id, unsigned ring) noexcept {
    auto port = find_device<VhostPort>(host_, id);
    if (port && ring >= port.value()->ring_count())
        return Refusal(CommandError::invalid_argument, "ring: the port has fewer rings");
    return port;
}

Done VhostCommands::set_memory(uint32_t id, std::vector<RegionSpec> regions) {
    auto port = find_device<VhostPort>(host_, id);
    if (!port) return port.error();
    if (port.value()->memory_lost()) {  // New memory does not make it undone.
        port.value()->close_if_due(host_);
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
    return host_.change_port(*port.value(), [&](const Parked& parked) {
        port.value()->set_memory(parked, std::move(memory));
    });
}

Done VhostCommands::set_features(uint32_t id, uint64_t features) {
    auto port = find_device<VhostPort>(host_, id);
    if (!port) return port.error();
    if (port.value()->any_ring_running()) return CommandError::wrong_state;
    port.value()->set_features(features);
    return std::nullopt;
}

Result<uint16_t, Refusal> VhostCommands::start_ring(uint32_t id, unsigned ring,
                                                    const RingConfig& config, OwnedFd kick,
                                                    OwnedFd call, bool enabled) {
    auto found = find_ring(id, ring);
    if (!found) return found.error();
    VhostPort& port = *found.value();
    if (!acceptable(kick) || !acceptable(call)) return Refusal(CommandError::fd_not_eventfd);
    // The ring that ran there goes first: two objects must not write one used ring.
    if (port.ring_running(ring))
        if (const Done busy =
                host_.change_port(port, [&](const Parked& parked) { port.stop(parked, ring); }))
            return *busy;
    auto prepared = port.prepare(ring, config);
    if (!prepared) return Refusal(prepared.error());
    prepared.value().kick = std::move(kick);
    prepared.value().call = std::move(call);
    prepared.value().enabled = enabled;
    const uint16_t base = prepared.value().config.base;
    const Done busy = host_.change_port(
        port, [&](const Parked& parked) { port.install(parked, std::move(prepared.value())); });
    if (busy) return *busy;
    return base;
}

Result<uint16_t, Refusal> VhostCommands::stop_ring(uint32_t id, unsigned ring) {
    auto port = find_ring(id, ring);
    if (!port) return port.error();
    std::optional<uint16_t> base;
    if (const Done busy = host_.change_port(
            *port.value(), [&](const Parked& parked) { base = port.value()->stop(parked, ring); }))
        return *busy;
    if (!base) return Refusal(CommandError::wrong_state);
    return *base;
}

Done VhostCommands::enable_ring(uint32_t id, unsigned ring, bool enabled) {
    auto port = find_ring(id, ring);
    if (!port) return port.error();
    return host_.change_port(
        *port.value(), [&](const Parked& parked) { port.value()->enable(parked, ring, enabled); });
}

Done VhostCommands::set_call(uint32_t id, unsigned ring, OwnedFd call) {
    auto port = find_ring(id, ring);
    if (!port) return port.error();
    if (!acceptable(call)) return CommandError::fd_not_eventfd;
    return host_.change_port(*port.value(), [&](const Parked& parked) {
        // What was used before there was somewhere to call is told now: QEMU kicks first and hands
        // over the call descriptor later. A call too many costs the guest one look.
        if (call.valid() && port.value()->ring_running(ring) && !call_peer(call.get()))
            port.value()->bar(Fault::notification_blocked);
        port.value()->set_call(parked, ring, std::move(call));
    });
}

Done VhostCommands::set_kick(uint32_t id, unsigned ring, OwnedFd kick) {
    auto port = find_ring(id, ring);
    if (!port) return port.error();
    if (!acceptable(kick)) return CommandError::fd_not_eventfd;
    return host_.change_port(*port.value(), [&](const Parked& parked) {
        port.value()->set_kick(parked, ring, std::move(kick));
    });
}

Done VhostCommands::move_ring(uint32_t id, unsigned ring, const RingConfig& config) {
    auto port = find_ring(id, ring);
    if (!port) return port.error();
    if (!port.value()->ring_running(ring)) return CommandError::wrong_state;
    Fault fault = Fault::none;
    if (const Done busy = host_.change_port(*port.value(), [&](const Parked& parked) {
            fault = port.value()->move_ring(parked, ring, config);
        }))
        return busy;
    if (fault != Fault::none) return fault;
    return std::nullopt;
}

Result<std::vector<RingState>, Refusal> VhostCommands::ring_states(uint32_t id) {
    auto port = find_device<VhostPort>(host_, id);
    if (!port) return port.error();
    return port.value()->ring_states();
}

}  // namespace valenic
