// Split and packed rings, us -> guest: where frames land, what is written and what is not.
#include "rig.hpp"

using namespace valenic;
using namespace valenic::test;
using spec::DropReason;
using spec::Fault;

namespace {

constexpr uint64_t legacy = 0;

/// Header as VERSION_1 receivers see it.
template <typename Rig>
Bytes header_bytes_of(const Rig& rig, uint16_t buffers = 1) {
    Bytes header(rig.header_bytes(), 0);
    if (header.size() == 12) std::memcpy(header.data() + 10, &buffers, sizeof buffers);
    return header;
}

template <typename Rig>
Bytes packet_of(const Rig& rig, const Bytes& frame, uint16_t buffers = 1) {
    Bytes packet = header_bytes_of(rig, buffers);
    packet.insert(packet.end(), frame.begin(), frame.end());
    return packet;
}

/// Takes one used chain and checks its head and length.
template <typename Rig>
void expect_used(Rig& rig, uint16_t head, size_t bytes) {
    REQUIRE(rig.queue.used_waiting() > 0);
    const auto used = rig.queue.take_used();
    CHECK(used.head == head);
    CHECK(used.len_bytes == bytes);
    rig.queue.free_chain(used.head);
}

/// What a buffer holds behind the packet is what it held before.
void expect_untouched(const uint8_t* buffer, size_t packet_bytes, size_t buffer_bytes,
                      uint8_t pattern) {
    for (size_t i = packet_bytes; i < buffer_bytes; ++i) {
        if (buffer[i] == pattern) continue;
        CAPTURE(i);
        CAPTURE(packet_bytes);
        FAIL_CHECK("a byte behind the packet was written");
    }
}

}  // namespace

TEST_SUITE("RX: one buffer, one frame") {
    TEST_CASE_TEMPLATE("frames of any length, whole, with the header in front", Kind, Split,
                       Packed) {
        using RxRig = BasicRxRig<Kind>;
        for (const uint64_t features : {modern, legacy, mergeable}) {
            for (const size_t bytes :
                 {14, 51, 52, 53, 54, 60, 64, 115, 116, 117, 118, 1514, 9000}) {
                CAPTURE(features);
                CAPTURE(bytes);
                RxRig rig({8, features});
                uint8_t* buffer = rig.offer(10'000);
                const Delivery delivery = rig.deliver({frame_of(bytes)});
                CHECK(delivery.frames == 1);
                CHECK(delivery.bytes == bytes);
                CHECK(delivery.published);
                const Bytes packet = packet_of(rig, frame_of(bytes));
                CHECK(std::memcmp(buffer, packet.data(), packet.size()) == 0);
                expect_used(rig, 0, packet.size());
                expect_untouched(buffer, packet.size(), 10'000, 0xee);
            }
        }
    }
    TEST_CASE_TEMPLATE("a buffer that is exactly full, between memory that may not be touched",
                       Kind, Split, Packed) {
        using RxRig = BasicRxRig<Kind>;
        for (const uint64_t features : {modern, legacy, mergeable}) {
            for (size_t bytes = 14; bytes < 300; bytes += bytes < 140 ? 1 : 29) {
                RxRig rig({8, features});
                const Bytes packet = packet_of(rig, frame_of(bytes));
                const auto length = static_cast<uint32_t>(packet.size());
                uint8_t* first = rig.space.take_before_guard(length);
                uint8_t* second = rig.space.take_after_guard(length);
                rig.queue.add_one(rig.space.addr(first), length, true);
                rig.queue.add_one(rig.space.addr(second), length, true);
                rig.queue.publish();
                CHECK(rig.deliver({frame_of(bytes), frame_of(bytes)}).frames == 2);
                CHECK(std::memcmp(first, packet.data(), packet.size()) == 0);
                CHECK(std::memcmp(second, packet.data(), packet.size()) == 0);
                expect_used(rig, 0, packet.size());
                expect_used(rig, 1, packet.size());
            }
        }
    }
    TEST_CASE_TEMPLATE("a sender's segments are read to their last byte and no further", Kind,
                       Split, Packed) {
        using RxRig = BasicRxRig<Kind>;
        RxRig rig;
        GuestSpace sender;
        for (size_t bytes = 117; bytes < 400; bytes += 13) {
            const Bytes frame = frame_of(bytes);
            uint8_t* at = sender.take_before_guard(bytes - stage_frame_bytes);
            std::memcpy(at, frame.data() + stage_frame_bytes, bytes - stage_frame_bytes);
            rig.batch->clear();
            rig.stage(Bytes(frame.begin(), frame.begin() + stage_frame_bytes));
            rig.batch->segments[0] = {sender.device_view(at),
                                      static_cast<uint32_t>(bytes - stage_frame_bytes)};
            rig.batch->segment_count = 1;
            rig.batch->frames[0] = {static_cast<uint32_t>(bytes), stage_frame_bytes, 0, 1};
            uint8_t* buffer = rig.offer(2048);
            CHECK(rig.deliver_all().frames == 1);
            CHECK(std::memcmp(buffer + 12, frame.data(), bytes) == 0);
            REQUIRE(rig.queue.used_waiting() == 1);
            const driver::UsedChain used = rig.queue.take_used();
            CHECK(used.len_bytes == bytes + 12);
            rig.queue.free_chain(used.head);
        }
    }
    TEST_CASE_TEMPLATE("frames of a list go out in its order, others stay", Kind, Split, Packed) {
        using RxRig = BasicRxRig<Kind>;
        RxRig rig({16});
        std::vector<uint8_t*> buffers;
        for (int i = 0; i < 4; ++i) buffers.push_back(rig.offer(256));
        for (unsigned i = 0; i < 6; ++i) rig.stage(frame_of(60, i));
        const std::vector<uint8_t> indices = {4, 1, 5};
        CHECK(rig.ring->deliver(*rig.batch, indices, rig.counters).frames == 3);
        for (size_t i = 0; i < 3; ++i)
            CHECK(std::memcmp(buffers[i] + 12, frame_of(60, indices[i]).data(), 60) == 0);
        CHECK(rig.queue.used_waiting() == 3);
        CHECK(buffers[3][0] == 0xee);
    }
    TEST_CASE_TEMPLATE("every ring size, over the wrap of the 16-bit indices", Kind, Split,
                       Packed) {
        using RxRig = BasicRxRig<Kind>;
        for (uint32_t size = 1; size <= 32768; size *= 2) {
            CAPTURE(size);
            RxRig rig({static_cast<uint16_t>(size), modern, 65530, 8 << 20});
            uint8_t* buffer = rig.patterned(2048);
            for (unsigned i = 0; i < 40; ++i) {
                rig.queue.add_one(rig.space.addr(buffer), 2048, true);
                rig.queue.publish();
                REQUIRE(rig.deliver({frame_of(60, i)}).frames == 1);
                CHECK(std::memcmp(buffer + 12, frame_of(60, i).data(), 60) == 0);
                rig.queue.free_chain(rig.queue.take_used().head);
            }
            CHECK(rig.ring->next_avail() == Kind::position(65530 + 40, rig.queue.size()));
            CHECK(rig.ring->used_index() == rig.ring->next_avail());
        }
    }
    TEST_CASE_TEMPLATE("the longest ring, full to the last slot", Kind, Split, Packed) {
        using RxRig = BasicRxRig<Kind>;
        RxRig rig({32768, modern, 50'000, 8 << 20});
        uint8_t* buffer = rig.patterned(2048);
        for (unsigned i = 0; i < 32768; ++i) rig.queue.add_one(rig.space.addr(buffer), 2048, true);
        rig.queue.publish();
        rig.batch->clear();
        for (unsigned i = 0; i < 64; ++i) rig.stage(frame_of(60, i));
        for (unsigned i = 0; i < 512; ++i) REQUIRE(rig.deliver_all().frames == 64);
        CHECK(rig.queue.used_waiting() == 32768);
        CHECK(rig.deliver_all().frames == 0);
        CHECK(rig.dropped(DropReason::rx_no_buffer) == 64);
        CHECK(rig.ring->fault() == Fault::none);
    }
}

TEST_SUITE("RX: no room") {
    TEST_CASE_TEMPLATE("without buffers each frame is counted, and those after them arrive again",
                       Kind, Split, Packed) {
        using RxRig = BasicRxRig<Kind>;
        RxRig rig;
        rig.offer(256);
        rig.offer(256);
        CHECK(rig.deliver({frame_of(60), frame_of(61), frame_of(62), frame_of(63)}).frames == 2);
        CHECK(rig.dropped(DropReason::rx_no_buffer) == 2);
        const Delivery none = rig.deliver({frame_of(60)});
        CHECK(none.frames == 0);
        CHECK_FALSE(none.published);
        CHECK(rig.dropped(DropReason::rx_no_buffer) == 3);
        uint8_t* buffer = rig.offer(256);
        CHECK(rig.deliver({frame_of(64, 3)}).frames == 1);
        CHECK(std::memcmp(buffer + 12, frame_of(64, 3).data(), 64) == 0);
        CHECK(rig.ring->fault() == Fault::none);
    }
    TEST_CASE_TEMPLATE("not mergeable: a frame longer than the buffer is dropped, the buffer stays",
                       Kind, Split, Packed) {
        using RxRig = BasicRxRig<Kind>;
        RxRig rig;
        uint8_t* buffer = rig.offer(200);
        CHECK(rig.deliver({frame_of(189)}).frames == 0);
        CHECK(rig.dropped(DropReason::rx_too_long) == 1);
        CHECK(rig.queue.used_waiting() == 0);
        for (size_t i = 0; i < 200; ++i) CHECK(buffer[i] == 0xee);
        CHECK(rig.deliver({frame_of(400), frame_of(188, 1)}).frames == 1);
        CHECK(rig.dropped(DropReason::rx_too_long) == 2);
        CHECK(std::memcmp(buffer + 12, frame_of(188, 1).data(), 188) == 0);
        expect_used(rig, 0, 200);
    }
}

TEST_SUITE("RX: mergeable buffers, virtio 1.2, 5.1.6.4") {
    TEST_CASE_TEMPLATE("a frame over several buffers: num_buffers, lengths, bytes", Kind, Split,
                       Packed) {
        using RxRig = BasicRxRig<Kind>;
        for (const size_t bytes : {100, 244, 245, 246, 500, 501, 1000}) {
            CAPTURE(bytes);
            RxRig rig({16, mergeable});
            std::vector<uint8_t*> buffers;
            for (int i = 0; i < 8; ++i) buffers.push_back(rig.offer(256));
            const auto count = static_cast<uint16_t>((bytes + 12 + 255) / 256);
            CHECK(rig.deliver({frame_of(bytes)}).frames == 1);
            const Bytes packet = packet_of(rig, frame_of(bytes), count);
            REQUIRE(rig.queue.used_waiting() == count);
            for (uint16_t i = 0; i < count; ++i) {
                const size_t at = size_t{i} * 256;
                const size_t part = std::min<size_t>(256, packet.size() - at);
                CHECK(std::memcmp(buffers[i], packet.data() + at, part) == 0);
                for (size_t rest = part; i > 0 && rest < 256; ++rest)
                    CHECK(buffers[i][rest] == 0xee);
                expect_used(rig, i, part);
            }
            CHECK(buffers[count][0] == 0xee);
        }
    }
    TEST_CASE_TEMPLATE("all buffers of a frame or none: too few leave them for a shorter frame",
                       Kind, Split, Packed) {
        using RxRig = BasicRxRig<Kind>;
        RxRig rig({16, mergeable});
        rig.offer(256);
        uint8_t* second = rig.offer(256);
        CHECK(rig.deliver({frame_of(60), frame_of(300), frame_of(100, 1)}).frames == 2);
        CHECK(rig.dropped(DropReason::rx_no_buffer) == 1);
        CHECK(std::memcmp(second + 12, frame_of(100, 1).data(), 100) == 0);
        CHECK(second[10] == 1);
        CHECK(rig.queue.used_waiting() == 2);
    }
    TEST_CASE_TEMPLATE("a frame that takes the last buffers leaves none for those behind it", Kind,
                       Split, Packed) {
        using RxRig = BasicRxRig<Kind>;
        RxRig rig({16, mergeable});
        rig.offer(256);
        rig.offer(256);
        CHECK(rig.deliver({frame_of(300), frame_of(60), frame_of(400), frame_of(60)}).frames == 1);
        CHECK(rig.dropped(DropReason::rx_no_buffer) == 3);
        CHECK(rig.queue.used_waiting() == 2);
        rig.offer(256);
        CHECK(rig.deliver({frame_of(60)}).frames == 1);
    }
    TEST_CASE_TEMPLATE("buffers of unequal lengths, chained ones among them", Kind, Split, Packed) {
        using RxRig = BasicRxRig<Kind>;
        RxRig rig({32, mergeable});
        std::vector<driver::Buffer> chain;
        Bytes all;
        std::vector<std::pair<uint8_t*, uint32_t>> pieces;
        const auto piece = [&](uint32_t bytes) {
            pieces.emplace_back(rig.patterned(bytes), bytes);
            return driver::Buffer{rig.space.addr(pieces.back().first), bytes, true};
        };
        rig.queue.add(std::vector{piece(5), piece(7), piece(100)});
        rig.queue.add(std::vector{piece(12)});
        rig.queue.add(std::vector{piece(50), piece(1), piece(600)});
        rig.queue.publish();
        CHECK(rig.deliver({frame_of(700)}).frames == 1);
        const Bytes packet = packet_of(rig, frame_of(700), 3);
        size_t at = 0;
        for (const auto& [data, bytes] : pieces) {
            const size_t part = std::min<size_t>(bytes, packet.size() - at);
            CHECK(std::memcmp(data, packet.data() + at, part) == 0);
            for (size_t rest = part; rest < bytes; ++rest) CHECK(data[rest] == 0xee);
            at += part;
        }
        CHECK(at == packet.size());
        CHECK(rig.queue.take_used().len_bytes == 112);
        CHECK(rig.queue.take_used().len_bytes == 12);
        CHECK(rig.queue.take_used().len_bytes == 712 - 124);
    }
    TEST_CASE_TEMPLATE(
        "a batch that needs more chains than one plan holds is delivered in several goes", Kind,
        Split, Packed) {
        using RxRig = BasicRxRig<Kind>;
        RxRig rig({4096, mergeable, 64'000, 32 << 20});
        std::vector<uint8_t*> buffers;
        for (int i = 0; i < 2200; ++i) buffers.push_back(rig.offer(2048));
        std::vector<Bytes> frames;
        for (unsigned i = 0; i < 64; ++i) frames.push_back(frame_of(65'550, i));
        const Delivery delivery = rig.deliver(frames);
        CHECK(delivery.frames == 64);
        CHECK(delivery.bytes == 64 * 65'550);
        REQUIRE(rig.queue.used_waiting() == 64 * 33);
        for (unsigned i = 0; i < 64; ++i) {
            Bytes packet;
            for (unsigned part = 0; part < 33; ++part) {
                const auto used = rig.queue.take_used();
                packet.insert(packet.end(), buffers[used.head],
                              buffers[used.head] + used.len_bytes);
            }
            CHECK((packet == packet_of(rig, frames[i], 33)));
        }
    }
    TEST_CASE_TEMPLATE("a frame that no plan can hold is too long, and the others arrive", Kind,
                       Split, Packed) {
        using RxRig = BasicRxRig<Kind>;
        RxRig rig({4096, mergeable, 0, 32 << 20});
        for (int i = 0; i < 600; ++i) rig.offer(64);
        CHECK(rig.deliver({frame_of(60), frame_of(64 * 257), frame_of(61)}).frames == 2);
        CHECK(rig.dropped(DropReason::rx_too_long) == 1);
        CHECK(rig.queue.used_waiting() == 4);
    }
}

TEST_SUITE("RX: chained and indirect buffers") {
    TEST_CASE_TEMPLATE("header in a buffer of its own, as old drivers do, and any other cut", Kind,
                       Split, Packed) {
        using RxRig = BasicRxRig<Kind>;
        for (const uint64_t features : {modern, legacy, mergeable, with_indirect}) {
            for (const bool indirect : {false, true}) {
                if (indirect != (features == with_indirect)) continue;
                for (const auto& cut : std::vector<std::vector<uint32_t>>{
                         {12, 1514}, {10, 1514}, {1, 2000}, {4, 4, 4, 4, 200, 1400}, {100, 1500}}) {
                    RxRig rig({16, features});
                    std::vector<driver::Buffer> chain;
                    std::vector<uint8_t*> parts;
                    for (const uint32_t bytes : cut) {
                        parts.push_back(rig.patterned(bytes));
                        chain.push_back({rig.space.addr(parts.back()), bytes, true});
                    }
                    if (indirect) {
                        auto* table = rig.space.take(chain.size() * 16);
                        for (size_t i = 0; i < chain.size(); ++i) {
                            const bool last = i + 1 == chain.size();
                            const auto entry = Kind::entry(
                                chain[i].addr, chain[i].len_bytes,
                                spec::desc_f_write | (last ? 0 : spec::desc_f_next), i + 1);
                            std::memcpy(table + i * 16, &entry, 16);
                        }
                        rig.queue.add_indirect(rig.space.addr(table),
                                               static_cast<uint32_t>(chain.size() * 16));
                    } else {
                        rig.queue.add(chain);
                    }
                    rig.queue.publish();
                    CHECK(rig.deliver({frame_of(1400, 2)}).frames == 1);
                    const Bytes packet = packet_of(rig, frame_of(1400, 2));
                    size_t at = 0;
                    for (size_t i = 0; i < cut.size(); ++i) {
                        const size_t part = std::min<size_t>(cut[i], packet.size() - at);
                        CHECK(std::memcmp(parts[i], packet.data() + at, part) == 0);
                        for (size_t rest = part; rest < cut[i]; ++rest)
                            CHECK(parts[i][rest] == 0xee);
                        at += part;
                    }
                    CHECK(rig.queue.take_used().len_bytes == packet.size());
                }
            }
        }
    }
}
