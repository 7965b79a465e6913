// What a port with allowed stations may send: frame by frame, each acceptance beside its refusals.
#include "switch/security.hpp"

#include <arpa/inet.h>

#include <cstring>

#include "lookup_rig.hpp"
#include "tags.hpp"

using namespace valenic;
using namespace valenic::test;
using spec::DropReason;

namespace {

constexpr DropReason passes = DropReason::count;
constexpr MacAddress own = mac(1);
constexpr MacAddress other = mac(2);

Ipv4Address v4(const char* text) {
    Ipv4Address address;
    REQUIRE(inet_pton(AF_INET, text, address.data()) == 1);
    return address;
}
Ipv6Address v6(const char* text) {
    Ipv6Address address;
    REQUIRE(inet_pton(AF_INET6, text, address.data()) == 1);
    return address;
}
/// What 02:00:01:00:00:00, the first station's address, makes (RFC 4291, appendix A).
const char* const own_link_local = "fe80::1ff:fe00:0";

PortSecurity allowing(bool with_ips) {
    PortSecurity security;
    security.allow.push_back({mac(9), {}, {}});
    security.allow.push_back({own, {}, {}});
    if (with_ips) {
        security.allow[1].ipv4 = {v4("10.0.0.1"), v4("10.0.0.9")};
        security.allow[1].ipv6 = {v6("fd00::1")};
    }
    return security;
}

DropReason look(const PortSecurity& security, const Bytes& frame) {
    const auto staged = static_cast<uint32_t>(std::min<size_t>(frame.size(), 116));
    // On the heap, so that a sanitizer guards what is behind it.
    const std::vector<uint8_t> copy(frame.begin(), frame.begin() + staged);
    return inspect(security, copy.data(), staged);
}

void put(Bytes& frame, std::initializer_list<int> bytes) {
    for (const int byte : bytes) frame.push_back(static_cast<uint8_t>(byte));
}
template <size_t count>
void put(Bytes& frame, const std::array<uint8_t, count>& bytes) {
    frame.insert(frame.end(), bytes.begin(), bytes.end());
}
void put_mac(Bytes& frame, MacAddress address) {
    for (int i = 0; i < 6; ++i) frame.push_back(static_cast<uint8_t>(address >> 8 * i));
}
Bytes ethernet(MacAddress from, int type) {
    Bytes frame;
    put_mac(frame, broadcast_mac);
    put_mac(frame, from);
    put(frame, {type >> 8, type & 0xff});
    return frame;
}
Bytes arp(MacAddress from, MacAddress sender, const char* ip, int hardware = 1) {
    Bytes frame = ethernet(from, 0x0806);
    put(frame, {0, hardware, 8, 0, 6, 4, 0, 2});
    put_mac(frame, sender);
    put(frame, v4(ip));
    put_mac(frame, other);
    put(frame, v4("10.0.0.2"));
    return frame;
}
Bytes ipv4(const char* from, int source_port = 1000, int destination_port = 2000,
           int protocol = 17) {
    Bytes frame = ethernet(own, 0x0800);
    put(frame, {0x45, 0, 0, 28, 0, 0, 0, 0, 64, protocol, 0, 0});
    put(frame, v4(from));
    put(frame, v4("10.0.0.2"));
    put(frame, {source_port >> 8, source_port & 0xff, destination_port >> 8,
                destination_port & 0xff, 0, 8, 0, 0});
    return frame;
}
/// With extension headers of `next` types in front of the payload.
Bytes ipv6(const char* from, int protocol, const Bytes& payload,
           const std::vector<Bytes>& extensions = {}, int first = -1) {
    Bytes frame = ethernet(own, 0x86dd);
    size_t bytes = payload.size();
    for (const Bytes& one : extensions) bytes += one.size();
    put(frame, {0x60, 0, 0, 0, static_cast<int>(bytes >> 8), static_cast<int>(bytes & 0xff),
                first < 0 ? protocol : first, 255});
    put(frame, v6(from));
    put(frame, v6("ff02::1"));
    for (const Bytes& one : extensions) frame.insert(frame.end(), one.begin(), one.end());
    frame.insert(frame.end(), payload.begin(), payload.end());
    return frame;
}
/// A message of Neighbor Discovery, with an option for each of `macs`.
Bytes discovery(int type, const char* target, std::vector<std::pair<int, MacAddress>> macs = {}) {
    Bytes message;
    put(message, {type, 0, 0, 0, 0, 0, 0, 0});
    if (type == 135 || type == 136) put(message, v6(target));
    if (type == 134) put(message, {0, 0, 0, 0, 0, 0, 0, 0});
    for (const auto& [kind, address] : macs) {
        put(message, {kind, 1});
        put_mac(message, address);
    }
    return message;
}
constexpr int icmp6 = 58;

}  // namespace

TEST_SUITE("port security: stations") {
    TEST_CASE("those that are allowed may send, of any kind; nobody else may") {
        for (const int type : {0x0800, 0x0806, 0x88b5, 0x86dd}) {
            Bytes frame = ethernet(mac(9), type);
            frame.resize(60);
            if (type == 0x0806) frame = arp(mac(9), mac(9), "1.2.3.4");
            if (type == 0x86dd) continue;
            CHECK(look(allowing(true), frame) == passes);
            for (const MacAddress stranger : {other, broadcast_mac, MacAddress{0}}) {
                Bytes spoofed = frame;
                std::memcpy(spoofed.data() + 6, &stranger, 6);
                CHECK(look(allowing(true), spoofed) == DropReason::tx_mac_refused);
            }
        }
        Bytes frame = ethernet(other, 0x88b5);
        frame.resize(60);
        CHECK(look({}, frame) == passes);
    }
}

TEST_SUITE("port security: ARP") {
    TEST_CASE("says the station's own addresses, or none yet") {
        const PortSecurity security = allowing(true);
        CHECK(look(security, arp(own, own, "10.0.0.1")) == passes);
        CHECK(look(security, arp(own, own, "10.0.0.9")) == passes);
        CHECK(look(security, arp(own, own, "0.0.0.0")) == passes);
        CHECK(look(security, arp(own, own, "10.0.0.2")) == DropReason::tx_arp_refused);
        CHECK(look(security, arp(own, other, "10.0.0.1")) == DropReason::tx_arp_refused);
        CHECK(look(security, arp(own, own, "10.0.0.1", 6)) == DropReason::tx_arp_refused);
        Bytes cut = arp(own, own, "10.0.0.1");
        cut.resize(14 + 27);
        CHECK(look(security, cut) == DropReason::tx_arp_refused);
    }
    TEST_CASE("without IP addresses: the station's own MAC, and any IP address") {
        CHECK(look(allowing(false), arp(own, own, "10.0.0.2")) == passes);
        CHECK(look(allowing(false), arp(own, other, "10.0.0.2")) == DropReason::tx_arp_refused);
    }
    TEST_CASE("behind one tag and two; behind more nothing is believed") {
        const PortSecurity security = allowing(true);
        const Bytes good = arp(own, own, "10.0.0.1");
        const Bytes bad = arp(own, own, "10.0.0.2");
        CHECK(look(security, with_tag(good, 5)) == passes);
        CHECK(look(security, with_tag(bad, 5)) == DropReason::tx_arp_refused);
        CHECK(look(security, with_tag(with_tag(bad, 0), 5)) == DropReason::tx_arp_refused);
        CHECK(look(security, with_tag(with_tag(with_tag(good, 0), 0), 5)) ==
              DropReason::tx_ip_refused);
        Bytes cut = with_tag(good, 0);
        cut.resize(15);
        CHECK(look(security, cut) == DropReason::tx_ip_refused);
    }
}

TEST_SUITE("port security: IPv4") {
    TEST_CASE("is from the station's own addresses") {
        const PortSecurity security = allowing(true);
        CHECK(look(security, ipv4("10.0.0.1")) == passes);
        CHECK(look(security, ipv4("10.0.0.9")) == passes);
        CHECK(look(security, ipv4("10.0.0.2")) == DropReason::tx_ip_refused);
        CHECK(look(allowing(false), ipv4("10.0.0.2")) == passes);
    }
    TEST_CASE("without an address it asks for one, and does nothing else") {
        const PortSecurity security = allowing(true);
        CHECK(look(security, ipv4("0.0.0.0", 68, 67)) == passes);
        CHECK(look(security, ipv4("0.0.0.0", 67, 68)) == DropReason::tx_ip_refused);
        CHECK(look(security, ipv4("0.0.0.0", 68, 67, 6)) == DropReason::tx_ip_refused);
        Bytes fragment = ipv4("0.0.0.0", 68, 67);
        fragment[20] = 0x20;
        CHECK(look(security, fragment) == DropReason::tx_ip_refused);
    }
    TEST_CASE("what says IPv4 and is not, or is cut off, is refused") {
        const PortSecurity security = allowing(true);
        Bytes frame = ipv4("10.0.0.1");
        frame[14] = 0x65;
        CHECK(look(security, frame) == DropReason::tx_ip_refused);
        for (size_t bytes = 14; bytes < 34; ++bytes) {
            Bytes cut = ipv4("10.0.0.1");
            cut.resize(bytes);
            CHECK(look(security, cut) == DropReason::tx_ip_refused);
        }
    }
}

TEST_SUITE("port security: IPv6") {
    TEST_CASE("is from the station's own addresses, or the link-local one of its MAC") {
        const PortSecurity security = allowing(true);
        const Bytes payload(16, 1);
        CHECK(look(security, ipv6("fd00::1", 17, payload)) == passes);
        CHECK(look(security, ipv6(own_link_local, 17, payload)) == passes);
        CHECK(look(security, ipv6("fd00::2", 17, payload)) == DropReason::tx_ip_refused);
        CHECK(look(security, ipv6("fe80::2", 17, payload)) == DropReason::tx_ip_refused);
        CHECK(look(security, ipv6("::", 17, payload)) == DropReason::tx_ip_refused);
        CHECK(look(allowing(false), ipv6("fd00::2", 17, payload)) == passes);
    }
    TEST_CASE("neighbor solicitations: any target, the sender's own MAC, no address yet") {
        const PortSecurity security = allowing(true);
        const auto with = [](MacAddress said) { return discovery(135, "fd00::2", {{1, said}}); };
        CHECK(look(security, ipv6("fd00::1", icmp6, with(own))) == passes);
        CHECK(look(security, ipv6("::", icmp6, discovery(135, "fd00::1"))) == passes);
        CHECK(look(security, ipv6("fd00::1", icmp6, with(other))) == DropReason::tx_nd_refused);
        CHECK(look(security, ipv6("fd00::2", icmp6, with(own))) == DropReason::tx_ip_refused);
        CHECK(look(allowing(false), ipv6("fd00::7", icmp6, with(other))) ==
              DropReason::tx_nd_refused);
    }
    TEST_CASE("neighbor advertisements: of the station's own addresses and MAC") {
        const PortSecurity security = allowing(true);
        const auto of = [&](const char* target, MacAddress said) {
            return look(security, ipv6("fd00::1", icmp6, discovery(136, target, {{2, said}})));
        };
        CHECK(of("fd00::1", own) == passes);
        CHECK(of(own_link_local, own) == passes);
        CHECK(of("fd00::2", own) == DropReason::tx_nd_refused);
        CHECK(of("fd00::1", other) == DropReason::tx_nd_refused);
        CHECK(look(security, ipv6("::", icmp6, discovery(136, "fd00::1"))) ==
              DropReason::tx_ip_refused);
    }
    TEST_CASE("an option behind an honest one, a broken one, and one out of sight are found out") {
        const PortSecurity security = allowing(true);
        const auto sent = [&](const Bytes& message) {
            return look(security, ipv6("fd00::1", icmp6, message));
        };
        CHECK(sent(discovery(136, "fd00::1", {{14, own}, {2, own}})) == passes);
        CHECK(sent(discovery(136, "fd00::1", {{2, own}, {2, other}})) == DropReason::tx_nd_refused);
        Bytes empty = discovery(136, "fd00::1", {{14, own}, {2, other}});
        empty[25] = 0;
        CHECK(sent(empty) == DropReason::tx_nd_refused);
        Bytes longer = discovery(136, "fd00::1", {{14, own}});
        longer[25] = 5;
        CHECK(sent(longer) == DropReason::tx_nd_refused);
        std::vector<std::pair<int, MacAddress>> many(6, {14, own});
        many.emplace_back(2, other);
        CHECK(sent(discovery(136, "fd00::1", many)) == DropReason::tx_nd_refused);
        for (size_t bytes = 0; bytes < 24; ++bytes) {
            Bytes cut = discovery(136, "fd00::1");
            cut.resize(bytes);
            CHECK(sent(cut) == DropReason::tx_nd_refused);
        }
    }
    TEST_CASE("what hides a message is refused: extension headers too deep, and fragments") {
        for (const bool guard : {false, true}) {
            PortSecurity security = guard ? PortSecurity{} : allowing(true);
            security.ra_guard = guard;
            const DropReason hidden = guard ? DropReason::tx_ra_guard : DropReason::tx_nd_refused;
            const int type = guard ? 134 : 136;
            const Bytes message = discovery(type, "fd00::2", {{2, other}});
            const Bytes hop{60, 0, 1, 4, 0, 0, 0, 0};
            const Bytes last{icmp6, 0, 1, 4, 0, 0, 0, 0};
            CHECK(look(security, ipv6("fd00::1", icmp6, message, {hop, last}, 0)) == hidden);
            std::vector<Bytes> deep(9, hop);
            deep.push_back(last);
            CHECK(look(security, ipv6("fd00::1", icmp6, message, deep, 0)) == hidden);
            for (const int next : {icmp6, 60}) {
                const Bytes fragment{static_cast<uint8_t>(next), 0, 0, 1, 0, 0, 0, 7};
                CHECK(look(security, ipv6("fd00::1", icmp6, message, {fragment}, 44)) == hidden);
            }
            // A later part, and one of another protocol, are what honest hosts send.
            const Bytes later{icmp6, 0, 0, 9, 0, 0, 0, 7};
            CHECK(look(security, ipv6("fd00::1", icmp6, message, {later}, 44)) == passes);
            const Bytes datagram{17, 0, 0, 1, 0, 0, 0, 7};
            CHECK(look(security, ipv6("fd00::1", 17, message, {datagram}, 44)) == passes);
        }
    }
    TEST_CASE(
        "router advertisements and redirects pass where a router may be, and not with a guard") {
        PortSecurity guarded;
        guarded.ra_guard = true;
        for (const int type : {134, 137}) {
            Bytes message = discovery(type, "", {{1, own}});
            message.resize(48);
            const Bytes frame = ipv6("fe80::1", icmp6, message);
            CHECK(look(guarded, frame) == DropReason::tx_ra_guard);
            CHECK(look({}, frame) == passes);
            CHECK(look(guarded, with_tag(frame, 0)) == DropReason::tx_ra_guard);
        }
        CHECK(look(guarded, ipv6("fe80::1", icmp6, discovery(133, "", {{1, other}}))) == passes);
        CHECK(look(guarded, ipv4("10.0.0.7")) == passes);
    }
}
