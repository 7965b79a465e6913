// AF_XDP sockets at the queues of an interface, over one memory: kernel,
// Documentation/networking/af_xdp.rst. docs/decisions/0014 says why without a library.
#pragma once
#include <string>
#include <vector>

#include "base/fd.hpp"
#include "base/result.hpp"
#include "port/packet/packet_socket.hpp"

namespace valenic {

/// A frame lies in one chunk. The kernel keeps the beginning of each that it fills for programs
/// that put something in front: XDP_PACKET_HEADROOM.
inline constexpr uint32_t xdp_chunk_bytes = 2048;
inline constexpr uint32_t xdp_headroom_bytes = 256;
inline constexpr uint32_t xdp_frame_bytes_max = xdp_chunk_bytes - xdp_headroom_bytes;
/// Entries of each of a queue's four rings, and chunks that each direction has: as many as a packet
/// socket has slots.
inline constexpr uint32_t xdp_slots = packet_slots;
inline constexpr size_t xdp_direction_bytes = size_t{xdp_chunk_bytes} * xdp_slots;
/// A queue's part of the memory: chunks that come, then chunks that go.
inline constexpr size_t xdp_queue_bytes = 2 * xdp_direction_bytes;
/// An interface whose frames, two VLAN tags included, fit into a chunk.
inline constexpr uint32_t xdp_mtu_max = xdp_frame_bytes_max - 14 - 8;

struct XdpSockets {
    std::vector<OwnedFd> fds;  ///< One for each queue of the interface.
    OwnedFd memory;            ///< The chunks of all of them.
    OwnedFd interface;         ///< A packet socket that hears nothing: keeps it promiscuous.
    OwnedFd program;           ///< A BPF link: the program goes when it is closed.
    bool zero_copy = false;
    bool native = false;      ///< The driver runs the program; else the kernel, for any driver.
    bool loses_tags = false;  ///< The interface takes VLAN tags off, and nobody puts them back.
};

/// What the queues of one port share, in the order in which it is handed on.
enum XdpShared : uint8_t { xdp_memory, xdp_interface, xdp_program, xdp_shared_count };

/// One socket for each queue, and a program that gives them what comes there: nothing of it reaches
/// the host's own stack any more. What failed in it, `call` says:
/// `queues`: the interface has more of them (E2BIG) or fewer (ERANGE); `mtu`: above xdp_mtu_max;
/// `tags`: they would be lost, with `zero_copy_only`.
/// @param zero_copy_only  Refuses drivers that copy (EOPNOTSUPP).
Result<XdpSockets, PacketFailure> open_xdp_sockets(const std::string& name, unsigned queues,
                                                   bool zero_copy_only);

}  // namespace valenic
