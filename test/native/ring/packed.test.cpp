// Packed rings: what is theirs alone. What they share with split ones is in tx.test.cpp,
// rx.test.cpp and their neighbours, which run over both.
#include <random>

#include "alone.hpp"
#include "rig.hpp"
#include "ring/packed_layout.hpp"

using namespace valenic;
using namespace valenic::test;
using spec::DropReason;
using spec::Fault;

namespace {

using PackedTx = BasicTxRig<Packed>;
using PackedRx = BasicRxRig<Packed>;
using Slot = driver::PackedQueue::Slot;

constexpr uint64_t in_order = modern | features_of(spec::feature_in_order);

uint16_t flags_of(const Slot& slot) { return static_cast<uint16_t>(slot.rest >> 48); }

/// A packet in guest memory, as a buffer.
driver::Buffer good_buffer(PackedTx& rig) { return rig.scatter(rig.packet(frame_of(60)), {})[0]; }

/// A table of descriptors in guest memory.
uint64_t table_of(PackedTx& rig, const std::vector<spec::PackedDesc>& entries) {
    uint8_t* table = rig.space.take(entries.size() * sizeof entries[0] + 1);
    std::memcpy(table, entries.data(), entries.size() * sizeof entries[0]);
    return rig.space.addr(table);
}

Fault made(const RingConfig& config, const GuestSpace& space) {
    const auto tx = make_tx_ring(config, space.map());
    const auto rx = make_rx_ring(config, space.map());
    REQUIRE(tx.ok() == rx.ok());
    if (!tx.ok()) CHECK(tx.error() == rx.error());
    return tx.ok() ? Fault::none : tx.error();
}

}  // namespace

TEST_SUITE("packed ring layout: virtio 1.2, 2.8.10") {
    TEST_CASE("any size from 1 to 32768") {
        for (const uint16_t size : {1, 2, 3, 255, 257, 24577, 32768}) {
            PackedTx rig({size, modern, 0, 8 << 20});
            CHECK(made(rig.config(), rig.space) == Fault::none);
        }
        PackedTx rig;
        for (const uint16_t size : {0, 32769, 65535}) {
            RingConfig config = rig.config();
            config.size = size;
            CHECK(made(config, rig.space) == Fault::ring_size_invalid);
        }
    }
    TEST_CASE("ring_base_invalid: a base outside the ring") {
        PackedTx rig;
        RingConfig config = rig.config();
        for (const uint16_t base : {0, 7, 0x8000, 0x8007}) {
            config.base = base;
            CHECK(made(config, rig.space) == Fault::none);
        }
        for (const uint16_t base : {8, 0x7fff, 0x8008, 0xffff}) {
            config.base = base;
            CHECK(made(config, rig.space) == Fault::ring_base_invalid);
        }
    }
    TEST_CASE("alignments are 16, 4 and 4 bytes; all parts lie inside the memory") {
        PackedTx rig;
        const uint64_t end = rig.space.map()->regions()[0].user_addr + rig.space.memory().bytes();
        const std::tuple<uint64_t RingConfig::*, uint64_t, uint64_t> parts[] = {
            {&RingConfig::desc_addr, 16, 16 * 8},
            {&RingConfig::avail_addr, 4, 4},
            {&RingConfig::used_addr, 4, 4}};
        for (const auto& [field, align, bytes] : parts) {
            RingConfig config = rig.config();
            config.*field += align / 2;
            CHECK(made(config, rig.space) == Fault::ring_address_misaligned);
            config.*field = end - bytes;
            CHECK(made(config, rig.space) == Fault::none);
            config.*field += align;
            CHECK(made(config, rig.space) == Fault::ring_address_unmapped);
            config.*field = UINT64_MAX - 15;
            CHECK(made(config, rig.space) == Fault::ring_address_unmapped);
        }
    }
    TEST_CASE("the ring and the device's event structure must be writable") {
        PackedTx rig;
        const OwnedFd read_only(
            open(("/proc/self/fd/" + std::to_string(rig.space.memory().fd())).c_str(), O_RDONLY));
        REQUIRE(read_only.valid());
        const uint64_t half = rig.space.memory().bytes() / 2;
        const uint64_t user = rig.space.memory().user_base();
        constexpr uint64_t guest = driver::GuestMemory::guest_base;
        std::vector<RegionSpec> specs;
        specs.push_back({guest, user, half, 0, duplicate(read_only.get())});
        specs.push_back(
            {guest + half, user + half, half, half, duplicate(rig.space.memory().fd())});
        auto map = MemoryMap::create(std::move(specs));
        REQUIRE(map.ok());
        RingConfig config = rig.config();
        config.desc_addr = user + half;
        CHECK(make_tx_ring(config, map.value()).error() == Fault::ring_memory_not_writable);
        config.used_addr = user + half + 4096;
        CHECK(make_tx_ring(config, map.value()).ok());
        config.desc_addr = rig.config().desc_addr;
        CHECK(make_rx_ring(config, map.value()).error() == Fault::ring_memory_not_writable);
    }
    TEST_CASE("a place's number and its position say the same, over many rounds") {
        for (const uint16_t size : {1, 3, 8, 32768}) {
            PackedLayout layout;
            layout.size = size;
            PackedPosition at{PackedPosition::wrap_bit};
            uint64_t place = layout.place_of(at);
            CHECK(place >= size);
            for (int i = 0; i < 5 * size && i < 100'000; ++i) {
                REQUIRE(layout.position_of(place).off_wrap == at.off_wrap);
                REQUIRE(layout.place_of(at) % (2u * size) == place % (2u * size));
                at.advance(1, size);
                ++place;
            }
        }
    }
}

TEST_SUITE("packed rings: any size, any rounds") {
    TEST_CASE("sizes that are no power of two, chains across the end") {
        for (const uint16_t size : {3, 5, 7, 100, 257}) {
            CAPTURE(size);
            PackedTx rig({size, modern, 4, 32 << 20});
            for (unsigned i = 0; i < 3u * size; ++i) {
                rig.send_chain(rig.scatter(rig.packet(frame_of(300, i)), {12, 100}));
                rig.expect_frame(frame_of(300, i));
                rig.reclaim();
            }
            CHECK(rig.ring->next_avail() == Packed::position(4 + 9u * size, size));
            CHECK(rig.ring->used_index() == rig.ring->next_avail());
        }
    }
    TEST_CASE("receiving: chains across the end, and merged frames") {
        PackedRx rig({7, mergeable, 3, 8 << 20});
        for (unsigned i = 0; i < 40; ++i) {
            uint8_t* parts[3] = {rig.patterned(64), rig.patterned(64), rig.patterned(256)};
            rig.queue.add(std::vector<driver::Buffer>{{rig.space.addr(parts[0]), 64, true},
                                                      {rig.space.addr(parts[1]), 64, true}});
            rig.queue.add_one(rig.space.addr(parts[2]), 256, true);
            rig.queue.publish();
            const Bytes frame = frame_of(200, i);
            REQUIRE(rig.deliver({frame}).frames == 1);
            CHECK(std::memcmp(parts[0] + 12, frame.data(), 52) == 0);
            CHECK(std::memcmp(parts[1], frame.data() + 52, 64) == 0);
            CHECK(std::memcmp(parts[2], frame.data() + 116, 84) == 0);
            CHECK(parts[0][10] == 2);
            REQUIRE(rig.queue.used_waiting() == 2);
            for (const uint32_t bytes : {128u, 84u}) {
                const auto used = rig.queue.take_used();
                CHECK(used.len_bytes == bytes);
                rig.queue.free_chain(used.head);
            }
        }
        CHECK(rig.ring->next_avail() == Packed::position(3 + 120, 7));
    }
    TEST_CASE("used descriptors: flags of the round, WRITE where something was written") {
        PackedTx tx({4});
        PackedRx rx({4});
        for (int round = 0; round < 4; ++round) {
            const uint16_t both =
                round % 2 == 0 ? spec::packed_desc_f_avail | spec::packed_desc_f_used : 0;
            for (unsigned i = 0; i < 4; ++i) {
                tx.send(frame_of(60));
                tx.expect_frame(frame_of(60));
                CHECK(flags_of(tx.queue.slots()[i]) == both);
                tx.reclaim();
                rx.offer(256);
                REQUIRE(rx.deliver({frame_of(60)}).frames == 1);
                CHECK(flags_of(rx.queue.slots()[i]) == (both | spec::desc_f_write));
                rx.queue.free_chain(rx.queue.take_used().head);
            }
        }
    }
    TEST_CASE("an untouched ring is known from one that was used") {
        PackedTx tx;
        PackedRx rx;
        CHECK(tx.ring->untouched());
        CHECK(rx.ring->untouched());
        tx.send(frame_of(60));
        rx.offer(256);
        CHECK_FALSE(tx.ring->untouched());
        CHECK_FALSE(rx.ring->untouched());
    }
}

TEST_SUITE("packed TX: IN_ORDER, virtio 1.2, 2.8.9") {
    TEST_CASE("one used descriptor for a batch, with the id of its last buffer") {
        PackedTx rig({16, in_order});
        for (unsigned i = 0; i < 6; ++i) rig.send(frame_of(60, i));
        REQUIRE(rig.fetch() == 6);
        rig.ring->release();
        CHECK(static_cast<uint16_t>(rig.queue.slots()[0].rest >> 32) == 5);
        for (unsigned i = 1; i < 6; ++i)
            CHECK(flags_of(rig.queue.slots()[i]) == spec::packed_desc_f_avail);
        CHECK(rig.queue.used_waiting() == 6);
    }
    TEST_CASE("batches of any length, chains among them, over many rounds") {
        std::mt19937 random(3);
        PackedTx rig({37, in_order, 11, 32 << 20});
        for (unsigned i = 0; i < 300; ++i) {
            const unsigned count = 1 + random() % 8;
            for (unsigned at = 0; at < count; ++at) {
                if (random() % 3 == 0) {
                    rig.send_chain(rig.scatter(rig.packet(frame_of(200, at)), {12, 50}));
                } else {
                    rig.send(frame_of(200, at));
                }
            }
            REQUIRE(rig.fetch() == count);
            for (unsigned at = 0; at < count; ++at)
                REQUIRE((bytes_of(*rig.batch, at) == frame_of(200, at)));
            rig.ring->release();
            REQUIRE(rig.queue.used_waiting() == count);
            rig.reclaim();
            REQUIRE(rig.queue.free_count() == 37);
        }
    }
    TEST_CASE("a receiver gets one for each buffer: their lengths differ") {
        PackedRx rig({16, in_order});
        for (int i = 0; i < 4; ++i) rig.offer(256);
        CHECK(rig.deliver({frame_of(60), frame_of(70), frame_of(80)}).frames == 3);
        REQUIRE(rig.queue.used_waiting() == 3);
        for (const uint32_t bytes : {72u, 82u, 92u})
            CHECK(rig.queue.take_used().len_bytes == bytes);
    }
}

TEST_SUITE("packed rings: faults") {
    TEST_CASE("chain_loops: a chain that does not end within the ring, or runs into the borrowed") {
        PackedTx rig;
        const auto buffer = good_buffer(rig);
        for (uint16_t i = 0; i < 8; ++i)
            rig.queue.offer_raw(buffer.addr, buffer.len_bytes, i, spec::desc_f_next);
        CHECK(rig.fault_after_fetch() == Fault::chain_loops);
        PackedTx behind;
        const auto good = good_buffer(behind);
        for (uint16_t i = 0; i < 8; ++i)
            behind.queue.offer_raw(good.addr, good.len_bytes, i, i < 5 ? 0 : spec::desc_f_next);
        CHECK(behind.fetch() == 5);
        CHECK(behind.ring->fault() == Fault::chain_loops);
        PackedRx rx;
        for (uint16_t i = 0; i < 8; ++i)
            rx.queue.offer_raw(rx.space.addr(rx.patterned(64)), 64, i,
                               spec::desc_f_next | spec::desc_f_write);
        CHECK(rx.deliver({frame_of(60)}).frames == 0);
        CHECK(rx.ring->fault() == Fault::chain_loops);
    }
    TEST_CASE("a chain as long as the ring is none") {
        PackedTx rig;
        auto chain = rig.scatter(rig.packet(frame_of(420)), {6, 6, 60, 60, 60, 60, 60});
        REQUIRE(chain.size() == 8);
        rig.send_chain(chain);
        rig.expect_frame(frame_of(420));
    }
    TEST_CASE("what is borrowed is not looked at again before it came back") {
        PackedTx rig;
        for (int i = 0; i < 8; ++i) rig.send(frame_of(60));
        REQUIRE(rig.fetch() == 8);
        rig.queue.offer_raw(good_buffer(rig).addr, 72, 0, 0);  // The ninth of eight.
        CHECK(rig.ring->fetch(*rig.batch, {64, largest_frame_bytes}, rig.counters) == 0);
        CHECK(rig.ring->fault() == Fault::none);
        rig.ring->release();
    }
    TEST_CASE("indirect_with_next: chained before or behind an indirect descriptor") {
        for (const bool behind : {false, true}) {
            PackedTx rig({8, with_indirect});
            const auto buffer = good_buffer(rig);
            const uint64_t table = table_of(rig, {{buffer.addr, buffer.len_bytes, 0, 0}});
            if (behind) {
                rig.queue.offer_raw(buffer.addr, 12, 0, spec::desc_f_next);
                rig.queue.offer_raw(table, 16, 0, spec::desc_f_indirect);
            } else {
                rig.queue.offer_raw(table, 16, 0, spec::desc_f_indirect | spec::desc_f_next);
                rig.queue.offer_raw(buffer.addr, 12, 0, 0);
            }
            CHECK(rig.fault_after_fetch() == Fault::indirect_with_next);
        }
    }
    TEST_CASE("indirect_size_invalid: empty, not whole entries, longer than the ring") {
        for (const uint32_t len : {0u, 1u, 15u, 17u, 9 * 16u, UINT32_MAX & ~15u}) {
            CAPTURE(len);
            PackedTx rig({8, with_indirect});
            const auto buffer = good_buffer(rig);
            rig.queue.add_indirect(table_of(rig, std::vector<spec::PackedDesc>(
                                                     9, {buffer.addr, buffer.len_bytes, 0, 0})),
                                   len);
            rig.queue.publish();
            CHECK(rig.fault_after_fetch() == Fault::indirect_size_invalid);
        }
    }
    TEST_CASE(
        "in a table only the direction counts, and on the descriptor of a table not even that") {
        PackedTx rig({8, with_indirect});
        const auto chain = rig.scatter(rig.packet(frame_of(60)), {12});
        const uint64_t table = table_of(
            rig,
            {{chain[0].addr, chain[0].len_bytes, 77, spec::desc_f_next},
             {chain[1].addr, chain[1].len_bytes, 78, spec::desc_f_next | spec::desc_f_indirect}});
        rig.queue.offer_raw(table, 32, 3, spec::desc_f_indirect | spec::desc_f_write);
        rig.expect_frame(frame_of(60));
        CHECK(static_cast<uint16_t>(rig.queue.slots()[0].rest >> 32) == 3);
    }
    TEST_CASE("frames before a fault are handed back, nothing behind it is taken") {
        PackedTx rig({16});
        for (unsigned i = 0; i < 3; ++i) rig.send(frame_of(60, i));
        rig.queue.offer_raw(0, 100, 3, 0);
        rig.queue.offer_raw(good_buffer(rig).addr, 72, 4, 0);
        CHECK(rig.fetch() == 3);
        CHECK(rig.ring->fault() == Fault::address_outside_memory);
        rig.ring->release();
        CHECK(rig.queue.used_waiting() == 3);
        CHECK(rig.fetch() == 0);
        CHECK(rig.ring->next_avail() == Packed::position(3, 16));
        CHECK_FALSE(rig.ring->arm());
    }
    TEST_CASE("rebind: the size of a ring stays") {
        PackedTx tx;
        PackedRx rx;
        RingConfig config = tx.config();
        config.size = 4;
        CHECK(tx.ring->rebind(alone(), config, tx.space.map()) == Fault::ring_size_invalid);
        config = rx.config();
        config.size = 4;
        CHECK(rx.ring->rebind(alone(), config, rx.space.map()) == Fault::ring_size_invalid);
    }
}
