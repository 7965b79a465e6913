// The hash of flows: every field that tells flows apart moves them, at every number of queues, and
// nothing that differs between the frames of one flow does.
#include "net/flow.hpp"

#include <cmath>
#include <cstring>
#include <string>

#include "net/flow_frames.hpp"
#include "port/vhost/vhost.hpp"

using namespace valenic;
using namespace valenic::test;

namespace {

constexpr uint64_t seeds[] = {1, 2, 0x1234'5678'9abc'def0, UINT64_MAX};

uint32_t hash_of(const Octets& frame, const FlowSeed& seed = FlowSeed::of(1)) {
    const auto staged = static_cast<uint32_t>(std::min<size_t>(frame.size(), stage_frame_bytes));
    const Octets copy(frame.begin(), frame.begin() + staged);  // Guarded behind its end.
    return flow_hash(copy.data(), staged, seed);
}

/// The frame with other bits in one byte, those of `mask` alone.
Octets with(Octets frame, size_t at, uint8_t mask, unsigned value) {
    frame.at(at) = static_cast<uint8_t>((frame.at(at) & ~mask) | (value & mask));
    return frame;
}

/// Every value that a byte may have in the bits of `mask`.
std::vector<uint8_t> values_of(uint8_t mask) {
    std::vector<uint8_t> values;
    for (unsigned value = 0; value < 256; ++value)
        if ((value & ~mask) == 0) values.push_back(static_cast<uint8_t>(value));
    return values;
}

/// Whether these counts may come of even chances: each within six standard deviations.
bool even(const std::vector<unsigned>& counts) {
    unsigned all = 0;
    for (const unsigned count : counts) all += count;
    const double share = static_cast<double>(all) / static_cast<double>(counts.size());
    for (const unsigned count : counts)
        if (std::abs(count - share) > 6 * std::sqrt(share) + 2) return false;
    return true;
}

std::string place(const FlowKind& kind, const FlowField& field, size_t at) {
    return kind.name + ": " + field.name + ", byte " + std::to_string(at);
}

/// Calls `each(byte, mask)` for the bytes of a field that count.
template <typename Each>
void for_bytes(const FlowField& field, Each each) {
    for (size_t byte = 0; byte < field.bytes; ++byte) {
        const uint8_t mask = byte == 0                 ? field.first_mask
                             : byte + 1 == field.bytes ? field.last_mask
                                                       : 0xff;
        each(field.at + byte, mask);
    }
}

}  // namespace

TEST_SUITE("flow hash") {
    TEST_CASE("each byte of each field alone is spread over every number of queues") {
        for (const FlowKind& kind : flow_kinds())
            for (const FlowField& field : kind.fields)
                for_bytes(field, [&](size_t at, uint8_t mask) {
                    const std::string where = place(kind, field, at);
                    CAPTURE(where);
                    for (const uint64_t number : seeds) {
                        const FlowSeed seed = FlowSeed::of(number);
                        std::vector<uint32_t> hashes;
                        for (const uint8_t value : values_of(mask))
                            hashes.push_back(hash_of(with(kind.frame, at, mask, value), seed));
                        for (uint32_t queues = 1; queues <= Port::queues_max; ++queues) {
                            std::vector<unsigned> counts(queues);
                            for (const uint32_t hash : hashes) ++counts[place_of(hash, queues)];
                            CAPTURE(queues);
                            CAPTURE(number);
                            CHECK(even(counts));
                        }
                    }
                });
    }
    TEST_CASE("each bit of each field moves half of the flows between two queues") {
        for (const FlowKind& kind : flow_kinds())
            for (const FlowField& field : kind.fields)
                for_bytes(field, [&](size_t at, uint8_t mask) {
                    for (unsigned bit = 1; bit < 256; bit <<= 1) {
                        if ((mask & bit) == 0) continue;
                        Octets other = kind.frame;
                        other[at] ^= static_cast<uint8_t>(bit);
                        unsigned moved = 0;
                        for (uint64_t number = 0; number < 100; ++number) {
                            const FlowSeed seed = FlowSeed::of(number);
                            moved += place_of(hash_of(kind.frame, seed), 2) !=
                                     place_of(hash_of(other, seed), 2);
                        }
                        const std::string where = place(kind, field, at);
                        CAPTURE(where);
                        CAPTURE(bit);
                        CHECK(moved > 20);  // Six standard deviations from half of them.
                        CHECK(moved < 80);
                    }
                });
    }
    TEST_CASE("what differs between the frames of one flow moves nothing") {
        for (const FlowKind& kind : flow_kinds())
            for (const FlowField& field : kind.same)
                for_bytes(field, [&](size_t at, uint8_t mask) {
                    for (const uint8_t value : values_of(mask)) {
                        const std::string where = place(kind, field, at);
                        CAPTURE(where);
                        REQUIRE(hash_of(with(kind.frame, at, mask, value)) == hash_of(kind.frame));
                    }
                });
    }
    TEST_CASE(
        "a frame that ends anywhere is read no further, and keeps its flow behind the ports") {
        for (const FlowKind& kind : flow_kinds())
            for (size_t bytes = ethernet_header_bytes; bytes <= kind.frame.size(); ++bytes) {
                const Octets part(kind.frame.begin(),
                                  kind.frame.begin() + static_cast<long>(bytes));
                const uint32_t hash = hash_of(part);
                if (bytes >= kind.decided_at) CHECK(hash == hash_of(kind.frame));
            }
    }
    TEST_CASE("the pieces of one datagram stay together, with ports or without") {
        for (const unsigned tags : {0u, 1u, 2u}) {
            for (const unsigned version : {4u, 6u}) {
                const FlowFragments pieces = fragments_of(version, tags);
                CHECK(hash_of(pieces.first) == hash_of(pieces.middle));
                CHECK(hash_of(pieces.first) == hash_of(pieces.last));
                CHECK(hash_of(pieces.first) != hash_of(pieces.next_datagram));
            }
        }
    }
    TEST_CASE("a fragment of IPv6 that is a whole datagram has its ports") {
        const FlowSeed seed = FlowSeed::of(1);
        const Octets atomic = atomic_fragment(1000);
        CHECK(hash_of(atomic, seed) == hash_of(with(atomic, 14 + 40 + 7, 0xff, 77), seed));  // Id.
        CHECK(hash_of(atomic, seed) != hash_of(atomic_fragment(1001), seed));
    }
    TEST_CASE("other seeds lead elsewhere") {
        unsigned same = 0;
        for (uint16_t port = 0; port < 1000; ++port) {
            const Octets frame = make_frame({.source_port = port});
            same += place_of(hash_of(frame, FlowSeed::of(1)), 4) ==
                    place_of(hash_of(frame, FlowSeed::of(2)), 4);
        }
        CHECK(same > 150);
        CHECK(same < 350);
    }
    TEST_CASE("places are as many for each queue, and none is outside") {
        for (uint32_t queues = 1; queues <= Port::queues_max; ++queues) {
            std::vector<uint64_t> counts(queues);
            constexpr uint64_t step = 65'537;
            for (uint64_t hash = 0; hash <= UINT32_MAX; hash += step)
                ++counts[place_of(static_cast<uint32_t>(hash), queues)];
            for (const uint64_t count : counts)
                CHECK(std::abs(static_cast<double>(count) - 65535.0 / queues) <= 1.0);
            CHECK(place_of(UINT32_MAX, queues) == queues - 1);
        }
    }
    TEST_CASE("a batch is hashed from its stages, each frame as it is alone") {
        LoadedBatch loaded;
        std::vector<uint32_t> expected;
        for (const FlowKind& kind : flow_kinds()) {
            loaded.add(kind.frame);
            expected.push_back(hash_of(kind.frame));
        }
        std::vector<uint32_t> hashes(expected.size());
        hash_flows(*loaded.batch, FlowSeed::of(1), hashes.data());
        CHECK((hashes == expected));
    }
}
