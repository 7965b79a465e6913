// Which frames reach the NAT of a user port.
#include "admit.hpp"

#include <doctest/doctest.h>

#include <vector>

using namespace valenic::user;

namespace {

using Bytes = std::vector<uint8_t>;

Bytes ethernet(uint16_t type, const Bytes& rest) {
    Bytes frame{0x52, 0x55, 10, 0, 2, 2, 0x52, 0x54, 0, 0, 0, 1};
    frame.push_back(static_cast<uint8_t>(type >> 8));
    frame.push_back(static_cast<uint8_t>(type));
    frame.insert(frame.end(), rest.begin(), rest.end());
    return frame;
}

Bytes ipv4(const Bytes& to, uint8_t protocol, uint16_t port, uint16_t fragment = 0) {
    Bytes packet(28, 0);
    packet[0] = 0x45;
    packet[6] = static_cast<uint8_t>(fragment >> 8);
    packet[7] = static_cast<uint8_t>(fragment);
    packet[9] = protocol;
    std::copy(to.begin(), to.end(), packet.begin() + 16);
    packet[22] = static_cast<uint8_t>(port >> 8);
    packet[23] = static_cast<uint8_t>(port);
    return ethernet(0x0800, packet);
}

Bytes ipv6(const Bytes& to, uint8_t protocol, uint16_t port) {
    Bytes packet(48, 0);
    packet[0] = 0x60;
    packet[6] = protocol;
    std::copy(to.begin(), to.end(), packet.begin() + 24);
    packet[42] = static_cast<uint8_t>(port >> 8);
    packet[43] = static_cast<uint8_t>(port);
    return ethernet(0x86dd, packet);
}

Bytes v6(std::initializer_list<uint8_t> first, std::initializer_list<uint8_t> last) {
    Bytes address(16, 0);
    std::copy(first.begin(), first.end(), address.begin());
    std::copy(last.begin(), last.end(), address.end() - static_cast<ptrdiff_t>(last.size()));
    return address;
}

Refusal of(const Bytes& frame) { return refusal_of(frame, Network{}); }

const Bytes nameserver{10, 0, 2, 3};

}  // namespace

TEST_CASE("what goes elsewhere is admitted") {
    CHECK(of(ipv4({192, 0, 2, 9}, 6, 80)) == Refusal::none);
    CHECK(of(ipv4({10, 0, 2, 2}, 6, 80)) == Refusal::none);  // libslirp's to decide.
    CHECK(of(ipv4({255, 255, 255, 255}, 17, 67)) == Refusal::none);
    CHECK(of(ipv6(v6({0x20, 1}, {9}), 6, 80)) == Refusal::none);
    CHECK(of(ethernet(0x0806, Bytes(28, 0))) == Refusal::none);
}

TEST_CASE("no address that leads the host to itself") {
    for (const Bytes& to : {Bytes{127, 0, 0, 1}, Bytes{127, 255, 1, 2}, Bytes{0, 0, 0, 0}})
        CHECK(of(ipv4(to, 6, 22)) == Refusal::host_itself);
    for (const Bytes& to : {v6({}, {}), v6({}, {1}), v6({}, {127, 0, 0, 1}),
                            v6({}, {0xff, 0xff, 127, 0, 0, 1}), v6({}, {0xff, 0xff, 192, 0, 2, 1})})
        CHECK(of(ipv6(to, 6, 22)) == Refusal::host_itself);
}

TEST_CASE("the name server is there for names alone") {
    const Bytes other = v6({0xfd}, {3});
    for (const uint8_t protocol : {uint8_t{6}, uint8_t{17}}) {
        CHECK(of(ipv4(nameserver, protocol, 53)) == Refusal::none);
        CHECK(of(ipv4(nameserver, protocol, 22)) == Refusal::nameserver_port);
        CHECK(of(ipv6(other, protocol, 53)) == Refusal::none);
        CHECK(of(ipv6(other, protocol, 22)) == Refusal::nameserver_port);
    }
    CHECK(of(ipv4(nameserver, 1, 0)) == Refusal::none);
    CHECK(of(ipv6(other, 58, 0)) == Refusal::none);
    CHECK(of(ipv4(nameserver, 132, 53)) == Refusal::nameserver_port);
    CHECK(of(ipv6(other, 0, 53)) == Refusal::nameserver_port);  // Behind an extension header.
    CHECK(of(ipv4(nameserver, 17, 53, 0x2000)) == Refusal::nameserver_port);
    CHECK(of(ipv4(nameserver, 17, 53, 0x0001)) == Refusal::nameserver_port);
    CHECK(of(ipv4(nameserver, 17, 53, 0x4000)) == Refusal::none);  // "Don't fragment".
}

TEST_CASE("frames of others, and what is not IP") {
    Bytes flooded = ipv4({192, 0, 2, 9}, 6, 80);
    flooded[1] = 0x54;
    CHECK(of(flooded) == Refusal::not_for_us);
    flooded[0] = 0x33;  // To a group.
    CHECK(of(flooded) == Refusal::none);
    CHECK(of(ethernet(0x8100, Bytes(46, 0))) == Refusal::protocol);
    CHECK(of(ethernet(0x88f8, Bytes(46, 0))) == Refusal::protocol);
}

TEST_CASE("a frame cut anywhere is read to its end and no further") {
    for (const Bytes& whole : {ipv4(nameserver, 17, 53), ipv6(v6({0xfd}, {3}), 17, 53)})
        for (size_t bytes = 0; bytes < whole.size() - 5; ++bytes) {
            const Bytes cut(whole.begin(), whole.begin() + static_cast<ptrdiff_t>(bytes));
            const auto refusal = refusal_of(Bytes(cut), Network{});
            CHECK(refusal != Refusal::none);
        }
    Bytes long_header = ipv4(nameserver, 17, 53);
    long_header[14] = 0x4f;
    CHECK(of(long_header) == Refusal::protocol);
}
