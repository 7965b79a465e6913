#include "ops.hpp"

#include <array>
#include <chrono>
#include <thread>

namespace valenic::agent {
namespace {

uint64_t job_number(const Args& args) { return args.whole("job", 1, UINT32_MAX); }

Json op_job_report(const Args& args, OpContext& context) {
    return context.jobs.report(job_number(args), args.boolean("reset", false));
}

Json op_job_stop(const Args& args, OpContext& context) {
    return context.jobs.stop(job_number(args));
}

/// Waits until the job has nothing left to do, then stops it and gives its last report.
Json op_job_wait(const Args& args, OpContext& context) {
    const uint64_t number = job_number(args);
    const uint64_t timeout_ms = args.whole("timeoutMs", 1, 3'600'000, 60'000);
    for (uint64_t waited_ms = 0; !context.jobs.done(number); waited_ms += 5) {
        if (waited_ms >= timeout_ms)
            throw OpError("job " + std::to_string(number) + " was not done within " +
                          std::to_string(timeout_ms) + " ms");
        if (context.stop.load(std::memory_order_relaxed)) throw OpError("the host disconnected");
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return context.jobs.stop(number);
}

constexpr auto table = std::to_array<Op>({
    {"hello", op_hello, false},
    {"configure", op_configure, false},
    {"link", op_link, false},
    {"set_mac", op_set_mac, false},
    {"xdp", op_xdp, false},
    {"channels", op_channels, false},
    {"dhcp", op_dhcp, true},
    {"counters", op_counters, false},
    {"ping", op_ping, true},
    {"udp_send", op_udp_send, true},
    {"udp_receive", op_udp_receive, false},
    {"packet_send", op_packet_send, true},
    {"packet_receive", op_packet_receive, false},
    {"tcp_listen", op_tcp_listen, false},
    {"tcp_connect", op_tcp_connect, true},
    {"tcp_echo", op_tcp_echo, false},
    {"tcp_ask", op_tcp_ask, true},
    {"program_start", op_program_start, false},
    {"job_report", op_job_report, false},
    {"job_wait", op_job_wait, true},
    {"job_stop", op_job_stop, true},
    {"pmd_start", op_pmd_start, false},
    {"pmd_report", op_pmd_report, false},
    {"pmd_stop", op_pmd_stop, true},
    {"shutdown", op_shutdown, true},
    {"reboot", op_reboot, true},
});

}  // namespace

std::span<const Op> all_ops() { return table; }

}  // namespace valenic::agent
