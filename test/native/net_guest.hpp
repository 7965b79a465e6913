// A whole guest without a VM: memory, queue pairs, a poll-mode driver on each, and its eventfds.
// What it is attached to (a port alone, an engine) is up to the rig that includes this.
#pragma once
#include <array>
#include <memory>
#include <vector>

#include "base/eventfd.hpp"
#include "lookup_rig.hpp"
#include "net/sink.hpp"
#include "rig.hpp"

namespace valenic::test {

struct GuestOptions {
    unsigned pairs = 1;
    uint16_t ring_size = 64;
    uint64_t features = modern;
    uint32_t buffer_bytes = 2048;
    uint16_t base = 0;
    bool wants_calls = false;  ///< Else it polls and says so.
};

class NetGuest {
 public:
    struct Ring {
        uint8_t* memory;
        OwnedFd kick = create_eventfd();
        OwnedFd call = create_eventfd();
    };
    struct Pair {
        Ring rx_ring;
        Ring tx_ring;
        std::unique_ptr<driver::NetDriver> net;
    };

    explicit NetGuest(const GuestOptions& options = {})
        : options_(options), space(memory_for(options)) {
        for (unsigned i = 0; i < options.pairs; ++i) pairs_.push_back(make_pair());
    }

    const GuestOptions& options() const noexcept { return options_; }
    Pair& pair(unsigned index = 0) noexcept { return pairs_[index]; }
    driver::NetDriver& net(unsigned index = 0) noexcept { return *pairs_[index].net; }
    Ring& ring(unsigned number) noexcept {
        Pair& pair = pairs_[number / 2];
        return number % 2 == 0 ? pair.rx_ring : pair.tx_ring;
    }
    unsigned ring_count() const noexcept { return options_.pairs * 2; }
    RingConfig config(unsigned number) noexcept {
        const auto parts = driver::SplitQueue::parts_of(options_.ring_size);
        const auto at = reinterpret_cast<uint64_t>(ring(number).memory);
        return {options_.ring_size, options_.base,    options_.features,
                at + parts.desc,    at + parts.avail, at + parts.used};
    }
    /// Sends one frame and kicks if that is wanted. False when the ring is full.
    bool send(const Bytes& frame, unsigned pair_index = 0) {
        driver::NetDriver& net = this->net(pair_index);
        net.reclaim();
        const auto write = [&](uint8_t* to) { std::memcpy(to, frame.data(), frame.size()); };
        if (net.send(1, static_cast<uint32_t>(frame.size()), write) == 0) return false;
        kick_if_wanted(pair_index);
        return true;
    }
    void kick_if_wanted(unsigned pair_index = 0) {
        if (net(pair_index).kick_wanted()) signal_eventfd(pair(pair_index).tx_ring.kick.get());
    }
    /// Every frame that waits on one pair.
    std::vector<Bytes> receive(unsigned pair_index = 0) {
        std::vector<Bytes> frames;
        net(pair_index).receive(SIZE_MAX, [&](const uint8_t* frame, uint32_t bytes) {
            frames.emplace_back(frame, frame + bytes);
        });
        return frames;
    }

 private:
    static size_t memory_for(const GuestOptions& options) {
        const size_t rings = 2 * driver::SplitQueue::parts_of(options.ring_size).bytes;
        const size_t buffers =
            size_t{2} * options.ring_size * options.buffer_bytes + 2 * page_bytes;
        return options.pairs * (rings + buffers) + 16 * page_bytes;
    }
    driver::BufferArea take_buffers() {
        driver::BufferArea area;
        area.stride_bytes = options_.buffer_bytes;
        area.data = space.take(size_t{options_.ring_size} * options_.buffer_bytes);
        for (uint32_t i = 0; i < options_.ring_size; ++i)
            area.addresses.push_back(space.addr(area.at(i)));
        return area;
    }
    Pair make_pair() {
        const size_t bytes = driver::SplitQueue::parts_of(options_.ring_size).bytes;
        const bool events = has_feature(options_.features, spec::feature_ring_event_idx);
        Pair pair{{space.take(bytes)}, {space.take(bytes)}, nullptr};
        const auto queue = [&](const Ring& ring) {
            driver::SplitQueue made(ring.memory, options_.ring_size, events,
                                    has_feature(options_.features, spec::feature_in_order),
                                    options_.base);
            made.avail()->idx = made.used()->idx = options_.base;
            if (options_.wants_calls) {
                made.ask_for_call();
            } else {
                made.ask_for_no_call();
            }
            return made;
        };
        const bool longer = has_feature(options_.features, spec::feature_version_1) ||
                            has_feature(options_.features, spec::net_feature_mrg_rxbuf);
        driver::SplitQueue tx = queue(pair.tx_ring);
        driver::SplitQueue rx = queue(pair.rx_ring);
        driver::BufferArea tx_buffers = take_buffers();
        driver::BufferArea rx_buffers = take_buffers();
        pair.net =
            std::make_unique<driver::NetDriver>(std::move(tx), std::move(rx), std::move(tx_buffers),
                                                std::move(rx_buffers), longer ? 12 : 10);
        pair.net->fill_rx();
        return pair;
    }

    GuestOptions options_;

 public:
    GuestSpace space;

 private:
    std::vector<Pair> pairs_;
};

}  // namespace valenic::test
