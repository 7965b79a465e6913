#include "boundary/reencode.hpp"

#include "boundary/message.hpp"
#include "boundary/messages.hpp"

namespace valenic::boundary {

std::variant<std::vector<uint8_t>, Refused> reencode(std::span<const uint8_t> message,
                                                     size_t descriptors) {
    Reader in(message, descriptors);
    Writer to;
    Head head;
    if (decode(in, head)) {
        encode(to, Head{current_version, head.form, head.number, head.request});
        const auto write = [&](const auto& body) { encode(to, body); };
        switch (head.form) {
            case Form::command:
                read_command(head.number, in, write);
                break;
            case Form::answer:
                read_answer(head.number, in, write);
                break;
            case Form::event:
                read_event(head.number, in, write);
                break;
            default:
                with<Failure>(in, write);
        }
    }
    if (in.refused()) return *in.refused();
    return to.take();
}

}  // namespace valenic::boundary
