#include "control/events.hpp"

#include "control/failure.hpp"

namespace valenic::control {

namespace {

template <typename Event>
std::vector<uint8_t> message(const Event& event) {
    return message_of({boundary::current_version, boundary::Form::event, Event::event_number, 0},
                      boundary::Form::event, event);
}

}  // namespace

std::vector<uint8_t> ready_message(uint64_t stats_bytes) {
    return message(boundary::ReadyEvent{stats_bytes, boundary::Descriptor{0}});
}

std::vector<uint8_t> event_message(const boundary::Event& event) {
    return std::visit([](const auto& one) { return message(one); }, event);
}

}  // namespace valenic::control
