// Split and packed rings, us -> guest: each rule of the table `faults` that a receiver can break.
#include "alone.hpp"
#include "rig.hpp"

using namespace valenic;
using namespace valenic::test;
using spec::DropReason;
using spec::Fault;

namespace {

/// Delivers one frame and says which rule was broken; the frame is counted, nothing is published.
template <typename Rig>
Fault fault_after(Rig& rig) {
    const uint16_t before = rig.ring->used_index();
    CHECK(rig.deliver({frame_of(60)}).frames == 0);
    CHECK(rig.ring->used_index() == before);
    CHECK(rig.dropped(DropReason::rx_ring_broken) == 1);
    return rig.ring->fault();
}

}  // namespace

TEST_SUITE("RX: faults") {
    TEST_CASE("avail_index_jumped: more than the ring holds, or backwards") {
        for (const uint16_t jump : {9, 100, 0x8000, 0xffff}) {
            CAPTURE(jump);
            RxRig rig({8, modern, 1000});
            store_release(rig.queue.avail()->idx, static_cast<uint16_t>(1000 + jump));
            CHECK(fault_after(rig) == Fault::avail_index_jumped);
        }
        RxRig rig;
        for (int i = 0; i < 8; ++i) rig.offer(256);
        rig.deliver({frame_of(60)});
        store_release(rig.queue.avail()->idx, uint16_t{0});  // Known ones are used first.
        CHECK(rig.deliver(std::vector<Bytes>(7, frame_of(60))).frames == 7);
        CHECK(fault_after(rig) == Fault::avail_index_jumped);
    }
    TEST_CASE("index_outside_table: a head, and a link") {
        for (const uint16_t head : {8, 0xffff}) {
            RxRig rig;
            rig.offer_raw(head);
            CHECK(fault_after(rig) == Fault::index_outside_table);
        }
        RxRig rig;
        rig.write_descriptor(0, rig.space.addr(rig.patterned(64)), 64,
                             spec::desc_f_write | spec::desc_f_next, 8);
        rig.offer_raw(0);
        CHECK(fault_after(rig) == Fault::index_outside_table);
    }
    TEST_CASE("chain_loops") {
        RxRig rig;
        rig.write_descriptor(2, rig.space.addr(rig.patterned(64)), 64,
                             spec::desc_f_write | spec::desc_f_next, 2);
        rig.offer_raw(2);
        CHECK(fault_after(rig) == Fault::chain_loops);
    }
    TEST_CASE_TEMPLATE("readable_in_receive_chain: alone, first, last", Kind, Split, Packed) {
        using RxRig = BasicRxRig<Kind>;
        const std::vector<std::vector<bool>> kinds = {{false}, {false, true}, {true, false}};
        for (const auto& writes : kinds) {
            RxRig rig;
            std::vector<driver::Buffer> chain;
            for (const bool write : writes)
                chain.push_back({rig.space.addr(rig.patterned(256)), 256, write});
            rig.queue.add(chain);
            rig.queue.publish();
            CHECK(fault_after(rig) == Fault::readable_in_receive_chain);
        }
    }
    TEST_CASE_TEMPLATE("address_outside_memory", Kind, Split, Packed) {
        using RxRig = BasicRxRig<Kind>;
        constexpr uint64_t end = driver::GuestMemory::guest_base + (4 << 20);
        for (const uint64_t addr : {uint64_t{0}, end, end - 1999, UINT64_MAX - 10}) {
            RxRig rig;
            rig.queue.add_one(addr, 2000, true);
            rig.queue.publish();
            CHECK(fault_after(rig) == Fault::address_outside_memory);
        }
        RxRig rig;
        rig.queue.add_one(end - 2000, 2000, true);
        rig.queue.publish();
        CHECK(rig.deliver({frame_of(1988)}).frames == 1);
    }
    TEST_CASE_TEMPLATE("memory_not_writable: read-only memory is never written", Kind, Split,
                       Packed) {
        using RxRig = BasicRxRig<Kind>;
        RxRig rig;
        const OwnedFd read_only(
            open(("/proc/self/fd/" + std::to_string(rig.space.memory().fd())).c_str(), O_RDONLY));
        auto specs = rig.space.regions();
        specs.push_back(
            {0x9000'0000'0000, 0x9000'0000'0000, 1 << 20, 0, duplicate(read_only.get())});
        auto map = MemoryMap::create(std::move(specs));
        REQUIRE(map.ok());
        REQUIRE(rig.ring->rebind(alone(), rig.config(), map.value()) == Fault::none);
        rig.queue.add_one(0x9000'0000'0000, 2048, true);
        rig.queue.publish();
        CHECK(fault_after(rig) == Fault::memory_not_writable);
    }
    TEST_CASE("indirect_not_negotiated") {
        RxRig rig;
        rig.write_descriptor(0, rig.space.addr(rig.patterned(64)), 16, spec::desc_f_indirect);
        rig.offer_raw(0);
        CHECK(fault_after(rig) == Fault::indirect_not_negotiated);
    }
    TEST_CASE("indirect_size_invalid, indirect_nested, indirect_with_next") {
        const auto with_table = [](uint16_t inner_flags, uint32_t len, uint16_t outer_flags) {
            RxRig rig({8, with_indirect});
            const spec::SplitDesc desc{rig.space.addr(rig.patterned(256)), 256, inner_flags, 0};
            uint8_t* table = rig.space.take(64);
            std::memcpy(table, &desc, sizeof desc);
            rig.write_descriptor(0, rig.space.addr(table), len, outer_flags, 1);
            rig.offer_raw(0);
            return fault_after(rig);
        };
        CHECK(with_table(spec::desc_f_write, 8, spec::desc_f_indirect) ==
              Fault::indirect_size_invalid);
        CHECK(with_table(spec::desc_f_indirect, 16, spec::desc_f_indirect) ==
              Fault::indirect_nested);
        CHECK(with_table(spec::desc_f_write, 16, spec::desc_f_indirect | spec::desc_f_next) ==
              Fault::indirect_with_next);
    }
    TEST_CASE_TEMPLATE(
        "buffer_too_small: cannot hold the header; one byte more and it is only too long", Kind,
        Split, Packed) {
        using RxRig = BasicRxRig<Kind>;
        for (const uint32_t bytes : {0u, 1u, 11u}) {
            RxRig rig;
            rig.queue.add_one(rig.space.addr(rig.patterned(64)), bytes, true);
            rig.queue.publish();
            CHECK(fault_after(rig) == Fault::buffer_too_small);
        }
        RxRig rig;
        rig.offer(12);
        CHECK(rig.deliver({frame_of(60)}).frames == 0);
        CHECK(rig.dropped(DropReason::rx_too_long) == 1);
        CHECK(rig.ring->fault() == Fault::none);
        RxRig second({8, mergeable});
        second.offer(256);
        second.offer(11);
        CHECK(second.deliver({frame_of(300)}).frames == 0);
        CHECK(second.ring->fault() == Fault::buffer_too_small);
    }
}

TEST_SUITE("RX: after a fault") {
    TEST_CASE("frames before it are delivered, the one at it and all after it are counted") {
        RxRig rig({16});
        uint8_t* first = rig.offer(256);
        uint8_t* second = rig.offer(256);
        for (const uint16_t head : {77, 0, 1}) rig.offer_raw(head);
        CHECK(rig.deliver(std::vector<Bytes>(5, frame_of(60, 4))).frames == 2);
        CHECK(std::memcmp(first + 12, frame_of(60, 4).data(), 60) == 0);
        CHECK(std::memcmp(second + 12, frame_of(60, 4).data(), 60) == 0);
        CHECK(rig.queue.used_waiting() == 2);
        CHECK(rig.dropped(DropReason::rx_ring_broken) == 3);
        CHECK(rig.deliver(std::vector<Bytes>(5, frame_of(60))).frames == 0);
        CHECK(rig.dropped(DropReason::rx_ring_broken) == 8);
        CHECK(rig.queue.used_waiting() == 2);
        CHECK(rig.ring->next_avail() == 2);
    }
}
