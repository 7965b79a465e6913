// Packed rings: which side asks for notifications.
#include <random>

#include "rig.hpp"

using namespace valenic;
using namespace valenic::test;
using spec::Fault;

namespace {

using PackedTx = BasicTxRig<Packed>;
using PackedRx = BasicRxRig<Packed>;

uint32_t event_of(uint16_t off_wrap, uint16_t flags) { return off_wrap | uint32_t{flags} << 16; }

}  // namespace

TEST_SUITE("packed rings: notifications, virtio 1.2, 2.8.10") {
    TEST_CASE("kicks: none while we poll, the next one after arm()") {
        for (const uint64_t features : {modern, with_events}) {
            PackedTx rig({8, features, 5});
            for (int round = 0; round < 20; ++round) {
                CHECK(*rig.queue.device_event() == event_of(0, spec::packed_event_flag_disable));
                CHECK_FALSE(rig.ring->arm());
                rig.send(frame_of(60));
                CHECK(rig.queue.kick_wanted());
                CHECK_FALSE(rig.queue.kick_wanted());
                CHECK(rig.ring->arm());
                rig.ring->disarm();
                rig.send(frame_of(60));
                CHECK_FALSE(rig.queue.kick_wanted());
                CHECK(rig.fetch() == 2);
                rig.ring->release();
                rig.reclaim();
            }
        }
    }
    TEST_CASE("calls: always, never, and when a position is passed, in any sequence") {
        std::mt19937 random(7);
        for (const uint16_t size : {16, 21}) {
            PackedTx rig({size, with_events, 3, 8 << 20});
            const uint64_t buffer = rig.space.addr(rig.place(rig.packet(frame_of(60))));
            rig.ring->call_wanted();  // What a device before us may owe.
            uint64_t used = 3;
            for (int i = 0; i < 3000; ++i) {
                const unsigned count = random() % size;
                const uint64_t event = used + random() % (2u * size);  // Anywhere in two rounds.
                const unsigned kind = random() % 3;
                *rig.queue.driver_event() =
                    event_of(Packed::position(event, size), static_cast<uint16_t>(kind));
                for (unsigned at = 0; at < count; ++at) rig.queue.add_one(buffer, 72, false);
                rig.queue.publish();
                REQUIRE(rig.fetch() == count);
                rig.ring->release();
                rig.reclaim();
                used += count;
                const bool wanted = kind == spec::packed_event_flag_enable ||
                                    (kind == spec::packed_event_flag_desc && event < used);
                CAPTURE(event);
                CAPTURE(used);
                REQUIRE(rig.ring->call_wanted() == (count > 0 && wanted));
            }
        }
    }
    TEST_CASE("without EVENT_IDX the position is not looked at") {
        PackedRx rig({8});
        for (int i = 0; i < 4; ++i) rig.offer(256);
        *rig.queue.driver_event() = event_of(0x8005, spec::packed_event_flag_desc);
        rig.deliver({frame_of(60)});
        CHECK(rig.ring->call_wanted());
        CHECK_FALSE(rig.ring->call_wanted());
        *rig.queue.driver_event() = event_of(0, spec::packed_event_flag_disable);
        rig.deliver({frame_of(60)});
        CHECK_FALSE(rig.ring->call_wanted());
    }
    TEST_CASE("an event outside the ring harms nobody but its driver") {
        PackedRx rig({5, with_events});
        for (int i = 0; i < 5; ++i) rig.offer(256);
        for (const uint16_t wild : {0x7fff, 0xffff, 5, 0x8005}) {
            *rig.queue.driver_event() = event_of(wild, spec::packed_event_flag_desc);
            rig.deliver({frame_of(60)});
            rig.ring->call_wanted();
        }
        CHECK(rig.ring->fault() == Fault::none);
    }
    TEST_CASE("a call that the backend before us owed is not lost") {
        for (const uint16_t base : {0, 3, 7}) {
            PackedTx rig({8, with_events, static_cast<uint16_t>(base + 16)});
            *rig.queue.driver_event() =
                event_of(Packed::position(base + 16u - 3, 8), spec::packed_event_flag_desc);
            rig.send(frame_of(60));
            REQUIRE(rig.fetch() == 1);
            rig.ring->release();
            CHECK(rig.ring->call_wanted());
        }
    }
}
