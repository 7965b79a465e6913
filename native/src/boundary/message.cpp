#include "boundary/message.hpp"

#include <string>

namespace valenic::boundary {

namespace {

constexpr size_t head_parts = 5;

bool reads_version(uint64_t version) noexcept {
    return version + 1 >= current_version && version <= current_version + 1;
}

}  // namespace

bool decode(Reader& in, Head& out) {
    size_t parts = 0;
    if (!in.begin(Major::array, parts) || parts != head_parts)
        return in.good() ? in.malformed("it has no head") : false;
    uint64_t version = 0, form = 0, number = 0;
    if (!in.head_number(version) || !in.head_number(form) || !in.head_number(number) ||
        !in.head_number(out.request))
        return false;
    if (!reads_version(version)) {
        return in.refuse(spec::CommandError::version_unknown,
                         "the message is of version " + std::to_string(version) +
                             ": this side reads " + std::to_string(current_version - 1) + ".." +
                             std::to_string(current_version + 1));
    }
    if (form >= static_cast<uint64_t>(Form::count) || number > UINT32_MAX)
        return in.malformed("no message is of this form or number");
    out.version = static_cast<uint32_t>(version);
    out.form = static_cast<Form>(form);
    out.number = static_cast<uint32_t>(number);
    return true;
}

void encode(Writer& to, const Head& head) {
    to.array(head_parts);
    to.number(head.version);
    to.number(static_cast<uint64_t>(head.form));
    to.number(head.number);
    to.number(head.request);
}

}  // namespace valenic::boundary
