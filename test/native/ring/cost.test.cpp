// What one fetch and one delivery may cost, whatever chains are made of, and who pays for it.
#include "rig.hpp"
#include "ring/chain.hpp"

using namespace valenic;
using namespace valenic::test;
using spec::DropReason;
using spec::Fault;

namespace {

constexpr RingOptions long_ring{2048, modern, 0, 32 << 20};
constexpr RingOptions long_indirect{
    2048, modern | spec::feature_mask(spec::feature_ring_indirect_desc), 0, 32 << 20};

/// A chain of so many buffers: a packet, and behind it, or in front of it, buffers of no bytes.
template <typename Rig>
std::vector<driver::Buffer> long_chain(Rig& rig, size_t count) {
    std::vector<driver::Buffer> chain = rig.scatter(rig.packet(frame_of(60)), {});
    const driver::Buffer empty{chain[0].addr, 0, false};
    chain.insert(chain.end(), count - 1, empty);
    return chain;
}

uint64_t fake_now = 0;
/// Each look takes a microsecond.
constexpr TickClock fake_clock{[]() noexcept { return fake_now += 1000; }, 1000};

}  // namespace

TEST_SUITE("what a chain may cost") {
    TEST_CASE_TEMPLATE("to send: as many descriptors as drivers use, and not one more", Kind, Split,
                       Packed) {
        {
            BasicTxRig<Kind> rig(long_ring);
            rig.send_chain(long_chain(rig, send_chain_max));
            rig.expect_frame(frame_of(60));
        }
        {
            BasicTxRig<Kind> rig(long_ring);
            rig.send_chain(long_chain(rig, send_chain_max + 1));
            CHECK(rig.fault_after_fetch() == Fault::chain_too_long);
        }
    }
    TEST_CASE_TEMPLATE("to send, in an indirect table", Kind, Split, Packed) {
        {
            BasicTxRig<Kind> rig(long_indirect);
            rig.send_indirect(long_chain(rig, send_chain_max - 1));  // And the one that names it.
            rig.expect_frame(frame_of(60));
        }
        {
            BasicTxRig<Kind> rig(long_indirect);
            rig.send_indirect(long_chain(rig, send_chain_max + 1));
            CHECK(rig.fault_after_fetch() == Fault::chain_too_long);
        }
    }
    TEST_CASE_TEMPLATE("to receive: fewer, for they are walked under the ring's lock", Kind, Split,
                       Packed) {
        for (const size_t count : {receive_chain_max, receive_chain_max + 1}) {
            CAPTURE(count);
            BasicRxRig<Kind> rig(long_ring);
            rig.queue.add(
                std::vector<driver::Buffer>(count, {rig.space.addr(rig.patterned(64)), 64, true}));
            rig.queue.publish();
            const bool fits = count == receive_chain_max;
            CHECK(rig.deliver({frame_of(60)}).frames == (fits ? 1 : 0));
            CHECK(rig.ring->fault() == (fits ? Fault::none : Fault::chain_too_long));
        }
    }
}

TEST_SUITE("what a fetch may cost") {
    TEST_CASE_TEMPLATE("it ends with the chain that reaches its descriptors, and goes on next time",
                       Kind, Split, Packed) {
        BasicTxRig<Kind> rig(long_ring);
        for (int i = 0; i < 10; ++i) rig.send_chain(long_chain(rig, 100));
        size_t taken = 0;
        for (const size_t expected : {3, 3, 3, 1}) {
            rig.batch->clear();
            CHECK(rig.ring->fetch(*rig.batch, {batch_frames, largest_frame_bytes, 256},
                                  rig.counters) == expected);
            CHECK(rig.batch->drained == (expected == 1));
            taken += rig.batch->count;
            rig.ring->release();
        }
        CHECK(taken == 10);
    }
    TEST_CASE_TEMPLATE("it ends with the frame that reaches its bytes", Kind, Split, Packed) {
        for (const size_t pieces : {1, 3}) {  // As drivers lay them out, and as a walk finds them.
            BasicTxRig<Kind> rig(long_ring);
            const Bytes frame = frame_of(60'000);
            const auto chain = rig.scatter(rig.packet(frame),
                                           std::vector<size_t>(pieces - 1, frame.size() / pieces));
            for (int i = 0; i < 12; ++i) rig.send_chain(chain);
            for (const size_t expected : {5, 5, 2}) {
                CHECK(rig.fetch() == expected);
                CHECK(rig.batch->drained == (expected == 2));
                CHECK(rig.batch->bytes <= batch_bytes_max + frame.size());
                rig.ring->release();
            }
        }
    }
}

TEST_SUITE("what a receiver pays for") {
    TEST_CASE_TEMPLATE("one plain buffer for each frame costs it nothing", Kind, Split, Packed) {
        BasicRxRig<Kind> rig(long_ring);
        for (int i = 0; i < 8; ++i) rig.offer(2048);
        uint64_t paid_to = 0;
        RxExpense expense{&paid_to, 0, fake_clock};
        for (int i = 0; i < 8; ++i) rig.stage(frame_of(1500));
        CHECK(rig.ring->deliver(*rig.batch, first_indices(8), rig.counters, expense).frames == 8);
        CHECK(expense.spent == 0);
        CHECK_FALSE(expense.refused);
    }
    TEST_CASE_TEMPLATE("the walk over a chain, and pieces of a byte", Kind, Split, Packed) {
        BasicRxRig<Kind> rig(long_ring);
        rig.queue.add(
            std::vector<driver::Buffer>(20, {rig.space.addr(rig.patterned(4096)), 4, true}));
        rig.queue.publish();
        uint64_t paid_to = 0;
        RxExpense expense{&paid_to, UINT64_MAX, fake_clock};
        rig.stage(frame_of(60));
        CHECK(rig.ring->deliver(*rig.batch, first_indices(1), rig.counters, expense).frames == 1);
        // One look at the clock before the walk and one behind it; 20 pieces and a chain, 2 free.
        CHECK(expense.spent == 1000 + 19 * RxExpense::part_ns);
    }
    TEST_CASE_TEMPLATE("mergeable buffers that hold next to nothing", Kind, Split, Packed) {
        BasicRxRig<Kind> rig({256, mergeable, 0, 8 << 20});
        for (int i = 0; i < 100; ++i) rig.offer(16);
        uint64_t paid_to = 0;
        RxExpense expense{&paid_to, UINT64_MAX, fake_clock};
        rig.stage(frame_of(1028));
        CHECK(rig.ring->deliver(*rig.batch, first_indices(1), rig.counters, expense).frames == 1);
        CHECK(expense.spent == (65 * 2 - 4) * RxExpense::part_ns);
    }
    TEST_CASE_TEMPLATE("overdrawn, it loses what would have to be walked, at once and unseen", Kind,
                       Split, Packed) {
        BasicRxRig<Kind> rig(long_ring);
        rig.offer(2048);
        // A chain that would break the ring if anybody looked at it.
        rig.queue.add(std::vector<driver::Buffer>(2, {uint64_t{1} << 60, 64, true}));
        rig.queue.publish();
        uint64_t paid_to = 11;
        RxExpense expense{&paid_to, 10, fake_clock};
        for (int i = 0; i < 5; ++i) rig.stage(frame_of(60));
        CHECK(rig.ring->deliver(*rig.batch, first_indices(5), rig.counters, expense).frames == 1);
        CHECK(expense.refused);
        CHECK(expense.spent == 0);
        CHECK(rig.dropped(DropReason::rx_overdrawn) == 4);
        CHECK(rig.ring->fault() == Fault::none);
    }
    TEST_CASE_TEMPLATE("what it spends in a delivery counts within it", Kind, Split, Packed) {
        BasicRxRig<Kind> rig(long_ring);
        const std::vector<driver::Buffer> chain(2, {rig.space.addr(rig.patterned(64)), 64, true});
        for (int i = 0; i < 10; ++i) rig.queue.add(chain);
        rig.queue.publish();
        uint64_t paid_to = 0;
        RxExpense expense{&paid_to, 2500, fake_clock};
        for (int i = 0; i < 10; ++i) rig.stage(frame_of(60));
        CHECK(rig.ring->deliver(*rig.batch, first_indices(10), rig.counters, expense).frames == 3);
        CHECK(rig.dropped(DropReason::rx_overdrawn) == 7);
    }
    TEST_CASE_TEMPLATE("so many descriptors are walked each time that the lock is held", Kind,
                       Split, Packed) {
        BasicRxRig<Kind> rig(long_ring);
        const std::vector<driver::Buffer> chain(30, {rig.space.addr(rig.patterned(64)), 64, true});
        for (int i = 0; i < 20; ++i) rig.queue.add(chain);
        rig.queue.publish();
        const std::vector<Bytes> frames(20, frame_of(60));
        CHECK(rig.deliver(frames).frames == 20);  // In several goes.
        CHECK(rig.counters.read(DropReason::rx_too_long) == 0);
    }
}
