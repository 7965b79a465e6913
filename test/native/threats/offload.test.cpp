// Net headers that lie: dropped and counted, without a read outside the frame, and with a bound on
// what one of them can make the switch do. docs/THREAT_MODEL.md names these tests.
#include "net/frames.hpp"
#include "switch_rig.hpp"

using namespace valenic;
using namespace valenic::test;
using spec::DropReason;
using spec::PortCounter;

namespace {

constexpr uint64_t everything =
    modern | features_of(spec::net_feature_csum, spec::net_feature_host_tso4,
                         spec::net_feature_host_tso6, spec::net_feature_host_ecn,
                         spec::net_feature_host_uso);

/// A sender whose frames end at memory that may not be touched, and a receiver without offloads.
struct Lab {
    explicit Lab(uint16_t receive_slots = 512) {
        from = &rig.add({.ring_size = 512, .features = everything});
        to = &rig.add({.ring_size = receive_slots, .features = mergeable});
    }
    ~Lab() { clear(rig); }
    void offer(const Octets& frame, const spec::NetHeader& header, size_t header_alone = 0) {
        GuestSpace& space = from->guest.space;
        const size_t bytes = sizeof header + frame.size();
        uint8_t* at = space.take_before_guard(bytes);
        std::memcpy(at, &header, sizeof header);
        std::memcpy(at + sizeof header, frame.data(), frame.size());
        std::vector<driver::Buffer> chain;
        if (header_alone > 0)
            chain.push_back({space.addr(at), static_cast<uint32_t>(header_alone), false});
        chain.push_back(
            {space.addr(at) + header_alone, static_cast<uint32_t>(bytes - header_alone), false});
        from->guest.net().tx().add(chain);
        from->guest.net().tx().publish();
    }
    std::vector<Bytes> sent() {
        rig.serve_all(*from);
        return to->guest.receive();
    }

    SwitchRig rig;
    PortRig* from;
    PortRig* to;
};

struct Lie {
    const char* what;
    DropReason counted;
    void (*tell)(spec::NetHeader& header, Octets& frame);
};
const Lie lies[] = {
    {"csum_start behind the frame", DropReason::tx_csum_misplaced,
     [](auto& header, auto&) { header.csum_start = 60'000; }},
    {"csum_offset behind the frame", DropReason::tx_csum_misplaced,
     [](auto& header, auto&) { header.csum_offset = 0xffff; }},
    {"the checksum's last byte behind the frame", DropReason::tx_csum_misplaced,
     [](auto& header, auto& frame) {
         header.gso_type = 0;
         header.csum_offset = static_cast<uint16_t>(frame.size() - header.csum_start - 1);
     }},
    {"a checksum in the addresses", DropReason::tx_csum_misplaced,
     [](auto& header, auto&) { header.csum_start = 0; }},
    {"gso_size 0", DropReason::tx_gso_size_invalid,
     [](auto& header, auto&) { header.gso_size = 0; }},
    {"gso_size 1", DropReason::tx_gso_size_invalid,
     [](auto& header, auto&) { header.gso_size = 1; }},
    {"a kind that does not exist", DropReason::tx_offload_not_negotiated,
     [](auto& header, auto&) { header.gso_type = 2; }},
    {"UFO", DropReason::tx_offload_not_negotiated,
     [](auto& header, auto&) { header.gso_type = 3; }},
    {"IPv6 that is IPv4", DropReason::tx_gso_headers_invalid,
     [](auto& header, auto&) { header.gso_type = 4; }},
    {"UDP that is TCP", DropReason::tx_gso_headers_invalid,
     [](auto& header, auto&) { header.gso_type = 5; }},
    {"ECN without TCP", DropReason::tx_gso_headers_invalid,
     [](auto& header, auto&) { header.gso_type = 0x85; }},
    {"segmentation without a checksum", DropReason::tx_gso_headers_invalid,
     [](auto& header, auto&) { header.flags = 0; }},
    {"hdr_len behind the frame", DropReason::tx_gso_headers_invalid,
     [](auto& header, auto&) { header.hdr_len = 0xffff; }},
    {"a frame that ends in its IP header", DropReason::tx_csum_misplaced,
     [](auto&, auto& frame) { frame.resize(20); }},
    {"a frame that ends in its TCP header", DropReason::tx_csum_misplaced,
     [](auto&, auto& frame) { frame.resize(50); }},
    {"headers and no payload", DropReason::tx_gso_headers_invalid,
     [](auto&, auto& frame) { frame.resize(54); }},
    {"a TCP header of 4 bytes", DropReason::tx_gso_headers_invalid,
     [](auto&, auto& frame) { frame[46] = 0x10; }},
    {"a fragment", DropReason::tx_gso_headers_invalid,
     [](auto&, auto& frame) { frame[20] = 0x20; }},
};

}  // namespace

TEST_SUITE("net headers that lie") {
    TEST_CASE("are dropped under a reason of their own, and the ring goes on") {
        for (const Lie& lie : lies) {
            CAPTURE(lie.what);
            for (const size_t header_alone : {size_t{0}, sizeof(spec::NetHeader)}) {
                Lab lab;
                const FrameSpec spec{.payload = 1500};
                Octets frame = make_frame(spec);
                spec::NetHeader header = gso_header(spec, 500);
                lie.tell(header, frame);
                lab.offer(frame, header, header_alone);
                CHECK(lab.sent().empty());
                CHECK(lab.from->count(lie.counted) == 1);
                lab.offer(make_frame(spec), spec::NetHeader{}, header_alone);
                CHECK(lab.sent().size() == 1);
            }
        }
    }

    TEST_CASE("what is accepted is read to its last byte and not behind it") {
        for (const uint32_t payload : {1u, 2u, 61u, 62u, 63u, 64u, 999u, 1000u, 4001u}) {
            for (const size_t header_alone : {size_t{0}, sizeof(spec::NetHeader)}) {
                Lab lab;
                const FrameSpec spec{.payload = payload};
                Octets frame = make_frame(spec);
                leave_partial(frame, spec);
                lab.offer(frame, csum_header(spec), header_alone);
                lab.offer(frame, gso_header(spec, 500), header_alone);
                const std::vector<Octets> cut = reference_cut(make_frame(spec), spec, 500);
                const std::vector<Bytes> got = lab.sent();
                REQUIRE(got.size() == 1 + cut.size());
                CHECK(got[0] == make_frame(spec));
                for (size_t i = 0; i < cut.size(); ++i) CHECK(got[1 + i] == cut[i]);
            }
        }
    }

    TEST_CASE("one frame makes at most so many segments, and the frames of a round no more") {
        Lab lab;
        const FrameSpec spec{.payload = 256 * 8};
        Octets frame = make_frame(spec);
        leave_partial(frame, spec);
        for (int i = 0; i < 3; ++i) lab.offer(frame, gso_header(spec, 8));
        for (uint64_t i = 1; i <= 3; ++i) {
            CHECK(lab.rig.serve(*lab.from) == 1);
            CHECK(lab.to->count(PortCounter::rx_segments_made) == i * cut_segments_max);
            CHECK(lab.to->guest.receive().size() == cut_segments_max);
        }
        const FrameSpec more{.payload = 256 * 8 + 1};
        Octets longer = make_frame(more);
        leave_partial(longer, more);
        lab.offer(longer, gso_header(more, 8));
        CHECK(lab.sent().empty());
        CHECK(lab.from->count(DropReason::tx_gso_size_invalid) == 1);
    }

    TEST_CASE("a receiver without room loses segments, and they are counted as such") {
        Lab lab(16);
        const FrameSpec spec{.payload = 30 * 100};
        Octets frame = make_frame(spec);
        leave_partial(frame, spec);
        lab.offer(frame, gso_header(spec, 100));
        CHECK(lab.sent().size() == 16);
        CHECK(lab.to->count(DropReason::rx_no_buffer) == 14);
    }
}
