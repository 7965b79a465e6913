// The virtio-net headers of a tap port: what the host's stack says, and what we say to it.
#include <cstring>

#include "alone.hpp"
#include "link_rig.hpp"
#include "net/frames.hpp"
#include "switch_rig.hpp"

using namespace valenic;
using namespace valenic::test;
using spec::DropReason;
using spec::PortCounter;

namespace {

struct Lab {
    Lab() { REQUIRE(rig.vale.attach(alone(), tap.port)); }
    ~Lab() {
        rig.vale.detach(alone(), tap.port);
        clear(rig);
    }
    Queue& queue() { return *tap.port.queues()[0]; }
    /// Frames in the next batch.
    size_t turn() {
        rig.batch->clear();
        queue().receive(*rig.batch, *rig.context);
        const size_t count = rig.batch->count;
        if (count > 0) rig.vale.forward(*rig.batch, tap.port, *rig.context);
        queue().release(*rig.context);
        return count;
    }
    uint64_t count(DropReason reason) { return tap.port.counters(0).read(reason); }

    SwitchRig rig;
    TapWithHeader tap;
};

struct Big {
    explicit Big(uint32_t payload, uint32_t gso_bytes)
        : spec{.payload = payload}, header(gso_header(spec, gso_bytes)), frame(make_frame(spec)) {
        leave_partial(frame, spec);
    }
    FrameSpec spec;
    spec::NetHeader header;
    Octets frame;
};

}  // namespace

TEST_SUITE("a tap port with virtio-net headers") {
    TEST_CASE("big frames pass both ways as they are, each with a header of ours") {
        Lab lab;
        PortRig& guest = lab.rig.add(
            {.features =
                 modern | features_of(spec::net_feature_csum, spec::net_feature_host_tso4,
                                      spec::net_feature_guest_csum, spec::net_feature_guest_tso4),
             .buffer_bytes = 66'000});
        const Big big(60'000, 1448);
        lab.tap.send(big.frame, big.header);
        CHECK(lab.turn() == 1);
        CHECK(guest.guest.receive() == std::vector<Bytes>{big.frame});
        CHECK(guest.count(PortCounter::rx_big_whole) == 1);

        driver::NetDriver& net = guest.guest.net();
        REQUIRE(net.send(1, static_cast<uint32_t>(big.frame.size()), [&](uint8_t* to) {
            std::memcpy(to - sizeof big.header, &big.header, sizeof big.header);
            std::memcpy(to, big.frame.data(), big.frame.size());
        }) == 1);
        lab.rig.serve_all(guest);
        CHECK(lab.tap.received() == std::vector<Bytes>{big.frame});
        spec::NetHeader wanted = big.header;
        wanted.num_buffers = 1;
        CHECK(std::memcmp(&lab.tap.headers.at(0), &wanted, sizeof wanted) == 0);
        CHECK(lab.tap.port.counters(0).read(PortCounter::rx_big_whole) == 1);
    }
    TEST_CASE("a header that lies is counted, and the next frame passes") {
        Lab lab;
        PortRig& guest = lab.rig.add({.features = mergeable});
        const Big big(3000, 1448);
        spec::NetHeader lie = big.header;
        lie.csum_start = 60'000;
        lab.tap.send(big.frame, lie);
        lie = big.header;
        lie.gso_size = 0;
        lab.tap.send(big.frame, lie);
        lab.tap.send(frame_of(60));
        CHECK(lab.turn() == 1);
        CHECK(guest.guest.receive() == std::vector<Bytes>{frame_of(60)});
        CHECK(lab.count(DropReason::tx_csum_misplaced) == 1);
        CHECK(lab.count(DropReason::tx_gso_size_invalid) == 1);
    }
    TEST_CASE("what is shorter than header and addresses, or longer than the port takes") {
        Lab lab;
        lab.rig.add({.features = mergeable});
        lab.tap.port.settings().max_frame_bytes.store(1000);
        const Big big(3000, 1448);
        REQUIRE(::send(lab.tap.peer.get(), big.frame.data(), 13, 0) == 13);
        lab.tap.send(big.frame, big.header);
        CHECK(lab.turn() == 0);
        CHECK(lab.count(DropReason::tx_too_short) == 1);
        CHECK(lab.count(DropReason::tx_too_long) == 1);
    }
    TEST_CASE("what a batch has no room to cut waits for the next one, and keeps its turn") {
        Lab lab;
        PortRig& guest = lab.rig.add({.ring_size = 512, .features = mergeable});
        std::vector<Bytes> wanted;
        for (unsigned i = 0; i < 3; ++i) {
            Big big(200 * 100, 100);
            big.frame[big.frame.size() - 1] = static_cast<uint8_t>(i);
            lab.tap.send(big.frame, big.header);
            lab.tap.send(frame_of(60 + i, 9));
        }
        CHECK(lab.turn() == 2);  // 200 segments; the next 200 would be too many.
        CHECK(lab.queue().arm());
        CHECK(guest.guest.receive().size() == 201);
        CHECK(lab.turn() == 2);
        CHECK(guest.guest.receive().size() == 201);
        CHECK(lab.turn() == 2);
        const std::vector<Bytes> last = guest.guest.receive();
        REQUIRE(last.size() == 201);
        CHECK(last[199].back() == 2);
        CHECK(last[200].size() == 62);
        CHECK_FALSE(lab.queue().arm());
        CHECK(lab.turn() == 0);
        CHECK(guest.count(DropReason::rx_no_buffer) == 0);
    }
    TEST_CASE("what waits goes with the descriptor") {
        Lab lab;
        lab.rig.add({.ring_size = 512, .features = mergeable});
        const Big big(200 * 100, 100);
        for (unsigned i = 0; i < 2; ++i) lab.tap.send(big.frame, big.header);
        CHECK(lab.turn() == 1);
        lab.tap.port.detach(alone());
        CHECK_FALSE(lab.queue().arm());
        CHECK(lab.turn() == 0);
    }
}
