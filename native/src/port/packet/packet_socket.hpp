// Sockets at an interface of the host: packet(7).
#pragma once
#include <string>
#include <vector>

#include "base/fd.hpp"
#include "base/result.hpp"
#include "net/offload.hpp"

namespace valenic {

/// The ring of one socket. Frames of an Ethernet's usual MTU fit into a slot; longer ones, jumbo
/// frames and those that are still to be cut, wait in the socket beside it.
inline constexpr uint32_t packet_slot_bytes = 2048;
/// What comes while its owner sleeps, or is kept from its CPU, must find room: 2 ms at a million
/// frames a second.
inline constexpr uint32_t packet_slots = 2048;
inline constexpr size_t packet_ring_bytes = size_t{packet_slot_bytes} * packet_slots;

/// Why sockets could not be had: an errno and the call that had it.
struct PacketFailure {
    int number;
    const char* call;
};

/// One socket for each queue: they share what comes by its flow, and hear nothing of what this host
/// sends. EPROTOTYPE: the interface carries no Ethernet frames.
Result<std::vector<OwnedFd>, PacketFailure> open_packet_sockets(const std::string& name,
                                                                unsigned queues);

/// Takes the error that a socket woke its owner with; false: it has none.
bool take_socket_error(int fd) noexcept;
/// Whether a packet socket's interface was deleted, which leaves it nowhere; one that is only down
/// comes back by itself.
bool interface_is_gone(int packet_socket) noexcept;

/// What this host's kernel takes in front of a frame that is sent.
OffloadSet packet_offloads() noexcept;

}  // namespace valenic
