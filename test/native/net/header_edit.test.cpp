// Rewritten headers: byte by byte what a new frame with these fields would be, checksums too.
#include "net/header_edit.hpp"

#include <cstring>
#include <random>

#include "net/adapt.hpp"
#include "net/edited.hpp"
#include "net/frames.hpp"
#include "tags.hpp"

using namespace valenic;
using namespace valenic::test;

namespace {

using Value = std::vector<uint8_t>;

FieldEdit set(Field field, const Value& value, const Value& mask = {}) {
    FieldEdit edit{field, {}, {}};
    REQUIRE(value.size() == bytes_of(field));
    std::copy(value.begin(), value.end(), edit.value);
    std::fill_n(edit.mask, value.size(), uint8_t{0xff});
    std::copy(mask.begin(), mask.end(), edit.mask);
    return edit;
}

/// About 120 KB: on the heap.
struct Editing {
    std::unique_ptr<EditedBatch> made = std::make_unique<EditedBatch>();
    std::unique_ptr<RewrittenBatch> scratch = std::make_unique<RewrittenBatch>();

    EditResult edit(const LoadedBatch& from, const FieldEdit& field) {
        made->begin(*from.batch);
        REQUIRE(made->put(*from.batch, 0));
        return made->set_field(0, field);
    }
    Octets frame() const { return flatten(made->batch(), 0); }
    std::vector<Octets> cut() {
        std::vector<Octets> frames;
        const Batch& batch = made->batch();
        adapt(batch, {every_index.data(), batch.count}, 0, *scratch,
              [&](const Batch& out, std::span<const uint8_t> indices) {
                  for (const uint8_t index : indices) frames.push_back(flatten(out, index));
              });
        return frames;
    }
};

/// Where a field stands, said once more: from the start of the IP or transport header.
struct FieldPlace {
    Field field;
    unsigned version;  ///< 0: of the transport.
    size_t at;
};
constexpr FieldPlace places[] = {
    {Field::ip_tos, 4, 1},    {Field::ip_ttl, 4, 8},    {Field::ip_src, 4, 12},
    {Field::ip_dst, 4, 16},   {Field::ipv6_hlim, 6, 7}, {Field::ipv6_src, 6, 8},
    {Field::ipv6_dst, 6, 24}, {Field::tp_src, 0, 0},    {Field::tp_dst, 0, 2},
};

/// Writes the value, then computes both checksums from the start.
Octets rewritten(Octets frame, const FrameSpec& spec, const FieldPlace& place,
                 const FieldEdit& edit) {
    const Places at = places_of(spec);
    const size_t first = (place.version == 0 ? at.transport : at.network) + place.at;
    for (size_t i = 0; i < bytes_of(place.field); ++i) {
        const auto kept = static_cast<uint8_t>(frame[first + i] & ~edit.mask[i]);
        frame[first + i] = static_cast<uint8_t>(kept | (edit.value[i] & edit.mask[i]));
    }
    finish_network(frame, spec);
    finish_transport(frame, spec);
    return frame;
}

/// A checksum of TCP may be written as 0 or as 0xffff: both say the same.
void expect_same(Octets got, Octets wanted, const FrameSpec& spec) {
    const size_t sum = checksum_at(spec);
    for (Octets* frame : {&got, &wanted})
        if (spec.tcp && get16(*frame, sum) == 0xffff) set16(*frame, sum, 0);
    REQUIRE(got == wanted);
}

std::vector<FrameSpec> specs() {
    std::vector<FrameSpec> all;
    for (const unsigned version : {4, 6})
        for (const bool tcp : {true, false})
            for (const unsigned tags : {0, 1, 2})
                for (const uint32_t payload : {0, 1, 7, 64, 1400})
                    all.push_back({.version = version,
                                   .tcp = tcp,
                                   .tags = tags,
                                   .payload = payload,
                                   .ip_options = version == 4 && tags == 1 ? 8u : 0u,
                                   .extensions = version == 6 && tags == 1 ? 1u : 0u});
    return all;
}

bool applies(const FieldPlace& place, const FrameSpec& spec) {
    return place.version == 0 || place.version == spec.version;
}

FieldEdit random_edit(Field field, std::mt19937& random) {
    Value value(bytes_of(field));
    Value mask(value.size());
    const unsigned kind = random() % 4;  // Zeros and ones in full are where sums are ambiguous.
    for (size_t i = 0; i < value.size(); ++i) {
        value[i] = kind == 0 ? 0 : kind == 1 ? 0xff : static_cast<uint8_t>(random());
        mask[i] = kind == 3 ? static_cast<uint8_t>(random()) : 0xff;
    }
    return set(field, value, mask);
}

}  // namespace

TEST_SUITE("header edit") {
    TEST_CASE("the difference of checksums is the checksum computed anew") {
        Editing to;
        std::mt19937 random(13);
        for (const FrameSpec& spec : specs()) {
            for (const FieldPlace& place : places) {
                for (unsigned round = 0; round < 12; ++round) {
                    FrameSpec one = spec;
                    one.seed = static_cast<uint8_t>(random());
                    const Octets frame = make_frame(one);
                    const FieldEdit edit = random_edit(place.field, random);
                    LoadedBatch from;
                    from.add(frame, 64);
                    const EditResult result = to.edit(from, edit);
                    if (!applies(place, spec)) {
                        REQUIRE(result == EditResult::absent);
                        REQUIRE(to.frame() == frame);
                        continue;
                    }
                    REQUIRE(result == EditResult::done);
                    expect_same(to.frame(), rewritten(frame, one, place, edit), one);
                }
            }
        }
    }

    TEST_CASE("many edits after each other leave the checksum right") {
        std::mt19937 random(7);
        for (const FrameSpec& spec : specs()) {
            Octets wanted = make_frame(spec);
            LoadedBatch from;
            from.add(wanted, 64);
            Editing to;
            to.made->begin(*from.batch);
            REQUIRE(to.made->put(*from.batch, 0));
            for (unsigned round = 0; round < 40; ++round) {
                const FieldPlace& place = places[random() % std::size(places)];
                if (!applies(place, spec)) continue;
                const FieldEdit edit = random_edit(place.field, random);
                REQUIRE(to.made->set_field(0, edit) == EditResult::done);
                wanted = rewritten(wanted, spec, place, edit);
            }
            expect_same(to.frame(), wanted, spec);
        }
    }

    TEST_CASE("partial checksums stay partial, and come out right when they are completed") {
        Editing to;
        std::mt19937 random(5);
        for (const FrameSpec& spec : specs()) {
            if (spec.payload == 0) continue;
            const Octets whole = make_frame(spec);
            Octets partial = whole;
            leave_partial(partial, spec);
            for (const FieldPlace& place : places) {
                if (!applies(place, spec)) continue;
                const FieldEdit edit = random_edit(place.field, random);
                LoadedBatch from;
                REQUIRE(from.add_offloaded(partial, csum_header(spec), 0xff, 64) ==
                        NetHeaderFault::none);
                REQUIRE(to.edit(from, edit) == EditResult::done);
                const Octets wanted = rewritten(whole, spec, place, edit);
                Octets left = wanted;
                leave_partial(left, spec);
                const Octets got = to.frame();
                // Of a ones' complement sum 0 and 0xffff are the same.
                const size_t sum = checksum_at(spec);
                REQUIRE(get16(got, sum) % 0xffff == get16(left, sum) % 0xffff);
                const auto completed = to.cut();
                REQUIRE(completed.size() == 1);
                expect_same(completed[0], wanted, spec);
            }
        }
    }

    TEST_CASE("big frames are cut into segments with the new fields and right checksums") {
        Editing to;
        std::mt19937 random(3);
        for (const unsigned version : {4, 6}) {
            for (const bool tcp : {true, false}) {
                const FrameSpec spec{.version = version, .tcp = tcp, .tags = 1, .payload = 5000};
                const Octets whole = make_frame(spec);
                Octets partial = whole;
                leave_partial(partial, spec);
                for (const FieldPlace& place : places) {
                    if (!applies(place, spec)) continue;
                    const FieldEdit edit = random_edit(place.field, random);
                    LoadedBatch from;
                    REQUIRE(from.add_offloaded(partial, gso_header(spec, 1000), 0xff, 4096) ==
                            NetHeaderFault::none);
                    REQUIRE(to.edit(from, edit) == EditResult::done);
                    const auto wanted =
                        reference_cut(rewritten(whole, spec, place, edit), spec, 1000);
                    const auto got = to.cut();
                    REQUIRE(got.size() == wanted.size());
                    for (size_t i = 0; i < got.size(); ++i) expect_same(got[i], wanted[i], spec);
                }
            }
        }
    }

    TEST_CASE("a datagram without a checksum stays without one, and none becomes none") {
        Editing to;
        const FrameSpec spec{.tcp = false, .payload = 2};
        Octets frame = make_frame(spec);
        set16(frame, checksum_at(spec), 0);
        LoadedBatch from;
        from.add(frame, 64);
        REQUIRE(to.edit(from, set(Field::ip_src, {10, 9, 8, 7})) == EditResult::done);
        CHECK(get16(to.frame(), checksum_at(spec)) == 0);

        // Every port number, including the one whose checksum would be 0.
        frame = make_frame(spec);
        LoadedBatch summed;
        summed.add(frame, 64);
        for (unsigned port = 0; port <= 0xffff; ++port) {
            const Value value{static_cast<uint8_t>(port >> 8), static_cast<uint8_t>(port)};
            to.edit(summed, set(Field::tp_src, value));
            REQUIRE(get16(to.frame(), checksum_at(spec)) != 0);
        }
    }

    TEST_CASE("of fragments the first has the checksum, and the others have none to change") {
        Editing to;
        const FrameSpec spec{.payload = 64};
        for (const uint32_t offset : {0u, 8u}) {
            Octets frame = make_frame(spec);
            const Places at = places_of(spec);
            set16(frame, at.network + 6, 0x2000 | offset);
            set16(frame, at.network + 10, 0);
            set16(frame, at.network + 10, 0xffff - plain_sum(frame, at.network, at.transport));
            LoadedBatch from;
            from.add(frame, 64);
            REQUIRE(to.edit(from, set(Field::ip_dst, {1, 2, 3, 4})) == EditResult::done);
            const Octets got = to.frame();
            CHECK((get16(got, checksum_at(spec)) == get16(frame, checksum_at(spec))) ==
                  (offset != 0));
            CHECK(plain_sum(got, at.network, at.transport) == 0xffff);
            const EditResult ports = to.edit(from, set(Field::tp_dst, {1, 2}));
            CHECK(ports == (offset == 0 ? EditResult::done : EditResult::absent));
        }
    }

    TEST_CASE("the version of IPv6 stays whatever is written over its first bytes") {
        Editing to;
        const FrameSpec spec{.version = 6};
        const Octets frame = make_frame(spec);
        LoadedBatch from;
        from.add(frame, 64);
        REQUIRE(to.edit(from, set(Field::ipv6_flow, {0xff, 0xff, 0xff, 0xff})) == EditResult::done);
        Octets wanted = frame;
        set32(wanted, 14, 0x6fff'ffff);
        CHECK(to.frame() == wanted);
    }

    TEST_CASE("Ethernet and ARP fields; ARP for other addresses is left alone") {
        Editing to;
        Octets arp(60);
        const Octets head{0x00, 0x01, 0x08, 0x00, 6, 4, 0, 1};
        set16(arp, 12, 0x0806);
        std::copy(head.begin(), head.end(), arp.begin() + 14);
        LoadedBatch from;
        from.add(arp, 64);
        REQUIRE(to.edit(from, set(Field::arp_op, {0, 2})) == EditResult::done);
        Octets wanted = arp;
        wanted[21] = 2;
        CHECK(to.frame() == wanted);
        REQUIRE(to.edit(from, set(Field::arp_tpa, {1, 2, 3, 4})) == EditResult::done);
        wanted = arp;
        set32(wanted, 38, 0x0102'0304);
        CHECK(to.frame() == wanted);
        REQUIRE(to.edit(from, set(Field::eth_src, {2, 3, 4, 5, 6, 7})) == EditResult::done);
        CHECK(to.frame()[6] == 2);
        CHECK(to.frame()[11] == 7);
        arp[18] = 8;
        LoadedBatch other;
        other.add(arp, 64);
        CHECK(to.edit(other, set(Field::arp_op, {0, 2})) == EditResult::absent);
        CHECK(to.edit(other, set(Field::ip_src, {0, 0, 0, 2})) == EditResult::absent);
    }

    TEST_CASE("what cannot be seen, and SCTP's ports, are refused and stay as they are") {
        Editing to;
        const FrameSpec deep{.version = 6, .extensions = 9};
        const FrameSpec plain{.tcp = false};
        Octets sctp = make_frame(plain);
        sctp[14 + 9] = 132;
        for (const Octets& frame : {make_frame(deep), sctp}) {
            LoadedBatch from;
            from.add(frame, 64);
            CHECK(to.edit(from, set(Field::tp_src, {1, 2})) == EditResult::refused);
            CHECK(to.frame() == frame);
        }
        LoadedBatch from;
        from.add(make_frame(deep), 64);
        Value address(16, 9);
        CHECK(to.edit(from, set(Field::ipv6_src, address)) == EditResult::refused);
        CHECK(to.frame() == make_frame(deep));
    }
}

TEST_SUITE("edited: tags in place") {
    TEST_CASE("two pushed, two popped: unchanged, at every length around a stage's") {
        for (size_t bytes = 14; bytes < 140; ++bytes) {
            Octets frame(bytes);
            for (size_t i = 0; i < bytes; ++i) frame[i] = static_cast<uint8_t>(i * 7 + 1);
            LoadedBatch from;
            from.add(frame, 3);
            Editing to;
            to.made->begin(*from.batch);
            REQUIRE(to.made->put(*from.batch, 0));
            REQUIRE(to.made->push_tag(0, 0x8100, 0x2064));
            REQUIRE(to.made->push_tag(0, 0x88a8, 7));
            REQUIRE(to.frame() == with_tag(with_tag(frame, 0x2064), 7, 0x88a8));
            REQUIRE(to.made->pop_tag(0));
            REQUIRE(to.made->pop_tag(0));
            REQUIRE(to.frame() == frame);
            REQUIRE_FALSE(to.made->pop_tag(0));
        }
    }
    TEST_CASE("a tag that has no room is not pushed, and the frame is as it was") {
        LoadedBatch from;
        const Octets frame = make_frame({.payload = 1000});
        from.add(frame, 4096);
        Editing to;
        to.made->begin(*from.batch);
        REQUIRE(to.made->put(*from.batch, 0));
        REQUIRE(to.made->push_tag(0, 0x8100, 1));
        REQUIRE(to.made->push_tag(0, 0x8100, 2));
        REQUIRE_FALSE(to.made->push_tag(0, 0x8100, 3));
        CHECK(to.frame() == with_tag(with_tag(frame, 1), 2));
    }
}
