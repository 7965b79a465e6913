#include "control/control.hpp"

#include "boundary/message.hpp"
#include "boundary/messages.hpp"
#include "control/commands.hpp"
#include "control/events.hpp"
#include "control/failure.hpp"

namespace valenic::control {

namespace {

using boundary::Form;
using boundary::Head;

/// A command without an answer of its own.
template <typename Command>
std::vector<uint8_t> reply(const Head& head, const Command&, const Done& refusal) {
    if (refusal) return failure_message(head, *refusal);
    return message_of(head, Form::answer, typename Command::Answer{});
}

template <typename Command>
std::vector<uint8_t> reply(const Head& head, const Command&,
                           const Result<typename Command::Answer, Refusal>& result) {
    if (!result) return failure_message(head, result.error());
    return message_of(head, Form::answer, result.value());
}

}  // namespace

Control::Control(size_t ports_max, EventSink& sink, bool stats_in_file)
    : engine_(ports_max,
              {[&sink](const boundary::Event& event) { sink.event(event_message(event)); },
               [&sink] { sink.housekeeping_due(); }},
              stats_in_file) {}

std::vector<uint8_t> Control::run(std::span<const uint8_t> message,
                                  std::vector<OwnedFd> descriptors) {
    boundary::Reader in(message, descriptors.size());
    Head head;
    std::vector<uint8_t> answer;
    Commands commands(engine_, std::move(descriptors));
    if (decode(in, head)) {
        if (head.form != Form::command) in.malformed("it is not a command");
        read_command(head.number, in, [&](auto& command) {
            answer = reply(head, command, commands.handle(command));
        });
    }
    if (const auto& refused = in.refused()) return failure_message(head, *refused);
    return answer;
}

}  // namespace valenic::control
