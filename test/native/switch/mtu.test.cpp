// Frames above the MTU of the port they are for: dropped under a name, those beside them go on.
#include "received.hpp"

using namespace valenic;
using namespace valenic::test;
using spec::DropReason;
using spec::PortCounter;

namespace {

constexpr uint32_t segment_bytes = 1448;
constexpr uint64_t offload_sender =
    spec::feature_mask(spec::net_feature_csum) | spec::feature_mask(spec::net_feature_host_tso4);
constexpr uint64_t large_receiver = spec::feature_mask(spec::net_feature_guest_csum) |
                                    spec::feature_mask(spec::net_feature_guest_tso4);

/// A guest that sends and one that receives.
struct Link {
    explicit Link(uint64_t receiver = 0)
        : from(rig.add({.features = modern | offload_sender, .buffer_bytes = 66'000})),
          to(rig.add({.ring_size = 256, .features = mergeable | receiver})) {}
    ~Link() { clear(rig); }
    Link(const Link&) = delete;
    Link& operator=(const Link&) = delete;

    void offer(const Octets& frame, const spec::NetHeader& header = {}) {
        driver::NetDriver& net = from.guest.net();
        net.reclaim();
        REQUIRE(net.send(1, static_cast<uint32_t>(frame.size()), [&](uint8_t* at) {
            std::memcpy(at - sizeof header, &header, sizeof header);
            std::memcpy(at, frame.data(), frame.size());
        }) == 1);
    }
    uint64_t above() { return to.count(DropReason::rx_above_mtu); }

    SwitchRig rig;
    PortRig& from;
    PortRig& to;
};

/// For a packet of this many bytes.
FrameSpec datagram_of(uint32_t packet_bytes, unsigned tags = 0) {
    return {.tcp = false, .tags = tags, .payload = packet_bytes - 28};
}

}  // namespace

TEST_SUITE("mtu") {
    TEST_CASE("counts the packet: neither the Ethernet header nor one or two tags") {
        for (const uint32_t mtu : {68u, 1500u, 9000u}) {
            for (const unsigned tags : {0u, 1u, 2u}) {
                Link link;
                link.to.port.settings().mtu = mtu;
                link.offer(make_frame(datagram_of(mtu, tags)));
                link.offer(make_frame(datagram_of(mtu + 1, tags)));
                link.rig.serve_all(link.from);
                CHECK(received(link.to).size() == 1);
                CHECK(link.above() == 1);
                CHECK(link.to.count(PortCounter::rx_frames) == 1);
            }
        }
    }
    TEST_CASE("a third tag counts, as whatever else a packet begins with") {
        Link link;
        link.to.port.settings().mtu = 1500;
        link.offer(make_frame(datagram_of(1496, 3)));
        link.offer(make_frame(datagram_of(1497, 3)));
        link.rig.serve_all(link.from);
        CHECK(received(link.to).size() == 1);
        CHECK(link.above() == 1);
    }
    TEST_CASE("of a batch the others go on, in their order") {
        Link link;
        link.to.port.settings().mtu = 576;
        std::vector<Octets> fitting;
        for (uint16_t i = 0; i < 30; ++i) {
            FrameSpec spec = datagram_of(i % 3 == 1 ? 577 + i : 100 + i);
            spec.id = i;
            link.offer(make_frame(spec));
            if (i % 3 != 1) fitting.push_back(make_frame(spec));
        }
        link.rig.serve_all(link.from);
        const std::vector<Got> got = received(link.to);
        REQUIRE(got.size() == fitting.size());
        for (size_t i = 0; i < got.size(); ++i) CHECK(got[i].frame == fitting[i]);
        CHECK(link.above() == 10);
    }
    TEST_CASE("a big frame is measured by its segments, whole or cut, tagged or not") {
        for (const bool whole : {true, false}) {
            for (const unsigned tags : {0u, 2u}) {
                for (const bool fits : {true, false}) {
                    Link link(whole ? large_receiver : 0);
                    const FrameSpec spec{.tags = tags, .payload = 60'000, .options = 12};
                    Octets frame = make_frame(spec);
                    leave_partial(frame, spec);
                    constexpr uint32_t packet_bytes = 20 + 32 + segment_bytes;
                    link.to.port.settings().mtu = fits ? packet_bytes : packet_bytes - 1;
                    link.offer(frame, gso_header(spec, segment_bytes));
                    link.rig.serve_all(link.from);
                    const size_t segments = whole ? 1 : (60'000 - 1) / segment_bytes + 1;
                    CHECK(received(link.to).size() == (fits ? segments : 0));
                    CHECK(link.above() == (fits ? 0 : 1));
                }
            }
        }
    }
    TEST_CASE("big frames whose payload is less than a segment are measured by what they have") {
        Link link(large_receiver);
        const FrameSpec spec{.payload = 500};
        Octets frame = make_frame(spec);
        leave_partial(frame, spec);
        link.to.port.settings().mtu = 540;
        link.offer(frame, gso_header(spec, segment_bytes));
        link.rig.serve_all(link.from);
        CHECK(received(link.to).size() == 1);
        CHECK(link.above() == 0);
    }
    TEST_CASE("each receiver of a flood has its own; 0 lets everything pass") {
        Link link;
        PortRig& small = link.rig.add({.features = mergeable});
        PortRig& any = link.rig.add({.ring_size = 256, .features = mergeable});
        link.to.port.settings().mtu = 9000;
        small.port.settings().mtu = 1500;
        link.offer(make_frame(datagram_of(9000)));
        link.offer(make_frame(datagram_of(1500)));
        link.offer(make_frame(datagram_of(60'000)));
        link.rig.serve_all(link.from);
        CHECK(received(link.to).size() == 2);
        CHECK(received(small).size() == 1);
        CHECK(received(any).size() == 3);
        CHECK(link.above() == 1);
        CHECK(small.count(DropReason::rx_above_mtu) == 2);
        CHECK(any.count(DropReason::rx_above_mtu) == 0);
    }
    TEST_CASE("a port that sends is not held to its own") {
        Link link;
        link.from.port.settings().mtu = 68;
        link.offer(make_frame(datagram_of(1500)));
        link.rig.serve_all(link.from);
        CHECK(received(link.to).size() == 1);
    }
}
