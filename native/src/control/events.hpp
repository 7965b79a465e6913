// What the engine says unasked, as messages.
#pragma once
#include <cstdint>
#include <vector>

#include "boundary/messages.hpp"

namespace valenic::control {

std::vector<uint8_t> event_message(const boundary::Event& event);
/// @param stats_bytes  Length of the stats page, whose memory file is to be beside the message.
std::vector<uint8_t> ready_message(uint64_t stats_bytes);

}  // namespace valenic::control
