#include "port/host/host_commands.hpp"

#include "base/clock.hpp"

namespace valenic {

using spec::CommandError;

Done HostCommands::start_source(uint32_t id, const HostSource& source) {
    auto port = find_device<HostPort>(host_, id);
    if (!port) return port.error();
    if (source.frame_bytes < HostQueue::frame_bytes_min ||
        source.frame_bytes > HostQueue::frame_bytes_max || is_group(source.source))
        return Refusal(CommandError::invalid_argument,
                       "source: a frame that can be sent, from one station");
    HostPort& host = *port.value();
    if (host.queue().running()) return CommandError::wrong_state;
    return host_.change_port(
        host, [&](const Parked& parked) { host.queue().start(parked, source, monotonic_ns()); });
}

Result<uint64_t, Refusal> HostCommands::stop_source(uint32_t id) {
    auto port = find_device<HostPort>(host_, id);
    if (!port) return port.error();
    HostPort& host = *port.value();
    if (const Done busy =
            host_.change_port(host, [&](const Parked& parked) { host.queue().stop(parked); }))
        return *busy;
    return host.queue().sent();
}

Result<HostCommands::HostReport, Refusal> HostCommands::host_report(uint32_t id, bool reset) {
    auto port = find_device<HostPort>(host_, id);
    if (!port) return port.error();
    HostReport report{};
    HostQueue& queue = port.value()->queue();
    const Done busy = host_.exclusive([&](const Parked& parked) {
        report = {queue.sent(), queue.reports(parked)};
        if (reset) queue.clear_reports(parked);
    });
    if (busy) return *busy;
    return report;
}

}  // namespace valenic
