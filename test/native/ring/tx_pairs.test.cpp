// Frames whose net header lies in a buffer of its own, by indirect tables: what most drivers do who
// use tables at all, taken without a walk.
#include "rig.hpp"

using namespace valenic;
using namespace valenic::test;
using spec::DropReason;
using spec::Fault;

namespace {

constexpr uint64_t legacy_indirect = features_of(spec::feature_ring_indirect_desc);
/// Around the ends of a line and of the stage, and beyond.
constexpr size_t lengths[] = {14, 15, 60, 63, 64, 65, 100, 115, 116, 117, 128, 600, 1514, 9014};

template <typename Rig>
std::vector<driver::Buffer> pair_of(Rig& rig, const Bytes& frame) {
    return rig.scatter(rig.packet(frame), {rig.header_bytes()});
}

}  // namespace

TEST_SUITE("TX: header and frame in two buffers") {
    TEST_CASE_TEMPLATE("frames of any length, with both lengths of header, also from odd tables",
                       Kind, Split, Packed) {
        for (const uint64_t features : {with_indirect, legacy_indirect}) {
            if (Kind::features != 0 && features == legacy_indirect) continue;  // Never packed.
            BasicTxRig<Kind> rig({64, features});
            for (const size_t bytes : lengths)
                rig.send_indirect(pair_of(rig, frame_of(bytes, 3)), bytes % 9);
            REQUIRE(rig.fetch() == std::size(lengths));
            uint64_t sum = 0;
            for (size_t i = 0; i < std::size(lengths); ++i) {
                CAPTURE(lengths[i]);
                CHECK((bytes_of(*rig.batch, i) == frame_of(lengths[i], 3)));
                const FrameStage& stage = rig.batch->stages[i];
                for (size_t at = rig.batch->frames[i].stage_len; at < stage_frame_bytes; ++at)
                    REQUIRE(stage.bytes[at] == 0);
                CHECK(stage.net_header[10] == 1);
                sum += lengths[i];
            }
            CHECK(rig.batch->bytes == sum);
            rig.ring->release();
            CHECK(rig.queue.used_waiting() == std::size(lengths));
        }
    }
    TEST_CASE_TEMPLATE("between frames of one buffer, chains and other tables, in their order",
                       Kind, Split, Packed) {
        BasicTxRig<Kind> rig({256, with_indirect});
        for (unsigned i = 0; i < 60; ++i) {
            const Bytes frame = frame_of(60 + i * 9, i);
            switch (i * 7 % 5) {
                case 0:
                case 1:
                    rig.send_indirect(pair_of(rig, frame));
                    break;
                case 2:
                    rig.send(frame);
                    break;
                case 3:
                    rig.send_chain(pair_of(rig, frame));
                    break;
                default:
                    rig.send_indirect(rig.scatter(rig.packet(frame), {20, 30}));
                    break;
            }
        }
        REQUIRE(rig.fetch() == 60);
        for (unsigned i = 0; i < 60; ++i)
            CHECK((bytes_of(*rig.batch, i) == frame_of(60 + i * 9, i)));
        rig.ring->release();
        rig.reclaim();
        CHECK(rig.queue.free_count() == 256);
    }
    TEST_CASE_TEMPLATE("nothing is read beyond either buffer", Kind, Split, Packed) {
        BasicTxRig<Kind> rig({16, with_indirect});
        for (const size_t bytes : {14u, 60u, 70u, 116u, 1514u}) {
            const Bytes frame = frame_of(bytes);
            uint8_t* header = rig.space.take_before_guard(rig.header_bytes());
            uint8_t* data = rig.space.take_before_guard(bytes);
            std::memset(header, 0, rig.header_bytes());
            std::copy(frame.begin(), frame.end(), data);
            const driver::Buffer header_buffer{rig.space.addr(header), rig.header_bytes(), false};
            rig.send_indirect(
                {header_buffer, {rig.space.addr(data), static_cast<uint32_t>(bytes), false}});
            rig.expect_frame(frame);
        }
    }
    TEST_CASE_TEMPLATE("too short, too long and lying headers are dropped by name", Kind, Split,
                       Packed) {
        BasicTxRig<Kind> rig({16, with_indirect});
        rig.send_indirect(pair_of(rig, frame_of(13)));
        rig.send_indirect(pair_of(rig, frame_of(1515)));
        Bytes lying = rig.packet(frame_of(100));
        lying[1] = 5;  // A kind of segmentation that was not negotiated.
        rig.send_indirect(rig.scatter(lying, {rig.header_bytes()}));
        rig.send_indirect(pair_of(rig, frame_of(100, 9)));
        CHECK(rig.fetch(batch_frames, 1514) == 4);
        REQUIRE(rig.batch->count == 1);
        CHECK((bytes_of(*rig.batch, 0) == frame_of(100, 9)));
        CHECK(rig.counters.read(DropReason::tx_too_short) == 1);
        CHECK(rig.counters.read(DropReason::tx_too_long) == 1);
        CHECK(rig.counters.read(DropReason::tx_offload_not_negotiated) == 1);
        CHECK(rig.ring->fault() == Fault::none);
    }
    TEST_CASE_TEMPLATE("broken rules close the ring, as in any other table", Kind, Split, Packed) {
        const Bytes frame = frame_of(100);
        const auto fault_of = [&](auto change) {
            BasicTxRig<Kind> rig({16, with_indirect});
            rig.send(frame);  // What stands before is taken.
            auto pair = pair_of(rig, frame);
            change(pair);
            rig.send_indirect(pair);
            CHECK(rig.fetch() == 1);
            CHECK(rig.batch->count == 1);
            return rig.ring->fault();
        };
        using Pair = std::vector<driver::Buffer>;
        CHECK(fault_of([](Pair& pair) { pair[0].addr = 0xdead'0000'0000; }) ==
              Fault::address_outside_memory);
        CHECK(fault_of([](Pair& pair) { pair[1].addr = 0xdead'0000'0000; }) ==
              Fault::address_outside_memory);
        CHECK(fault_of([](Pair& pair) { pair[1].len_bytes = UINT32_MAX; }) ==
              Fault::address_outside_memory);
        CHECK(fault_of([](Pair& pair) { pair[1].addr = UINT64_MAX - 20; }) ==
              Fault::address_outside_memory);
        CHECK(fault_of([](Pair& pair) { pair[0].device_writes = true; }) ==
              Fault::writable_in_send_chain);
        CHECK(fault_of([](Pair& pair) { pair[1].device_writes = true; }) ==
              Fault::writable_in_send_chain);
    }
    TEST_CASE_TEMPLATE("tables that were not negotiated are a fault", Kind, Split, Packed) {
        BasicTxRig<Kind> rig({16, modern});
        rig.send_indirect(pair_of(rig, frame_of(100)));
        CHECK(rig.fault_after_fetch() == Fault::indirect_not_negotiated);
    }
    TEST_CASE("a split table whose entries do not follow each other is walked") {
        TxRig rig({16, with_indirect});
        const Bytes frame = frame_of(100);
        const auto chain = pair_of(rig, frame);
        const spec::SplitDesc entries[] = {
            Split::entry(chain[0].addr, chain[0].len_bytes, spec::desc_f_next, 0),
            Split::entry(chain[1].addr, chain[1].len_bytes, 0, 0)};
        uint8_t* table = rig.space.take(sizeof entries);
        std::memcpy(table, entries, sizeof entries);
        rig.queue.add_indirect(rig.space.addr(table), sizeof entries);
        rig.queue.publish();
        CHECK(rig.fault_after_fetch() == Fault::chain_loops);
    }
}
