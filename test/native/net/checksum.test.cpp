#include "net/checksum.hpp"

#include <random>

#include "net/frames.hpp"
#include "net/ip.hpp"

using namespace valenic;
using namespace valenic::test;

namespace {

/// The folded sum as a number: ours is a word in memory order.
uint32_t as_number(uint16_t word) { return load_be16(reinterpret_cast<const uint8_t*>(&word)); }

/// 0 and 0xffff are the same in ones' complement.
bool same_sum(uint32_t a, uint32_t b) { return a % 0xffff == b % 0xffff; }

}  // namespace

TEST_CASE("checksum: RFC 1071, 3, the example of its numerical section") {
    const uint8_t bytes[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
    CHECK(as_number(fold_sum(sum_bytes(bytes, sizeof bytes))) == 0xddf2);
}

TEST_CASE("checksum: any length at any address is the sum that RFC 1071 defines") {
    std::mt19937 random(7);
    for (size_t length = 0; length < 300; ++length) {
        for (size_t shift = 0; shift < 9; ++shift) {
            Octets bytes(shift + length);
            for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random());
            bytes.shrink_to_fit();
            const uint16_t sum = fold_sum(sum_bytes(bytes.data() + shift, length));
            REQUIRE(same_sum(as_number(sum), plain_sum(bytes, shift, bytes.size())));
        }
    }
}

TEST_CASE("checksum: 64 KiB of ones does not overflow") {
    const Octets ones(65'550, 0xff);
    CHECK(fold_sum(sum_bytes(ones.data(), ones.size())) == 0xffff);
}

TEST_CASE("checksum: pieces of odd and even lengths add up to the whole") {
    std::mt19937 random(11);
    for (unsigned round = 0; round < 300; ++round) {
        Octets bytes(random() % 500);
        for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random());
        RunningSum sum;
        for (size_t at = 0; at < bytes.size();) {
            const size_t part = std::min<size_t>(random() % 40, bytes.size() - at);
            sum.add(bytes.data() + at, part);
            at += part;
        }
        REQUIRE(same_sum(as_number(fold_sum(sum.value())), plain_sum(bytes, 0, bytes.size())));
    }
}

TEST_CASE("checksum: a field is never 0, which says that there is none (RFC 768)") {
    CHECK(checksum_of(0xffff) == 0xffff);
    CHECK(checksum_of(0) == 0xffff);
    CHECK(checksum_of(0x1234) == 0xedcb);
}
