// The guests of the guard: a port with its rings, and a poll-mode driver of known moves behind it.
#pragma once
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "../native/alone.hpp"
#include "base/check.hpp"
#include "base/eventfd.hpp"
#include "base/limits.hpp"
#include "driver/guest_memory.hpp"
#include "driver/net_driver.hpp"
#include "port/vhost/vhost.hpp"
#include "spec/virtio_features.hpp"

namespace valenic::guard {

inline constexpr uint16_t ring_size = 256;

/// How a frame lies in the sender's memory: in one buffer; in a chain of two, or in an indirect
/// table of two, that part it behind its Ethernet header; in a table that parts it from its net
/// header, as drivers do.
enum class Shape : uint8_t { direct, chained, indirect, paired };
/// Where frames go.
enum class Towards : uint8_t { one, everyone, each_in_turn, nobody_known };
/// What the ports have: nothing; all one access VLAN; the sender an access VLAN, receivers trunks
/// of it, so that each frame gets a tag.
enum class Vlans : uint8_t { none, access, pushed };

struct Scenario {
    const char* name;
    uint32_t frame_bytes = 60;
    Shape shape = Shape::direct;
    Towards towards = Towards::one;
    unsigned receivers = 1;
    unsigned idle_ports = 0;
    unsigned pairs = 1;     ///< Of the receivers: with more, each frame is of a flow of its own.
    uint64_t features = 0;  ///< Beside VERSION_1 and the event index.
    bool more = true;
    bool buffers = true;  ///< Receivers offer some.
    size_t burst = 64;
    Vlans vlans = Vlans::none;
};

inline constexpr uint64_t features_of(const Scenario& scenario) {
    return spec::feature_mask(spec::feature_version_1) |
           spec::feature_mask(spec::feature_ring_event_idx) | scenario.features;
}

struct NoEvents final : PortEvents {
    void tell(const boundary::Event&) override { std::abort(); }
    void housekeeping_due() override { std::abort(); }
};

inline std::shared_ptr<const MemoryMap> map_of(const driver::GuestMemory& memory) {
    std::vector<RegionSpec> regions;
    regions.push_back({driver::GuestMemory::guest_base, memory.user_base(), memory.bytes(), 0,
                       OwnedFd(dup(memory.fd()))});
    return MemoryMap::create(std::move(regions)).value();
}

/// A port without a guest's driver behind it: counters, rings, and a kick that never comes.
class PortRig {
 public:
    /// `rings`: in turn one to receive and one to send.
    PortRig(unsigned number, const std::shared_ptr<const MemoryMap>& map,
            std::span<uint8_t* const> rings, const Scenario& scenario, PortEvents& events)
        : blocks_(workers_max),
          port({"p" + std::to_string(number), blocks_, static_cast<unsigned>(rings.size() / 2),
                events}) {
        port.set_features(features_of(scenario));
        port.set_memory(alone(), map);
        port.settings().polling.store(spec::PollingMode::busy);
        port.settings().more.store(scenario.more);
        const bool is_packed = negotiated(scenario.features, spec::feature_ring_packed);
        for (unsigned ring = 0; ring < rings.size(); ++ring) start(ring, rings[ring], is_packed);
    }
    uint64_t count(spec::PortCounter counter) const { return blocks_[0].read(counter); }
    uint64_t count(spec::DropReason reason) const { return blocks_[0].read(reason); }

 private:
    void start(unsigned ring, uint8_t* memory, bool is_packed) {
        const auto parts = is_packed ? driver::PackedQueue::parts_of(ring_size)
                                     : driver::SplitQueue::parts_of(ring_size);
        const uint16_t base = is_packed ? driver::PackedQueue::first_position : uint16_t{0};
        const auto at = reinterpret_cast<uint64_t>(memory);
        const RingConfig config{ring_size,        base,           0, at + parts.desc,
                                at + parts.avail, at + parts.used};
        auto prepared = port.prepare(ring, config);
        CHECK(prepared.ok());
        prepared.value().enabled = true;
        if (ring % 2 == 1) prepared.value().kick = create_eventfd();
        port.install(alone(), std::move(prepared.value()));
    }

    std::vector<CounterBlock> blocks_;

 public:
    VhostPort port;
};

/// Room for a ring of either kind.
inline constexpr size_t ring_bytes = 16384;

/// Memory with parts of known sizes.
struct Parts {
    explicit Parts(size_t bytes) : memory(std::move(*driver::GuestMemory::create(bytes))) {}
    uint8_t* ring() {
        uint8_t* part = memory.take(ring_bytes);
        CHECK(part != nullptr);
        return part;
    }
    std::vector<uint8_t*> rings(unsigned count) {
        std::vector<uint8_t*> all(count);
        for (uint8_t*& each : all) each = ring();
        return all;
    }
    driver::BufferArea buffers(uint32_t stride) {
        driver::BufferArea area;
        area.stride_bytes = stride;
        area.data = memory.take(size_t{ring_size} * stride);
        CHECK(area.data != nullptr);
        for (uint32_t i = 0; i < ring_size; ++i)
            area.addresses.push_back(memory.guest_addr(area.at(i)));
        return area;
    }
    driver::GuestMemory memory;
};

inline constexpr uint32_t rx_stride = 2048;
inline constexpr uint32_t tx_stride = 12288;

inline constexpr uint32_t header_bytes = 12;

/// A port and the poll-mode driver behind it.
class Guest {
 public:
    virtual ~Guest() = default;
    virtual void offer_buffers() = 0;
    virtual void send(const Scenario& scenario) = 0;
    virtual void receive() = 0;

    /// Writes addresses into every buffer; `to(i)` is the last byte of the i-th destination.
    template <typename To>
    void address_frames(uint8_t from, To to) {
        for (uint32_t i = 0; i < ring_size; ++i) {
            uint8_t* frame = tx_buffers_.at(i) + header_bytes;
            const bool broadcast = to(i) == 0xff;
            std::memset(frame, 0, 60);
            std::memset(frame, broadcast ? 0xff : 0, 6);
            if (!broadcast) frame[0] = 0x52;
            frame[5] = to(i);
            frame[6] = 0x52;
            frame[11] = from;
        }
    }
    /// TCP over IPv4, each from another port.
    void make_flows() {
        for (uint32_t i = 0; i < ring_size; ++i) {
            uint8_t* frame = tx_buffers_.at(i) + header_bytes;
            const uint8_t ip[] = {0x08, 0, 0x45, 0, 0, 46, 0, 0, 0, 0, 64, 6, 0, 0, 10, 0, 0, 1};
            std::memcpy(frame + 12, ip, sizeof ip);
            frame[35] = static_cast<uint8_t>(i);
        }
    }

 protected:
    Guest(unsigned number, unsigned pairs, const Scenario& scenario, PortEvents& events)
        : parts_(16 << 20),
          rings_(parts_.rings(2 * pairs)),
          tx_buffers_(parts_.buffers(tx_stride)),
          rx_buffers_(parts_.buffers(rx_stride)),
          tables_(parts_.memory.take(size_t{ring_size} * 2 * sizeof(spec::SplitDesc))),
          rig(number, map_of(parts_.memory), rings_, scenario, events) {}

    Parts parts_;
    std::vector<uint8_t*> rings_;
    driver::BufferArea tx_buffers_;
    driver::BufferArea rx_buffers_;
    uint8_t* tables_;

 public:
    PortRig rig;
};

template <typename Queue>
class GuestOf final : public Guest {
 public:
    GuestOf(unsigned number, unsigned pairs, const Scenario& scenario, PortEvents& events)
        : Guest(number, pairs, scenario, events) {
        for (size_t ring = 0; ring < rings_.size(); ring += 2) {
            nets_.emplace_back(Queue(rings_[ring + 1], ring_size, true),
                               Queue(rings_[ring], ring_size, true), tx_buffers_,
                               ring == 0 ? rx_buffers_ : parts_.buffers(rx_stride), header_bytes);
            nets_.back().tx().ask_for_no_call();
            nets_.back().rx().ask_for_no_call();
        }
    }
    void offer_buffers() override {
        for (auto& net : nets_) net.fill_rx();
    }
    void receive() override {
        for (auto& net : nets_) net.receive(SIZE_MAX, [](const uint8_t*, uint32_t) {});
    }
    void send(const Scenario& scenario) override {
        driver::QueuePair<Queue>& net = nets_[0];
        net.reclaim(SIZE_MAX);
        if (scenario.shape == Shape::direct) {
            CHECK(net.send(scenario.burst, scenario.frame_bytes, [](uint8_t*) {}) ==
                  scenario.burst);
            return;
        }
        for (size_t i = 0; i < scenario.burst; ++i) {
            const uint32_t whole = header_bytes + scenario.frame_bytes;
            const uint32_t first =
                header_bytes + (scenario.shape == Shape::paired ? 0 : ethernet_header_bytes);
            const uint64_t at = tx_buffers_.addresses[i];
            const driver::Buffer chain[2] = {{at, first}, {at + first, whole - first}};
            if (scenario.shape == Shape::chained) {
                net.tx().add(chain);
            } else {
                add_indirect(i, chain);
            }
        }
        net.tx().publish();
    }

 private:
    void add_indirect(size_t number, const driver::Buffer (&chain)[2]) {
        uint8_t* table = tables_ + number * 2 * sizeof(spec::SplitDesc);
        const uint32_t bytes = Queue::write_indirect(table, chain);
        nets_[0].tx().add_indirect(parts_.memory.guest_addr(table), bytes);
    }

    std::vector<driver::QueuePair<Queue>> nets_;
};

/// Guest 0 sends, over one pair.
inline std::unique_ptr<Guest> make_guest(unsigned number, const Scenario& scenario,
                                         PortEvents& events) {
    const unsigned pairs = number == 0 ? 1 : scenario.pairs;
    if (negotiated(scenario.features, spec::feature_ring_packed))
        return std::make_unique<GuestOf<driver::PackedQueue>>(number, pairs, scenario, events);
    return std::make_unique<GuestOf<driver::SplitQueue>>(number, pairs, scenario, events);
}

}  // namespace valenic::guard
