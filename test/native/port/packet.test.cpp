// A packet port at one end of a veth pair, and frames as its kernel gives and takes them.
#include <net/if.h>

#include "net/adapt.hpp"
#include "net/frames.hpp"
#include "port/wire_rig.hpp"
#include "switch/vale.hpp"

using namespace valenic;
using namespace valenic::test;
using spec::DropReason;
using spec::Fault;
using spec::PortCounter;

namespace {

Bytes with_tag(const Bytes& frame, uint16_t protocol, uint16_t tag) {
    Bytes tagged(frame);
    const uint8_t words[] = {static_cast<uint8_t>(protocol >> 8), static_cast<uint8_t>(protocol),
                             static_cast<uint8_t>(tag >> 8), static_cast<uint8_t>(tag)};
    tagged.insert(tagged.begin() + 12, words, words + sizeof words);
    return tagged;
}

/// With an EtherType that nobody speaks.
Bytes plain(size_t bytes, unsigned seed = 0) {
    Bytes frame = frame_of(bytes, seed);
    frame[12] = 0x88;
    frame[13] = 0xb5;
    return frame;
}

std::vector<Bytes> frames_of(const std::vector<Wire::Seen>& seen) {
    std::vector<Bytes> frames;
    for (const Wire::Seen& one : seen) frames.push_back(one.frame);
    return frames;
}

const auto needs_root = doctest::skip(!may_make_interfaces());

}  // namespace

TEST_SUITE("packet port" * needs_root) {
    TEST_CASE("frames of every length go both ways as they are") {
        WireRig rig;
        std::vector<Bytes> frames;
        for (const size_t bytes : {14, 15, 60, 115, 116, 117, 232, 1000, 1514})
            frames.push_back(plain(bytes, bytes % 200));
        for (const Bytes& frame : frames) REQUIRE(rig.wire.send(frame) == 0);
        CHECK(rig.receive_all(frames.size()) == frames);
        rig.transmit(frames);
        CHECK(frames_of(rig.far_end(frames.size())) == frames);
        CHECK(rig.count(PortCounter::rx_frames) == frames.size());
        CHECK_FALSE(rig.queue().arm());
    }
    TEST_CASE("what it sends does not come back, nor what the host sends there") {
        WireRig rig;
        rig.transmit({plain(60)});
        REQUIRE(rig.far_end(1).size() == 1);
        const OwnedFd host = rig.wire.open("near");
        REQUIRE(Wire::send(host, plain(60, 1)) == 0);
        CHECK(frames_of(rig.far_end(1)) == std::vector<Bytes>{plain(60, 1)});
        CHECK(rig.receive() == 0);
    }
    TEST_CASE("it hears frames for every station, not only for the interface's own address") {
        WireRig rig;
        Bytes frame = plain(60);
        frame[0] = 0x06;
        REQUIRE(rig.wire.send(frame) == 0);
        CHECK(rig.receive_all(1) == std::vector<Bytes>{frame});
    }
    TEST_CASE("jumbo frames, longer than a slot, stay in their place among the others") {
        WireRig rig(9000);
        const std::vector<Bytes> frames{plain(60),      plain(9014, 1), plain(1514, 2),
                                        plain(3000, 3), plain(1972, 4), plain(1973, 5)};
        for (const Bytes& frame : frames) REQUIRE(rig.wire.send(frame) == 0);
        CHECK(rig.receive_all(frames.size()) == frames);
        rig.transmit(frames);
        CHECK(frames_of(rig.far_end(frames.size())) == frames);
    }
    TEST_CASE("VLAN tags, one or two, are where they were, in short frames and in long ones") {
        WireRig rig(9000);
        std::vector<Bytes> frames;
        for (const size_t bytes : {60, 112, 113, 116, 1500, 5000}) {
            frames.push_back(with_tag(plain(bytes), 0x8100, 0x2123));
            frames.push_back(with_tag(with_tag(plain(bytes), 0x8100, 7), 0x88a8, 99));
        }
        for (const Bytes& frame : frames) REQUIRE(rig.wire.send(frame) == 0);
        CHECK(rig.receive_all(frames.size()) == frames);
        // The far end is a bare socket: the kernel keeps the outer tag beside its frames.
        rig.transmit(frames);
        const auto seen = rig.far_end(frames.size());
        REQUIRE(seen.size() == frames.size());
        for (size_t i = 0; i < seen.size(); ++i)
            CHECK(seen[i].frame.size() == frames[i].size() - 4);
    }
    TEST_CASE("a checksum that the sender left is left to the receiver, or made for it") {
        for (const unsigned tags : {0u, 1u}) {
            CAPTURE(tags);
            WireRig rig;
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
    TEST_CASE("a big frame is borrowed uncut, and sent uncut") {
        for (const unsigned version : {4u, 6u}) {
            CAPTURE(version);
            WireRig rig;
            const FrameSpec spec{.version = version, .payload = 60'000};
            Octets frame = make_frame(spec);
            leave_partial(frame, spec);
            const spec::NetHeader header = gso_header(spec, 1400);
            REQUIRE(rig.wire.send(frame, header) == 0);
            while (rig.receive() == 0) std::this_thread::yield();
            REQUIRE(rig.batch->count == 1);
            CHECK(rig.batch->offloads[0].segmented());
            CHECK(rig.batch->offloads[0].gso_bytes == 1400);
            CHECK(bytes_of(*rig.batch, 0) == frame);
            CHECK((rig.batch->needs_of(0) & ~rig.queue().accepts()) == 0);
            rig.queue().transmit(*rig.batch, first_indices(1), false, *rig.context);
            rig.queue().release(*rig.context);
            const auto seen = rig.far_end(1);
            REQUIRE(seen.size() == 1);
            CHECK(seen[0].frame == frame);
            CHECK(seen[0].header.gso_type == header.gso_type);
            CHECK(seen[0].header.gso_size == header.gso_size);
        }
    }
    TEST_CASE("big frames of more segments than a batch may make wait for the next one") {
        WireRig rig;
        const FrameSpec spec{.payload = 60'000};
        Octets frame = make_frame(spec);
        leave_partial(frame, spec);
        for (unsigned i = 0; i < 20; ++i) REQUIRE(rig.wire.send(frame, gso_header(spec, 500)) == 0);
        const auto frames = rig.receive_all(20);
        CHECK(frames == std::vector<Bytes>(20, frame));
        CHECK(rig.count(DropReason::tx_too_long) == 0);
    }
    TEST_CASE("a frame longer than the MTU of the interface is counted, those beside it go on") {
        WireRig rig;
        rig.transmit({plain(60), plain(1515), plain(61), plain(4000), plain(62)});
        CHECK(frames_of(rig.far_end(3)) == std::vector<Bytes>{plain(60), plain(61), plain(62)});
        CHECK(rig.count(DropReason::rx_too_long) == 2);
        CHECK(rig.count(PortCounter::rx_frames) == 3);
    }
    TEST_CASE("a frame longer than the port takes is counted, one slot or more") {
        WireRig rig(9000);
        rig.port.settings().max_frame_bytes.store(100);
        for (const size_t bytes : {101, 5000, 100}) REQUIRE(rig.wire.send(plain(bytes)) == 0);
        CHECK(rig.receive_all(1) == std::vector<Bytes>{plain(100)});
        CHECK(rig.count(DropReason::tx_too_long) == 2);
    }
    TEST_CASE("a batch has no more frames than the budget, with more off one") {
        WireRig rig;
        for (unsigned i = 0; i < 5; ++i) REQUIRE(rig.wire.send(plain(60, i)) == 0);
        rig.port.settings().budget.store(2);
        while (!rig.queue().arm()) std::this_thread::yield();
        CHECK(rig.receive_all(5).size() == 5);
        for (unsigned i = 0; i < 5; ++i) REQUIRE(rig.wire.send(plain(60, i)) == 0);
        rig.port.settings().more.store(false);
        while (!rig.queue().poll_word().may_have_work()) std::this_thread::yield();
        CHECK(rig.receive() == 1);
        rig.queue().release(*rig.context);
    }
    TEST_CASE("what finds no slot is counted by name, and what comes later is received") {
        WireRig rig;
        constexpr size_t sent = packet_slots + 500;
        for (size_t i = 0; i < sent; ++i) REQUIRE(rig.wire.send(plain(60, i % 200)) == 0);
        // Those that veth still has come first: nothing is taken until all are accounted for.
        const auto overflow = [&] {
            rig.port.look_after(*rig.context);
            return rig.count(DropReason::tx_ring_overflow);
        };
        while (overflow() < sent - packet_slots) std::this_thread::yield();
        CHECK(rig.receive_all(packet_slots).size() == packet_slots);
        CHECK(rig.count(DropReason::tx_ring_overflow) == sent - packet_slots);
        REQUIRE(rig.wire.send(plain(60, 7)) == 0);
        CHECK(rig.receive_all(1) == std::vector<Bytes>{plain(60, 7)});
    }
    TEST_CASE("an interface that is down is counted as such, and works again when it is up") {
        WireRig rig;
        Wire::run("ip link set near down");
        rig.transmit({plain(60)});
        CHECK(rig.count(DropReason::rx_link_down) == 1);
        rig.port.look_after(*rig.context);
        Wire::set_up();
        rig.transmit({plain(60, 1)});
        CHECK(frames_of(rig.far_end(1)) == std::vector<Bytes>{plain(60, 1)});
        REQUIRE(rig.wire.send(plain(60, 2)) == 0);
        CHECK(rig.receive_all(1) == std::vector<Bytes>{plain(60, 2)});
        CHECK(rig.events.said.empty());
    }
    TEST_CASE("an interface that is deleted is told once, however that is noticed") {
        for (const bool by_sending : {false, true}) {
            CAPTURE(by_sending);
            WireRig rig;
            Wire::run("ip link del near");
            if (by_sending) rig.transmit({plain(60)});
            rig.queue().acknowledge(*rig.context);
            rig.port.look_after(*rig.context);
            CHECK(rig.events.said == std::vector{Fault::interface_gone});
            rig.transmit({plain(60)});
            CHECK(rig.count(DropReason::rx_not_connected) == 1 + by_sending);
            CHECK(rig.receive() == 0);
            CHECK_FALSE(rig.queue().arm());
        }
    }
    TEST_CASE("several queues share what comes by its flow: each frame once, a flow in order") {
        WireRig rig(1500, 4);
        std::vector<std::vector<Octets>> flows(40);
        for (uint16_t flow = 0; flow < flows.size(); ++flow) {
            FrameSpec spec;
            spec.source_port = static_cast<uint16_t>(4000 + flow);
            for (spec.id = 0; spec.id < 5; ++spec.id) {
                flows[flow].push_back(make_frame(spec));
                REQUIRE(rig.wire.send(flows[flow].back()) == 0);
            }
        }
        std::vector<std::vector<Octets>> got(flows.size());
        size_t used_queues = 0;
        size_t total = 0;
        for (unsigned tries = 0; total < flows.size() * 5 && tries < 2000; ++tries) {
            for (unsigned index = 0; index < 4; ++index) {
                const auto frames = rig.receive_all(0, index);
                used_queues |= size_t{!frames.empty()} << index;
                total += frames.size();
                for (const Octets& frame : frames) got[get16(frame, 34) - 4000].push_back(frame);
            }
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
        CHECK(got == flows);
        CHECK((used_queues & (used_queues - 1)) != 0);
    }
    TEST_CASE("an interface that is not there, or carries no Ethernet, is refused") {
        Wire wire;
        const auto absent = open_packet_sockets("nobody", 1);
        REQUIRE_FALSE(absent.ok());
        CHECK(absent.error().number == ENODEV);
        const auto loopback = open_packet_sockets("lo", 1);
        REQUIRE_FALSE(loopback.ok());
        CHECK(loopback.error().number == EPROTOTYPE);
    }
}
