#include "net/mtu.hpp"

#include <algorithm>

#include "net/vlan.hpp"

namespace valenic {

uint32_t packet_bytes(const Batch& batch, size_t index) noexcept {
    const uint32_t len = batch.frames[index].len_bytes;
    if (batch.offloaded && (batch.needs[index] & offload_segmentation) != 0) {
        const FrameOffload& offload = batch.offloads[index];
        const uint32_t cut = std::min(len, uint32_t{offload.header_bytes} + offload.gso_bytes);
        return cut - offload.network_at;
    }
    const uint32_t before = tags_of(batch.stages[index].bytes, batch.frames[index].stage_len).end;
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
