#include "control/failure.hpp"

#include <cstring>

namespace valenic::control {

std::vector<uint8_t> failure_message(const boundary::Head& head, const Refusal& refusal) {
    boundary::Failure failure;
    failure.code = refusal.code();
    failure.text = refusal.text();
    failure.doing = refusal.doing;
    if (*refusal.rule != '\0') failure.text += std::string(": ") + refusal.rule;
    if (refusal.error_number != 0) {
        failure.error_number = static_cast<uint32_t>(refusal.error_number);
        const char* said = ::strerrordesc_np(refusal.error_number);
        failure.text += ": " + failure.doing + ": " + (said != nullptr ? said : "unknown error");
    }
    return message_of(head, boundary::Form::failure, failure);
}

std::vector<uint8_t> failure_message(const boundary::Head& head, const boundary::Refused& refused) {
    boundary::Failure failure;
    failure.code = spec::name_of(refused.code);
    failure.text = refused.text;
    return message_of(head, boundary::Form::failure, failure);
}

}  // namespace valenic::control
