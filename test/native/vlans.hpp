// The VLANs of a test's ports.
#pragma once
#include <initializer_list>

#include "switch/rules.hpp"

namespace valenic::test {

inline PortVlan access_to(uint16_t vlan) { return {spec::VlanMode::access, vlan, {}}; }
inline PortVlan tunnel_in(uint16_t vlan) { return {spec::VlanMode::tunnel, vlan, {}}; }
inline PortVlan trunk_of(std::initializer_list<uint16_t> vlans, uint16_t native = vlan_none) {
    PortVlan port{spec::VlanMode::trunk, native, {}};
    for (const uint16_t vlan : vlans) port.members.set(vlan);
    if (native != vlan_none) port.members.set(native);
    return port;
}
inline PortVlan trunk_of_all(uint16_t native = vlan_none) {
    PortVlan port{spec::VlanMode::trunk, native, {}};
    port.members.set();
    port.members.reset(vlan_none);
    return port;
}

}  // namespace valenic::test
