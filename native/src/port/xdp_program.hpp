// The XDP program of a packet port: five instructions that give every frame to its queue's socket.
#pragma once
#include <span>

#include "base/fd.hpp"
#include "base/result.hpp"
#include "port/packet_socket.hpp"

namespace valenic {

struct AttachedProgram {
    OwnedFd link;
    bool native;
};

/// Attaches it for as long as the link is open: a process that is killed takes it along.
/// By the driver where it can, else by the kernel (generic XDP).
Result<AttachedProgram, PacketFailure> attach_xdp_program(int interface,
                                                          std::span<const OwnedFd> sockets);

}  // namespace valenic
