// Commands about one device: a guest's memory and rings, a host port's source and sink, a link.
#include "control/commands.hpp"
#include "port/host/host_commands.hpp"
#include "port/link_commands.hpp"
#include "port/vhost/vhost_commands.hpp"

namespace valenic::control {

namespace {

RingConfig ring_config(const boundary::RingStart& start) {
    return {start.size,      start.base,   0, start.desc_addr, start.avail_addr,
            start.used_addr, start.resumed};
}

/// What of a report crosses: the histogram stays here.
boundary::HostSinkReport row_of(const StreamReport& report) {
    const LatencyHistogram& latency = report.latency_ns;
    return {report.stream,
            report.frames,
            report.bytes,
            report.first_sequence,
            report.next_sequence,
            report.gaps,
            report.reordered,
            report.corrupt,
            {latency.percentile(.5), latency.percentile(.99), latency.percentile(.999)}};
}

}  // namespace

OwnedFd Commands::take(boundary::Descriptor descriptor) {
    if (descriptor.place < 0) return OwnedFd();
    return std::move(descriptors_[static_cast<size_t>(descriptor.place)]);
}

std::vector<OwnedFd> Commands::take(std::span<const boundary::Descriptor> descriptors) {
    std::vector<OwnedFd> taken;
    for (const boundary::Descriptor descriptor : descriptors) taken.push_back(take(descriptor));
    return taken;
}

Done Commands::handle(const boundary::VhostMemory& command) {
    std::vector<RegionSpec> regions;
    for (const boundary::MemoryRegion& region : command.regions) {
        regions.push_back({region.guest_addr, region.user_addr, region.size_bytes,
                           region.offset_bytes, take(region.fd)});
    }
    return VhostCommands(engine_).set_memory(command.port, std::move(regions));
}

Done Commands::handle(const boundary::VhostFeatures& command) {
    return VhostCommands(engine_).set_features(command.port, command.features);
}

Answer<boundary::VhostRingStart> Commands::handle(const boundary::VhostRingStart& command) {
    const auto base = VhostCommands(engine_).start_ring(
        command.port, command.ring, ring_config(command.start), take(command.kick_fd),
        take(command.call_fd), command.enabled);
    if (!base) return base.error();
    return boundary::VhostRingStartAnswer{base.value()};
}

Answer<boundary::VhostRingStop> Commands::handle(const boundary::VhostRingStop& command) {
    const auto base = VhostCommands(engine_).stop_ring(command.port, command.ring);
    if (!base) return base.error();
    return boundary::VhostRingStopAnswer{base.value()};
}

Done Commands::handle(const boundary::VhostRingEnable& command) {
    return VhostCommands(engine_).enable_ring(command.port, command.ring, command.enabled);
}

Done Commands::handle(const boundary::VhostRingCall& command) {
    return VhostCommands(engine_).set_call(command.port, command.ring, take(command.call_fd));
}

Done Commands::handle(const boundary::VhostRingKick& command) {
    return VhostCommands(engine_).set_kick(command.port, command.ring, take(command.kick_fd));
}

Done Commands::handle(const boundary::VhostRingAddresses& command) {
    return VhostCommands(engine_).move_ring(command.port, command.ring, ring_config(command.start));
}

Answer<boundary::VhostRings> Commands::handle(const boundary::VhostRings& command) {
    const auto states = VhostCommands(engine_).ring_states(command.port);
    if (!states) return states.error();
    boundary::VhostRingsAnswer answer;
    for (const RingState& state : states.value()) {
        answer.rings.push_back({state.ring, state.running, state.enabled, state.size,
                                state.avail_index, state.used_index, state.fault});
    }
    return answer;
}

Done Commands::handle(const boundary::HostStart& command) {
    const boundary::HostSource& source = command.source;
    return HostCommands(engine_).start_source(
        command.port, {source.stream, source.frame_bytes, source.rate_pps, source.count,
                       source.destination.value, source.source.value});
}

Answer<boundary::HostStop> Commands::handle(const boundary::HostStop& command) {
    const auto sent = HostCommands(engine_).stop_source(command.port);
    if (!sent) return sent.error();
    return boundary::HostStopAnswer{sent.value(), sent.value()};
}

Answer<boundary::HostReport> Commands::handle(const boundary::HostReport& command) {
    const auto report = HostCommands(engine_).host_report(command.port, command.reset);
    if (!report) return report.error();
    boundary::HostReportAnswer answer;
    answer.sent = report.value().sent;
    for (const StreamReport& stream : report.value().streams)
        answer.streams.push_back(row_of(stream));
    return answer;
}

Done Commands::handle(const boundary::LinkAttach& command) {
    return LinkCommands(engine_).attach_link(command.port, take(command.fds),
                                             take(command.shared_fds), command.peer,
                                             command.net_header);
}

Done Commands::handle(const boundary::LinkDetach& command) {
    return LinkCommands(engine_).detach_link(command.port);
}

}  // namespace valenic::control
