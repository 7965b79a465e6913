// What a packet port owes its wire, over a packet socket and over AF_XDP.
#include "alone.hpp"
#include "net/adapt.hpp"
#include "net/frames.hpp"
#include "port/packet/wire_rig.hpp"

using namespace valenic;
using namespace valenic::test;
using spec::DropReason;
using spec::Fault;
using spec::PortCounter;

namespace {

struct OverPacket {
    static constexpr Io io = Io::packet;
};
struct OverXdp {
    static constexpr Io io = Io::xdp;
};

const auto needs_root = doctest::skip(!may_make_interfaces());

}  // namespace

TEST_SUITE("packet port over either" * needs_root) {
    TEST_CASE_TEMPLATE("a frame in a file that was cut off is its source's fault, and comes once",
                       Kind, OverPacket, OverXdp) {
        WireRig rig(1500, 1, Kind::io);
        PortRig source("source", {}, false);
        GuestSpace cut(1 << 20);
        source.port.set_memory(alone(), cut.map());
        rig.context->source = &source.port;
        REQUIRE(ftruncate(cut.memory().fd(), page_bytes) == 0);
        const auto transmit = [&](size_t at) {
            rig.batch->clear();
            for (const size_t place : {size_t{0}, at, size_t{0}}) {
                REQUIRE(append_frame(*rig.batch, plain(1000)));
                rig.batch->segments[rig.batch->segment_count - 1].data =
                    cut.map()->regions()[0].host + place;
            }
            rig.queue().transmit(*rig.batch, first_indices(3), *rig.context);
        };
        transmit(8 * page_bytes);
        CHECK(source.port.memory_lost());
        CHECK(source.count(DropReason::tx_memory_unreadable) == 2);
        CHECK(rig.far_end(1).size() == 1);
        transmit(0);
        CHECK(source.count(DropReason::tx_memory_unreadable) == 5);
        CHECK(rig.events.said.empty());
        rig.context->source = nullptr;
        rig.transmit({plain(60)});
        CHECK(frames_of(rig.far_end(1)) == std::vector<Bytes>{plain(60)});
        CHECK(rig.count(PortCounter::rx_frames) == 2);
    }
    TEST_CASE_TEMPLATE("what it sends does not come back, nor what the host sends there", Kind,
                       OverPacket, OverXdp) {
        WireRig rig(1500, 1, Kind::io);
        rig.transmit({plain(60)});
        REQUIRE(rig.far_end(1).size() == 1);
        const OwnedFd host = rig.wire.open("near");
        REQUIRE(Wire::send(host, plain(60, 1)) == 0);
        CHECK(frames_of(rig.far_end(1)) == std::vector<Bytes>{plain(60, 1)});
        CHECK(rig.receive() == 0);
    }
    TEST_CASE_TEMPLATE(
        "it hears frames for every station, not only for the interface's own address", Kind,
        OverPacket, OverXdp) {
        WireRig rig(1500, 1, Kind::io);
        Bytes frame = plain(60);
        frame[0] = 0x06;
        REQUIRE(rig.wire.send(frame) == 0);
        CHECK(rig.receive_all(1) == std::vector<Bytes>{frame});
    }
    TEST_CASE_TEMPLATE("a checksum that the sender left is left to the receiver, or made for it",
                       Kind, OverPacket, OverXdp) {
        for (const unsigned tags : {0u, 1u}) {
            CAPTURE(tags);
            WireRig rig(1500, 1, Kind::io);
            const FrameSpec spec{.tags = tags, .payload = 700};
            const Octets whole = make_frame(spec);
            Octets partial(whole);
            leave_partial(partial, spec);
            REQUIRE(rig.wire.send(partial, csum_header(spec)) == 0);
            while (rig.receive() == 0) std::this_thread::yield();
            REQUIRE(rig.batch->count == 1);
            CHECK(rig.batch->needs_of(0) == offload_csum);
            CHECK(bytes_of(*rig.batch, 0) == partial);
            std::vector<Octets> made;
            const auto keep = [&](const Batch& batch, std::span<const uint8_t> indices) {
                for (const uint8_t index : indices) made.push_back(bytes_of(batch, index));
            };
            adapt(*rig.batch, first_indices(1), 0, rig.context->rewritten, keep);
            CHECK(made == std::vector<Octets>{whole});
            rig.queue().release(*rig.context);
        }
    }
    TEST_CASE_TEMPLATE(
        "a frame longer than the MTU of the interface is counted, those beside it go on", Kind,
        OverPacket, OverXdp) {
        WireRig rig(1500, 1, Kind::io);
        rig.transmit({plain(60), plain(1515), plain(61), plain(4000), plain(62)});
        CHECK(frames_of(rig.far_end(3)) == std::vector<Bytes>{plain(60), plain(61), plain(62)});
        CHECK(rig.count(DropReason::rx_too_long) == 2);
        CHECK(rig.count(PortCounter::rx_frames) == 3);
    }
    TEST_CASE_TEMPLATE("what finds no slot is counted by name, and what comes later is received",
                       Kind, OverPacket, OverXdp) {
        WireRig rig(1500, 1, Kind::io);
        constexpr size_t sent = packet_slots + 500;
        for (size_t i = 0; i < sent; ++i) REQUIRE(rig.wire.send(plain(60, i % 200)) == 0);
        // Those that veth still has come first: nothing is taken until all are accounted for.
        const auto overflow = [&] {
            rig.look_after();
            return rig.count(DropReason::tx_ring_overflow);
        };
        while (overflow() < sent - packet_slots) std::this_thread::yield();
        CHECK(rig.receive_all(packet_slots).size() == packet_slots);
        CHECK(rig.count(DropReason::tx_ring_overflow) == sent - packet_slots);
        REQUIRE(rig.wire.send(plain(60, 7)) == 0);
        CHECK(rig.receive_all(1) == std::vector<Bytes>{plain(60, 7)});
    }
    TEST_CASE_TEMPLATE(
        "an interface that is down is counted as such, and works again when it is up", Kind,
        OverPacket, OverXdp) {
        WireRig rig(1500, 1, Kind::io);
        Wire::run("ip link set near down");
        rig.look_after();
        rig.transmit({plain(60)});
        CHECK(rig.count(DropReason::rx_link_down) == 1);
        Wire::set_up();
        rig.transmit({plain(60, 1)});
        CHECK(frames_of(rig.far_end(1)) == std::vector<Bytes>{plain(60, 1)});
        REQUIRE(rig.wire.send(plain(60, 2)) == 0);
        CHECK(rig.receive_all(1) == std::vector<Bytes>{plain(60, 2)});
        CHECK(rig.events.said.empty());
    }
    TEST_CASE_TEMPLATE("an interface that is deleted is told once, however that is noticed", Kind,
                       OverPacket, OverXdp) {
        for (const bool by_sending : {false, true}) {
            CAPTURE(by_sending);
            WireRig rig(1500, 1, Kind::io);
            Wire::run("ip link del near");
            if (by_sending) rig.transmit({plain(60)});
            rig.queue().acknowledge(*rig.context);
            rig.look_after();
            CHECK(rig.events.said == std::vector{Fault::interface_gone});
            rig.transmit({plain(60)});
            CHECK(rig.count(DropReason::rx_not_connected) == 1 + by_sending);
            CHECK(rig.receive() == 0);
            CHECK_FALSE(rig.queue().arm());
        }
    }
}
