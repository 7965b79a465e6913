// Messages: `[version, form, number, request, body]`. native/boundary/wire.ts is the other side.
#pragma once
#include <cstdint>

#include "boundary/reader.hpp"
#include "boundary/writer.hpp"

namespace valenic::boundary {

/// What a message is, in the order of native/boundary/wire.ts.
enum class Form : uint8_t { command, answer, failure, event, count };

struct Head {
    uint32_t version = 0;
    Form form = Form::command;
    uint32_t number = 0;   ///< Of a command; of an event.
    uint64_t request = 0;  ///< Of the sender's choice: the answer has the same.
};

/// False: it is refused, for instance as of another version. What was read is in `out`.
bool decode(Reader& in, Head& out);
void encode(Writer& to, const Head& head);

}  // namespace valenic::boundary
