// A stream in pieces as the input says: the frames are those of the whole stream, none is outside
// the memory, and after each step there is room for the largest.
#include "net/stream_framing.hpp"

#include <algorithm>
#include <cstdint>
#include <span>

#include "base/check.hpp"

using namespace valenic;

namespace {

/// Takes what is whole; `at` is where in the stream the next frame has to begin.
bool take_all(StreamFramer& framer, std::span<const uint8_t> stream, size_t& at) {
    for (;;) {
        const bool ready = framer.ready();
        std::span<const uint8_t> frame;
        const StreamFramer::Step step = framer.next(frame);
        CHECK(ready == (step != StreamFramer::Step::incomplete));
        if (step == StreamFramer::Step::broken) return false;
        if (step == StreamFramer::Step::incomplete) return true;
        CHECK(!frame.empty() && frame.size() <= largest_frame_bytes);
        CHECK(at + stream_header_bytes + frame.size() <= stream.size());
        CHECK(read_stream_length(stream.data() + at) == frame.size());
        const std::span<const uint8_t> wanted =
            stream.subspan(at + stream_header_bytes, frame.size());
        CHECK(std::equal(frame.begin(), frame.end(), wanted.begin()));
        at += stream_header_bytes + frame.size();
    }
}

}  // namespace

/// The first byte chooses the pieces' sizes, the rest is the stream.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size < 2) return 0;
    static StreamFramer framer;
    framer.reset();
    uint32_t state = data[0] * 2654435761u + 1;
    const std::span<const uint8_t> stream{data + 1, size - 1};
    size_t given = 0;
    size_t at = 0;
    while (given < stream.size()) {
        const std::span<uint8_t> room = framer.room();
        CHECK(!room.empty());
        state = state * 1664525u + 1013904223u;
        const size_t piece = std::min({room.size(), stream.size() - given, size_t{1} + state % 97});
        std::copy_n(stream.data() + given, piece, room.data());
        framer.filled(piece);
        given += piece;
        if (!take_all(framer, stream, at)) return 0;
        CHECK(framer.amid_frame() == (at != given));
    }
    return 0;
}
