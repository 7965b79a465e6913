// A port: settings, counters and queues under one name on one switch.
#pragma once
#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/limits.hpp"
#include "base/parked.hpp"
#include "boundary/settings.hpp"
#include "stats/counters.hpp"
#include "switch/action.hpp"
#include "switch/flow_spread.hpp"
#include "switch/queue.hpp"
#include "switch/storm.hpp"

namespace valenic {

class ValeSwitch;

using boundary::PortSettings;
using boundary::spin_us_auto;
static_assert(sizeof(PortSettings) == 64, "one cache line");

class Port {
 public:
    static constexpr size_t queues_max = boundary::PortCreate::queues_range.max;

    /// `blocks`: this port's counters, one block for each worker there can be. They outlive the
    /// port.
    ///
    /// @param active_pairs  From the beginning.
    Port(std::string name, std::span<CounterBlock> blocks, unsigned active_pairs = 0)
        : active_pairs_(static_cast<uint8_t>(active_pairs)),
          name_(std::move(name)),
          blocks_(blocks) {}
    virtual ~Port() = default;
    Port(const Port&) = delete;
    Port& operator=(const Port&) = delete;

    const std::string& name() const noexcept { return name_; }
    PortSettings& settings() noexcept { return settings_; }
    const PortSettings& settings() const noexcept { return settings_; }
    CounterBlock& counters(unsigned worker) noexcept { return blocks_[worker]; }
    /// Its account with a worker, for that worker alone.
    Share& share(unsigned worker) noexcept { return shares_[worker]; }

    /// Most ports that a switch can have, if its lookup knows so many.
    static constexpr size_t slots_max = 4096;
    static_assert(slots_max <= Action::number_max + 1);
    /// Place on the switch, and how often the place was given away: a reused slot never gets old
    /// traffic. Set by ValeSwitch::attach().
    uint16_t slot = 0;
    uint8_t generation = 0;
    ValeSwitch* home = nullptr;

    /// All queue pairs; index = pair. Fixed after construction.
    std::span<Queue* const> queues() noexcept { return queues_; }
    /// How many of them, from the first, the peer has enabled for receiving: 0 = not ready.
    /// More than one: frames are spread by flow.
    unsigned active_pairs() const noexcept { return active_pairs_; }
    void set_active_pairs(const Parked&, unsigned pairs) noexcept {
        active_pairs_ = static_cast<uint8_t>(pairs);
    }
    /// Over which of them. Of a port with several, from ValeSwitch::attach() on.
    std::unique_ptr<FlowSpread> spread;
    /// What it has left to flood.
    StormBuckets storm;

    /// Whether frames borrowed from here cannot be read any more: the peer took its memory away. A
    /// copy of one has zeros then, and nothing of the batch is worth sending. Any worker.
    virtual bool memory_lost() const noexcept { return false; }
    /// The kernel could not read a frame borrowed from here. False: its memory is not a peer's, so
    /// that the fault is ours. Any worker.
    virtual bool blame_memory() noexcept { return false; }

 protected:
    /// The next of its queue pairs, which it owns. For constructors.
    void add_queue(Queue& queue) { queues_.push_back(&queue); }

 private:
    uint8_t active_pairs_;
    std::string name_;
    std::span<CounterBlock> blocks_;
    std::vector<Queue*> queues_;
    PortSettings settings_;
    std::array<Share, workers_max> shares_;
};

}  // namespace valenic
