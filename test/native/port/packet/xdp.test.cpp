// A packet port over AF_XDP: what is its own.
#include <unistd.h>

#include "engine_rig.hpp"
#include "net/frames.hpp"
#include "port/packet/left_checksum.hpp"
#include "port/packet/wire_rig.hpp"
#include "port/packet/xdp_rings.hpp"

using namespace valenic;
using namespace valenic::test;
using spec::DropReason;
using spec::PortCounter;

namespace {

const auto needs_root = doctest::skip(!may_make_interfaces());

/// A queue's rings, and its receive ring once more: as if the kernel wrote there.
struct Rings {
    Rings() {
        auto opened = open_xdp_sockets("near", 1, false);
        REQUIRE(opened.ok());
        sockets = std::move(opened.value());
        const int fd = sockets.fds[0].get();
        rings = XdpRings::map(fd, sockets.memory.get(), 0);
        REQUIRE(rings != nullptr);
        xdp_mmap_offsets offsets{};
        socklen_t size = sizeof offsets;
        REQUIRE(getsockopt(fd, SOL_XDP, XDP_MMAP_OFFSETS, &offsets, &size) == 0);
        REQUIRE(kernel.map(fd, XDP_PGOFF_RX_RING, offsets.rx));
    }
    void arrives(const xdp_desc& entry) {
        kernel.at(kernel.producer()) = entry;
        kernel.produced(kernel.producer() + 1);
    }
    Wire wire;
    XdpSockets sockets;
    std::unique_ptr<XdpRings> rings;
    XdpRing<xdp_desc> kernel;
};

/// The kernel gives a queue free in a thread of its own, some time after its socket was closed:
/// what is asked here is what comes then.
auto open_when_free(const char* interface, unsigned queues, bool zero_copy_only) {
    const uint64_t give_up_ns = monotonic_ns() + hang_guard_ns;
    for (;;) {
        auto opened = open_xdp_sockets(interface, queues, zero_copy_only);
        const bool busy = !opened.ok() && opened.error().call == std::string("bind") &&
                          opened.error().number == EBUSY;
        if (!busy || monotonic_ns() > give_up_ns) return opened;
        usleep(1000);
    }
}

}  // namespace

TEST_SUITE("packet port over AF_XDP" * needs_root) {
    TEST_CASE(
        "a descriptor outside of the queue's chunks, or longer than its chunk, is not a frame") {
        Rings rig;
        const std::vector<xdp_desc> wrong{
            {xdp_direction_bytes, 60, 0},       // The first chunk that goes.
            {xdp_queue_bytes, 60, 0},           // Behind the memory.
            {UINT64_MAX - 30, 60, 0},           // Around its end.
            {256, xdp_chunk_bytes - 255, 0},    // Into the next chunk.
            {xdp_direction_bytes - 10, 11, 0},  // Over the end of what comes.
            {xdp_chunk_bytes, UINT32_MAX, 0},
        };
        for (const xdp_desc& entry : wrong) {
            CAPTURE(entry.addr);
            rig.arrives(entry);
            REQUIRE(rig.rings->arrived() == 1);
            CHECK(rig.rings->next().empty());
            rig.rings->take();
        }
        rig.arrives({xdp_chunk_bytes + xdp_headroom_bytes, xdp_frame_bytes_max, 0});
        CHECK(rig.rings->next().size() == xdp_frame_bytes_max);
    }
    TEST_CASE("a memory that is shorter than the queues need is refused") {
        Rings rig;
        CHECK(XdpRings::map(rig.sockets.fds[0].get(), rig.sockets.memory.get(), 1) == nullptr);
    }
    TEST_CASE("a frame as long as the largest MTU comes and goes, with its tag") {
        WireRig rig(xdp_mtu_max, 1, Io::xdp);
        const std::vector<Bytes> frames{plain(xdp_mtu_max + 14),
                                        with_tag(plain(xdp_mtu_max + 14), 0x8100, 5)};
        rig.transmit(frames);
        const auto seen = frames_of(rig.far_end(2));
        REQUIRE(seen.size() == 2);
        CHECK(seen[0] == frames[0]);
        CHECK(seen[1].size() == frames[1].size() - 4);  // The far kernel keeps it beside.
        REQUIRE(rig.wire.send(frames[0]) == 0);
        CHECK(rig.receive_all(1) == std::vector<Bytes>{frames[0]});
    }
    TEST_CASE("a VLAN tag that the far kernel keeps beside its frame is back in its place") {
        WireRig rig(1500, 1, Io::xdp);
        // A bridge takes tags off what it receives, and forwards them beside the frame.
        Wire::run(
            "ip link add outer type veth peer name inner && ip link add middle type bridge "
            "mcast_snooping 0");
        Wire::run("ip link set inner master middle && ip link set far master middle");
        Wire::run("for each in outer inner middle; do ip link set $each up; done");
        Wire::run(
            "until [ $(bridge link show | grep -c 'state forwarding') = 2 ]; do sleep 0.01; "
            "done");
        const OwnedFd outer = rig.wire.open("outer");
        for (const size_t bytes : {60, 1514}) {
            const Bytes tagged = with_tag(plain(bytes), 0x8100, 0x2005);
            REQUIRE(Wire::send(outer, tagged) == 0);
            CHECK(rig.receive_all(1) == std::vector<Bytes>{tagged});
        }
        REQUIRE(rig.wire.send(with_tag(plain(60), 0x8100, 7)) == 0);
        CHECK(rig.receive_all(1) == std::vector<Bytes>{with_tag(plain(60), 0x8100, 7)});
    }
    TEST_CASE("chunks come back: several times as many frames as there are chunks") {
        WireRig rig(1500, 1, Io::xdp);
        constexpr unsigned rounds = 3 * xdp_slots / 64;
        for (unsigned round = 0; round < rounds; ++round) {
            std::vector<Bytes> frames;
            for (unsigned i = 0; i < 64; ++i) frames.push_back(plain(60 + i, round % 200));
            rig.transmit(frames);
            REQUIRE(frames_of(rig.far_end(64)) == frames);
            for (const Bytes& frame : frames) REQUIRE(rig.wire.send(frame) == 0);
            REQUIRE(rig.receive_all(64) == frames);
        }
        CHECK(rig.count(PortCounter::rx_frames) == 64 * rounds);
        CHECK(rig.count(PortCounter::calls) <= rounds);
    }
    TEST_CASE("two workers send at once: every frame once, a worker's in order") {
        WireRig rig(1500, 1, Io::xdp);
        constexpr unsigned batches = 20;
        const auto work = [&](uint16_t worker) {
            const auto batch = std::make_unique<Batch>();
            const auto context = std::make_unique<WorkerContext>();
            context->worker = worker;
            for (unsigned i = 0; i < batches; ++i) {
                batch->clear();
                std::vector<Bytes> frames;
                for (unsigned k = 0; k < 8; ++k) frames.push_back(plain(60 + worker, i * 8 + k));
                for (const Bytes& frame : frames) append_frame(*batch, frame);
                rig.queue().transmit(*batch, first_indices(8), *context);
            }
        };
        std::thread other(work, uint16_t{1});
        work(0);
        other.join();
        std::vector<Bytes> of[2];
        for (const auto& seen : rig.far_end(size_t{2} * batches * 8))
            of[seen.frame.size() - 60].push_back(seen.frame);
        for (const unsigned worker : {0u, 1u}) {
            REQUIRE(of[worker].size() == batches * 8);
            for (unsigned i = 0; i < batches * 8; ++i)
                CHECK(of[worker][i] == plain(60 + worker, i));
        }
    }
    TEST_CASE("an interface is had with all its queues, or not at all") {
        Wire wire;
        Wire::run(
            "ip link add two numrxqueues 2 numtxqueues 2 type veth "
            "peer name owt numrxqueues 2 numtxqueues 2");
        const auto refused = [](unsigned queues) {
            const auto opened = open_when_free("two", queues, false);
            REQUIRE_FALSE(opened.ok());
            CHECK(opened.error().call == std::string("queues"));
            return opened.error().number;
        };
        CHECK(refused(1) == E2BIG);
        CHECK(refused(3) == ERANGE);
        CHECK(open_when_free("two", 2, false).ok());
        // A program that is there already, without the sockets that came with it.
        auto first = open_when_free("near", 1, false);
        REQUIRE(first.ok());
        first.value().fds.clear();
        const auto second = open_when_free("near", 1, false);
        REQUIRE_FALSE(second.ok());
        CHECK(second.error().call == std::string("BPF_LINK_CREATE"));
        CHECK(second.error().number == EBUSY);
        const auto without_copies = open_when_free("near", 1, true);
        REQUIRE_FALSE(without_copies.ok());
        CHECK(without_copies.error().number == EOPNOTSUPP);
    }
    TEST_CASE("a checksum that its sender left is found, in a frame that is whole alone") {
        const FrameSpec spec{.payload = 40};
        Octets frame = make_frame(spec);
        uint8_t said[packet_header_bytes];
        CHECK_FALSE(find_left_checksum(frame, said));
        leave_partial(frame, spec);
        CHECK(find_left_checksum(frame, said));
        for (size_t bytes = 14; bytes < frame.size(); ++bytes)
            CHECK_FALSE(find_left_checksum({frame.data(), bytes}, said));
    }
}
