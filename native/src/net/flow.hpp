// A number for the flow that a frame belongs to: frames are spread over queues by it.
//
// A flow is what its first bytes say: stations, VLANs, addresses, ports, and where there are none
// what replaces them (SPI, echo identifier, labels, a tunnel's key and the headers inside).
// What its frames do not have in common (lengths, sequence numbers, priorities) is left out.
#pragma once
#include <cstdint>

#include "net/batch.hpp"

namespace valenic {

/// What the hash begins with. Secret: a guest must not be able to aim at one queue of a receiver.
struct FlowSeed {
    uint64_t words[2];

    /// Another one for each number.
    static FlowSeed of(uint64_t number) noexcept;
};

/// @param bytes  How many may be read: at least an Ethernet header. At most 255.
/// @returns 32 bits, each of which depends on every bit of the flow.
uint32_t flow_hash(const uint8_t* frame, uint32_t bytes, const FlowSeed& seed) noexcept;

/// Of all frames of a batch, from their stages alone.
void hash_flows(const Batch& batch, const FlowSeed& seed, uint32_t* hashes) noexcept;

/// One of `count` places: the same number of hashes leads to each, give or take one.
constexpr uint32_t place_of(uint32_t hash, uint32_t count) noexcept {
    return static_cast<uint32_t>(uint64_t{hash} * count >> 32);
}

}  // namespace valenic
