// QEMU's framing of a byte stream: whatever the pieces, the same frames.
#include "net/stream_framing.hpp"

#include "rig.hpp"

using namespace valenic;
using namespace valenic::test;
using Step = StreamFramer::Step;

namespace {

Bytes framed(const std::vector<Bytes>& frames) {
    Bytes stream;
    for (const Bytes& frame : frames) {
        uint8_t length[stream_header_bytes];
        write_stream_length(length, static_cast<uint32_t>(frame.size()));
        stream.insert(stream.end(), length, length + sizeof length);
        stream.insert(stream.end(), frame.begin(), frame.end());
    }
    return stream;
}

void give(StreamFramer& framer, std::span<const uint8_t> bytes) {
    const std::span<uint8_t> room = framer.room();
    REQUIRE(room.size() >= bytes.size());
    std::copy(bytes.begin(), bytes.end(), room.begin());
    framer.filled(bytes.size());
}

std::vector<Bytes> take(StreamFramer& framer) {
    std::vector<Bytes> frames;
    std::span<const uint8_t> frame;
    while (framer.next(frame) == Step::frame) frames.emplace_back(frame.begin(), frame.end());
    return frames;
}

}  // namespace

TEST_SUITE("stream framing") {
    TEST_CASE("the length is big-endian") {
        uint8_t bytes[4];
        write_stream_length(bytes, 0x010203);
        CHECK(Bytes(bytes, bytes + 4) == Bytes{0, 1, 2, 3});
        CHECK(read_stream_length(bytes) == 0x010203);
    }
    TEST_CASE("cut at every byte, the frames are the same") {
        const std::vector<Bytes> frames{frame_of(60, 1), frame_of(1), frame_of(200, 2)};
        const Bytes stream = framed(frames);
        for (size_t cut = 0; cut <= stream.size(); ++cut) {
            StreamFramer framer;
            give(framer, {stream.data(), cut});
            std::vector<Bytes> got = take(framer);
            CHECK_FALSE(framer.ready());
            give(framer, {stream.data() + cut, stream.size() - cut});
            for (const Bytes& frame : take(framer)) got.push_back(frame);
            CHECK(got == frames);
            CHECK_FALSE(framer.amid_frame());
        }
    }
    TEST_CASE("byte by byte, as many as one likes: there is always room for the largest") {
        const Bytes largest = frame_of(largest_frame_bytes, 3);
        const Bytes stream = framed({largest});
        StreamFramer framer;
        for (unsigned turn = 0; turn < 6; ++turn) {
            size_t at = 0;
            for (const size_t piece : {size_t{1}, size_t{3}, size_t{1}, stream.size() - 5}) {
                give(framer, {stream.data() + at, piece});
                at += piece;
                if (at < stream.size()) {
                    CHECK(take(framer).empty());
                    CHECK(framer.amid_frame());
                }
            }
            CHECK(framer.ready());
            CHECK(take(framer) == std::vector<Bytes>{largest});
        }
    }
    TEST_CASE("a length of 0 or above the largest frame breaks the stream, and it stays broken") {
        for (const uint32_t length : {0u, largest_frame_bytes + 1, 0xffff'ffffu}) {
            StreamFramer framer;
            Bytes stream = framed({frame_of(60)});
            const size_t before = stream.size();
            stream.resize(before + 4);
            write_stream_length(stream.data() + before, length);
            give(framer, stream);
            CHECK(take(framer).size() == 1);
            CHECK(framer.ready());
            std::span<const uint8_t> frame;
            for (int turn = 0; turn < 2; ++turn) {
                CHECK(framer.next(frame) == Step::broken);
                CHECK(framer.fault() == (length == 0 ? spec::Fault::stream_length_zero
                                                     : spec::Fault::stream_length_excessive));
            }
            framer.reset();
            CHECK(framer.next(frame) == Step::incomplete);
        }
    }
}
