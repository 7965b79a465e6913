// What a guest got, net headers included.
#pragma once
#include <cstring>
#include <vector>

#include "net/frames.hpp"
#include "switch_rig.hpp"

namespace valenic::test {

/// A frame, and the net header in front of it.
struct Got {
    Octets frame;
    spec::NetHeader header;
};
inline std::vector<Got> received(PortRig& port) {
    std::vector<Got> all;
    port.guest.net().receive(SIZE_MAX, [&](const uint8_t* frame, uint32_t bytes) {
        all.push_back({Octets(frame, frame + bytes), {}});
        std::memcpy(&all.back().header, frame - sizeof(spec::NetHeader), sizeof(spec::NetHeader));
    });
    return all;
}

}  // namespace valenic::test
