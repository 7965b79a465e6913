#include "net/net_header_check.hpp"

#include <set>
#include <string>

#include "net/frames.hpp"

using namespace valenic;
using namespace valenic::test;

namespace {

constexpr OffloadSet everything = 0xff;

/// What check_net_header() says of a frame whose first bytes are staged as a ring stages them.
NetHeaderFault verdict(const Octets& frame, const spec::NetHeader& header,
                       OffloadSet negotiated = everything, FrameOffload* out = nullptr) {
    FrameOffload offload;
    const auto staged = static_cast<uint32_t>(std::min<size_t>(frame.size(), stage_frame_bytes));
    const Octets copy(frame.begin(), frame.begin() + staged);  // Guarded behind its end.
    const NetHeaderFault fault = check_net_header(
        header, {copy.data(), staged, static_cast<uint32_t>(frame.size())}, negotiated, offload);
    if (fault != NetHeaderFault::none) CHECK(offload.needs == 0);
    if (out != nullptr) *out = offload;
    return fault;
}

/// The verdict about a good frame after something was done to its header.
template <typename Change>
NetHeaderFault changed(const FrameSpec& frame, Change change, OffloadSet negotiated = everything) {
    spec::NetHeader header = gso_header(frame, 1000);
    change(header);
    return verdict(make_frame(frame), header, negotiated);
}

const FrameSpec big{.payload = 5000};

}  // namespace

TEST_CASE("net header: what every kind of frame leaves to its receiver") {
    struct Row {
        FrameSpec frame;
        OffloadSet needs;
    };
    for (const Row& row :
         {Row{{.payload = 5000}, offload_csum | offload_tso4},
          Row{{.version = 6, .payload = 5000}, offload_csum | offload_tso6},
          Row{{.tcp = false, .payload = 5000}, offload_csum | offload_uso4},
          Row{{.version = 6, .tcp = false, .payload = 5000}, offload_csum | offload_uso6}}) {
        for (const unsigned tags : {0u, 1u, 2u}) {
            FrameSpec frame = row.frame;
            frame.tags = tags;
            const Places at = places_of(frame);
            FrameOffload offload;
            REQUIRE(verdict(make_frame(frame), gso_header(frame, 1000), everything, &offload) ==
                    NetHeaderFault::none);
            CHECK(offload.needs == row.needs);
            CHECK(offload.network_at == at.network);
            CHECK(offload.transport_at == at.transport);
            CHECK(offload.header_bytes == at.payload);
            CHECK(offload.version == frame.version);
            CHECK(offload.gso_bytes == 1000);
            const spec::NetHeader made = net_header_of(offload);
            spec::NetHeader expected = gso_header(frame, 1000);
            expected.num_buffers = 1;
            CHECK(std::memcmp(&made, &expected, sizeof made) == 0);
        }
    }
}

TEST_CASE("net header: a plain frame needs nothing, and gets zeros and one buffer") {
    FrameOffload offload;
    spec::NetHeader header{};
    header.num_buffers = 9;
    CHECK(verdict(make_frame({}), header, 0, &offload) == NetHeaderFault::none);
    CHECK(offload.needs == 0);
    const spec::NetHeader made = net_header_of(offload);
    const spec::NetHeader expected{.num_buffers = 1};
    CHECK(std::memcmp(&made, &expected, sizeof made) == 0);
}

TEST_CASE("net header: virtio 1.2, 5.1.6.2.2, flags that are not known are ignored") {
    spec::NetHeader header{};
    header.flags = static_cast<uint8_t>(~spec::net_hdr_f_needs_csum);
    FrameOffload offload;
    CHECK(verdict(make_frame({}), header, 0, &offload) == NetHeaderFault::none);
    CHECK(offload.needs == 0);
    header = gso_header(big, 1000);
    header.flags |= spec::net_hdr_f_data_valid;
    CHECK(verdict(make_frame(big), header, everything, &offload) == NetHeaderFault::none);
    CHECK(net_header_of(offload).flags == spec::net_hdr_f_needs_csum);
}

TEST_CASE("net header: nothing that was not negotiated") {
    const FrameSpec six{.version = 6, .payload = 5000};
    const FrameSpec udp{.tcp = false, .payload = 5000};
    const auto keep = [](spec::NetHeader&) {};
    CHECK(changed(big, keep, offload_tso4) == NetHeaderFault::csum_not_negotiated);
    CHECK(changed(big, keep, offload_csum) == NetHeaderFault::gso_not_negotiated);
    CHECK(changed(big, keep, offload_csum | offload_tso6) == NetHeaderFault::gso_not_negotiated);
    CHECK(changed(big, keep, offload_csum | offload_tso4) == NetHeaderFault::none);
    CHECK(changed(six, keep, offload_csum | offload_tso4) == NetHeaderFault::gso_not_negotiated);
    CHECK(changed(udp, keep, offload_csum | offload_tso4) == NetHeaderFault::gso_not_negotiated);
    const auto ecn = [](spec::NetHeader& header) { header.gso_type |= spec::net_hdr_gso_ecn; };
    CHECK(changed(big, ecn, offload_csum | offload_tso4) == NetHeaderFault::ecn_not_negotiated);
    CHECK(changed(big, ecn, offload_csum | offload_tso4 | offload_ecn) == NetHeaderFault::none);
    CHECK(changed(udp, ecn) == NetHeaderFault::ecn_without_tcp);
    const auto ufo = [](spec::NetHeader& header) { header.gso_type = spec::net_hdr_gso_udp; };
    CHECK(changed(udp, ufo) == NetHeaderFault::gso_not_negotiated);
}

TEST_CASE("net header: no type that the specification does not have") {
    for (unsigned type = 1; type < 256; ++type) {
        const std::set<unsigned> known{1, 3, 4, 5, 0x81, 0x84, 0x85};
        const auto set = [&](spec::NetHeader& header) {
            header.gso_type = static_cast<uint8_t>(type);
        };
        CHECK((changed(big, set) == NetHeaderFault::gso_type_unknown) == !known.contains(type));
    }
}

TEST_CASE("net header: segmentation without a partial checksum") {
    const auto clear = [](spec::NetHeader& header) { header.flags = 0; };
    CHECK(changed(big, clear) == NetHeaderFault::gso_without_csum);
}

TEST_CASE("net header: a checksum field lies inside the frame, to its last byte") {
    const FrameSpec small{.payload = 10};
    const Octets frame = make_frame(small);
    spec::NetHeader header = csum_header(small);
    header.csum_start = static_cast<uint16_t>(frame.size() - 10);
    header.csum_offset = 8;
    CHECK(verdict(frame, header) == NetHeaderFault::none);
    header.csum_offset = 9;
    CHECK(verdict(frame, header) == NetHeaderFault::csum_outside_frame);
    header.csum_start = 0xffff;
    header.csum_offset = 0xffff;
    CHECK(verdict(frame, header) == NetHeaderFault::csum_outside_frame);
    CHECK(verdict(Octets(largest_frame_bytes, 0), header) == NetHeaderFault::csum_outside_frame);
}

TEST_CASE("net header: a checksum does not rewrite what the frame was switched by") {
    for (const FrameSpec& small :
         {FrameSpec{.tags = 1}, FrameSpec{.version = 6, .tags = 1, .extensions = 2},
          FrameSpec{.tcp = false, .ip_options = 8}}) {
        const Octets frame = make_frame(small);
        const Places at = places_of(small);
        for (size_t start = 0; start + 2 <= frame.size(); ++start) {
            for (size_t field = start; field + 2 <= frame.size(); ++field) {
                spec::NetHeader header = csum_header(small);
                header.csum_start = static_cast<uint16_t>(start);
                header.csum_offset = static_cast<uint16_t>(field - start);
                const bool own = start == at.transport && field == checksum_at(small);
                const bool inside = start >= at.transport + 8;
                REQUIRE((verdict(frame, header) == NetHeaderFault::none) == (own || inside));
            }
        }
    }
    Octets other = make_frame({});
    set16(other, 12, 0x88b5);  // Not IP.
    spec::NetHeader header{.flags = 1, .csum_start = 14, .csum_offset = 0};
    CHECK(verdict(other, header) == NetHeaderFault::none);
    header.csum_start = 13;
    CHECK(verdict(other, header) == NetHeaderFault::csum_in_addresses);
    Octets malformed = make_frame({});
    malformed[14] = 0x44;
    header.csum_start = 60;
    CHECK(verdict(malformed, header) == NetHeaderFault::csum_in_addresses);
}

TEST_CASE("net header: hdr_len is a hint, unless it is longer than the frame") {
    for (const uint16_t hint : {0, 1, 54, 200, 5054}) {
        const auto set = [&](spec::NetHeader& header) { header.hdr_len = hint; };
        CHECK(changed(big, set) == NetHeaderFault::none);
    }
    const auto longer = [](spec::NetHeader& header) { header.hdr_len = 5055; };
    CHECK(changed(big, longer) == NetHeaderFault::hdr_len_outside_frame);
}

TEST_CASE("net header: the frame is what its type says") {
    const auto as = [](uint8_t type) {
        return [type](spec::NetHeader& header) { header.gso_type = type; };
    };
    const FrameSpec six{.version = 6, .payload = 5000};
    const FrameSpec udp{.tcp = false, .payload = 5000};
    CHECK(changed(big, as(spec::net_hdr_gso_tcpv6)) == NetHeaderFault::not_what_gso_says);
    CHECK(changed(six, as(spec::net_hdr_gso_tcpv4)) == NetHeaderFault::not_what_gso_says);
    CHECK(changed(big, as(spec::net_hdr_gso_udp_l4)) == NetHeaderFault::not_what_gso_says);
    CHECK(changed(udp, as(spec::net_hdr_gso_tcpv4)) == NetHeaderFault::not_what_gso_says);
    Octets fragment = make_frame(big);
    fragment[14 + 6] = 0x20;
    CHECK(verdict(fragment, gso_header(big, 1000)) == NetHeaderFault::not_what_gso_says);
    Octets short_header = make_frame(big);
    short_header[34 + 12] = 0x40;
    CHECK(verdict(short_header, gso_header(big, 1000)) == NetHeaderFault::not_what_gso_says);
}

TEST_CASE("net header: the checksum is the transport's own") {
    const auto later = [](spec::NetHeader& header) { header.csum_start = 60; };
    CHECK(changed(big, later) == NetHeaderFault::csum_not_transport);
}

TEST_CASE("net header: headers lie in the private copy; TCP options may go beyond it") {
    const FrameSpec options{.version = 6, .tags = 2, .payload = 5000, .options = 40};
    CHECK(places_of(options).payload > stage_frame_bytes);
    CHECK(verdict(make_frame(options), gso_header(options, 1000)) == NetHeaderFault::none);
    const FrameSpec fits{.version = 6, .payload = 5000, .extensions = 5};
    CHECK(verdict(make_frame(fits), gso_header(fits, 1000)) == NetHeaderFault::none);
    const FrameSpec deep{.version = 6, .payload = 5000, .extensions = 6};
    CHECK(verdict(make_frame(deep), gso_header(deep, 1000)) == NetHeaderFault::headers_too_deep);
    const FrameSpec deeper{.version = 6, .payload = 5000, .extensions = 9};
    const NetHeaderFault fault = verdict(make_frame(deeper), gso_header(deeper, 1000));
    CHECK(
        (fault == NetHeaderFault::headers_too_deep || fault == NetHeaderFault::csum_not_transport));
}

TEST_CASE("net header: segments are not empty, not tiny and not too many") {
    const auto size = [](uint32_t bytes) {
        return [bytes](spec::NetHeader& header) { header.gso_size = static_cast<uint16_t>(bytes); };
    };
    const FrameSpec empty{.payload = 0};
    CHECK(changed(empty, size(100)) == NetHeaderFault::no_payload);
    const FrameSpec small{.payload = 40};
    CHECK(changed(small, size(0)) == NetHeaderFault::gso_size_too_small);
    CHECK(changed(small, size(tcp_segment_bytes_min - 1)) == NetHeaderFault::gso_size_too_small);
    CHECK(changed(small, size(tcp_segment_bytes_min)) == NetHeaderFault::none);
    const FrameSpec datagrams{.tcp = false, .payload = 40};
    CHECK(changed(datagrams, size(0)) == NetHeaderFault::gso_size_too_small);
    CHECK(changed(datagrams, size(1)) == NetHeaderFault::none);
    const FrameSpec many{.payload = 10 * cut_segments_max};
    CHECK(changed(many, size(10)) == NetHeaderFault::none);
    const FrameSpec more{.payload = 10 * cut_segments_max + 1};
    CHECK(changed(more, size(10)) == NetHeaderFault::too_many_segments);
}

TEST_CASE("net header: every fault has a name of its own") {
    std::set<std::string> names;
    for (unsigned fault = 0; fault < static_cast<unsigned>(NetHeaderFault::count); ++fault)
        names.insert(name_of(static_cast<NetHeaderFault>(fault)));
    CHECK(names.size() == static_cast<size_t>(NetHeaderFault::count));
}

TEST_CASE("net header: a frame cut off anywhere is looked at no further than it goes") {
    for (const FrameSpec& spec : {FrameSpec{.tags = 2, .payload = 20, .options = 12},
                                  FrameSpec{.version = 6, .extensions = 3}}) {
        const Octets whole = make_frame(spec);
        for (size_t length = 14; length <= whole.size(); ++length) {
            const Octets frame(whole.begin(), whole.begin() + static_cast<long>(length));
            FrameOffload offload;
            spec::NetHeader header = gso_header(spec, 8);
            header.hdr_len = 0;
            if (verdict(frame, header, everything, &offload) == NetHeaderFault::none)
                CHECK(offload.header_bytes < length);
        }
    }
}
