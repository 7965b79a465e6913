// What a frame costs in instructions: fixed scenarios on the real path (worker's round, queue,
// rings, lookup, switch), guests and worker stepped in turn by one thread, so that a run repeats to
// the instruction. Run under callgrind by setup/guard.mjs, which collects in guarded_round() alone
// and compares with test/bench/guard.json.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

#include "base/check.hpp"
#include "base/eventfd.hpp"
#include "base/limits.hpp"
#include "base/simd.hpp"
#include "driver/guest_memory.hpp"
#include "driver/net_driver.hpp"
#include "io/worker.hpp"
#include "lookup/learning.hpp"
#include "port/vhost.hpp"
#include "spec/virtio_features.hpp"
#include "switch/vale.hpp"

using namespace valenic;

/// The measured part. A function of its own, so that callgrind can be told to collect in it.
extern "C" __attribute__((noinline)) void guarded_round(Worker& worker) { worker.round(); }

namespace {

constexpr uint16_t ring_size = 256;
constexpr unsigned warmup_rounds = 8;
constexpr unsigned rounds = 40;
constexpr uint64_t fixed_seed = 0x9e37'79b9'7f4a'7c15;

/// How a frame lies in the sender's memory: in one buffer; in a chain of two, or in an indirect
/// table of two, that part it behind its Ethernet header; in a table that parts it from its net
/// header, as drivers do.
enum class Shape : uint8_t { direct, chained, indirect, paired };
/// Where frames go.
enum class Towards : uint8_t { one, everyone, each_in_turn, nobody_known };

struct Scenario {
    const char* name;
    uint32_t frame_bytes = 60;
    Shape shape = Shape::direct;
    Towards towards = Towards::one;
    unsigned receivers = 1;
    unsigned idle_ports = 0;
    uint64_t features = 0;  ///< Beside VERSION_1 and the event index.
    bool more = true;
    bool buffers = true;  ///< Receivers offer some.
    size_t burst = 64;
};

constexpr uint64_t mergeable = spec::feature_mask(spec::net_feature_mrg_rxbuf);
constexpr uint64_t indirect = spec::feature_mask(spec::feature_ring_indirect_desc);
constexpr uint64_t packed = spec::feature_mask(spec::feature_ring_packed);

/// A new scenario is a row here, then `npm run guard -- --update`.
constexpr Scenario scenarios[] = {
    {.name = "unicast-60"},
    {.name = "unicast-60-burst-8", .burst = 8},
    {.name = "unicast-1500", .frame_bytes = 1500},
    {.name = "more-off-60", .more = false},
    {.name = "mergeable-60", .features = mergeable},
    {.name = "mergeable-9000", .frame_bytes = 9000, .features = mergeable, .burst = 16},
    {.name = "chained-60", .shape = Shape::chained},
    {.name = "indirect-60", .shape = Shape::indirect, .features = indirect},
    {.name = "paired-60", .shape = Shape::paired, .features = indirect},
    {.name = "flood-8-ports", .towards = Towards::everyone, .receivers = 8},
    {.name = "mixed-8-ports", .towards = Towards::each_in_turn, .receivers = 8},
    {.name = "unknown-destination", .towards = Towards::nobody_known},
    {.name = "receiver-without-buffers", .buffers = false},
    {.name = "switch-of-250-ports", .idle_ports = 248},
    {.name = "packed-unicast-60", .features = packed},
    {.name = "packed-unicast-1500", .frame_bytes = 1500, .features = packed},
    {.name = "packed-more-off-60", .features = packed, .more = false},
    {.name = "packed-mergeable-9000",
     .frame_bytes = 9000,
     .features = packed | mergeable,
     .burst = 16},
    {.name = "packed-chained-60", .shape = Shape::chained, .features = packed},
    {.name = "packed-indirect-60", .shape = Shape::indirect, .features = packed | indirect},
    {.name = "packed-paired-60", .shape = Shape::paired, .features = packed | indirect},
};

constexpr uint64_t features_of(const Scenario& scenario) {
    return spec::feature_mask(spec::feature_version_1) |
           spec::feature_mask(spec::feature_ring_event_idx) | scenario.features;
}

struct NoEvents final : PortEvents {
    void ring_fault(const VhostPort&, unsigned, spec::Fault) override { std::abort(); }
    void memory_truncated(const VhostPort&) override { std::abort(); }
};

std::shared_ptr<const MemoryMap> map_of(const driver::GuestMemory& memory) {
    std::vector<RegionSpec> regions;
    regions.push_back({driver::GuestMemory::guest_base, memory.user_base(), memory.bytes(), 0,
                       OwnedFd(dup(memory.fd()))});
    return MemoryMap::create(std::move(regions)).value();
}

/// A port without a guest's driver behind it: counters, rings, and a kick that never comes.
class PortRig {
 public:
    PortRig(unsigned number, const std::shared_ptr<const MemoryMap>& map, uint8_t* rx_ring,
            uint8_t* tx_ring, const Scenario& scenario, PortEvents& events)
        : blocks_(workers_max), port("p" + std::to_string(number), blocks_, 1, events) {
        port.set_features(features_of(scenario));
        port.set_memory(map);
        port.settings().polling.store(spec::PollingMode::busy);
        port.settings().more.store(scenario.more);
        const bool is_packed = negotiated(scenario.features, spec::feature_ring_packed);
        start(0, rx_ring, is_packed);
        start(1, tx_ring, is_packed);
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
        if (ring == 1) prepared.value().kick = create_eventfd();
        port.install(std::move(prepared.value()));
    }

    std::vector<CounterBlock> blocks_;

 public:
    VhostPort port;
};

/// Room for a ring of either kind.
constexpr size_t ring_bytes = 16384;

/// Memory with parts of known sizes.
struct Parts {
    explicit Parts(size_t bytes) : memory(std::move(*driver::GuestMemory::create(bytes))) {}
    uint8_t* ring() {
        uint8_t* part = memory.take(ring_bytes);
        CHECK(part != nullptr);
        return part;
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

constexpr uint32_t rx_stride = 2048;
constexpr uint32_t tx_stride = 12288;

constexpr uint32_t header_bytes = 12;

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

 protected:
    Guest(unsigned number, const Scenario& scenario, PortEvents& events)
        : parts_(8 << 20),
          rx_ring_(parts_.ring()),
          tx_ring_(parts_.ring()),
          tx_buffers_(parts_.buffers(tx_stride)),
          rx_buffers_(parts_.buffers(rx_stride)),
          tables_(parts_.memory.take(size_t{ring_size} * 2 * sizeof(spec::SplitDesc))),
          rig(number, map_of(parts_.memory), rx_ring_, tx_ring_, scenario, events) {}

    Parts parts_;
    uint8_t* rx_ring_;
    uint8_t* tx_ring_;
    driver::BufferArea tx_buffers_;
    driver::BufferArea rx_buffers_;
    uint8_t* tables_;

 public:
    PortRig rig;
};

template <typename Queue>
class GuestOf final : public Guest {
 public:
    GuestOf(unsigned number, const Scenario& scenario, PortEvents& events)
        : Guest(number, scenario, events),
          net_(Queue(tx_ring_, ring_size, true), Queue(rx_ring_, ring_size, true), tx_buffers_,
               rx_buffers_, header_bytes) {
        net_.tx().ask_for_no_call();
        net_.rx().ask_for_no_call();
    }
    void offer_buffers() override { net_.fill_rx(); }
    void receive() override {
        net_.receive(SIZE_MAX, [](const uint8_t*, uint32_t) {});
    }
    void send(const Scenario& scenario) override {
        net_.reclaim(SIZE_MAX);
        if (scenario.shape == Shape::direct) {
            CHECK(net_.send(scenario.burst, scenario.frame_bytes, [](uint8_t*) {}) ==
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
                net_.tx().add(chain);
            } else {
                add_indirect(i, chain);
            }
        }
        net_.tx().publish();
    }

 private:
    void add_indirect(size_t number, const driver::Buffer (&chain)[2]) {
        uint8_t* table = tables_ + number * 2 * sizeof(spec::SplitDesc);
        const uint32_t bytes = Queue::write_indirect(table, chain);
        net_.tx().add_indirect(parts_.memory.guest_addr(table), bytes);
    }

    driver::QueuePair<Queue> net_;
};

std::unique_ptr<Guest> make_guest(unsigned number, const Scenario& scenario, PortEvents& events) {
    if (negotiated(scenario.features, spec::feature_ring_packed))
        return std::make_unique<GuestOf<driver::PackedQueue>>(number, scenario, events);
    return std::make_unique<GuestOf<driver::SplitQueue>>(number, scenario, events);
}

/// One worker with a switch of guests and idle ports; guest 0 sends.
class Bench {
 public:
    explicit Bench(const Scenario& scenario)
        : scenario_(scenario),
          vale_("guard", std::make_unique<LearningLookup>(LearningOptions{.seed = fixed_seed})),
          worker_(gate_, 0, worker_counters_) {
        for (unsigned i = 0; i <= scenario.receivers; ++i) {
            guests_.push_back(make_guest(i, scenario, events_));
            attach(guests_.back()->rig);
        }
        add_idle_ports();
        learn();
        for (auto& guest : guests_)
            if (scenario.buffers || guest == guests_[0]) guest->offer_buffers();
        guests_[0]->address_frames(0, [&](uint32_t i) { return last_byte(i); });
    }
    void run(unsigned count, bool measured) {
        for (unsigned i = 0; i < count; ++i) {
            guests_[0]->send(scenario_);
            if (measured) {
                guarded_round(worker_);
            } else {
                worker_.round();
            }
            for (auto& guest : guests_) guest->receive();
        }
    }
    uint64_t sent() const { return guests_[0]->rig.count(spec::PortCounter::tx_frames); }
    uint64_t received() const {
        uint64_t sum = 0;
        for (const auto& guest : guests_) sum += guest->rig.count(spec::PortCounter::rx_frames);
        return sum;
    }
    uint64_t dropped() const {
        uint64_t sum = 0;
        for (const auto& guest : guests_) sum += guest->rig.count(spec::DropReason::rx_no_buffer);
        return sum;
    }

 private:
    void attach(PortRig& rig) {
        CHECK(vale_.attach(rig.port));
        worker_.add(rig.port, *rig.port.queues()[0]);
    }
    /// Their rings lie in one memory and stay empty.
    void add_idle_ports() {
        if (scenario_.idle_ports == 0) return;
        idle_memory_ = std::make_unique<Parts>(size_t{scenario_.idle_ports} * 2 * ring_bytes);
        const auto map = map_of(idle_memory_->memory);
        for (unsigned i = 0; i < scenario_.idle_ports; ++i) {
            uint8_t* rx = idle_memory_->ring();
            uint8_t* tx = idle_memory_->ring();
            idle_.push_back(std::make_unique<PortRig>(1000 + i, map, rx, tx, scenario_, events_));
            attach(*idle_.back());
        }
    }
    /// Every guest says once where it is. Nobody has buffers yet, so nobody hears it.
    void learn() {
        Scenario once = scenario_;
        once.burst = 1;
        once.frame_bytes = 60;
        for (size_t i = 0; i < guests_.size(); ++i) {
            guests_[i]->address_frames(static_cast<uint8_t>(i), [](uint32_t) { return 0xff; });
            guests_[i]->send(once);
            worker_.round();
        }
    }
    uint8_t last_byte(uint32_t buffer) const {
        switch (scenario_.towards) {
            case Towards::one:
                return 1;
            case Towards::everyone:
                return 0xff;
            case Towards::each_in_turn:
                return static_cast<uint8_t>(1 + buffer % scenario_.receivers);
            case Towards::nobody_known:
                return 0xee;
        }
        return 0;
    }

    const Scenario& scenario_;
    NoEvents events_;
    Gate gate_;
    CounterBlock worker_counters_{};
    ValeSwitch vale_;
    std::vector<std::unique_ptr<Guest>> guests_;
    std::unique_ptr<Parts> idle_memory_;
    std::vector<std::unique_ptr<PortRig>> idle_;
    Worker worker_;
};

/// Runs it, makes sure that what was measured is what the row says, and prints how much it was.
int run(const Scenario& scenario) {
    Bench bench(scenario);
    bench.run(warmup_rounds, false);
    const uint64_t sent = bench.sent();
    const uint64_t received = bench.received();
    const uint64_t dropped = bench.dropped();
    bench.run(rounds, true);
    const uint64_t frames = bench.sent() - sent;
    const uint64_t copies = scenario.towards == Towards::everyone ? scenario.receivers : 1;
    CHECK(frames == rounds * scenario.burst);
    CHECK(bench.received() - received == (scenario.buffers ? frames * copies : 0));
    CHECK(bench.dropped() - dropped == (scenario.buffers ? 0 : frames));
    std::printf("{\"scenario\":\"%s\",\"simd\":\"%s\",\"frames\":%llu}\n", scenario.name,
                name_of(simd()), static_cast<unsigned long long>(frames));
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    const std::string_view wanted = argc == 2 ? argv[1] : "";
    if (wanted == "--list") {
        for (const Scenario& each : scenarios) std::printf("%s\n", each.name);
        return 0;
    }
    if (wanted == "--compiler") {
        std::printf("%s\n", __VERSION__);
        return 0;
    }
    for (const Scenario& each : scenarios)
        if (wanted == each.name) return run(each);
    std::fprintf(stderr, "Usage: guard --list | --compiler | SCENARIO\n");
    return 2;
}
