// Split and packed rings, us -> guest: notifications, and what a ring keeps over a rebind.
#include "alone.hpp"
#include "rig.hpp"

using namespace valenic;
using namespace valenic::test;
using spec::DropReason;
using spec::Fault;

TEST_SUITE("RX: notifications") {
    TEST_CASE("no kicks are asked for: a frame without a buffer is dropped, not kept") {
        RxRig rig;
        CHECK((rig.queue.used()->flags & spec::used_f_no_notify) != 0);
    }
    TEST_CASE_TEMPLATE("calls by flag and by event index", Kind, Split, Packed) {
        using RxRig = BasicRxRig<Kind>;
        RxRig plain;
        for (int i = 0; i < 4; ++i) plain.offer(256);
        plain.deliver({frame_of(60)});
        CHECK(plain.ring->call_wanted());
        plain.queue.ask_for_no_call();
        plain.deliver({frame_of(60)});
        CHECK_FALSE(plain.ring->call_wanted());

        RxRig events({8, with_events, 65534});
        for (int i = 0; i < 8; ++i) events.offer(256);
        events.queue.ask_for_call();
        events.deliver({frame_of(60)});
        CHECK(events.ring->call_wanted());
        events.deliver({frame_of(60)});
        CHECK_FALSE(events.ring->call_wanted());  // It has not asked again.
        while (events.queue.used_waiting() > 0) events.queue.take_used();
        CHECK_FALSE(events.queue.ask_for_call());
        events.deliver({frame_of(60), frame_of(60), frame_of(60)});
        CHECK(events.ring->call_wanted());
    }
    TEST_CASE("a call that the backend before us owed is not lost") {
        RxRig rig({8, with_events, 40});
        for (int i = 0; i < 4; ++i) rig.offer(256);
        store_once(rig.queue.used_event(), uint16_t{37});
        rig.deliver({frame_of(60)});
        CHECK(rig.ring->call_wanted());
    }
}

TEST_SUITE("RX: rebind") {
    TEST_CASE_TEMPLATE("buffers offered before are filled through the new map", Kind, Split,
                       Packed) {
        using RxRig = BasicRxRig<Kind>;
        RxRig rig({16, modern, 65530});
        std::vector<uint8_t*> buffers;
        for (int i = 0; i < 12; ++i) buffers.push_back(rig.offer(256));
        for (unsigned i = 0; i < 12; ++i) {
            REQUIRE(rig.ring->rebind(alone(), rig.config(), rig.space.map_again()) == Fault::none);
            REQUIRE(rig.deliver({frame_of(60, i)}).frames == 1);
            CHECK(std::memcmp(buffers[i] + 12, frame_of(60, i).data(), 60) == 0);
        }
        const GuestSpace other(1 << 20);
        CHECK(rig.ring->rebind(alone(), rig.config(), other.map()) == Fault::ring_address_unmapped);
        CHECK(rig.deliver({frame_of(60)}).frames == 0);
        CHECK(rig.dropped(DropReason::rx_ring_broken) == 1);
    }
}
