// The table of kinds of port: a kind is a folder beside this, and one row.
#pragma once
#include <memory>
#include <vector>

#include "port/device.hpp"

namespace valenic {

/// A port of this kind, on no switch yet. Null: it has no row. (A name of native/boundary outlives
/// its kind, since numbers are never used again.)
std::unique_ptr<DevicePort> make_port(spec::PortKind kind, PortParts parts);
/// Those with a row.
std::vector<spec::PortKind> built_in_kinds();

}  // namespace valenic
