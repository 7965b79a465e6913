// Split and packed rings, guest -> us: what is taken, in which order, and how it is handed back.
#include "alone.hpp"
#include "rig.hpp"

using namespace valenic;
using namespace valenic::test;
using spec::DropReason;
using spec::Fault;

namespace {

constexpr uint64_t legacy = 0;

}  // namespace

TEST_SUITE("TX: frames") {
    TEST_CASE_TEMPLATE("frames come in the order they were made available, and go back in it", Kind,
                       Split, Packed) {
        using TxRig = BasicTxRig<Kind>;
        TxRig rig({16});
        for (unsigned i = 0; i < 10; ++i) rig.send(frame_of(60 + i, i));
        CHECK(rig.fetch() == 10);
        REQUIRE(rig.batch->count == 10);
        for (unsigned i = 0; i < 10; ++i) CHECK((bytes_of(*rig.batch, i) == frame_of(60 + i, i)));
        CHECK(rig.queue.used_waiting() == 0);
        rig.ring->release();
        REQUIRE(rig.queue.used_waiting() == 10);
        for (uint16_t i = 0; i < 10; ++i) {
            const auto used = rig.queue.take_used();
            CHECK(used.head == i);
            CHECK(used.len_bytes == 0);  // Nothing is written into what was sent.
        }
        CHECK(rig.fetch() == 0);
    }
    TEST_CASE_TEMPLATE("a batch takes at most what it was asked for, and never more than it holds",
                       Kind, Split, Packed) {
        using TxRig = BasicTxRig<Kind>;
        TxRig rig({512});
        for (unsigned i = 0; i < 300; ++i) rig.send(frame_of(60, i));
        CHECK(rig.fetch(1) == 1);
        rig.ring->release();
        CHECK(rig.fetch(7) == 7);
        rig.ring->release();
        CHECK(rig.fetch(1000) == batch_frames);
        rig.ring->release();
        CHECK(rig.fetch() == 300 - 8 - batch_frames);
        CHECK((bytes_of(*rig.batch, rig.batch->count - 1) == frame_of(60, 299)));
        rig.ring->release();
        CHECK(rig.queue.used_waiting() == 300);
    }
    TEST_CASE_TEMPLATE("the batch says whether it is all that waited", Kind, Split, Packed) {
        BasicTxRig<Kind> rig({16});
        for (unsigned i = 0; i < 6; ++i) rig.send(frame_of(60, i));
        CHECK(rig.fetch(4) == 4);
        CHECK_FALSE(rig.batch->drained);  // As many as were asked for: nobody looked further.
        rig.ring->release();
        CHECK(rig.fetch(4) == 2);
        CHECK(rig.batch->drained);
        rig.ring->release();
        CHECK(rig.fetch(4) == 0);
        CHECK(rig.batch->drained);
        rig.send(frame_of(60));
        CHECK(rig.fetch(1) == 1);
        CHECK_FALSE(rig.batch->drained);
    }
    TEST_CASE_TEMPLATE("a second fetch appends, and one release hands all of it back", Kind, Split,
                       Packed) {
        using TxRig = BasicTxRig<Kind>;
        TxRig rig({512});
        for (unsigned i = 0; i < 300; ++i) rig.send(frame_of(60, i));
        CHECK(rig.fetch(200) == 200);
        CHECK(rig.ring->fetch(*rig.batch, {200, largest_frame_bytes}, rig.counters) == 56);
        CHECK(rig.batch->count == batch_frames);
        CHECK((bytes_of(*rig.batch, 255) == frame_of(60, 255)));
        CHECK(rig.ring->fetch(*rig.batch, {200, largest_frame_bytes}, rig.counters) == 0);
        rig.ring->release();
        CHECK(rig.queue.used_waiting() == 256);
    }
    TEST_CASE_TEMPLATE("every ring size, over the wrap of the 16-bit indices", Kind, Split,
                       Packed) {
        using TxRig = BasicTxRig<Kind>;
        for (uint32_t size = 1; size <= 32768; size *= 2) {
            CAPTURE(size);
            TxRig rig({static_cast<uint16_t>(size), modern, 65530, 8 << 20});
            uint8_t* buffer = rig.place(rig.packet(frame_of(60)));
            for (unsigned sent = 0; sent < 40; ++sent) {
                std::memcpy(buffer + 12, frame_of(60, sent).data(), 60);
                rig.queue.add_one(rig.space.addr(buffer), 72, false);
                rig.queue.publish();
                rig.expect_frame(frame_of(60, sent));
                rig.reclaim();
            }
            CHECK(rig.ring->next_avail() == Kind::position(65530 + 40, rig.queue.size()));
            CHECK(rig.ring->used_index() == rig.ring->next_avail());
            CHECK(rig.ring->fault() == Fault::none);
        }
    }
    TEST_CASE_TEMPLATE("the longest ring, full to the last slot", Kind, Split, Packed) {
        using TxRig = BasicTxRig<Kind>;
        TxRig rig({32768, modern, 40'000, 8 << 20});
        uint8_t* buffer = rig.place(rig.packet(frame_of(60)));
        for (unsigned i = 0; i < 32768; ++i) rig.queue.add_one(rig.space.addr(buffer), 72, false);
        rig.queue.publish();
        size_t taken = 0;
        while (const size_t now = rig.fetch()) {
            taken += now;
            rig.ring->release();
        }
        CHECK(taken == 32768);
        CHECK(rig.queue.used_waiting() == 32768);
        CHECK(rig.ring->fault() == Fault::none);
    }
    TEST_CASE_TEMPLATE("bytes of a batch are those of its frames", Kind, Split, Packed) {
        using TxRig = BasicTxRig<Kind>;
        TxRig rig;
        rig.send(frame_of(60));
        rig.send(frame_of(1514));
        rig.send_chain(rig.scatter(rig.packet(frame_of(700)), {12, 300}));
        rig.fetch();
        CHECK(rig.batch->bytes == 60 + 1514 + 700);
    }
}

TEST_SUITE("TX: headers and buffers, virtio 1.2, 5.1.6") {
    TEST_CASE_TEMPLATE("12 bytes with VERSION_1 or MRG_RXBUF, 10 without: frames arrive whole",
                       Kind, Split, Packed) {
        using TxRig = BasicTxRig<Kind>;
        for (const uint64_t features :
             {modern, legacy, features_of(spec::net_feature_mrg_rxbuf), mergeable}) {
            for (const size_t bytes :
                 {14, 15, 51, 52, 53, 60, 115, 116, 117, 118, 119, 200, 1514, 9000, 65549, 65550}) {
                CAPTURE(features);
                CAPTURE(bytes);
                TxRig rig({8, features});
                rig.send(frame_of(bytes));
                rig.expect_frame(frame_of(bytes));
            }
        }
    }
    TEST_CASE_TEMPLATE("the stage is clean behind a short frame, whatever was in it before", Kind,
                       Split, Packed) {
        using TxRig = BasicTxRig<Kind>;
        for (const uint64_t features : {modern, legacy}) {
            for (const size_t bytes : {14, 40, 52, 53, 54, 60, 100, 115, 116}) {
                TxRig rig({8, features});
                std::memset(static_cast<void*>(rig.batch->stages), 0xaa, sizeof rig.batch->stages);
                rig.send(frame_of(bytes));
                rig.send_chain(rig.scatter(rig.packet(frame_of(bytes)), {rig.header_bytes()}));
                REQUIRE(rig.fetch() == 2);
                for (const FrameStage& stage : {rig.batch->stages[0], rig.batch->stages[1]}) {
                    const uint8_t expected[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0};
                    CHECK(std::memcmp(stage.net_header, expected, 12) == 0);
                    for (size_t i = bytes; i < stage_frame_bytes; ++i) CHECK(stage.bytes[i] == 0);
                }
            }
        }
    }
    TEST_CASE_TEMPLATE("any layout: header alone, header split, frame in many buffers", Kind, Split,
                       Packed) {
        using TxRig = BasicTxRig<Kind>;
        const Bytes frame = frame_of(1514, 3);
        const std::vector<std::vector<size_t>> layouts = {{12},
                                                          {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1},
                                                          {5},
                                                          {12, 14},
                                                          {12, 115},
                                                          {12, 116},
                                                          {12, 117},
                                                          {13},
                                                          {128, 128},
                                                          {127},
                                                          {12, 1, 113, 2}};
        for (const auto& lengths : layouts) {
            CAPTURE(lengths.size());
            TxRig rig({32});
            rig.send_chain(rig.scatter(rig.packet(frame), lengths));
            rig.expect_frame(frame);
            CHECK(rig.queue.take_used().head == 0);
        }
    }
    TEST_CASE_TEMPLATE("buffers of no bytes are allowed anywhere in a chain", Kind, Split, Packed) {
        using TxRig = BasicTxRig<Kind>;
        TxRig rig({16});
        auto chain = rig.scatter(rig.packet(frame_of(300)), {12, 100});
        chain.insert(chain.begin(), {rig.space.addr(rig.space.take(1)), 0, false});
        chain.insert(chain.begin() + 2, {0xdead'0000'0000, 0, false});  // Nothing is read there.
        chain.push_back({0, 0, false});
        rig.send_chain(chain);
        rig.expect_frame(frame_of(300));
    }
    TEST_CASE("an indirect table, also at an odd address, also after direct buffers") {
        TxRig rig({8, with_indirect});
        const Bytes frame = frame_of(900, 5);
        rig.send_indirect(rig.scatter(rig.packet(frame), {12, 300, 300}));
        rig.expect_frame(frame);
        rig.send_indirect(rig.scatter(rig.packet(frame), {12, 300, 300}), 7);
        rig.expect_frame(frame);
        rig.send_indirect(rig.scatter(rig.packet(frame), {}));
        rig.expect_frame(frame);
        // virtio 1.2, 2.7.5.3.2: zero or more normal descriptors, then a single indirect one.
        const auto chain = rig.scatter(rig.packet(frame), {12});
        const spec::SplitDesc rest{chain[1].addr, chain[1].len_bytes, 0, 0};
        uint8_t* table = rig.space.take(sizeof rest);
        std::memcpy(table, &rest, sizeof rest);
        rig.write_descriptor(4, chain[0].addr, chain[0].len_bytes, spec::desc_f_next, 5);
        rig.write_descriptor(5, rig.space.addr(table), sizeof rest, spec::desc_f_indirect);
        rig.offer_raw(4);
        rig.expect_frame(frame);
    }
    TEST_CASE("the write flag of a descriptor that refers to an indirect table is ignored") {
        // virtio 1.2, 2.7.5.3.2.
        TxRig rig({8, with_indirect});
        const auto chain = rig.scatter(rig.packet(frame_of(60)), {});
        const spec::SplitDesc inner{chain[0].addr, chain[0].len_bytes, 0, 0};
        uint8_t* table = rig.space.take(sizeof inner);
        std::memcpy(table, &inner, sizeof inner);
        rig.write_descriptor(0, rig.space.addr(table), sizeof inner,
                             spec::desc_f_indirect | spec::desc_f_write);
        rig.offer_raw(0);
        rig.expect_frame(frame_of(60));
    }
    TEST_CASE_TEMPLATE("a chain as long as the ring, and an indirect table as long as the ring",
                       Kind, Split, Packed) {
        using TxRig = BasicTxRig<Kind>;
        const std::vector<size_t> lengths = {12, 60, 60, 60, 60, 60, 60};
        TxRig rig({8, with_indirect});
        const Bytes frame = frame_of(420);
        const auto chain = rig.scatter(rig.packet(frame), lengths);
        rig.send_chain(chain);
        rig.expect_frame(frame);
        rig.reclaim();
        auto eight = rig.scatter(rig.packet(frame), {6, 6, 60, 60, 60, 60, 60});
        REQUIRE(eight.size() == 8);
        rig.send_indirect(eight);
        rig.expect_frame(frame);
        rig.reclaim();
        rig.send_chain(eight);
        rig.expect_frame(frame);
    }
}

TEST_SUITE("TX: frames that may not enter are counted and handed back") {
    TEST_CASE_TEMPLATE("shorter than an Ethernet header", Kind, Split, Packed) {
        using TxRig = BasicTxRig<Kind>;
        for (const size_t bytes : {0, 1, 13}) {
            CAPTURE(bytes);
            TxRig rig;
            rig.send(frame_of(bytes));
            rig.send(frame_of(14, 1));
            CHECK(rig.fetch() == 2);
            REQUIRE(rig.batch->count == 1);
            CHECK((bytes_of(*rig.batch, 0) == frame_of(14, 1)));
            CHECK(rig.counters.read(DropReason::tx_too_short) == 1);
            rig.ring->release();
            CHECK(rig.queue.used_waiting() == 2);
            CHECK(rig.ring->fault() == Fault::none);
        }
    }
    TEST_CASE_TEMPLATE("longer than the port's largest frame", Kind, Split, Packed) {
        using TxRig = BasicTxRig<Kind>;
        TxRig rig;
        rig.send(frame_of(1515));
        rig.send(frame_of(1514, 1));
        rig.send_chain(rig.scatter(rig.packet(frame_of(1515)), {12, 600}));
        CHECK(rig.fetch(64, 1514) == 3);
        REQUIRE(rig.batch->count == 1);
        CHECK((bytes_of(*rig.batch, 0) == frame_of(1514, 1)));
        CHECK(rig.counters.read(DropReason::tx_too_long) == 2);
        rig.ring->release();
        CHECK(rig.queue.used_waiting() == 3);
    }
    TEST_CASE_TEMPLATE("a chain of many gigabytes is too long, not a sum that wrapped", Kind, Split,
                       Packed) {
        using TxRig = BasicTxRig<Kind>;
        TxRig rig({8, modern, 0, 4 << 20});
        // One region of 4 GiB less a page, sparse: lengths add up beyond 32 bits.
        const OwnedFd file(memfd_create("huge", MFD_CLOEXEC));
        REQUIRE(ftruncate(file.get(), 0x1'0000'0000) == 0);
        auto specs = rig.space.regions();
        specs.push_back({0x10'0000'0000, 0x10'0000'0000, 0x1'0000'0000, 0, duplicate(file.get())});
        auto map = MemoryMap::create(std::move(specs));
        REQUIRE(map.ok());
        REQUIRE(rig.ring->rebind(alone(), rig.config(), map.value()) == Fault::none);
        const driver::Buffer half{0x10'0000'0000, 0x8000'0000, false};
        const driver::Buffer rest{0x10'0000'0000, 12 + 60, false};
        rig.send_chain({half, half, rest});
        CHECK(rig.fetch() == 1);
        CHECK(rig.batch->count == 0);
        CHECK(rig.counters.read(DropReason::tx_too_long) == 1);
    }
    TEST_CASE_TEMPLATE("spread over more buffers than a frame may use", Kind, Split, Packed) {
        using TxRig = BasicTxRig<Kind>;
        TxRig rig({1024, modern, 0, 8 << 20});
        uint8_t* byte = rig.place(Bytes(1, 0));
        std::vector<driver::Buffer> chain(frame_segments_max, {rig.space.addr(byte), 1, false});
        rig.send_chain(chain);
        chain.push_back(chain[0]);
        rig.send_chain(chain);
        CHECK(rig.fetch() == 2);
        CHECK(rig.batch->count == 1);
        CHECK(rig.batch->frames[0].len_bytes == frame_segments_max - 12);
        CHECK(rig.counters.read(DropReason::tx_too_many_segments) == 1);
        rig.ring->release();
        CHECK(rig.queue.used_waiting() == 2);
    }
    TEST_CASE_TEMPLATE("a header that asks for an offload that was not negotiated", Kind, Split,
                       Packed) {
        using TxRig = BasicTxRig<Kind>;
        for (const size_t field : {0, 1}) {
            CAPTURE(field);
            TxRig rig;
            Bytes packet = rig.packet(frame_of(60));
            packet[field] = 1;
            rig.send_chain(rig.scatter(packet, {}));
            rig.send_chain(rig.scatter(packet, {12}));
            rig.send(frame_of(60, 9));
            CHECK(rig.fetch() == 3);
            REQUIRE(rig.batch->count == 1);
            CHECK((bytes_of(*rig.batch, 0) == frame_of(60, 9)));
            CHECK(rig.counters.read(DropReason::tx_offload_not_negotiated) == 2);
        }
    }
    TEST_CASE_TEMPLATE("the rest of the header is the driver's own business", Kind, Split, Packed) {
        using TxRig = BasicTxRig<Kind>;
        TxRig rig;
        Bytes packet = rig.packet(frame_of(60));
        for (size_t i = 2; i < 12; ++i) packet[i] = 0xff;
        rig.send_chain(rig.scatter(packet, {}));
        rig.expect_frame(frame_of(60));
    }
}

TEST_SUITE("TX: a batch's segments") {
    TEST_CASE_TEMPLATE("a frame that does not fit any more waits for the next batch", Kind, Split,
                       Packed) {
        using TxRig = BasicTxRig<Kind>;
        TxRig rig({4096, modern, 0, 16 << 20});
        uint8_t* part = rig.place(Bytes(100, 0));
        // 199 segments each after the stage: five such frames fit into 1024, a sixth does not.
        const std::vector<driver::Buffer> chain(200, {rig.space.addr(part), 100, false});
        for (int i = 0; i < 8; ++i) rig.send_chain(chain);
        const size_t first = rig.fetch();
        CHECK(first == 5);
        CHECK(rig.batch->count == first);
        CHECK(rig.batch->segment_count <= batch_segments);
        rig.ring->release();
        CHECK(rig.queue.used_waiting() == first);
        size_t total = first;
        while (const size_t next = rig.fetch()) {
            total += next;
            rig.ring->release();
        }
        CHECK(total == 8);
        for (int i = 0; i < static_cast<int>(spec::DropReason::count); ++i)
            CHECK(rig.counters.read(static_cast<DropReason>(i)) == 0);
    }
}

TEST_SUITE("TX: nothing beyond a buffer is read") {
    TEST_CASE_TEMPLATE("a packet of any length in front of memory that may not be touched", Kind,
                       Split, Packed) {
        using TxRig = BasicTxRig<Kind>;
        for (const uint64_t features : {modern, legacy}) {
            for (size_t bytes = 14; bytes < 300; bytes += bytes < 140 ? 1 : 31) {
                TxRig rig({8, features});
                const Bytes packet = rig.packet(frame_of(bytes));
                uint8_t* end = rig.space.take_before_guard(packet.size());
                std::memcpy(end, packet.data(), packet.size());
                rig.queue.add_one(rig.space.addr(end), static_cast<uint32_t>(packet.size()), false);
                rig.queue.publish();
                rig.expect_frame(frame_of(bytes));
                // In two pieces, each before a guard of its own.
                uint8_t* first = rig.space.take_before_guard(20);
                uint8_t* second = rig.space.take_before_guard(packet.size() - 20);
                std::memcpy(first, packet.data(), 20);
                std::memcpy(second, packet.data() + 20, packet.size() - 20);
                rig.send_chain(
                    {{rig.space.addr(first), 20, false},
                     {rig.space.addr(second), static_cast<uint32_t>(packet.size() - 20), false}});
                rig.expect_frame(frame_of(bytes));
            }
        }
    }
}
