// Which frames of a batch a receiver's MTU lets pass.
#pragma once
#include <cstdint>
#include <span>

#include "net/batch.hpp"

namespace valenic {

/// The packet of one frame in bytes, as an MTU counts: without Ethernet header and tags. Of a big
/// frame the longest that it is to be cut into, whoever does that.
uint32_t packet_bytes(const Batch& batch, size_t index) noexcept;

/// The frames that `mtu` lets pass, in their order: `indices` itself when all do, which costs one
/// look at each length.
///
/// @param kept  Room for as many; what is returned may lie in it.
std::span<const uint8_t> within_mtu(const Batch& batch, std::span<const uint8_t> indices,
                                    uint32_t mtu, uint8_t* kept) noexcept;

}  // namespace valenic
