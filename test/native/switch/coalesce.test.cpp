// TCP segments of a port that has no big frames, towards receivers that take such and those that do
// not.
#include "alone.hpp"
#include "link_rig.hpp"
#include "net/adapt.hpp"
#include "received.hpp"

using namespace valenic;
using namespace valenic::test;
using spec::PortCounter;

namespace {

constexpr uint64_t large_receive =
    mergeable | features_of(spec::net_feature_guest_csum, spec::net_feature_guest_tso4,
                            spec::net_feature_guest_tso6);
constexpr uint32_t segment_bytes = 1000;

/// A link port that sends, and guests that receive.
template <typename Kind>
struct Lab {
    Lab() { REQUIRE(rig.vale.attach(alone(), source.port)); }
    ~Lab() {
        rig.vale.detach(alone(), source.port);
        clear(rig);
    }
    PortRig& add(uint64_t features) { return rig.add({.ring_size = 256, .features = features}); }
    void send(const std::vector<Octets>& frames) {
        for (const Octets& frame : frames) source.send(frame);
        Queue& queue = *source.port.queues()[0];
        for (;;) {
            rig.batch->clear();
            if (queue.receive(*rig.batch, *rig.context) == 0) return;
            rig.vale.forward(*rig.batch, source.port, *rig.context);
            queue.release(*rig.context);
        }
    }

    SwitchRig rig;
    Kind source;
};

std::vector<Octets> frames_of(const std::vector<Got>& all) {
    std::vector<Octets> frames;
    for (const Got& got : all) frames.push_back(got.frame);
    return frames;
}

std::vector<Octets> made(const std::vector<FrameSpec>& specs) {
    std::vector<Octets> frames;
    for (const FrameSpec& spec : specs) frames.push_back(make_frame(spec));
    return frames;
}

}  // namespace

TEST_CASE_TEMPLATE("large receive: segments of a port without big frames", Kind, Stream, Dgram,
                   Tap) {
    Lab<Kind> lab;
    PortRig& takes = lab.add(large_receive);
    PortRig& takes_csum = lab.add(mergeable | features_of(spec::net_feature_guest_csum));
    PortRig& takes_none = lab.add(mergeable);

    SUBCASE("become one frame where that is taken, and stay what they are elsewhere") {
        for (const unsigned version : {4u, 6u}) {
            CAPTURE(version);
            const FrameSpec first{.version = version, .payload = segment_bytes};
            const std::vector<Octets> sent = made(following(first, 10));
            const uint64_t before = takes.count(PortCounter::rx_coalesced);
            lab.send(sent);
            const std::vector<Got> got = received(takes);
            REQUIRE(got.size() == 1);
            FrameSpec whole = first;
            whole.payload = 10 * segment_bytes;
            spec::NetHeader wanted = gso_header(whole, segment_bytes);
            wanted.num_buffers = got[0].header.num_buffers;
            CHECK(std::memcmp(&got[0].header, &wanted, sizeof wanted) == 0);
            size_t at = got[0].frame.size() - whole.payload;
            for (const Octets& segment : sent) {
                const Octets payload(segment.end() - segment_bytes, segment.end());
                CHECK(std::memcmp(got[0].frame.data() + at, payload.data(), segment_bytes) == 0);
                at += segment_bytes;
            }
            CHECK(takes.count(PortCounter::rx_coalesced) - before == 9);
            CHECK(frames_of(received(takes_csum)) == sent);
            CHECK(frames_of(received(takes_none)) == sent);
        }
        CHECK(takes.count(PortCounter::rx_frames) == 2);
        CHECK(takes_csum.count(PortCounter::rx_coalesced) == 0);
        CHECK(takes_none.count(PortCounter::rx_coalesced) == 0);
    }
    SUBCASE("stay what they are where the port is set so, and become one frame again after it") {
        const std::vector<Octets> sent = made(following({.payload = segment_bytes}, 10));
        boundary::PortSettingsChange change;
        change.coalesce = false;
        apply(change, takes.port.settings());
        lab.send(sent);
        CHECK(frames_of(received(takes)) == sent);
        CHECK(takes.count(PortCounter::rx_coalesced) == 0);
        change.coalesce = true;
        apply(change, takes.port.settings());
        lab.send(sent);
        CHECK(received(takes).size() == 1);
    }
    SUBCASE("of a kind that the receiver does not take, or of no flow, stay what they are") {
        PortRig& takes_v6 = lab.add(
            mergeable | features_of(spec::net_feature_guest_csum, spec::net_feature_guest_tso6));
        const std::vector<Octets> sent = made(following({.payload = segment_bytes}, 4));
        lab.send(sent);
        CHECK(frames_of(received(takes_v6)) == sent);
        REQUIRE(received(takes).size() == 1);
        const std::vector<Octets> datagrams = made(following({.tcp = false, .payload = 900}, 4));
        lab.send(datagrams);
        CHECK(frames_of(received(takes)) == datagrams);
    }
}

TEST_CASE_TEMPLATE("large receive: segments that are left as they are", Kind, Stream, Dgram) {
    Lab<Kind> lab;
    PortRig& takes = lab.add(large_receive);

    SUBCASE("with a wrong checksum stay what they are, and what follows does not get before") {
        std::vector<Octets> sent = made(following({.payload = segment_bytes}, 5));
        sent[2].back() ^= 1;
        lab.send(sent);
        const std::vector<Got> got = received(takes);
        REQUIRE(got.size() == 3);  // Two as one, the wrong one, two as one.
        CHECK(got[1].frame == sent[2]);
        CHECK(takes.count(PortCounter::rx_coalesced) == 2);
    }
    SUBCASE("with more off, each is delivered alone") {
        lab.source.port.settings().more.store(false);
        const std::vector<Octets> sent = made(following({.payload = segment_bytes}, 4));
        lab.send(sent);
        CHECK(frames_of(received(takes)) == sent);
        CHECK(takes.count(PortCounter::rx_coalesced) == 0);
    }
}

TEST_CASE("large receive: what guests send each other is left as it is") {
    SwitchRig rig;
    PortRig& from = rig.add({.ring_size = 64, .features = mergeable});
    PortRig& to = rig.add({.ring_size = 64, .features = large_receive});
    const std::vector<Octets> sent = made(following({.payload = segment_bytes}, 4));
    for (const Octets& frame : sent) REQUIRE(from.guest.send(frame));
    rig.serve_all(from);
    CHECK(frames_of(received(to)) == sent);
    CHECK(to.count(PortCounter::rx_coalesced) == 0);
    clear(rig);
}
