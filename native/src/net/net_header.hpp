// The virtio-net header in front of every frame, as a ring needs to know it.
#pragma once
#include <cstdint>
#include <cstring>

#include "boundary/names.hpp"
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

/// Whether a frame leaves anything to its receiver: most do not, and are not looked at further.
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

/// What a frame that asks for something gets.
enum class Asked : uint8_t {
    granted,
    refused,  ///< Not negotiated, a lie, or longer than the port's largest frame even when cut.
    no_room,  ///< Cut with what is in the batch, it might make too many frames: the next batch's.
};

/// What is the same for all the frames of a fetch.
struct TxRules {
    uint32_t header_bytes;
    uint32_t max_frame_bytes;
    OffloadSet offloads;  ///< offloads_of_sender(): what they may ask for.
};

/// Looks at what frame `index` of a batch asks for, the next one. When it is granted, the batch
/// says so of that frame, and its stage has the header that a receiver gets.
///
/// @param header     A private copy of the sender's, as long as its own is.
/// @param len_bytes  Of the frame; its stage holds the first of them.
/// @param why        When it is refused: what the drop is counted under.
Asked grant_offload(const uint8_t* header, uint32_t len_bytes, const TxRules& rules, Batch& batch,
                    size_t index, spec::DropReason& why) noexcept;

}  // namespace valenic
