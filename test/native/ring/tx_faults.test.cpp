// Split and packed rings, guest -> us: each rule of the table `faults` (native/boundary), and
// that a ring which broke one stays stopped while what came before it is handed back.
#include "rig.hpp"

using namespace valenic;
using namespace valenic::test;
using spec::Fault;

namespace {

/// One good buffer with a packet in it, for chains that are bad elsewhere.
template <typename Rig>
driver::Buffer good_buffer(Rig& rig) {
    return rig.scatter(rig.packet(frame_of(60)), {})[0];
}

/// A table of descriptors in guest memory.
uint64_t table_of(TxRig& rig, const std::vector<spec::SplitDesc>& entries) {
    uint8_t* table = rig.space.take(entries.size() * sizeof entries[0] + 1);
    std::memcpy(table, entries.data(), entries.size() * sizeof entries[0]);
    return rig.space.addr(table);
}

constexpr uint64_t space_end(size_t bytes) { return driver::GuestMemory::guest_base + bytes; }

}  // namespace

TEST_SUITE("TX: faults") {
    TEST_CASE("avail_index_jumped: more than the ring holds, or backwards") {
        for (const uint16_t jump : {9, 100, 0x7fff, 0x8000, 0xffff}) {
            CAPTURE(jump);
            TxRig rig({8, modern, 1000});
            store_release(rig.queue.avail()->idx, static_cast<uint16_t>(1000 + jump));
            CHECK(rig.fault_after_fetch() == Fault::avail_index_jumped);
            CHECK(rig.ring->used_index() == 1000);
        }
        TxRig rig;  // The whole ring at once is allowed.
        for (int i = 0; i < 8; ++i) rig.send(frame_of(60));
        CHECK(rig.fetch() == 8);
        CHECK(rig.ring->fault() == Fault::none);
    }
    TEST_CASE("avail_index_jumped: buffers are offered again only after they came back") {
        TxRig rig;
        for (int i = 0; i < 8; ++i) rig.send(frame_of(60));
        REQUIRE(rig.fetch() == 8);
        rig.offer_raw(0);  // The ninth of eight.
        CHECK(rig.ring->fetch(*rig.batch, {64, largest_frame_bytes}, rig.counters) == 0);
        CHECK(rig.ring->fault() == Fault::avail_index_jumped);
        rig.ring->release();
        CHECK(rig.queue.used_waiting() == 8);
    }
    TEST_CASE("index_outside_table: a head, and a link") {
        for (const uint16_t head : {8, 9, 0x8000, 0xffff}) {
            TxRig rig;
            rig.offer_raw(head);
            CHECK(rig.fault_after_fetch() == Fault::index_outside_table);
        }
        for (const uint16_t next : {8, 0xffff}) {
            TxRig rig;
            const auto buffer = good_buffer(rig);
            rig.write_descriptor(7, buffer.addr, buffer.len_bytes, spec::desc_f_next, next);
            rig.offer_raw(7);
            CHECK(rig.fault_after_fetch() == Fault::index_outside_table);
        }
        TxRig rig;  // The last entry is inside.
        const auto buffer = good_buffer(rig);
        rig.write_descriptor(7, buffer.addr, buffer.len_bytes, 0);
        rig.offer_raw(7);
        rig.expect_frame(frame_of(60));
    }
    TEST_CASE("index_outside_table: a link out of an indirect table that is shorter") {
        TxRig rig({8, with_indirect});
        const auto buffer = good_buffer(rig);
        const uint64_t table = table_of(rig, {{buffer.addr, buffer.len_bytes, spec::desc_f_next, 2},
                                              {buffer.addr, buffer.len_bytes, 0, 0}});
        rig.queue.add_indirect(table, 32);
        rig.queue.publish();
        CHECK(rig.fault_after_fetch() == Fault::index_outside_table);
    }
    TEST_CASE("index_outside_table: the link of the last entry, of a table of any length") {
        for (const uint16_t entries : {1, 2, 8}) {
            for (const uint16_t next : {entries, uint16_t{0xffff}}) {
                CAPTURE(entries);
                TxRig rig({8, with_indirect});
                const auto [addr, bytes, _] = good_buffer(rig);
                std::vector<spec::SplitDesc> table;
                for (uint16_t i = 1; i < entries; ++i)
                    table.push_back({addr, bytes, spec::desc_f_next, i});
                table.push_back({addr, bytes, spec::desc_f_next, next});
                rig.queue.add_indirect(table_of(rig, table), uint32_t{16} * entries);
                rig.queue.publish();
                CHECK(rig.fault_after_fetch() == Fault::index_outside_table);
            }
        }
    }
    TEST_CASE("chain_loops: to itself, over the whole ring, in an indirect table") {
        {
            TxRig rig;
            const auto buffer = good_buffer(rig);
            rig.write_descriptor(3, buffer.addr, buffer.len_bytes, spec::desc_f_next, 3);
            rig.offer_raw(3);
            CHECK(rig.fault_after_fetch() == Fault::chain_loops);
        }
        {
            TxRig rig;
            const auto buffer = good_buffer(rig);
            for (uint16_t i = 0; i < 8; ++i)
                rig.write_descriptor(i, buffer.addr, buffer.len_bytes, spec::desc_f_next,
                                     static_cast<uint16_t>((i + 1) % 8));
            rig.offer_raw(5);
            CHECK(rig.fault_after_fetch() == Fault::chain_loops);
        }
        {
            TxRig rig({8, with_indirect});
            const auto buffer = good_buffer(rig);
            const uint64_t table =
                table_of(rig, {{buffer.addr, buffer.len_bytes, spec::desc_f_next, 1},
                               {buffer.addr, buffer.len_bytes, spec::desc_f_next, 0}});
            rig.queue.add_indirect(table, 32);
            rig.queue.publish();
            CHECK(rig.fault_after_fetch() == Fault::chain_loops);
        }
        {  // Buffers of no bytes loop as well as others.
            TxRig rig;
            rig.write_descriptor(0, 0, 0, spec::desc_f_next, 0);
            rig.offer_raw(0);
            CHECK(rig.fault_after_fetch() == Fault::chain_loops);
        }
    }
    TEST_CASE_TEMPLATE("writable_in_send_chain: first, last, and in an indirect table", Kind, Split,
                       Packed) {
        using TxRig = BasicTxRig<Kind>;
        {
            TxRig rig;
            auto buffer = good_buffer(rig);
            buffer.device_writes = true;
            rig.send_chain({buffer});
            CHECK(rig.fault_after_fetch() == Fault::writable_in_send_chain);
        }
        {
            TxRig rig;
            auto chain = rig.scatter(rig.packet(frame_of(60)), {12, 20});
            chain.back().device_writes = true;
            rig.send_chain(chain);
            CHECK(rig.fault_after_fetch() == Fault::writable_in_send_chain);
        }
        {
            TxRig rig({8, with_indirect});
            auto chain = rig.scatter(rig.packet(frame_of(60)), {12});
            chain.back().device_writes = true;
            rig.send_indirect(chain);
            CHECK(rig.fault_after_fetch() == Fault::writable_in_send_chain);
        }
    }
    TEST_CASE_TEMPLATE("address_outside_memory: before, behind, across the end, around 2^64", Kind,
                       Split, Packed) {
        using TxRig = BasicTxRig<Kind>;
        constexpr size_t bytes = 4 << 20;
        const std::pair<uint64_t, uint32_t> ranges[] = {
            {0, 100},
            {driver::GuestMemory::guest_base - 1, 100},
            {space_end(bytes), 1},
            {space_end(bytes) - 99, 100},
            {space_end(bytes) - 1, UINT32_MAX},
            {UINT64_MAX, 100},
            {UINT64_MAX - 99, 100},
            {driver::GuestMemory::guest_base, UINT32_MAX},
        };
        for (const auto& [addr, len] : ranges) {
            CAPTURE(addr);
            CAPTURE(len);
            TxRig rig({8, modern, 0, bytes});
            rig.send_chain({{addr, len, false}});
            CHECK(rig.fault_after_fetch() == Fault::address_outside_memory);
            TxRig chained({8, modern, 0, bytes});
            rig.reclaim();
            chained.send_chain({good_buffer(chained), {addr, len, false}});
            CHECK(chained.fault_after_fetch() == Fault::address_outside_memory);
        }
        TxRig rig({8, modern, 0, bytes});  // Up to the last byte is inside.
        rig.send_chain({{space_end(bytes) - 100, 100, false}});
        CHECK(rig.fetch() == 1);
        CHECK(rig.ring->fault() == Fault::none);
    }
    TEST_CASE_TEMPLATE("address_outside_memory: an indirect table", Kind, Split, Packed) {
        using TxRig = BasicTxRig<Kind>;
        TxRig rig({8, with_indirect});
        rig.queue.add_indirect(space_end(4 << 20) - 16, 32);
        rig.queue.publish();
        CHECK(rig.fault_after_fetch() == Fault::address_outside_memory);
    }
    TEST_CASE_TEMPLATE("indirect_not_negotiated", Kind, Split, Packed) {
        using TxRig = BasicTxRig<Kind>;
        TxRig rig({8, modern});
        rig.send_indirect(rig.scatter(rig.packet(frame_of(60)), {12}));
        CHECK(rig.fault_after_fetch() == Fault::indirect_not_negotiated);
    }
    TEST_CASE("indirect_nested") {
        TxRig rig({8, with_indirect});
        const auto buffer = good_buffer(rig);
        const uint64_t inner = table_of(rig, {{buffer.addr, buffer.len_bytes, 0, 0}});
        rig.queue.add_indirect(table_of(rig, {{inner, 16, spec::desc_f_indirect, 0}}), 16);
        rig.queue.publish();
        CHECK(rig.fault_after_fetch() == Fault::indirect_nested);
    }
    TEST_CASE("indirect_size_invalid: empty, not whole entries, longer than the ring") {
        for (const uint32_t len : {0u, 1u, 15u, 17u, 9 * 16u, 65536 * 16u, UINT32_MAX & ~15u}) {
            CAPTURE(len);
            TxRig rig({8, with_indirect});
            const auto buffer = good_buffer(rig);
            rig.queue.add_indirect(table_of(rig, std::vector<spec::SplitDesc>(
                                                     9, {buffer.addr, buffer.len_bytes, 0, 0})),
                                   len);
            rig.queue.publish();
            CHECK(rig.fault_after_fetch() == Fault::indirect_size_invalid);
        }
    }
    TEST_CASE("indirect_with_next") {
        TxRig rig({8, with_indirect});
        const auto buffer = good_buffer(rig);
        const uint64_t table = table_of(rig, {{buffer.addr, buffer.len_bytes, 0, 0}});
        rig.write_descriptor(0, table, 16, spec::desc_f_indirect | spec::desc_f_next, 1);
        rig.write_descriptor(1, buffer.addr, buffer.len_bytes, 0);
        rig.offer_raw(0);
        CHECK(rig.fault_after_fetch() == Fault::indirect_with_next);
    }
    TEST_CASE_TEMPLATE("header_incomplete", Kind, Split, Packed) {
        using TxRig = BasicTxRig<Kind>;
        for (const uint32_t bytes : {0u, 1u, 11u}) {
            TxRig rig;
            rig.send_chain({{rig.space.addr(rig.space.take(64)), bytes, false}});
            CHECK(rig.fault_after_fetch() == Fault::header_incomplete);
        }
        TxRig legacy({8, 0});
        legacy.send_chain({{legacy.space.addr(legacy.space.take(64)), 9, false}});
        CHECK(legacy.fault_after_fetch() == Fault::header_incomplete);
    }
}

TEST_SUITE("TX: after a fault") {
    TEST_CASE("frames before it are delivered and handed back, nothing after it is taken") {
        TxRig rig({16});
        for (unsigned i = 0; i < 3; ++i) rig.send(frame_of(60, i));
        for (const uint16_t head : {99, 0, 1}) rig.offer_raw(head);
        CHECK(rig.fetch() == 3);
        CHECK(rig.batch->count == 3);
        CHECK(rig.ring->fault() == Fault::index_outside_table);
        rig.ring->release();
        CHECK(rig.queue.used_waiting() == 3);
        CHECK(rig.fetch() == 0);
        CHECK(rig.ring->next_avail() == 3);
        CHECK_FALSE(rig.ring->arm());
    }
    TEST_CASE_TEMPLATE("a fault in a chain behind good heads of the same batch", Kind, Split,
                       Packed) {
        using TxRig = BasicTxRig<Kind>;
        TxRig rig({16});
        rig.send(frame_of(60, 1));
        rig.send_chain({{0, 100, false}});
        rig.send(frame_of(60, 2));
        CHECK(rig.fetch() == 1);
        CHECK((bytes_of(*rig.batch, 0) == frame_of(60, 1)));
        CHECK(rig.ring->fault() == Fault::address_outside_memory);
        rig.ring->release();
        CHECK(rig.queue.used_waiting() == 1);
    }
}
