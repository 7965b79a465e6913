// Split and packed rings, guest -> us: who asks whom for notifications, and what a ring keeps over
// a rebind.
#include <random>

#include "alone.hpp"
#include "rig.hpp"
#include "ring/suppression.hpp"

using namespace valenic;
using namespace valenic::test;
using spec::Fault;

namespace {

/// Sends, takes and hands back `count` frames.
template <typename Rig>
void pass(Rig& rig, unsigned count) {
    for (unsigned i = 0; i < count; ++i) {
        rig.queue.add_one(driver::GuestMemory::guest_base, 72, false);
        rig.queue.publish();
    }
    REQUIRE(rig.fetch() == count);
    rig.ring->release();
    rig.reclaim();
}

uint16_t kick_flag(TxRig& rig) { return rig.queue.used()->flags & spec::used_f_no_notify; }

}  // namespace

TEST_SUITE("TX: kicks we ask for, virtio 1.2, 2.7.10") {
    TEST_CASE("without event index: none while we poll, each after arm()") {
        TxRig rig;
        CHECK(kick_flag(rig) == 1);  // From the start.
        CHECK_FALSE(rig.ring->arm());
        CHECK(kick_flag(rig) == 0);
        rig.send(frame_of(60));
        CHECK(rig.queue.kick_wanted());
        rig.ring->disarm();
        CHECK(kick_flag(rig) == 1);
        rig.send(frame_of(60));
        CHECK_FALSE(rig.queue.kick_wanted());
    }
    TEST_CASE("with event index: arm() asks for the next frame, polling for none that comes soon") {
        for (const uint16_t base : {0, 500, 65530}) {
            CAPTURE(base);
            TxRig rig({16, with_events, base});
            for (int round = 0; round < 30; ++round) {
                CHECK_FALSE(rig.ring->arm());
                CHECK(rig.queue.avail_event() == rig.ring->next_avail());
                rig.send(frame_of(60));
                CHECK(rig.queue.kick_wanted());
                rig.ring->disarm();
                rig.send(frame_of(60));
                CHECK_FALSE(rig.queue.kick_wanted());
                CHECK(rig.fetch() == 2);
                rig.ring->release();
                rig.reclaim();
            }
        }
    }
    TEST_CASE_TEMPLATE("arm() sees a frame that came before the driver could have seen the wish",
                       Kind, Split, Packed) {
        using TxRig = BasicTxRig<Kind>;
        for (const uint64_t features : {modern, with_events}) {
            TxRig rig({8, features});
            rig.send(frame_of(60));
            CHECK(rig.ring->arm());  // Waits already: do not sleep.
            rig.expect_frame(frame_of(60));
            CHECK_FALSE(rig.ring->arm());
        }
    }
    TEST_CASE("arm() after the index jumped lets the ring be fetched, which finds the fault") {
        TxRig rig;
        store_release(rig.queue.avail()->idx, uint16_t{100});
        CHECK(rig.ring->arm());
        CHECK(rig.fault_after_fetch() == Fault::avail_index_jumped);
    }
}

TEST_SUITE("TX: calls the driver asks for, virtio 1.2, 2.7.7") {
    TEST_CASE_TEMPLATE("without event index: by the flag, and only for what is new", Kind, Split,
                       Packed) {
        using TxRig = BasicTxRig<Kind>;
        TxRig rig({16});
        pass(rig, 1);
        CHECK(rig.ring->call_wanted());
        CHECK_FALSE(rig.ring->call_wanted());
        rig.queue.ask_for_no_call();
        pass(rig, 3);
        CHECK_FALSE(rig.ring->call_wanted());
        rig.queue.ask_for_call();
        CHECK_FALSE(rig.ring->call_wanted());  // That one was asked about.
        pass(rig, 1);
        CHECK(rig.ring->call_wanted());
    }
    TEST_CASE("with event index: any sequence of steps and wishes agrees with the formula") {
        std::mt19937 random(7);
        for (const uint16_t base : {0, 1, 30'000, 65'500}) {
            TxRig rig({64, with_events, base});
            rig.queue.used_event() = static_cast<uint16_t>(base - 1);
            pass(rig, 1);
            rig.ring->call_wanted();
            uint16_t signalled = static_cast<uint16_t>(base + 1);
            for (int i = 0; i < 3000; ++i) {
                const unsigned count = random() % 20;
                const auto event = static_cast<uint16_t>(signalled + random() % 50 - 25);
                store_once(rig.queue.used_event(), event);
                if (count > 0) pass(rig, count);
                const auto now = static_cast<uint16_t>(signalled + count);
                CAPTURE(signalled);
                CAPTURE(now);
                CAPTURE(event);
                REQUIRE(rig.ring->call_wanted() == index_passed(event, now, signalled));
                signalled = now;
            }
        }
    }
    TEST_CASE("NOTIFY_ON_EMPTY: a call when the ring ran empty, although the driver wants none") {
        for (const uint64_t events : {uint64_t{0}, features_of(spec::feature_ring_event_idx)}) {
            TxRig rig({16, features_of(spec::feature_notify_on_empty) | events, 100});
            rig.queue.ask_for_no_call();
            pass(rig, 2);
            CHECK(rig.ring->call_wanted());
            rig.queue.ask_for_no_call();
            for (int i = 0; i < 3; ++i) rig.send(frame_of(60));
            REQUIRE(rig.fetch(2) == 2);
            rig.ring->release();
            CHECK_FALSE(rig.ring->call_wanted());  // One still waits.
        }
        TxRig rig({16, modern, 100});  // Without the feature the wish stands.
        rig.queue.ask_for_no_call();
        pass(rig, 2);
        CHECK_FALSE(rig.ring->call_wanted());
    }
    TEST_CASE("a call that the backend before us owed is not lost") {
        // It published up to the base and died before it called; the driver waits for the call.
        for (const uint16_t base : {0, 40, 65535}) {
            CAPTURE(base);
            TxRig rig({16, with_events, base});
            store_once(rig.queue.used_event(), static_cast<uint16_t>(base - 3));
            pass(rig, 1);
            CHECK(rig.ring->call_wanted());
            pass(rig, 1);
            CHECK_FALSE(rig.ring->call_wanted());
        }
    }
}

TEST_SUITE("TX: rebind") {
    TEST_CASE_TEMPLATE("a new map of the same memory: not a frame lost, none twice", Kind, Split,
                       Packed) {
        using TxRig = BasicTxRig<Kind>;
        TxRig rig({64, modern, 65'520});
        for (unsigned i = 0; i < 60; ++i) {
            rig.send(frame_of(60, i));
            if (i % 3 == 0)
                REQUIRE(rig.ring->rebind(alone(), rig.config(), rig.space.map_again()) ==
                        Fault::none);
            rig.expect_frame(frame_of(60, i));
            rig.reclaim();
        }
    }
    TEST_CASE_TEMPLATE("frames that were known to wait are still taken, through the new map", Kind,
                       Split, Packed) {
        using TxRig = BasicTxRig<Kind>;
        TxRig rig({64});
        for (unsigned i = 0; i < 10; ++i) rig.send(frame_of(60, i));
        REQUIRE(rig.fetch(3) == 3);
        rig.ring->release();
        const auto map = rig.space.map_again();
        REQUIRE(rig.ring->rebind(alone(), rig.config(), map) == Fault::none);
        CHECK(rig.fetch() == 7);
        for (size_t i = 0; i < 7; ++i)
            CHECK((bytes_of(*rig.batch, i) == frame_of(60, static_cast<unsigned>(i + 3))));
    }
    TEST_CASE("other addresses: the ring goes on there, and asks for no kicks there") {
        TxRig rig({8});
        for (unsigned i = 0; i < 3; ++i) rig.send(frame_of(60, i));
        REQUIRE(rig.fetch() == 3);
        rig.ring->release();
        driver::SplitQueue moved(rig.space.take(driver::SplitQueue::parts_of(8).bytes), 8, false,
                                 false, 3);
        moved.avail()->idx = moved.used()->idx = 3;
        RingConfig config = rig.config();
        config.desc_addr = reinterpret_cast<uint64_t>(moved.table());
        config.avail_addr = reinterpret_cast<uint64_t>(moved.avail());
        config.used_addr = reinterpret_cast<uint64_t>(moved.used());
        REQUIRE(rig.ring->rebind(alone(), config, rig.space.map()) == Fault::none);
        CHECK(moved.used()->flags == spec::used_f_no_notify);
        moved.add_one(rig.space.addr(rig.place(rig.packet(frame_of(70, 4)))), 82, false);
        moved.publish();
        rig.expect_frame(frame_of(70, 4));
        CHECK(moved.used_waiting() == 1);
        CHECK(rig.queue.used_waiting() == 3);
    }
    TEST_CASE_TEMPLATE("a map that no longer holds the ring stops it with a named fault", Kind,
                       Split, Packed) {
        using TxRig = BasicTxRig<Kind>;
        TxRig rig;
        const GuestSpace other(1 << 20);
        CHECK(rig.ring->rebind(alone(), rig.config(), other.map()) == Fault::ring_address_unmapped);
        CHECK(rig.ring->fault() == Fault::ring_address_unmapped);
        rig.send(frame_of(60));
        CHECK(rig.fetch() == 0);
    }
    TEST_CASE("the largest base; a ring is untouched until the driver moves its index") {
        TxRig rig({8, modern, 65535});
        CHECK_FALSE(rig.ring->untouched());
        CHECK(rig.ring->next_avail() == 65535);
        rig.send(frame_of(60));
        CHECK_FALSE(rig.ring->untouched());  // The driver's index is 0, and ours is not.
        rig.expect_frame(frame_of(60));
        CHECK(rig.ring->next_avail() == 0);
        CHECK(TxRig().ring->untouched());
    }
}
