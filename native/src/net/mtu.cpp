#include "net/mtu.hpp"

#include <algorithm>

namespace valenic {

namespace {

constexpr uint32_t tag_bytes = 4;
/// QinQ: an outer and an inner tag. IEEE 802.1Q-2022, 9.6 and annex G.
constexpr unsigned tags_max = 2;

/// Bytes of the tags that stand before the EtherType of the packet.
uint32_t tags_of(const FrameStage& stage) noexcept {
    uint32_t bytes = 0;
    for (unsigned tag = 0; tag < tags_max; ++tag) {
        const uint8_t* type = stage.bytes + ethernet_header_bytes - 2 + bytes;
        const bool tagged =
            (type[0] == 0x81 && type[1] == 0x00) || (type[0] == 0x88 && type[1] == 0xa8);
        if (!tagged) break;
        bytes += tag_bytes;
    }
    return bytes;
}

}  // namespace

uint32_t packet_bytes(const Batch& batch, size_t index) noexcept {
    const uint32_t len = batch.frames[index].len_bytes;
    if (batch.offloaded && (batch.needs[index] & offload_segmentation) != 0) {
        const FrameOffload& offload = batch.offloads[index];
        const uint32_t cut = std::min(len, uint32_t{offload.header_bytes} + offload.gso_bytes);
        return cut - offload.network_at;
    }
    const uint32_t before = ethernet_header_bytes + tags_of(batch.stages[index]);
    return len > before ? len - before : 0;
}

std::span<const uint8_t> within_mtu(const Batch& batch, std::span<const uint8_t> indices,
                                    uint32_t mtu, uint8_t* kept) noexcept {
    const uint32_t untagged_bytes = mtu + ethernet_header_bytes;
    bool all = true;
    for (const uint8_t index : indices) all &= batch.frames[index].len_bytes <= untagged_bytes;
    if (all) return indices;
    size_t count = 0;
    for (const uint8_t index : indices) {
        const bool fits =
            batch.frames[index].len_bytes <= untagged_bytes || packet_bytes(batch, index) <= mtu;
        kept[count] = index;
        count += fits;
    }
    return {kept, count};
}

}  // namespace valenic
