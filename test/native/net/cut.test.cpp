#include "net/cut.hpp"

#include "net/adapt.hpp"
#include "net/frames.hpp"

using namespace valenic;
using namespace valenic::test;

namespace {

struct Seen {
    std::vector<Octets> frames;
    std::vector<spec::NetHeader> headers;
    size_t batches = 0;
    AdaptCounts counts;
};

/// All that one receiver gets of a batch.
Seen adapt_all(const LoadedBatch& loaded, OffloadSet accepts) {
    Seen seen;
    const auto scratch = std::make_unique<RewrittenBatch>();
    const std::span<const uint8_t> all{every_index.data(), loaded.batch->count};
    seen.counts = adapt(*loaded.batch, all, accepts, *scratch,
                        [&](const Batch& batch, std::span<const uint8_t> indices) {
                            ++seen.batches;
                            uint64_t bytes = 0;
                            for (const uint8_t index : indices) {
                                seen.frames.push_back(flatten(batch, index));
                                seen.headers.push_back(header_of(batch, index));
                                CHECK(seen.frames.back().size() == batch.frames[index].len_bytes);
                                CHECK((batch.needs_of(index) & ~accepts) == 0);
                                bytes += batch.frames[index].len_bytes;
                            }
                            CHECK(bytes == batch.bytes);
                        });
    return seen;
}

std::vector<FrameSpec> every_kind(uint32_t payload) {
    std::vector<FrameSpec> kinds;
    for (const unsigned version : {4u, 6u})
        for (const bool tcp : {true, false})
            for (const unsigned tags : {0u, 1u, 2u})
                kinds.push_back({.version = version, .tcp = tcp, .tags = tags, .payload = payload});
    kinds.push_back({.payload = payload, .options = 12, .ip_options = 8});
    kinds.push_back({.version = 6, .payload = payload, .options = 20, .extensions = 2});
    kinds.push_back({.version = 6, .tags = 2, .payload = payload, .options = 40});
    return kinds;
}

}  // namespace

TEST_CASE("cut: every kind of frame becomes the segments that the reference makes") {
    for (const FrameSpec& spec : every_kind(7001)) {
        for (const uint32_t gso_bytes : {1448u, 1000u, 33u, 7001u, 9000u}) {
            for (const uint32_t piece_bytes : {4096u, 1001u, 64u}) {
                Octets frame = make_frame(spec);
                const std::vector<Octets> expected = reference_cut(frame, spec, gso_bytes);
                leave_partial(frame, spec);
                LoadedBatch loaded;
                REQUIRE(loaded.add_offloaded(frame, gso_header(spec, gso_bytes), 0xff,
                                             piece_bytes) == NetHeaderFault::none);
                const Seen seen = adapt_all(loaded, 0);
                REQUIRE(seen.frames.size() == expected.size());
                for (size_t i = 0; i < expected.size(); ++i) REQUIRE(seen.frames[i] == expected[i]);
                for (const spec::NetHeader& header : seen.headers) {
                    const spec::NetHeader zeros{.num_buffers = 1};
                    REQUIRE(std::memcmp(&header, &zeros, sizeof header) == 0);
                }
                CHECK(seen.counts.cut == 1);
                CHECK(seen.counts.segments == expected.size());
            }
        }
    }
}

TEST_CASE("cut: a receiver that completes checksums gets segments with partial ones") {
    for (const FrameSpec& spec : every_kind(5000)) {
        Octets frame = make_frame(spec);
        std::vector<Octets> expected = reference_cut(frame, spec, 1448);
        leave_partial(frame, spec);
        LoadedBatch loaded;
        REQUIRE(loaded.add_offloaded(frame, gso_header(spec, 1448)) == NetHeaderFault::none);
        const Seen seen = adapt_all(loaded, offload_csum);
        REQUIRE(seen.frames.size() == expected.size());
        for (size_t i = 0; i < expected.size(); ++i) {
            leave_partial(expected[i], spec);
            REQUIRE(seen.frames[i] == expected[i]);
            spec::NetHeader header = csum_header(spec);
            header.num_buffers = 1;
            REQUIRE(std::memcmp(&seen.headers[i], &header, sizeof header) == 0);
        }
    }
}

TEST_CASE("cut: FIN and PSH go to the last segment, CWR to the first, numbers wrap") {
    const FrameSpec spec{.payload = 3000, .flags = 0x99, .sequence = 0xffff'fc00, .id = 0xffff};
    Octets frame = make_frame(spec);
    const std::vector<Octets> expected = reference_cut(frame, spec, 1000);
    leave_partial(frame, spec);
    LoadedBatch loaded;
    REQUIRE(loaded.add_offloaded(frame, gso_header(spec, 1000, true)) == NetHeaderFault::none);
    const Seen seen = adapt_all(loaded, offload_csum | offload_tso4);  // But not ECN.
    const Seen complete = adapt_all(loaded, 0);
    CHECK(complete.frames == expected);
    CHECK(seen.frames.size() == 3);
    CHECK(seen.frames[0][34 + 13] == 0x90);
    CHECK(seen.frames[1][34 + 13] == 0x10);
    CHECK(seen.frames[2][34 + 13] == 0x19);
    CHECK(get32(seen.frames[2], 34 + 4) == 0xffff'fc00u + 2000u);
    CHECK(get16(seen.frames[1], 14 + 4) == 0);
}

TEST_CASE("cut: a big frame goes on untouched to whom takes it") {
    for (const FrameSpec& spec : every_kind(60'000)) {
        Octets frame = make_frame(spec);
        leave_partial(frame, spec);
        LoadedBatch loaded;
        REQUIRE(loaded.add_offloaded(frame, gso_header(spec, 1448)) == NetHeaderFault::none);
        const Seen seen = adapt_all(loaded, loaded.batch->needs_of(0));
        REQUIRE(seen.frames.size() == 1);
        CHECK(seen.frames[0] == frame);
        spec::NetHeader header = gso_header(spec, 1448);
        header.num_buffers = 1;
        CHECK(std::memcmp(&seen.headers[0], &header, sizeof header) == 0);
        CHECK(seen.counts.whole == 1);
        CHECK(seen.counts.cut == 0);
    }
}

TEST_CASE("cut: the most segments that a frame may become, in bounded batches") {
    const FrameSpec spec{.tcp = false, .payload = cut_segments_max * 5};
    Octets frame = make_frame(spec);
    const std::vector<Octets> expected = reference_cut(frame, spec, 5);
    leave_partial(frame, spec);
    LoadedBatch loaded;
    REQUIRE(loaded.add_offloaded(frame, gso_header(spec, 5), 0xff, 7) == NetHeaderFault::none);
    const Seen seen = adapt_all(loaded, 0);
    CHECK(seen.frames == expected);
    CHECK(seen.batches == cut_segments_max / batch_frames);
}

TEST_CASE("cut: a frame of as many pieces as there may be, of a byte each") {
    const FrameSpec spec{.payload = stage_frame_bytes - 54 + frame_segments_max};
    Octets frame = make_frame(spec);
    const std::vector<Octets> expected = reference_cut(frame, spec, 200);
    leave_partial(frame, spec);
    LoadedBatch loaded;
    for (unsigned i = 0; i < 3; ++i)
        REQUIRE(loaded.add_offloaded(frame, gso_header(spec, 200), 0xff, 1) ==
                NetHeaderFault::none);
    const Seen seen = adapt_all(loaded, 0);
    REQUIRE(seen.frames.size() == 3 * expected.size());
    for (size_t i = 0; i < seen.frames.size(); ++i)
        CHECK(seen.frames[i] == expected[i % expected.size()]);
}

TEST_CASE("complete: every kind of frame gets the checksum that the reference computes") {
    for (const uint32_t payload : {0u, 1u, 37u, 1447u, 8000u}) {
        for (const FrameSpec& spec : every_kind(payload)) {
            const Octets expected = make_frame(spec);
            Octets frame = expected;
            leave_partial(frame, spec);
            LoadedBatch loaded;
            REQUIRE(loaded.add_offloaded(frame, csum_header(spec), 0xff, 333) ==
                    NetHeaderFault::none);
            const Seen seen = adapt_all(loaded, 0);
            REQUIRE(seen.frames.size() == 1);
            REQUIRE(seen.frames[0] == expected);
            CHECK(seen.counts.completed == 1);
            CHECK(seen.headers[0].flags == 0);
        }
    }
}

TEST_CASE("complete: a field behind the stage, across its end, and in any piece") {
    const FrameSpec spec{.payload = 300};
    const Octets frame = make_frame(spec);
    for (size_t field = 80; field + 2 <= frame.size(); ++field) {
        for (const uint32_t piece_bytes : {1u, 2u, 7u, 1000u}) {
            Octets expected = frame;
            const uint32_t sum = plain_sum(frame, 70, frame.size());
            set16(expected, field, 0xffff - sum % 0xffff);
            if ((field - 70) % 2 != 0) continue;  // A checksum field is a word of what is summed.
            spec::NetHeader header{.flags = 1, .csum_start = 70};
            header.csum_offset = static_cast<uint16_t>(field - 70);
            LoadedBatch loaded;
            REQUIRE(loaded.add_offloaded(frame, header, 0xff, piece_bytes) == NetHeaderFault::none);
            const Seen seen = adapt_all(loaded, 0);
            REQUIRE(seen.frames.size() == 1);
            REQUIRE(seen.frames[0] == expected);
        }
    }
}

TEST_CASE("complete: a result of zero is sent as 0xffff") {
    FrameSpec spec{.tcp = false, .payload = 2};
    Octets frame = make_frame(spec);
    const uint32_t sum = get16(frame, frame.size() - 2) + get16(frame, checksum_at(spec));
    set16(frame, frame.size() - 2, sum > 0xffff ? sum - 0xffff : sum);  // Now it is 0xffff in all.
    leave_partial(frame, spec);
    LoadedBatch loaded;
    REQUIRE(loaded.add_offloaded(frame, csum_header(spec)) == NetHeaderFault::none);
    CHECK(get16(adapt_all(loaded, 0).frames[0], checksum_at(spec)) == 0xffff);
}

TEST_CASE("adapt: frames keep their order, whatever is done to each") {
    LoadedBatch loaded;
    std::vector<Octets> expected;
    for (unsigned i = 0; i < batch_frames; ++i) {
        FrameSpec spec{.payload = 100 + i, .sequence = i};
        if (i % 4 == 1) spec.payload = 4000;
        Octets frame = make_frame(spec);
        if (i % 4 == 1) {
            const auto segments = reference_cut(frame, spec, 1448);
            expected.insert(expected.end(), segments.begin(), segments.end());
            leave_partial(frame, spec);
            REQUIRE(loaded.add_offloaded(frame, gso_header(spec, 1448)) == NetHeaderFault::none);
        } else if (i % 4 == 2) {
            expected.push_back(frame);
            leave_partial(frame, spec);
            REQUIRE(loaded.add_offloaded(frame, csum_header(spec)) == NetHeaderFault::none);
        } else {
            expected.push_back(frame);
            loaded.add(frame);
        }
    }
    const Seen seen = adapt_all(loaded, 0);
    CHECK(seen.frames == expected);
    CHECK(seen.counts.cut == batch_frames / 4);
    CHECK(seen.counts.segments == 3 * batch_frames / 4);
    CHECK(seen.counts.completed == batch_frames / 4);
    CHECK(seen.batches == 2);
    const std::span<const uint8_t> all{every_index.data(), loaded.batch->count};
    CHECK(needs_adapting(*loaded.batch, all, offload_csum));
    CHECK_FALSE(needs_adapting(*loaded.batch, all, offload_csum | offload_tso4));
    CHECK_FALSE(needs_adapting(*loaded.batch, all.first(1), 0));
}
