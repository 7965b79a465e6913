// The XDP program of a packet port: it gives every frame to its queue's socket.
#pragma once
#include <span>

#include "base/fd.hpp"
#include "base/result.hpp"
#include "port/packet/packet_socket.hpp"

namespace valenic {

struct AttachedProgram {
    OwnedFd link;
    bool native;
    bool restores_tags;  ///< It asks the driver for a VLAN tag that is kept beside the frame.
};

/// Attaches it for as long as the link is open: a process that is killed takes it along.
/// By the driver where it can, else by the kernel (generic XDP).
Result<AttachedProgram, PacketFailure> attach_xdp_program(int interface,
                                                          std::span<const OwnedFd> sockets);

}  // namespace valenic
