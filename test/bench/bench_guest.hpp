// Guests and ports for the micro-benchmarks: a driver on real rings, without sockets or eventfds.
#pragma once
#include <unistd.h>

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "base/limits.hpp"
#include "driver/guest_memory.hpp"
#include "driver/net_driver.hpp"
#include "ring/ring.hpp"
#include "spec/virtio_features.hpp"
#include "switch/vale.hpp"

namespace valenic::bench {

inline constexpr uint64_t features =
    spec::feature_mask(spec::feature_version_1) | spec::feature_mask(spec::feature_ring_event_idx);

/// A guest's memory and driver; what serves its rings is up to the benchmark.
struct Guest {
    uint16_t ring_size;
    uint32_t stride;
    driver::GuestMemory memory;
    uint8_t* tx_ring;
    uint8_t* rx_ring;
    std::unique_ptr<driver::NetDriver> net;

    explicit Guest(uint16_t size = 256, uint32_t buffer_bytes = 2048)
        : ring_size(size),
          stride(buffer_bytes),
          memory(std::move(*driver::GuestMemory::create(
              (size_t{size} * (2 * buffer_bytes + 64) + (1 << 16)) / 4096 * 4096))),
          tx_ring(memory.take(driver::SplitQueue::parts_of(size).bytes)),
          rx_ring(memory.take(driver::SplitQueue::parts_of(size).bytes)) {
        net = std::make_unique<driver::NetDriver>(driver::SplitQueue(tx_ring, size, true),
                                                  driver::SplitQueue(rx_ring, size, true),
                                                  buffers(), buffers(), 12);
        net->fill_rx();
    }
    std::vector<RegionSpec> regions() {
        std::vector<RegionSpec> regions;
        regions.push_back({driver::GuestMemory::guest_base, memory.user_base(), memory.bytes(), 0,
                           OwnedFd(dup(memory.fd()))});
        return regions;
    }
    RingConfig config(uint8_t* ring) const {
        const auto parts = driver::SplitQueue::parts_of(ring_size);
        const auto at = reinterpret_cast<uint64_t>(ring);
        return {ring_size, 0, features, at + parts.desc, at + parts.avail, at + parts.used};
    }

 private:
    driver::BufferArea buffers() {
        driver::BufferArea area;
        area.stride_bytes = stride;
        area.data = memory.take(size_t{ring_size} * stride);
        for (uint32_t i = 0; i < ring_size; ++i)
            area.addresses.push_back(memory.guest_addr(area.at(i)));
        return area;
    }
};

/// Delivers into one ring, as port/vhost_queue does without its notifications.
class RingQueue final : public Queue {
 public:
    RingQueue(RxRing& ring, std::span<CounterBlock> blocks) : ring_(ring), blocks_(blocks) {}
    size_t receive(Batch&, WorkerContext&) override { return 0; }
    void release(WorkerContext&) override {}
    void transmit(const Batch& batch, std::span<const uint8_t> indices,
                  WorkerContext& context) override {
        delivered += ring_.deliver(batch, indices, blocks_[context.worker]).frames;
    }
    void flush_calls(WorkerContext&) override {}
    bool arm() override { return false; }
    void disarm() override {}
    int wait_fd() const noexcept override { return -1; }
    void acknowledge(WorkerContext&) override {}
    uint64_t delivered = 0;

 private:
    RxRing& ring_;
    std::span<CounterBlock> blocks_;
};

class RingPort final : public Port {
 public:
    RingPort(std::string name, std::span<CounterBlock> blocks, RxRing& ring)
        : Port(std::move(name), blocks, 1), queue(ring, blocks) {
        add_queue(queue);
    }
    RingQueue queue;
};

/// A guest with its rings served, and a port that delivers to it.
struct ServedGuest : Guest {
    std::shared_ptr<const MemoryMap> map = MemoryMap::create(regions()).value();
    std::unique_ptr<TxRing> tx = std::move(make_tx_ring(config(tx_ring), map).value());
    std::unique_ptr<RxRing> rx = std::move(make_rx_ring(config(rx_ring), map).value());
    std::vector<CounterBlock> blocks = std::vector<CounterBlock>(workers_max);
    RingPort port;

    explicit ServedGuest(const std::string& name, uint16_t size = 256, uint32_t bytes = 2048)
        : Guest(size, bytes), port(name, blocks, *rx) {}
};

/// Addresses 52:00:00:00:TT:TT and 52:00:00:00:FF:FF, zeros behind them.
inline void write_frame(uint8_t* frame, uint16_t to, uint16_t from) {
    std::memset(frame, 0, 60);
    frame[0] = frame[6] = 0x52;
    frame[4] = static_cast<uint8_t>(to >> 8);
    frame[5] = static_cast<uint8_t>(to);
    frame[10] = static_cast<uint8_t>(from >> 8);
    frame[11] = static_cast<uint8_t>(from);
}

}  // namespace valenic::bench
