// The operations of the agent: a table of names, and what they share.
#pragma once
#include <atomic>
#include <span>
#include <string_view>

#include "jobs.hpp"
#include "request.hpp"

namespace valenic::agent {

/// What an operation may use besides its arguments.
struct OpContext {
    /// Set when the host disconnected: every wait ends within 100 ms.
    const std::atomic<bool>& stop;
    Jobs& jobs;
};

struct Op {
    std::string_view name;
    Json (*run)(const Args&, OpContext&);
    /// Takes longer than a few milliseconds: gets a thread of its own.
    bool takes_time;
};

/// Every operation; see ops.cpp.
std::span<const Op> all_ops();

// interfaces.cpp
Json list_interfaces();
Json op_configure(const Args&, OpContext&);
Json op_link(const Args&, OpContext&);
Json op_set_mac(const Args&, OpContext&);
Json op_channels(const Args&, OpContext&);
// xdp.cpp
Json op_xdp(const Args&, OpContext&);
// dhcp.cpp
Json op_dhcp(const Args&, OpContext&);
// ping.cpp
Json op_ping(const Args&, OpContext&);
// udp.cpp, packet.cpp
Json op_udp_send(const Args&, OpContext&);
Json op_udp_receive(const Args&, OpContext&);
Json op_packet_send(const Args&, OpContext&);
Json op_packet_receive(const Args&, OpContext&);
// tcp.cpp
Json op_tcp_listen(const Args&, OpContext&);
Json op_tcp_connect(const Args&, OpContext&);
// round_trip.cpp
Json op_tcp_echo(const Args&, OpContext&);
Json op_tcp_ask(const Args&, OpContext&);
// program.cpp
Json op_program_start(const Args&, OpContext&);
// system.cpp
Json op_hello(const Args&, OpContext&);
Json op_counters(const Args&, OpContext&);
Json op_shutdown(const Args&, OpContext&);
Json op_reboot(const Args&, OpContext&);
// pmd.cpp
Json op_pmd_start(const Args&, OpContext&);
Json op_pmd_report(const Args&, OpContext&);
Json op_pmd_stop(const Args&, OpContext&);

}  // namespace valenic::agent
