// A packet port at one end of a veth pair, and frames as its kernel gives and takes them.
#include <net/if.h>

#include "net/adapt.hpp"
#include "net/frames.hpp"
#include "port/packet/wire_rig.hpp"
#include "switch/vale.hpp"

using namespace valenic;
using namespace valenic::test;
using spec::DropReason;
using spec::Fault;
using spec::PortCounter;

namespace {

const auto needs_root = doctest::skip(!may_make_interfaces());

}  // namespace

TEST_SUITE("packet port" * needs_root) {
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
            rig.queue().transmit(*rig.batch, first_indices(1), *rig.context);
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
    TEST_CASE("a frame longer than the port takes is counted, one slot or more") {
        WireRig rig(9000);
        rig.port.settings().max_frame_bytes.store(100);
        for (const size_t bytes : {101, 5000, 100}) REQUIRE(rig.wire.send(plain(bytes)) == 0);
        CHECK(rig.receive_all(1) == std::vector<Bytes>{plain(100)});
        CHECK(rig.count(DropReason::tx_too_long) == 2);
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
