// VLAN tags of the tests' frames, by plain insertion and removal of bytes.
#pragma once
#include <cstdint>
#include <vector>

namespace valenic::test {

using Tagged = std::vector<uint8_t>;

inline Tagged with_tag(Tagged frame, uint32_t control, uint32_t ethertype = 0x8100) {
    for (const uint32_t byte : {control, control >> 8, ethertype, ethertype >> 8})
        frame.insert(frame.begin() + 12, static_cast<uint8_t>(byte));
    return frame;
}
inline Tagged without_tag(Tagged frame) {
    frame.erase(frame.begin() + 12, frame.begin() + 16);
    return frame;
}

}  // namespace valenic::test
