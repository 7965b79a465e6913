// What the NAT of a user port understands of its arguments.
#include "options.hpp"

#include <doctest/doctest.h>

using namespace valenic::user;

TEST_CASE("a forward has a protocol and both ends") {
    const auto forward = parse_forward("udp:127.0.0.1:5353:10.0.2.15:53");
    REQUIRE(forward.has_value());
    CHECK(forward->udp);
    CHECK(forward->host == 0x7f000001);
    CHECK(forward->host_port == 5353);
    CHECK(forward->guest == 0x0a00020f);
    CHECK(forward->guest_port == 53);
    for (const char* wrong : {"", "tcp", "tcp:80:80", "sctp:127.0.0.1:1:10.0.2.15:1",
                              "tcp:127.0.0.1:65536:10.0.2.15:1", "tcp:127.0.0.1:1:10.0.2.15:1:1",
                              "tcp:localhost:1:10.0.2.15:1", "tcp:127.0.0.1::1.2.3.4:"})
        CHECK_FALSE(parse_forward(wrong).has_value());
}

TEST_CASE("options: everything, and each mistake in words") {
    Options options;
    CHECK_FALSE(parse_options({"--fd", "3", "--host-loopback", "--network", "10.9.0.0/16",
                               "--forward", "tcp:0.0.0.0:80:10.9.0.15:80"},
                              options));
    CHECK(options.fd == 3);
    CHECK(options.host_loopback);
    CHECK(options.network.gateway() == 0x0a090002);
    CHECK(options.network.mask == 0xffff0000);
    CHECK(options.forwards.size() == 1);
    Options other;
    CHECK(parse_options({}, other) == "--fd is missing");
    CHECK(parse_options({"--fd"}, other) == "--fd needs a value");
    for (const char* wrong : {"10.0.2.1/24", "10.0.2.0", "10.0.2.0/27", "10.0.2.0/7", "x/24"})
        CHECK(parse_options({"--network", wrong}, other) ==
              "--network " + std::string(wrong) + " is not valid");
    CHECK(parse_options({"--else", "1"}, other) == "--else 1 is not valid");
}
