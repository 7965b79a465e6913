// The VALE switch: a batch, its lookup, a list per destination, one transmit per destination.
#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/parked.hpp"
#include "base/secret.hpp"
#include "net/flow.hpp"
#include "switch/lookup.hpp"
#include "switch/port.hpp"
#include "switch/rules.hpp"

namespace valenic {

class ValeSwitch {
 public:
    static constexpr size_t ports_max = 254;

    /// `flow_secret`: by which flows are spread over a receiver's queue pairs. Tests have one that
    /// they know.
    ValeSwitch(std::string name, std::unique_ptr<Lookup> lookup,
               uint64_t flow_secret = secret_number());

    const std::string& name() const noexcept { return name_; }
    Lookup& lookup() noexcept { return *lookup_; }

    /// Gives the port a slot and a generation. False when all are taken.
    bool attach(Parked, Port& port);
    /// Takes the port off and forgets its addresses.
    void detach(Parked, Port& port);
    /// Gives a port that is attached other rules, and forgets its addresses.
    void set_rules(Parked, const Port& port, const PortRules& rules);
    size_t port_count() const noexcept { return port_count_; }
    Port* port_at(uint8_t slot) noexcept { return ports_[slot]; }

    /// Sends a batch of at least one frame from `source` where it belongs, and counts what goes
    /// nowhere. Any worker, several at once. The batch stays borrowed: the caller releases it.
    void forward(const Batch& batch, Port& source, WorkerContext& context);

 private:
    using Indices = std::span<const uint8_t>;

    struct Ruled;
    /// One batch on its way through.
    struct Pass {
        Pass(Port& source, WorkerContext& context) noexcept
            : source(source),
              context(context),
              more(source.settings().more.load(std::memory_order_relaxed)) {}

        Port& source;
        WorkerContext& context;
        const bool more;
        Port* to = nullptr;   ///< Whose queue is transmitted to.
        bool hashed = false;  ///< flow_hashes is filled: a receiver has several queue pairs.
        uint32_t flow_hashes[batch_frames];
        uint32_t asker;          ///< With them: FlowSpread::asker().
        Ruled* ruled = nullptr;  ///< Of a switch with rules.
    };
    /// What the rules make of the frames of one batch.
    struct Ruled {
        FrameVlan frames[batch_frames];
        uint16_t vlans[batch_frames];     ///< For the lookup.
        TagChange changes[batch_frames];  ///< Of the frames for Pass::to.
        bool reached[batch_frames];       ///< By a flood.
    };
    /// By slot; nullptr: none.
    using RuleBook = std::array<std::unique_ptr<const PortRules>, ports_max>;

    LookupSource lookup_source(Port& source, WorkerContext& context) const noexcept;
    void forward_mixed(const Batch& batch, const Action* actions, Pass& pass);
    void act(const Batch& batch, Indices indices, Action action, Pass& pass);
    void flood(const Batch& batch, Indices indices, Pass& pass);
    void send(const Batch& batch, Indices indices, Port& to, Pass& pass);
    void hash_all(const Batch& batch, Pass& pass) noexcept;
    void transmit(Queue& queue, const Batch& batch, Indices indices, Pass& pass);
    void transmit_offloaded(Queue& queue, const Batch& batch, Indices indices, Pass& pass);
    bool transmit_coalesced(Queue& queue, const Batch& batch, Indices indices, Pass& pass);

    // switch/vale_rules.cpp
    const PortRules& rules_of(const Port& port) const noexcept;
    void forward_ruled(const Batch& batch, Port& source, WorkerContext& context);
    void classify_all(const Batch& batch, Pass& pass) noexcept;
    void act_ruled(const Batch& batch, Indices indices, Action action, Pass& pass);
    void flood_ruled(const Batch& batch, Indices indices, Pass& pass);
    void count_undelivered(Indices indices, Pass& pass) noexcept;
    size_t admit(const Batch& batch, Indices indices, Port& to, bool flooded, Pass& pass,
                 uint8_t* admitted) noexcept;
    void send_ruled(const Batch& batch, Indices indices, Port& to, Pass& pass);

    std::string name_;
    std::unique_ptr<Lookup> lookup_;
    const FlowSeed flow_seed_;
    std::unique_ptr<RuleBook> rules_;  ///< nullptr: no port has any.
    std::array<Port*, ports_max> ports_{};
    std::array<CounterBlock*, ports_max> books_{};  ///< Of each port, the first of its blocks.
    std::array<uint8_t, ports_max> generations_{};
    size_t port_count_ = 0;
    size_t slots_used_ = 0;  ///< Slots ever taken and not all given back, from the first.
};

}  // namespace valenic
