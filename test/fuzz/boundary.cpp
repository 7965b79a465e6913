// Any bytes as a message of the boundary: reading them neither crashes nor reaches outside,
// whatever is read can be written, and what was written means the same when it is read again.
#include <cstddef>
#include <cstdint>
#include <span>
#include <variant>
#include <vector>

#include "base/check.hpp"
#include "boundary/reencode.hpp"

using namespace valenic;

/// The first byte is the number of descriptors beside it, the rest is the message.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size < 1) return 0;
    // A copy of just this length, so that a sanitizer sees what is read behind it.
    const std::vector<uint8_t> message(data + 1, data + size);
    const auto first = boundary::reencode(message, data[0]);
    if (const auto* refused = std::get_if<boundary::Refused>(&first)) {
        CHECK(!refused->text.empty() && refused->code != spec::CommandError::count);
        return 0;
    }
    const auto& written = std::get<std::vector<uint8_t>>(first);
    const auto second = boundary::reencode(written, data[0]);
    CHECK(std::holds_alternative<std::vector<uint8_t>>(second));
    CHECK(std::get<std::vector<uint8_t>>(second) == written);
    return 0;
}
