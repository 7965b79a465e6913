#include "net/coalesce.hpp"

#include "net/adapt.hpp"
#include "net/frames.hpp"

using namespace valenic;
using namespace valenic::test;

namespace {

constexpr OffloadSet large_receive = offload_csum | offload_tso4 | offload_tso6;

struct Outcome {
    bool any = false;
    std::unique_ptr<RewrittenBatch> to = std::make_unique<RewrittenBatch>();
    size_t count() const { return to->batch.count; }
};
Outcome coalesced(const LoadedBatch& loaded, OffloadSet accepts = large_receive) {
    Outcome result;
    result.any =
        coalesce(*loaded.batch, {every_index.data(), loaded.batch->count}, accepts, *result.to);
    return result;
}

LoadedBatch load(const std::vector<FrameSpec>& specs) {
    LoadedBatch loaded;
    for (const FrameSpec& spec : specs) loaded.add(make_frame(spec));
    return loaded;
}

/// Two segments, of which the second was changed: are they put together?
template <typename Change>
bool together(Change change, FrameSpec first = {.payload = 1000}) {
    std::vector<FrameSpec> specs = following(first, 2);
    change(specs[1]);
    return coalesced(load(specs)).any;
}

}  // namespace

TEST_CASE("coalesce: segments that follow each other become one, which cuts into the same again") {
    for (const unsigned version : {4u, 6u}) {
        for (const unsigned tags : {0u, 2u}) {
            for (const uint32_t payload : {1448u, 40u, 1001u}) {
                FrameSpec first{.version = version, .tags = tags, .payload = payload};
                first.options = 12;
                std::vector<FrameSpec> specs = following(first, 20);
                specs.back().payload = payload - 5;
                specs.back().flags |= 0x08;
                const LoadedBatch loaded = load(specs);
                const Outcome result = coalesced(loaded);
                REQUIRE(result.any);
                REQUIRE(result.count() == 1);
                const Batch& batch = result.to->batch;
                CHECK(batch.needs_of(0) ==
                      (offload_csum | (version == 4 ? offload_tso4 : offload_tso6)));
                FrameSpec whole = first;
                whole.payload = 20 * payload - 5;
                spec::NetHeader header = gso_header(whole, payload);
                header.num_buffers = 1;
                const spec::NetHeader made = header_of(batch, 0);
                CHECK(std::memcmp(&made, &header, sizeof made) == 0);
                // The header that was made is one that a sender might send.
                FrameOffload offload;
                const Frame& frame = batch.frames[0];
                CHECK(check_net_header(made,
                                       {batch.stages[0].bytes, frame.stage_len, frame.len_bytes},
                                       large_receive, offload) == NetHeaderFault::none);
                const auto scratch = std::make_unique<RewrittenBatch>();
                size_t at = 0;
                adapt(batch, {every_index.data(), 1}, 0, *scratch,
                      [&](const Batch& cut, std::span<const uint8_t> indices) {
                          for (const uint8_t index : indices)
                              CHECK(flatten(cut, index) == flatten(*loaded.batch, at++));
                      });
                CHECK(at == 20);
            }
        }
    }
}

TEST_CASE("coalesce: only what is the next plain segment of the same flow") {
    CHECK(together([](FrameSpec&) {}));
    CHECK(together([](FrameSpec& spec) { spec.payload = 999; }));
    CHECK(together([](FrameSpec& spec) { spec.flags = 0x18; }));
    CHECK(together([](FrameSpec& spec) { spec.id = 99; }));  // "Don't fragment" is set.
    CHECK_FALSE(together([](FrameSpec& spec) { spec.sequence += 1; }));
    CHECK_FALSE(together([](FrameSpec& spec) { spec.payload = 1001; }));
    CHECK_FALSE(together([](FrameSpec& spec) { spec.payload = 0; }));
    CHECK_FALSE(together([](FrameSpec& spec) { spec.acknowledgment += 1; }));
    CHECK_FALSE(together([](FrameSpec& spec) { spec.window += 1; }));
    CHECK_FALSE(together([](FrameSpec& spec) { spec.source_port += 1; }));
    CHECK_FALSE(together([](FrameSpec& spec) { spec.options = 12; }));
    CHECK_FALSE(together([](FrameSpec& spec) { spec.ip_options = 4; }));
    CHECK_FALSE(together([](FrameSpec& spec) { spec.ttl = 63; }));
    CHECK_FALSE(together([](FrameSpec& spec) { spec.dont_fragment = false; }));
    CHECK_FALSE(together([](FrameSpec& spec) { spec.tags = 1; }));
    CHECK_FALSE(together([](FrameSpec& spec) { spec.tcp = false; }));
    for (const uint8_t flags : {0x11, 0x12, 0x14, 0x30, 0x50, 0x90, 0x00})
        CHECK_FALSE(together([&](FrameSpec& spec) { spec.flags = flags; }));
    FrameSpec may_fragment{.payload = 1000, .dont_fragment = false};
    CHECK(together([](FrameSpec&) {}, may_fragment));
    CHECK_FALSE(together([](FrameSpec& spec) { spec.id = 99; }, may_fragment));
    FrameSpec pushed{.payload = 1000, .flags = 0x18};
    CHECK_FALSE(together([](FrameSpec&) {}, pushed));
}

TEST_CASE("coalesce: nothing whose checksum is wrong, nor padding") {
    const std::vector<FrameSpec> specs = following({.payload = 1000}, 2);
    for (const size_t at : {24u, 60u, 1053u}) {  // IP header, payload, its last byte.
        LoadedBatch loaded;
        loaded.add(make_frame(specs[0]));
        Octets bad = make_frame(specs[1]);
        bad[at] ^= 1;
        loaded.add(bad);
        CHECK_FALSE(coalesced(loaded).any);
    }
    LoadedBatch loaded;
    loaded.add(make_frame(specs[0]));
    Octets padded = make_frame(specs[1]);
    padded.push_back(0);
    loaded.add(padded);
    CHECK_FALSE(coalesced(loaded).any);
}

TEST_CASE("coalesce: only towards whom takes it") {
    const LoadedBatch four = load(following({.payload = 1000}, 4));
    const LoadedBatch six = load(following({.version = 6, .payload = 1000}, 4));
    CHECK(coalesced(four, offload_csum | offload_tso4).any);
    CHECK_FALSE(coalesced(four, offload_csum | offload_tso6).any);
    CHECK(coalesced(six, offload_csum | offload_tso6).any);
    CHECK_FALSE(coalesced(six, offload_csum | offload_tso4).any);
    CHECK_FALSE(coalesced(four, offload_csum).any);
    CHECK(coalesced(four, offload_csum).count() == 0);
}

TEST_CASE("coalesce: flows side by side, each in its order; the rest goes on as it is") {
    std::vector<FrameSpec> specs;
    const std::vector<FrameSpec> a = following({.payload = 1000, .source_port = 1}, 6);
    const std::vector<FrameSpec> b = following({.payload = 1000, .source_port = 2}, 6);
    for (unsigned i = 0; i < 6; ++i) {
        specs.push_back(a[i]);
        specs.push_back(b[i]);
        specs.push_back({.tcp = false, .payload = 30 + i});
    }
    const LoadedBatch loaded = load(specs);
    const Outcome result = coalesced(loaded);
    REQUIRE(result.any);
    REQUIRE(result.count() == 8);
    CHECK(result.to->batch.frames[0].len_bytes == 54 + 6000);
    CHECK(result.to->batch.frames[1].len_bytes == 54 + 6000);
    for (unsigned i = 0; i < 6; ++i)
        CHECK(flatten(result.to->batch, 2 + i) == make_frame(specs[3 * i + 2]));
}

TEST_CASE("coalesce: what cannot be put together is not overtaken by what comes after it") {
    std::vector<FrameSpec> specs = following({.payload = 1000}, 5);
    specs[2].flags = 0x11;  // FIN in the middle: a flow of its own accord.
    const LoadedBatch loaded = load(specs);
    const Outcome result = coalesced(loaded);
    REQUIRE(result.count() == 3);
    CHECK(result.to->batch.frames[0].len_bytes == 54 + 2000);
    CHECK(flatten(result.to->batch, 1) == make_frame(specs[2]));
    CHECK(result.to->batch.frames[2].len_bytes == 54 + 2000);
}

TEST_CASE("coalesce: no longer than an IP datagram, no more pieces than a frame may have") {
    const LoadedBatch large = load(following({.payload = 1448}, 64));
    const Outcome big = coalesced(large);
    REQUIRE(big.count() == 2);
    CHECK(big.to->batch.frames[0].len_bytes == 54 + 45 * 1448);
    LoadedBatch many;
    for (const FrameSpec& spec : following({.payload = 100}, 20)) many.add(make_frame(spec), 1);
    const Outcome pieces = coalesced(many);
    REQUIRE(pieces.any);
    for (size_t i = 0; i < pieces.count(); ++i)
        CHECK(pieces.to->batch.frames[i].segment_count <= frame_segments_max);
}
