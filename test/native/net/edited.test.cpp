// Pushing, popping and numbering VLAN tags: the frame, byte by byte, and what is said of it.
#include "net/edited.hpp"

#include <cstring>

#include "net/adapt.hpp"
#include "net/frames.hpp"
#include "net/vlan.hpp"
#include "tags.hpp"

using namespace valenic;
using namespace valenic::test;

namespace {

constexpr TagEdit push_100{TagChange::push, ethertype_vlan, 100};
constexpr TagEdit pop{TagChange::pop};

/// About 60 KB: on the heap.
struct Retagging {
    std::unique_ptr<EditedBatch> made = std::make_unique<EditedBatch>();
    std::unique_ptr<RewrittenBatch> scratch = std::make_unique<RewrittenBatch>();

    void edit(const LoadedBatch& from, const TagEdit& edit) {
        made->begin(*from.batch);
        for (size_t i = 0; i < from.batch->count; ++i) REQUIRE(made->put(*from.batch, i, edit));
    }
    std::vector<Octets> cut(OffloadSet accepts) {
        std::vector<Octets> frames;
        const Batch& batch = made->batch();
        adapt(batch, {every_index.data(), batch.count}, accepts, *scratch,
              [&](const Batch& out, std::span<const uint8_t> indices) {
                  for (const uint8_t index : indices) frames.push_back(flatten(out, index));
              });
        return frames;
    }
};

std::vector<FrameSpec> specs() {
    std::vector<FrameSpec> all;
    for (const unsigned version : {4, 6})
        for (const bool tcp : {true, false})
            for (const unsigned tags : {0, 1})
                for (const uint32_t payload : {20, 60, 61, 62, 63, 64, 65, 70, 1400, 5000})
                    all.push_back({.version = version,
                                   .tcp = tcp,
                                   .tags = tags,
                                   .payload = payload,
                                   .options = tcp ? 12u : 0u});
    return all;
}

}  // namespace

TEST_SUITE("retag") {
    TEST_CASE("of frames of every length around a stage's: pushed, popped again, unchanged") {
        Retagging to;
        for (size_t bytes = 14; bytes < 140; ++bytes) {
            for (const uint32_t piece : {1, 3, 4096}) {
                Octets frame(bytes);
                for (size_t i = 0; i < bytes; ++i) frame[i] = static_cast<uint8_t>(i * 7 + 1);
                LoadedBatch from;
                from.add(frame, piece);
                to.edit(from, push_100);
                const Batch& pushed = to.made->batch();
                REQUIRE(pushed.frames[0].len_bytes == bytes + 4);
                REQUIRE(flatten(pushed, 0) == with_tag(frame, 100));
                LoadedBatch again;
                again.add(with_tag(frame, 0x6064), piece);
                to.edit(again, pop);
                REQUIRE(flatten(to.made->batch(), 0) == frame);
                // Whole lines of a stage are copied out: behind the frame there are zeros.
                const Frame& popped = to.made->batch().frames[0];
                const FrameStage& stage = to.made->batch().stages[0];
                for (size_t at = popped.stage_len; at < stage_frame_bytes; ++at)
                    REQUIRE(stage.bytes[at] == 0);
            }
        }
    }

    TEST_CASE("a tag without a VLAN gets its number and keeps its priority") {
        Retagging to;
        const Octets frame = make_frame({});
        LoadedBatch from;
        from.add(with_tag(frame, 0xf000, 0x88a8));
        to.edit(from, {TagChange::number, 0, 0x123});
        CHECK(flatten(to.made->batch(), 0) == with_tag(frame, 0xf123, 0x88a8));
    }

    TEST_CASE("partial checksums stay right: the header moves with the frame") {
        Retagging to;
        for (const FrameSpec& spec : specs()) {
            Octets partial = make_frame(spec);
            leave_partial(partial, spec);
            for (const uint32_t piece : {7, 4096}) {
                if (partial.size() > 1500 && piece == 7) continue;
                LoadedBatch from;
                REQUIRE(from.add_offloaded(partial, csum_header(spec), 0xff, piece) ==
                        NetHeaderFault::none);
                to.edit(from, push_100);
                spec::NetHeader expected = csum_header(spec);
                expected.csum_start = static_cast<uint16_t>(expected.csum_start + 4);
                expected.num_buffers = 1;
                const spec::NetHeader header = header_of(to.made->batch(), 0);
                REQUIRE(std::memcmp(&header, &expected, sizeof header) == 0);
                REQUIRE(flatten(to.made->batch(), 0) == with_tag(partial, 100));
                const auto completed = to.cut(0);
                REQUIRE(completed.size() == 1);
                REQUIRE(completed[0] == with_tag(make_frame(spec), 100));
            }
        }
    }

    TEST_CASE("big frames are cut into the same segments, each with the tag, or without it") {
        Retagging to;
        for (const FrameSpec& spec : specs()) {
            const Octets whole = make_frame(spec);
            Octets partial = whole;
            leave_partial(partial, spec);
            const uint32_t gso = 48;
            LoadedBatch from;
            if (spec.payload > gso * cut_segments_max) continue;
            REQUIRE(from.add_offloaded(partial, gso_header(spec, gso)) == NetHeaderFault::none);
            to.edit(from, push_100);
            REQUIRE(flatten(to.made->batch(), 0) == with_tag(partial, 100));
            spec::NetHeader expected = gso_header(spec, gso);
            expected.csum_start = static_cast<uint16_t>(expected.csum_start + 4);
            expected.hdr_len = static_cast<uint16_t>(expected.hdr_len + 4);
            expected.num_buffers = 1;
            const spec::NetHeader header = header_of(to.made->batch(), 0);
            REQUIRE(std::memcmp(&header, &expected, sizeof header) == 0);
            std::vector<Octets> tagged;
            for (const Octets& segment : reference_cut(whole, spec, gso))
                tagged.push_back(with_tag(segment, 100));
            REQUIRE(to.cut(0) == tagged);

            if (spec.tags == 0) continue;
            to.edit(from, pop);
            REQUIRE(flatten(to.made->batch(), 0) == without_tag(partial));
            std::vector<Octets> bare;
            for (const Octets& segment : reference_cut(whole, spec, gso))
                bare.push_back(without_tag(segment));
            REQUIRE(to.cut(0) == bare);
        }
    }

    TEST_CASE("a big frame whose headers a tag would drive out of the stage has no room for one") {
        // 14 + 40 + 20 bytes of TCP; each extension header adds 8 of the 116.
        for (const uint32_t extensions : {4, 5}) {
            const FrameSpec spec{.version = 6, .payload = 3000, .extensions = extensions};
            Octets partial = make_frame(spec);
            leave_partial(partial, spec);
            LoadedBatch big;
            REQUIRE(big.add_offloaded(partial, gso_header(spec, 1000)) == NetHeaderFault::none);
            CHECK(has_room_for_tag(*big.batch, 0) == (extensions == 4));
            LoadedBatch small;  // Nothing of it is cut.
            REQUIRE(small.add_offloaded(partial, csum_header(spec)) == NetHeaderFault::none);
            CHECK(has_room_for_tag(*small.batch, 0));
        }
    }

    TEST_CASE("a frame of the largest length, or of the most pieces, has no room for a tag") {
        LoadedBatch from;
        from.add(Octets(largest_frame_bytes - 4, 1), 65'550);
        from.add(Octets(largest_frame_bytes - 3, 1), 65'550);
        from.add(Octets(stage_frame_bytes + frame_segments_max - 1, 1), 1);
        from.add(Octets(stage_frame_bytes + frame_segments_max, 1), 1);
        CHECK(has_room_for_tag(*from.batch, 0));
        CHECK_FALSE(has_room_for_tag(*from.batch, 1));
        CHECK(has_room_for_tag(*from.batch, 2));
        CHECK_FALSE(has_room_for_tag(*from.batch, 3));
    }

    TEST_CASE("a full batch says so, and the frame that did not fit begins the next one") {
        LoadedBatch from;
        for (unsigned i = 0; i < 250; ++i) from.add(Octets(stage_frame_bytes + 4, 7), 1);
        Retagging to;
        to.made->begin(*from.batch);
        size_t index = 0;
        while (to.made->put(*from.batch, index, push_100)) ++index;
        CHECK(index == batch_segments / 5);
        to.made->begin(*from.batch);
        REQUIRE(to.made->put(*from.batch, index, push_100));
        CHECK(flatten(to.made->batch(), index) == with_tag(Octets(stage_frame_bytes + 4, 7), 100));
    }
}
