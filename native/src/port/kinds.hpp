// The table of kinds of port: a kind is a folder beside this, and one row.
#pragma once
#include <memory>

#include "port/device.hpp"

namespace valenic {

/// A port of this kind, on no switch yet.
std::unique_ptr<DevicePort> make_port(spec::PortKind kind, PortParts parts);

}  // namespace valenic
