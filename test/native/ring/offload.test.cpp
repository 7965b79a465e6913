// The net header on its way through split and packed rings.
#include "net/frames.hpp"
#include "rig.hpp"

using namespace valenic;
using namespace valenic::test;
using spec::DropReason;

namespace {

constexpr uint64_t tso4 = features_of(spec::net_feature_csum, spec::net_feature_host_tso4);
constexpr uint64_t guest_tso4 =
    features_of(spec::net_feature_guest_csum, spec::net_feature_guest_tso4);

Bytes packet_of(const Bytes& frame, const spec::NetHeader& header, size_t header_bytes) {
    const auto* bytes = reinterpret_cast<const uint8_t*>(&header);
    Bytes packet(bytes, bytes + header_bytes);
    packet.insert(packet.end(), frame.begin(), frame.end());
    return packet;
}

}  // namespace

TEST_SUITE("TX: offloads") {
    TEST_CASE_TEMPLATE("what was negotiated travels with the frame, however it lies in memory",
                       Kind, Split, Packed) {
        const FrameSpec spec{.payload = 30'000, .options = 12};
        Octets frame = make_frame(spec);
        leave_partial(frame, spec);
        for (const uint64_t features : {modern, uint64_t{0}}) {
            BasicTxRig<Kind> rig({8, features | tso4});
            const Bytes packet = packet_of(frame, gso_header(spec, 1448), rig.header_bytes());
            const std::vector<std::vector<size_t>> shapes{
                {}, {rig.header_bytes()}, {5}, {rig.header_bytes(), 66, 4096, 4096}};
            for (const auto& shape : shapes) {
                rig.send_chain(rig.scatter(packet, shape));
                CHECK(rig.fetch() == 1);
                REQUIRE(rig.batch->count == 1);
                CHECK(rig.batch->offloaded);
                CHECK(rig.batch->needs_of(0) == (offload_csum | offload_tso4));
                CHECK((bytes_of(*rig.batch, 0) == frame));
                spec::NetHeader expected = gso_header(spec, 1448);
                expected.num_buffers = 1;
                const spec::NetHeader header = header_of(*rig.batch, 0);
                CHECK(std::memcmp(&header, &expected, sizeof header) == 0);
                rig.ring->release();
                rig.reclaim();
            }
        }
    }
    TEST_CASE_TEMPLATE("a plain frame behind one with an offload leaves nothing to anybody", Kind,
                       Split, Packed) {
        const FrameSpec spec{.payload = 500};
        Octets frame = make_frame(spec);
        leave_partial(frame, spec);
        BasicTxRig<Kind> rig({8, modern | tso4});
        rig.send_chain(rig.scatter(packet_of(frame, csum_header(spec), 12), {}));
        rig.send(make_frame(spec));
        CHECK(rig.fetch() == 2);
        REQUIRE(rig.batch->count == 2);
        CHECK(rig.batch->needs_of(0) == offload_csum);
        CHECK(rig.batch->needs_of(1) == 0);
        rig.ring->release();
        rig.send(make_frame(spec));
        CHECK(rig.fetch() == 1);
        CHECK_FALSE(rig.batch->offloaded);
    }
    TEST_CASE_TEMPLATE("flags that no driver sets are ignored: virtio 1.2, 5.1.6.2.2", Kind, Split,
                       Packed) {
        BasicTxRig<Kind> rig;
        const spec::NetHeader header{.flags = 0xfe};
        rig.send_chain(rig.scatter(packet_of(frame_of(60), header, 12), {}));
        CHECK(rig.fetch() == 1);
        REQUIRE(rig.batch->count == 1);
        const spec::NetHeader given = header_of(*rig.batch, 0);
        CHECK(given.flags == 0);
    }
}

TEST_SUITE("RX: offloads") {
    TEST_CASE_TEMPLATE("a frame's header goes in front of it, with the number of its buffers", Kind,
                       Split, Packed) {
        const FrameSpec spec{.payload = 6000};
        Octets frame = make_frame(spec);
        leave_partial(frame, spec);
        for (const uint32_t buffer_bytes : {2048u, 8192u}) {
            BasicRxRig<Kind> rig({16, mergeable | guest_tso4});
            CHECK(rig.ring->accepts() == (offload_csum | offload_tso4));
            std::vector<uint8_t*> buffers;
            for (int i = 0; i < 8; ++i) buffers.push_back(rig.offer(buffer_bytes));
            LoadedBatch loaded;
            REQUIRE(loaded.add_offloaded(frame, gso_header(spec, 1448)) == NetHeaderFault::none);
            CHECK(rig.ring->deliver(*loaded.batch, first_indices(1), rig.counters).frames == 1);
            spec::NetHeader header;
            std::memcpy(&header, buffers[0], sizeof header);
            spec::NetHeader expected = gso_header(spec, 1448);
            expected.num_buffers = buffer_bytes == 2048 ? 3 : 1;
            CHECK(std::memcmp(&header, &expected, sizeof header) == 0);
            CHECK(std::memcmp(buffers[0] + sizeof header, frame.data(), 2000) == 0);
        }
    }
    TEST_CASE_TEMPLATE("a frame whose stage is short is followed by the rest of it", Kind, Split,
                       Packed) {
        BasicRxRig<Kind> rig;
        uint8_t* buffer = rig.offer(2048);
        const Bytes frame = frame_of(300);
        LoadedBatch loaded;
        loaded.add(frame);
        Frame& cut = loaded.batch->frames[0];
        const Bytes rest(frame.begin() + 42, frame.begin() + stage_frame_bytes);
        loaded.batch->segments[1] = loaded.batch->segments[0];
        loaded.batch->segments[0] = {rest.data(), static_cast<uint32_t>(rest.size())};
        cut.stage_len = 42;
        cut.segment_count = 2;
        CHECK(rig.ring->deliver(*loaded.batch, first_indices(1), rig.counters).frames == 1);
        CHECK(std::memcmp(buffer + 12, frame.data(), frame.size()) == 0);
    }
}
