// What the engine says unasked, as messages.
#pragma once
#include <cstdint>
#include <vector>

#include "io/engine.hpp"

namespace valenic::control {

/// @param event  Not housekeeping_due, which stays on this side.
std::vector<uint8_t> event_message(const EngineEvent& event);
/// @param stats_bytes  Length of the stats page, whose memory file is to be beside the message.
std::vector<uint8_t> ready_message(uint64_t stats_bytes);

}  // namespace valenic::control
