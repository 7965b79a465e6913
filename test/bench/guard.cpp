// What a frame costs in instructions: fixed scenarios on the real path (worker's round, queue,
// rings, lookup, switch), guests and worker stepped in turn by one thread, so that a run repeats to
// the instruction. Run under callgrind by setup/guard.mjs, which collects in guarded_round() alone
// and compares with test/bench/guard.json.
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string_view>
#include <vector>

#include "../native/alone.hpp"
#include "base/check.hpp"
#include "base/simd.hpp"
#include "guard_guest.hpp"
#include "io/worker.hpp"
#include "lookup/learning.hpp"
#include "switch/vale.hpp"

using namespace valenic;
using namespace valenic::guard;

/// The measured part. A function of its own, so that callgrind can be told to collect in it.
extern "C" __attribute__((noinline)) void guarded_round(Worker& worker) { worker.round(); }

namespace {

constexpr unsigned warmup_rounds = 8;
constexpr unsigned rounds = 40;
constexpr uint64_t fixed_seed = 0x9e37'79b9'7f4a'7c15;

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
    {.name = "four-pairs-60", .pairs = 4},
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
    {.name = "vlan-access-60", .vlans = Vlans::access},
    {.name = "vlan-pushed-60", .vlans = Vlans::pushed},
    {.name = "vlan-flood-8-ports",
     .towards = Towards::everyone,
     .receivers = 8,
     .vlans = Vlans::access},
};

/// Under callgrind time goes so slowly that every turn would end as too dear.
constexpr TickClock standing_clock{[]() noexcept { return uint64_t{1} << 32; }, 1000};

/// One worker with a switch of guests and idle ports; guest 0 sends.
class Bench {
 public:
    explicit Bench(const Scenario& scenario)
        : scenario_(scenario),
          vale_("guard", std::make_unique<LearningLookup>(LearningOptions{.seed = fixed_seed}),
                fixed_seed),
          worker_(gate_, 0, worker_counters_, standing_clock) {
        for (unsigned i = 0; i <= scenario.receivers; ++i) {
            guests_.push_back(make_guest(i, scenario, events_));
            attach(guests_.back()->rig);
        }
        add_idle_ports();
        learn();
        for (auto& guest : guests_)
            if (scenario.buffers || guest == guests_[0]) guest->offer_buffers();
        guests_[0]->address_frames(0, [&](uint32_t i) { return last_byte(i); });
        if (scenario.pairs > 1) guests_[0]->make_flows();
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
        CHECK(vale_.attach(alone(), rig.port));
        if (scenario_.vlans != Vlans::none) vale_.set_rules(alone(), rig.port, rules_of(rig.port));
        worker_.add(alone(), rig.port, *rig.port.queues()[0]);
    }
    PortRules rules_of(const Port& port) const {
        constexpr uint16_t vlan = 10;
        PortRules rules;
        rules.vlan = {spec::VlanMode::access, vlan, {}};
        if (scenario_.vlans == Vlans::access || port.slot == 0) return rules;
        rules.vlan = {spec::VlanMode::trunk, vlan_none, {}};
        rules.vlan.members.set(vlan);
        return rules;
    }
    /// Their rings lie in one memory and stay empty.
    void add_idle_ports() {
        if (scenario_.idle_ports == 0) return;
        idle_memory_ = std::make_unique<Parts>(size_t{scenario_.idle_ports} * 2 * ring_bytes);
        const auto map = map_of(idle_memory_->memory);
        for (unsigned i = 0; i < scenario_.idle_ports; ++i) {
            const std::vector<uint8_t*> rings = idle_memory_->rings(2);
            idle_.push_back(std::make_unique<PortRig>(1000 + i, map, rings, scenario_, events_));
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
