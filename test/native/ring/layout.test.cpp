// Where a ring may lie: sizes, alignments, extents, read-only memory.
#include "rig.hpp"

using namespace valenic;
using namespace valenic::test;
using spec::Fault;

namespace {

/// A guest whose ring memory is laid out for `size` slots.
struct LayoutRig : QueueRig {
    explicit LayoutRig(uint16_t size = 8, uint64_t features = modern)
        : QueueRig({size, features, 0, 4 << 20}) {}
    Fault tx(const RingConfig& config) {
        auto made = make_tx_ring(config, space.map());
        return made ? Fault::none : made.error();
    }
    Fault rx(const RingConfig& config) {
        auto made = make_rx_ring(config, space.map());
        return made ? Fault::none : made.error();
    }
    /// Both directions refuse alike.
    Fault both(const RingConfig& config) {
        const Fault fault = tx(config);
        CHECK(rx(config) == fault);
        return fault;
    }
    uint64_t end() const { return space.map()->regions()[0].user_addr + 0x40'0000; }
};

}  // namespace

TEST_SUITE("split ring layout: virtio 1.2, 2.7") {
    TEST_CASE("the queue size is a power of two, 1..32768") {
        for (uint32_t size = 1; size <= 32768; size *= 2) {
            LayoutRig rig(static_cast<uint16_t>(size));
            CHECK(rig.both(rig.config()) == Fault::none);
        }
        LayoutRig rig;
        for (const uint16_t size : {0, 3, 255, 257, 24576, 32769, 65535}) {
            RingConfig config = rig.config();
            config.size = size;
            CAPTURE(size);
            CHECK(rig.both(config) == Fault::ring_size_invalid);
        }
    }
    TEST_CASE("alignments are 16, 2 and 4 bytes") {
        LayoutRig rig;
        RingConfig config = rig.config();
        config.avail_addr += 2;
        config.used_addr += 4;
        config.desc_addr += 16;
        CHECK(rig.both(config) == Fault::none);
        for (uint64_t RingConfig::*field : {&RingConfig::desc_addr, &RingConfig::avail_addr}) {
            config = rig.config();
            config.*field += 1;
            CHECK(rig.both(config) == Fault::ring_address_misaligned);
        }
        config = rig.config();
        config.desc_addr += 8;
        CHECK(rig.both(config) == Fault::ring_address_misaligned);
        config = rig.config();
        config.used_addr += 2;
        CHECK(rig.both(config) == Fault::ring_address_misaligned);
    }
    TEST_CASE("a ring lies wholly inside the memory, up to its last byte") {
        LayoutRig rig;
        // Bytes of the parts without event index: 16, 2 and 8 for each slot, heads of 4.
        const std::pair<uint64_t RingConfig::*, uint64_t> parts[] = {
            {&RingConfig::desc_addr, 16 * 8},
            {&RingConfig::avail_addr, 4 + 2 * 8},
            {&RingConfig::used_addr, 4 + 8 * 8}};
        for (const auto& [field, bytes] : parts) {
            RingConfig config = rig.config();
            config.*field = rig.end() - bytes;
            CHECK(rig.both(config) == Fault::none);
            config.*field += 16;
            CHECK(rig.both(config) == Fault::ring_address_unmapped);
            config.*field = rig.end();
            CHECK(rig.both(config) == Fault::ring_address_unmapped);
            config.*field = UINT64_MAX - 15;
            CHECK(rig.both(config) == Fault::ring_address_unmapped);
            config.*field = 0;
            CHECK(rig.both(config) == Fault::ring_address_unmapped);
        }
    }
    TEST_CASE("the event index needs two bytes more, in both rings") {
        LayoutRig rig(8, with_events);
        RingConfig config = rig.config();
        config.avail_addr = rig.end() - (4 + 2 * 8);
        CHECK(rig.both(config) == Fault::ring_address_unmapped);
        config.avail_addr -= 2;
        CHECK(rig.both(config) == Fault::none);
        config = rig.config();
        config.used_addr = rig.end() - (4 + 8 * 8);
        CHECK(rig.both(config) == Fault::ring_address_unmapped);
        config.used_addr -= 4;
        CHECK(rig.both(config) == Fault::none);
    }
    TEST_CASE("the used ring must be writable, the others need not be") {
        LayoutRig rig;
        const OwnedFd read_only(
            open(("/proc/self/fd/" + std::to_string(rig.space.memory().fd())).c_str(), O_RDONLY));
        REQUIRE(read_only.valid());
        std::vector<RegionSpec> specs;
        const uint64_t half = rig.space.memory().bytes() / 2;
        const uint64_t user = rig.space.memory().user_base();
        constexpr uint64_t guest = driver::GuestMemory::guest_base;
        specs.push_back({guest, user, half, 0, duplicate(read_only.get())});
        specs.push_back(
            {guest + half, user + half, half, half, duplicate(rig.space.memory().fd())});
        auto map = MemoryMap::create(std::move(specs));
        REQUIRE(map.ok());
        auto made = make_tx_ring(rig.config(), map.value());
        REQUIRE_FALSE(made.ok());
        CHECK(made.error() == Fault::ring_memory_not_writable);
        RingConfig config = rig.config();
        config.used_addr = user + half;
        CHECK(make_tx_ring(config, map.value()).ok());
        CHECK(make_rx_ring(config, map.value()).ok());
    }
    TEST_CASE("a region may give aligned addresses to unaligned memory: that is refused too") {
        LayoutRig rig;
        std::vector<RegionSpec> specs;
        specs.push_back({driver::GuestMemory::guest_base, 0x7000'0000, 0x10000, 8,
                         duplicate(rig.space.memory().fd())});
        auto map = MemoryMap::create(std::move(specs));
        REQUIRE(map.ok());
        const RingConfig config{8, 0, modern, 0x7000'0000, 0x7000'1000, 0x7000'2000};
        auto made = make_tx_ring(config, map.value());
        REQUIRE_FALSE(made.ok());
        CHECK(made.error() == Fault::ring_address_misaligned);
    }
}
