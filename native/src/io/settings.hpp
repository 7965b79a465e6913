// A port's settings: their ranges (native/boundary, PortSettings) and how a change is applied.
#pragma once
#include "io/engine.hpp"

namespace valenic {

/// The first rule that the change breaks, or nothing.
Done check_settings(const SettingsChange& change) noexcept;
/// What the change demands of the port's frames goes into its rules. Whether there was anything.
bool apply_rules(const SettingsChange& change, PortRules& rules) noexcept;

}  // namespace valenic
