// The virtio-net header in front of every frame, as a ring needs to know it.
#pragma once
#include <cstdint>
#include <cstring>

#include "net/batch.hpp"
#include "spec/virtio_features.hpp"
#include "spec/virtio_net.hpp"

namespace valenic {

/// 12 bytes with VERSION_1 or MRG_RXBUF, else the legacy 10 without num_buffers.
/// @spec virtio 1.2, 5.1.6 "Device Operation", 5.1.6.1 "Legacy Interface".
constexpr uint32_t net_header_bytes_for(uint64_t features) noexcept {
    const uint64_t longer = spec::feature_mask(spec::feature_version_1) |
                            spec::feature_mask(spec::net_feature_mrg_rxbuf);
    return (features & longer) != 0 ? spec::net_header_bytes : spec::net_header_legacy_bytes;
}
static_assert(spec::net_header_bytes == stage_header_room);

/// Nothing is offloaded: no flag and no segmentation may be asked for.
/// @spec virtio 1.2, 5.1.6.2.1: flags and gso_type are zero unless their features were negotiated.
inline bool asks_for_offload(const uint8_t* header) noexcept {
    uint16_t flags_and_gso;
    std::memcpy(&flags_and_gso, header, sizeof flags_and_gso);
    return flags_and_gso != 0;
}

/// What every receiver gets in front of a frame that occupies one buffer.
inline void write_plain_header(FrameStage& stage) noexcept {
    const uint64_t zeros = 0;
    const uint32_t one_buffer = uint32_t{1} << 16;  // num_buffers, little-endian. 5.1.6.4.
    std::memcpy(stage.net_header, &zeros, sizeof zeros);
    std::memcpy(stage.net_header + sizeof zeros, &one_buffer, sizeof one_buffer);
}

}  // namespace valenic
