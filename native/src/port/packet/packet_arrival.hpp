// A frame as packet(7) gives it: bytes, a net header and a VLAN tag beside them.
#pragma once
#include <cstdint>

#include "net/batch.hpp"
#include "net/net_header.hpp"

namespace valenic {

/// The kernel's header in front of a frame has the legacy length, without num_buffers.
inline constexpr uint32_t packet_header_bytes = spec::net_header_legacy_bytes;

/// One frame that arrived at an interface, before it is part of a batch.
struct PacketArrival {
    const uint8_t* net_header = nullptr;
    const uint8_t* frame = nullptr;  ///< Without a VLAN tag: the kernel takes the outer one out.
    uint32_t len_bytes = 0;          ///< Of the whole frame, without that tag.
    uint32_t here_bytes = 0;         ///< Of them at `frame`: at least 14.
    uint16_t tag_protocol = 0;
    uint16_t tag = 0;
    bool tagged = false;

    uint32_t tagged_bytes() const noexcept { return len_bytes + (tagged ? 4 : 0); }
};

/// Puts the beginning of a frame, its tag in its place, into the stage of the batch's next frame,
/// and says what the frame leaves to its receiver.
///
/// @param staged  Receives how many bytes at `frame` that were.
/// @param why     When it is refused: what the drop is counted under.
Asked stage_arrival(const PacketArrival& arrival, uint32_t longest, Batch& batch, uint32_t& staged,
                    spec::DropReason& why) noexcept;

/// Makes that frame part of the batch. All of it is at `frame` by then, and stays until release().
void append_arrival(const PacketArrival& arrival, uint32_t staged, Batch& batch) noexcept;

}  // namespace valenic
