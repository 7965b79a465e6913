// Messages that answer a command, or say why there is no answer.
#pragma once
#include <cstdint>
#include <vector>

#include "boundary/message.hpp"
#include "boundary/messages.hpp"
#include "io/engine.hpp"

namespace valenic::control {

/// A message of this version: an answer, a failure or an event.
template <typename Body>
std::vector<uint8_t> message_of(const boundary::Head& head, boundary::Form form, const Body& body) {
    boundary::Writer to;
    encode(to, boundary::Head{boundary::current_version, form, head.number, head.request});
    encode(to, body);
    return to.take();
}

std::vector<uint8_t> failure_message(const boundary::Head& head, const Refusal& refusal);
std::vector<uint8_t> failure_message(const boundary::Head& head, const boundary::Refused& refused);

}  // namespace valenic::control
