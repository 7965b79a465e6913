// The guest's poll-mode driver on a real switch: bursts, merged frames, indirect tables, and lines
// that are asked for before they are used.
#include "engine_rig.hpp"

using namespace valenic;
using namespace valenic::test;
using spec::PortCounter;

namespace {

/// Guests 0 and 1 on one switch that knows both.
struct Pair {
    EngineRig rig;
    EngineGuest a;
    EngineGuest b;

    explicit Pair(const GuestOptions& options) : a(rig, "a", options), b(rig, "b", options) {
        a.introduce(0);
        b.introduce(1);
        REQUIRE(eventually([&] { return a.guest.net().rx().used_waiting() == 1; }));
        REQUIRE(eventually([&] { return b.guest.net().rx().used_waiting() == 1; }));
        a.guest.receive();
        b.guest.receive();
    }
    Bytes numbered(size_t bytes, unsigned number) {
        Bytes frame = frame_of(bytes, number);
        write_addresses(frame.data(), addresses(1, 0));
        return frame;
    }
    /// Sends one burst of equal lengths, filled by number, and kicks.
    void send(size_t frames, size_t bytes, unsigned first) {
        driver::NetDriver& net = a.guest.net();
        REQUIRE(eventually([&] {
            net.reclaim();
            return net.tx_room() >= frames;
        }));
        unsigned number = first;
        REQUIRE(net.send(frames, static_cast<uint32_t>(bytes), [&](uint8_t* frame) {
            std::memcpy(frame, numbered(bytes, number++).data(), bytes);
        }) == frames);
        a.guest.kick_if_wanted();
    }
    /// Waits until `frames` more arrived and compares each.
    void expect(size_t frames, size_t bytes, unsigned first) {
        driver::NetDriver& net = b.guest.net();
        unsigned number = first;
        REQUIRE(eventually([&] {
            net.look_ahead(8);
            net.receive_bursts(16, [&](std::span<const driver::Received> burst) {
                for (const driver::Received& frame : burst) {
                    const Bytes wanted = numbered(bytes, number++);
                    REQUIRE(frame.bytes == bytes);
                    REQUIRE(std::memcmp(frame.data, wanted.data(), bytes) == 0);
                }
            });
            return number >= first + frames;
        }));
        CHECK(number == first + frames);
    }
};

driver::BufferArea indirect_tables(NetGuest& guest) {
    driver::BufferArea area;
    area.stride_bytes = driver::indirect_table_bytes;
    area.data = guest.space.take(size_t{guest.options().ring_size} * area.stride_bytes);
    for (uint32_t i = 0; i < guest.options().ring_size; ++i)
        area.addresses.push_back(guest.space.addr(area.at(i)));
    return area;
}

}  // namespace

TEST_SUITE("the guest's poll-mode driver") {
    TEST_CASE("hands over frames in order, by the burst, over many turns of the ring") {
        Pair pair({.ring_size = 16});
        for (unsigned round = 0; round < 40; ++round) {
            pair.send(1 + round % 16, 60, round * 100);
            pair.expect(1 + round % 16, 60, round * 100);
        }
    }

    TEST_CASE("IN_ORDER: takes a whole batch back for one used entry") {
        Pair pair({.ring_size = 16, .features = modern | features_of(spec::feature_in_order)});
        for (unsigned round = 0; round < 40; ++round) {
            pair.send(1 + round % 16, 60, round * 100);
            pair.expect(1 + round % 16, 60, round * 100);
        }
    }

    TEST_CASE("puts merged frames together in the middle of a burst") {
        Pair pair({.ring_size = 64, .features = mergeable, .buffer_bytes = 2048});
        GuestOptions small{.ring_size = 64, .features = mergeable, .buffer_bytes = 256};
        EngineGuest c(pair.rig, "c", small);
        c.introduce(2);
        REQUIRE(eventually([&] { return pair.a.guest.net().rx().used_waiting() == 1; }));
        pair.a.guest.receive();
        std::vector<Bytes> sent;
        for (unsigned i = 0; i < 12; ++i) {
            Bytes frame = frame_of(i % 3 == 1 ? 1514 : 60 + i, i);
            write_addresses(frame.data(), addresses(2, 0));
            REQUIRE(pair.a.guest.send(frame));
            sent.push_back(frame);
        }
        std::vector<Bytes> came;
        REQUIRE(eventually([&] {
            c.guest.net().look_ahead(64);
            for (Bytes& frame : c.guest.receive()) came.push_back(std::move(frame));
            return came.size() >= sent.size();
        }));
        CHECK(came == sent);
        CHECK(c.count(PortCounter::rx_frames) == sent.size());
    }

    TEST_CASE("sends by indirect tables, header and frame apart, of changing lengths") {
        Pair pair({.ring_size = 32, .features = with_indirect});
        pair.a.guest.net().send_indirect(indirect_tables(pair.a.guest));
        for (unsigned round = 0; round < 12; ++round) {
            const size_t bytes = round % 3 == 2 ? 1514 : 60;
            pair.send(20, bytes, round * 50);
            pair.expect(20, bytes, round * 50);
            const auto& desc = pair.a.guest.net().tx().table()[1];
            CHECK((desc.flags & spec::desc_f_indirect) != 0);
        }
        CHECK(pair.a.drops() == 0);
    }

    TEST_CASE("does not write what a slot of the available ring says already") {
        GuestSpace space;
        driver::SplitQueue queue(space.take(driver::SplitQueue::parts_of(8).bytes), 8, false);
        const std::vector<uint64_t> where(8, space.addr(space.take(2048)));
        const auto turn = [&] {
            queue.add_same_run(5, where.data(), 72, 0);
            queue.publish();
            for (unsigned i = 0; i < 5; ++i) {  // A device that uses in order.
                const uint16_t at = queue.used()->idx % 8;
                queue.used_ring()[at] = {queue.avail_ring()[at], 0};
                queue.used()->idx++;
            }
            REQUIRE(queue.used_waiting(5) == 5);
            for (unsigned i = 0; i < 5; ++i) queue.free_chain(queue.take_used().head);
        };
        for (unsigned i = 0; i < 3; ++i) turn();
        const Bytes before(space.memory().data(), space.memory().data() + 128 + 4 + 16);
        for (unsigned i = 0; i < 8; ++i) turn();
        Bytes after(space.memory().data(), space.memory().data() + 128 + 4 + 16);
        const uint16_t published = 5 * 11;
        CHECK(queue.avail()->idx == published);
        std::memcpy(after.data() + 128 + 2, before.data() + 128 + 2, 2);
        CHECK(after == before);
    }

    TEST_CASE("knows what waits without another look while it knows of enough") {
        GuestSpace space;
        driver::SplitQueue queue(space.take(driver::SplitQueue::parts_of(8).bytes), 8, false);
        queue.used()->idx = 4;
        CHECK(queue.used_waiting(2) == 4);
        queue.used()->idx = 6;
        CHECK(queue.used_waiting(4) == 4);
        CHECK(queue.used_waiting(5) == 6);
        queue.skip_used(6);
        CHECK(queue.used_waiting(0) == 0);
        CHECK(queue.used_waiting(1) == 0);
    }

    TEST_CASE("learns of a wanted kick without a fence, and with it of any") {
        GuestSpace space;
        driver::SplitQueue queue(space.take(driver::SplitQueue::parts_of(8).bytes), 8, false);
        const std::vector<uint64_t> where(8, space.addr(space.take(2048)));
        queue.used()->flags = spec::used_f_no_notify;
        queue.add_same_run(1, where.data(), 72, 0);
        queue.publish();
        CHECK_FALSE(queue.kick_wanted_already());
        queue.used()->flags = 0;  // The backend goes to sleep.
        CHECK(queue.kick_wanted());
        CHECK_FALSE(queue.kick_wanted());
        queue.add_same_run(1, where.data(), 72, 0);
        queue.publish();
        CHECK(queue.kick_wanted_already());
        CHECK_FALSE(queue.kick_wanted());
    }
}
