// The commands for a guest's device: its memory and its rings.
#pragma once
#include <vector>

#include "port/vhost/vhost.hpp"

namespace valenic {

/// Each command blocks until what it asks for holds. `id` is the engine's number of a port; of one
/// of another kind the command is refused.
class VhostCommands {
 public:
    explicit VhostCommands(PortHost& host) : host_(host) {}

    Done set_memory(uint32_t id, std::vector<RegionSpec> regions);
    Done set_features(uint32_t id, uint64_t features);
    /// Takes the descriptors in every case; -1 = none. Returns where the ring begins.
    Result<uint16_t, Refusal> start_ring(uint32_t id, unsigned ring, const RingConfig& config,
                                         OwnedFd kick, OwnedFd call, bool enabled);
    /// Returns the next available index that was not taken.
    Result<uint16_t, Refusal> stop_ring(uint32_t id, unsigned ring);
    Done enable_ring(uint32_t id, unsigned ring, bool enabled);
    Done set_call(uint32_t id, unsigned ring, OwnedFd call);
    Done set_kick(uint32_t id, unsigned ring, OwnedFd kick);
    Done move_ring(uint32_t id, unsigned ring, const RingConfig& config);
    Result<std::vector<RingState>, Refusal> ring_states(uint32_t id);

 private:
    Result<VhostPort*, Refusal> find_ring(uint32_t id, unsigned ring) noexcept;

    PortHost& host_;
};

}  // namespace valenic
