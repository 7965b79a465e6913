// What the datapath costs by itself: one thread plays the guests and the worker in turn, so no
// cache line crosses between cores. Prints nanoseconds per frame of each step; nothing here passes
// or fails.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include "../native/alone.hpp"
#include "base/clock.hpp"
#include "base/limits.hpp"
#include "driver/guest_memory.hpp"
#include "driver/net_driver.hpp"
#include "lookup/learning.hpp"
#include "ring/ring.hpp"
#include "spec/virtio_features.hpp"
#include "switch/vale.hpp"

using namespace valenic;

namespace {

constexpr uint16_t ring_size = 256;
constexpr uint32_t stride = 2048;
constexpr unsigned warmup_rounds = 2'000;
constexpr unsigned rounds = 1'000;
constexpr unsigned slices = 60;  // The median of them is printed, and the best.

struct Guest {
    driver::GuestMemory memory = std::move(*driver::GuestMemory::create(4 << 20));
    uint8_t* tx_ring = memory.take(driver::SplitQueue::parts_of(ring_size).bytes);
    uint8_t* rx_ring = memory.take(driver::SplitQueue::parts_of(ring_size).bytes);
    std::shared_ptr<const MemoryMap> map;
    std::unique_ptr<driver::NetDriver> net;
    std::unique_ptr<TxRing> tx;
    std::unique_ptr<RxRing> rx;

    Guest() {
        std::vector<RegionSpec> regions;
        regions.push_back({driver::GuestMemory::guest_base, memory.user_base(), memory.bytes(), 0,
                           OwnedFd(dup(memory.fd()))});
        map = MemoryMap::create(std::move(regions)).value();
        net = std::make_unique<driver::NetDriver>(driver::SplitQueue(tx_ring, ring_size, true),
                                                  driver::SplitQueue(rx_ring, ring_size, true),
                                                  buffers(), buffers(), 12);
        tx = std::move(make_tx_ring(config(tx_ring), map).value());
        rx = std::move(make_rx_ring(config(rx_ring), map).value());
        net->fill_rx();
    }
    driver::BufferArea buffers() {
        driver::BufferArea area;
        area.stride_bytes = stride;
        area.data = memory.take(size_t{ring_size} * stride);
        for (uint32_t i = 0; i < ring_size; ++i)
            area.addresses.push_back(memory.guest_addr(area.at(i)));
        return area;
    }
    static RingConfig config(uint8_t* ring) {
        const auto parts = driver::SplitQueue::parts_of(ring_size);
        const auto at = reinterpret_cast<uint64_t>(ring);
        return {ring_size,
                0,
                spec::feature_mask(spec::feature_version_1) |
                    spec::feature_mask(spec::feature_ring_event_idx),
                at + parts.desc,
                at + parts.avail,
                at + parts.used};
    }
};

/// Delivers into one ring, as port/vhost_queue does without its notifications.
class RingQueue final : public Queue {
 public:
    explicit RingQueue(RxRing& ring, CounterBlock& counters) : ring_(ring), counters_(counters) {}
    size_t receive(Batch&, WorkerContext&) override { return 0; }
    void release(WorkerContext&) override {}
    void transmit(const Batch& batch, std::span<const uint8_t> indices, WorkerContext&) override {
        const Delivery delivery = ring_.deliver(batch, indices, counters_);
        counters_.add(spec::PortCounter::rx_frames, delivery.frames);
    }
    void flush_calls(WorkerContext&) override {}
    bool arm() override { return false; }
    void disarm() override {}
    int wait_fd() const noexcept override { return -1; }
    void acknowledge(WorkerContext&) override {}

 private:
    RxRing& ring_;
    CounterBlock& counters_;
};
class RingPort final : public Port {
 public:
    RingPort(std::string name, std::span<CounterBlock> blocks, RxRing& ring)
        : Port(std::move(name), blocks, 1), queue_(ring, blocks[0]) {
        add_queue(queue_);
    }

 private:
    RingQueue queue_;
};

struct Times {
    uint64_t fetch = 0, forward = 0, release = 0, guest = 0, frames = 0;
    uint64_t sum() const { return fetch + forward + release; }
};

void write_frame(uint8_t* frame, uint8_t to, uint8_t from) {
    std::memset(frame, 0, 60);
    frame[0] = frame[6] = 0x52;
    frame[5] = to;
    frame[11] = from;
}

Times measure(Guest& a, Guest& b, ValeSwitch& vale, Port& source, uint32_t frame_bytes,
              size_t burst, unsigned count) {
    auto batch = std::make_unique<Batch>();
    auto context = std::make_unique<WorkerContext>();
    context->now_ns = monotonic_ns();
    CounterBlock& counters = source.counters(0);
    Times times;
    for (unsigned round = 0; round < count; ++round) {
        const uint64_t t0 = monotonic_ns();
        a.net->reclaim();
        a.net->send(burst, frame_bytes, [](uint8_t*) {});
        const uint64_t t1 = monotonic_ns();
        batch->clear();
        times.frames += a.tx->fetch(*batch, {batch_frames, largest_frame_bytes}, counters);
        const uint64_t t2 = monotonic_ns();
        vale.forward(*batch, source, *context);
        const uint64_t t3 = monotonic_ns();
        a.tx->release();
        const uint64_t t4 = monotonic_ns();
        b.net->receive(burst, [](const uint8_t*, uint32_t) {});
        times.guest += t1 - t0 + monotonic_ns() - t4;
        times.fetch += t2 - t1;
        times.forward += t3 - t2;
        times.release += t4 - t3;
    }
    return times;
}

void print(const char* name, const Times& times) {
    const auto per_frame = [&](uint64_t ns) {
        return static_cast<double>(ns) / static_cast<double>(times.frames);
    };
    std::printf("  %-6s fetch %.2f  forward %.2f  release %.2f  sum %.2f  (guest %.2f)\n", name,
                per_frame(times.fetch), per_frame(times.forward), per_frame(times.release),
                per_frame(times.sum()), per_frame(times.guest));
}

}  // namespace

int main(int argc, char** argv) {
    const uint32_t frame_bytes = argc > 1 ? static_cast<uint32_t>(std::atoi(argv[1])) : 60;
    const size_t burst = argc > 2 ? static_cast<size_t>(std::atoi(argv[2])) : batch_frames;
    Guest a;
    Guest b;
    std::vector<CounterBlock> blocks_a(workers_max);
    std::vector<CounterBlock> blocks_b(workers_max);
    RingPort port_a("a", blocks_a, *a.rx);
    RingPort port_b("b", blocks_b, *b.rx);
    ValeSwitch vale("bench", std::make_unique<LearningLookup>(LearningOptions{}));
    vale.attach(alone(), port_a);
    vale.attach(alone(), port_b);
    b.net->prepare_frames([](uint8_t* frame) { write_frame(frame, 1, 2); });
    a.net->prepare_frames([](uint8_t* frame) { write_frame(frame, 2, 1); });
    measure(b, a, vale, port_b, 60, 1, 1);  // Both addresses are learned.
    measure(a, b, vale, port_a, frame_bytes, burst, warmup_rounds);
    std::vector<Times> all;
    for (unsigned slice = 0; slice < slices; ++slice)
        all.push_back(measure(a, b, vale, port_a, frame_bytes, burst, rounds));
    std::sort(all.begin(), all.end(),
              [](const Times& x, const Times& y) { return x.sum() < y.sum(); });
    std::printf("%u bytes, bursts of %zu, nanoseconds per frame\n", frame_bytes, burst);
    print("best", all.front());
    print("median", all[all.size() / 2]);
    std::printf("  delivered %llu, dropped %llu\n",
                static_cast<unsigned long long>(blocks_b[0].read(spec::PortCounter::rx_frames)),
                static_cast<unsigned long long>(blocks_b[0].read(spec::DropReason::rx_no_buffer)));
    return 0;
}
