// The word a worker looks at instead of asking a ring: of both kinds, over many wraps.
#include <unistd.h>

#include "driver/guest_memory.hpp"
#include "ring/ring.hpp"
#include "spec/virtio_features.hpp"
#include "testing.hpp"

using namespace valenic;

namespace {

constexpr uint16_t ring_size = 8;

/// A guest with a TX ring of one kind.
template <typename Queue>
struct Sender {
    driver::GuestMemory memory = std::move(*driver::GuestMemory::create(1 << 20));
    uint8_t* ring_memory = memory.take(Queue::parts_of(ring_size).bytes);
    driver::BufferArea buffers() {
        driver::BufferArea area;
        area.stride_bytes = 256;
        area.data = memory.take(size_t{ring_size} * 256);
        for (uint32_t i = 0; i < ring_size; ++i)
            area.addresses.push_back(memory.guest_addr(area.at(i)));
        return area;
    }
    uint8_t* rx_memory = memory.take(Queue::parts_of(ring_size).bytes);
    driver::NetDriver net{Queue(ring_memory, ring_size, true), Queue(rx_memory, ring_size, true),
                          buffers(), buffers(), 12};
    std::unique_ptr<TxRing> ring;
    std::unique_ptr<Batch> batch = std::make_unique<Batch>();
    CounterBlock counters{};

    Sender() {
        constexpr bool packed = std::is_same_v<Queue, driver::PackedQueue>;
        std::vector<RegionSpec> regions;
        regions.push_back({driver::GuestMemory::guest_base, memory.user_base(), memory.bytes(), 0,
                           OwnedFd(dup(memory.fd()))});
        auto map = MemoryMap::create(std::move(regions));
        REQUIRE(map.ok());
        const auto parts = Queue::parts_of(ring_size);
        const auto at = reinterpret_cast<uint64_t>(ring_memory);
        uint64_t features = spec::feature_mask(spec::feature_version_1) |
                            spec::feature_mask(spec::feature_ring_event_idx);
        uint16_t base = 0;
        if constexpr (packed) {
            features |= spec::feature_mask(spec::feature_ring_packed);
            base = Queue::first_position;
        }
        RingConfig config{};
        config.size = ring_size;
        config.base = base;
        config.features = features;
        config.desc_addr = at + parts.desc;
        config.avail_addr = at + parts.avail;
        config.used_addr = at + parts.used;
        auto made = make_tx_ring(config, map.value());
        REQUIRE(made.ok());
        ring = std::move(made.value());
    }
    void send(size_t frames) {
        REQUIRE(net.send(frames, 60, [](uint8_t* frame) { std::memset(frame, 7, 60); }) == frames);
    }
    size_t take(size_t frames) {
        batch->clear();
        const size_t taken = ring->fetch(*batch, {frames, largest_frame_bytes}, counters);
        ring->release();
        net.reclaim();
        return taken;
    }
};

}  // namespace

TEST_SUITE("poll word") {
    TEST_CASE_TEMPLATE("says that a frame waits, and only then", Queue, driver::SplitQueue,
                       driver::PackedQueue) {
        Sender<Queue> sender;
        for (unsigned round = 0; round < 100; ++round) {
            const PollWord quiet = sender.ring->poll_word();
            REQUIRE(quiet.word != nullptr);
            CHECK_FALSE(quiet.may_have_work());
            const size_t frames = 1 + round % 5;
            sender.send(frames);
            CHECK(quiet.may_have_work());
            REQUIRE(sender.take(frames - frames / 2) == frames - frames / 2);
            if (frames / 2 > 0) {
                CHECK(sender.ring->poll_word().may_have_work());
                REQUIRE(sender.take(64) == frames / 2);
            }
        }
    }
}
