// Every legal combination of what a sender may leave to others and what a receiver takes: each
// receiver gets each frame as it is, completed or cut. docs/THREAT_MODEL.md names these tests.
#include <cstring>

#include "alone.hpp"
#include "received.hpp"

using namespace valenic;
using namespace valenic::test;
using spec::DropReason;
using spec::PortCounter;

namespace {

constexpr uint32_t big_buffer_bytes = 66'000;
constexpr uint32_t segment_bytes = 1448;

/// One thing that a sender asks for, and the features of both sides that it takes.
struct Request {
    FrameSpec spec;
    bool big;
    bool ecn;
    uint64_t sender;
    uint64_t receiver;

    Octets whole() const { return make_frame(spec); }
    spec::NetHeader header() const {
        return big ? gso_header(spec, segment_bytes, ecn) : csum_header(spec);
    }
};

std::vector<Request> requests() {
    const uint64_t csum = features_of(spec::net_feature_csum);
    const uint64_t guest_csum = features_of(spec::net_feature_guest_csum);
    const auto tcp = [](unsigned version, uint32_t payload, uint8_t flags = 0x18) {
        return FrameSpec{.version = version, .payload = payload, .options = 12, .flags = flags};
    };
    const auto udp = [](unsigned version, uint32_t payload) {
        return FrameSpec{.version = version, .tcp = false, .payload = payload};
    };
    const auto big = [&](const FrameSpec& spec, unsigned sender, unsigned receiver) {
        return Request{spec, true, false, csum | features_of(sender),
                       guest_csum | features_of(receiver)};
    };
    std::vector<Request> all{{tcp(4, 0, 0x10), false, false, csum, guest_csum},
                             {tcp(6, 1301), false, false, csum, guest_csum},
                             {udp(4, 7), false, false, csum, guest_csum}};
    all.push_back(big(tcp(4, 64'000), spec::net_feature_host_tso4, spec::net_feature_guest_tso4));
    all.push_back(big(tcp(6, 5001), spec::net_feature_host_tso6, spec::net_feature_guest_tso6));
    all.push_back(big(udp(4, 4000), spec::net_feature_host_uso, spec::net_feature_guest_uso4));
    all.push_back(big(udp(6, 2897), spec::net_feature_host_uso, spec::net_feature_guest_uso6));
    Request ecn =
        big(tcp(4, 3000, 0x98), spec::net_feature_host_tso4, spec::net_feature_guest_tso4);
    ecn.ecn = true;
    ecn.sender |= features_of(spec::net_feature_host_ecn);
    ecn.receiver |= features_of(spec::net_feature_guest_ecn);
    all.push_back(ecn);
    return all;
}

/// All masks of these features in which each has what it needs. virtio 1.2, 5.1.3.1.
std::vector<uint64_t> legal(const std::vector<unsigned>& features) {
    std::vector<uint64_t> masks;
    for (unsigned chosen = 0; chosen < 1u << features.size(); ++chosen) {
        uint64_t mask = 0;
        for (size_t i = 0; i < features.size(); ++i)
            if ((chosen >> i & 1) != 0) mask |= features_of(features[i]);
        if (spec::settle_offloads(mask) == mask) masks.push_back(mask);
    }
    return masks;
}

void send(SwitchRig& rig, PortRig& from, const Octets& frame, const spec::NetHeader& header) {
    driver::NetDriver& net = from.guest.net();
    net.reclaim();
    REQUIRE(net.send(1, static_cast<uint32_t>(frame.size()), [&](uint8_t* to) {
        std::memcpy(to - sizeof header, &header, sizeof header);
        std::memcpy(to, frame.data(), frame.size());
    }) == 1);
    rig.serve_all(from);
}

/// What a receiver with these features has to get.
std::vector<Got> expected_of(const Request& request, uint64_t receiver) {
    std::vector<Got> expected;
    const bool takes_partial = has_feature(receiver, spec::net_feature_guest_csum);
    if ((request.receiver & ~receiver) == 0) {
        Octets frame = request.whole();
        leave_partial(frame, request.spec);
        return {{frame, request.header()}};
    }
    for (Octets& frame : request.big ? reference_cut(request.whole(), request.spec, segment_bytes)
                                     : std::vector<Octets>{request.whole()}) {
        if (takes_partial) leave_partial(frame, request.spec);
        expected.push_back({frame, takes_partial ? csum_header(request.spec) : spec::NetHeader{}});
    }
    return expected;
}

void check_same(std::vector<Got> got, const std::vector<Got>& expected) {
    REQUIRE(got.size() == expected.size());
    for (size_t i = 0; i < got.size(); ++i) {
        REQUIRE(got[i].frame == expected[i].frame);
        CHECK(got[i].header.num_buffers >= 1);
        got[i].header.num_buffers = 0;
        REQUIRE(std::memcmp(&got[i].header, &expected[i].header, sizeof(spec::NetHeader)) == 0);
    }
}

const std::vector<unsigned> sender_features{spec::net_feature_csum, spec::net_feature_host_tso4,
                                            spec::net_feature_host_tso6, spec::net_feature_host_ecn,
                                            spec::net_feature_host_uso};
const std::vector<unsigned> receiver_features{
    spec::net_feature_guest_csum, spec::net_feature_guest_tso4, spec::net_feature_guest_tso6,
    spec::net_feature_guest_ecn,  spec::net_feature_guest_uso4, spec::net_feature_guest_uso6};

}  // namespace

TEST_SUITE("offloads between two ports") {
    TEST_CASE("every legal combination: each receiver of a flood gets what it takes") {
        SwitchRig rig;
        std::vector<PortRig*> receivers;
        for (const uint64_t mask : legal(receiver_features))
            for (const bool merged : {false, true})
                receivers.push_back(&rig.add({.ring_size = 64,
                                              .features = (merged ? mergeable : modern) | mask,
                                              .buffer_bytes = merged ? 2048 : big_buffer_bytes}));
        REQUIRE(receivers.size() == 58);
        const std::vector<uint64_t> senders = legal(sender_features);
        REQUIRE(senders.size() == 15);
        for (const uint64_t sender : senders) {
            PortRig& from = rig.add(
                {.ring_size = 2, .features = modern | sender, .buffer_bytes = big_buffer_bytes});
            uint64_t refused = 0;
            for (const Request& request : requests()) {
                Octets frame = request.whole();
                leave_partial(frame, request.spec);
                send(rig, from, frame, request.header());
                const bool allowed = (request.sender & ~sender) == 0;
                refused += !allowed;
                CHECK(from.count(DropReason::tx_offload_not_negotiated) == refused);
                for (PortRig* to : receivers)
                    check_same(received(*to),
                               allowed ? expected_of(request, to->guest.options().features)
                                       : std::vector<Got>{});
            }
            rig.vale.detach(alone(), from.port);
        }
        clear(rig);
    }

    TEST_CASE("a receiver counts big frames that came whole, those cut and checksums made") {
        const Request big = requests()[3];
        const Request small = requests()[0];
        for (const bool takes : {true, false}) {
            SwitchRig rig;
            PortRig& from = rig.add({.ring_size = 4,
                                     .features = modern | big.sender,
                                     .buffer_bytes = big_buffer_bytes});
            PortRig& to =
                rig.add({.ring_size = 256, .features = mergeable | (takes ? big.receiver : 0)});
            for (const Request* request : {&big, &small, &big}) {
                Octets frame = request->whole();
                leave_partial(frame, request->spec);
                send(rig, from, frame, request->header());
            }
            const uint64_t segments = reference_cut(big.whole(), big.spec, segment_bytes).size();
            CHECK(to.count(PortCounter::rx_big_whole) == (takes ? 2 : 0));
            CHECK(to.count(PortCounter::rx_big_full) == (takes ? 2 : 0));
            CHECK(to.count(PortCounter::rx_big_cut) == (takes ? 0 : 2));
            CHECK(to.count(PortCounter::rx_segments_made) == (takes ? 0 : 2 * segments));
            CHECK(to.count(PortCounter::rx_checksums_made) == (takes ? 0 : 1));
            CHECK(to.count(PortCounter::rx_frames) == (takes ? 3 : 2 * segments + 1));
            clear(rig);
        }
    }

    TEST_CASE("with more off, each frame is delivered alone, as its receiver takes it") {
        const Request big = requests()[3];
        SwitchRig rig;
        PortRig& from = rig.add(
            {.ring_size = 4, .features = modern | big.sender, .buffer_bytes = big_buffer_bytes});
        PortRig& to = rig.add({.ring_size = 256, .features = mergeable});
        from.port.settings().more.store(false);
        Octets frame = big.whole();
        leave_partial(frame, big.spec);
        send(rig, from, frame, big.header());
        check_same(received(to), expected_of(big, 0));
        clear(rig);
    }

    TEST_CASE("the largest frame of a port holds for the segments of a big one") {
        const Request big = requests()[3];
        const uint32_t segment = static_cast<uint32_t>(places_of(big.spec).payload) + segment_bytes;
        for (const bool fits : {true, false}) {
            SwitchRig rig;
            PortRig& from = rig.add({.ring_size = 4,
                                     .features = modern | big.sender,
                                     .buffer_bytes = big_buffer_bytes});
            PortRig& to = rig.add({.ring_size = 256, .features = mergeable | big.receiver});
            from.port.settings().max_frame_bytes.store(fits ? segment : segment - 1);
            Octets frame = big.whole();
            leave_partial(frame, big.spec);
            send(rig, from, frame, big.header());
            CHECK(received(to).size() == (fits ? 1 : 0));
            CHECK(from.count(DropReason::tx_too_long) == (fits ? 0 : 1));
            clear(rig);
        }
    }
}
