// Reads a message of any form and writes it again: how tests and the fuzzer see that a message
// means the same to both sides, and that what can be read can be written.
#pragma once
#include <cstdint>
#include <span>
#include <variant>
#include <vector>

#include "boundary/reader.hpp"

namespace valenic::boundary {

/// @param descriptors  How many came beside the message.
/// @return  The message as this version writes it, or why it is refused.
std::variant<std::vector<uint8_t>, Refused> reencode(std::span<const uint8_t> message,
                                                     size_t descriptors);

}  // namespace valenic::boundary
