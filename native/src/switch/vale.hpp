// The VALE switch: a batch, its lookup, a list for each action, one transmit for each destination.
//
// A batch goes through stages. Those of the first row are on every way; the others cost nothing
// where no port, and no action of the lookup, asks for them.
//
//   resolve -> a list for each action -> output to one port or to many
//   classify (VLANs, security) before resolve; admit and tags before each output; action lists
//   (rewrite, meter, taps, recirculation, hold) in between.
#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/parked.hpp"
#include "base/secret.hpp"
#include "net/flow.hpp"
#include "switch/lookup.hpp"
#include "switch/port.hpp"
#include "switch/rules.hpp"
#include "switch/seconds.hpp"

namespace valenic {

class ValeSwitch {
 public:
    /// `flow_secret`: by which flows are spread over a receiver's queue pairs. Tests have one that
    /// they know.
    ValeSwitch(std::string name, std::unique_ptr<Lookup> lookup,
               uint64_t flow_secret = secret_number());

    const std::string& name() const noexcept { return name_; }
    Lookup& lookup() noexcept { return *lookup_; }

    /// Gives the port a slot and a generation. False when all are taken.
    bool attach(const Parked&, Port& port);
    /// Takes the port off and forgets its addresses.
    void detach(const Parked&, Port& port);
    /// Gives a port that is attached other rules, and forgets its addresses.
    void set_rules(const Parked&, const Port& port, const PortRules& rules);
    /// Who sees what the port sends and gets; nullptr: nobody. It outlives its time here.
    void set_tap(const Parked&, const Port& port, FrameTap* tap);

    size_t port_count() const noexcept { return port_count_; }
    bool is_full() const noexcept { return port_count_ == ports_.size(); }
    Port* port_at(uint16_t slot) noexcept { return ports_[slot]; }

    // ---- Any worker, several at once. The batch stays borrowed: the caller releases it.

    /// Sends a batch of at least one frame from `source` where it belongs, and counts what goes
    /// nowhere.
    void forward(const Batch& batch, Port& source, WorkerContext& context);
    /// Goes on with frames that were held. Their VLANs stand in the context.
    void resume(const Batch& batch, Port& source, const HeldFrames::Way& way,
                WorkerContext& context);

 private:
    using Indices = std::span<const uint8_t>;
    /// How frames come to a port: meant for it, or flooded.
    enum class Reach : uint8_t { directly, flooded, flooded_unknown };

    /// One batch on its way through.
    struct Pass {
        Pass(const Batch& batch, Port& source, WorkerContext& context) noexcept
            : batch(batch),
              source(source),
              context(context),
              more(source.settings().more.load(std::memory_order_relaxed)) {}
        CounterBlock& counters() const noexcept { return source.counters(context.worker); }

        const Batch& batch;  ///< As it came.
        Port& source;
        WorkerContext& context;
        const bool more;
        bool hashed = false;  ///< flow_hashes is filled: a receiver has several queue pairs.
        uint16_t recirculations = 0;
        Port* to = nullptr;  ///< Whose queue is transmitted to.
        uint32_t flow_hashes[batch_frames];
        uint32_t asker;                    ///< With them: FlowSpread::asker().
        Classified* classified = nullptr;  ///< Of a switch some of whose ports have stages.
    };
    /// What one port asks for beside the common way.
    struct PortStages {
        PortRules rules;
        FrameTap* tap = nullptr;

        bool empty() const noexcept { return rules.empty() && tap == nullptr; }
    };
    /// An address that a port's rules allow there, and so nowhere else.
    struct Claim {
        MacAddress mac;
        uint16_t slot;
    };
    /// By slot; nullptr: nothing.
    using StageBook = std::vector<std::unique_ptr<PortStages>>;

    LookupSource lookup_source(const Pass& pass) const noexcept {
        return {pass.source.slot,
                pass.source.generation,
                pass.source.settings().mac_limit.load(std::memory_order_relaxed),
                now_s(pass.context),
                &pass.counters(),
                pass.classified != nullptr ? pass.classified->vlans : nullptr,
                books_.data(),
                pass.context.worker};
    }

    PortStages& stages_to_change(const Port& port);
    void drop_empty_stages(const Port& port);
    void gather_claims();

    // switch/forward.cpp
    void deal(const Batch& batch, Indices indices, const Action* actions, Pass& pass);
    void deal_at_once(const Batch& batch, Indices indices, const Action* actions, Pass& pass);
    void deal_mixed(const Batch& batch, Indices indices, const Action* actions, Pass& pass);
    void act(const Batch& batch, Indices indices, Action action, Pass& pass);
    void output(const Batch& batch, Indices indices, uint16_t slot, Pass& pass);
    void flood(const Batch& batch, Indices indices, bool unknown, Pass& pass);
    void send(const Batch& batch, Indices indices, Port& to, Pass& pass);
    void send_within_mtu(const Batch& batch, Indices indices, uint32_t mtu, Port& to, Pass& pass);
    void send_to_queues(const Batch& batch, Indices indices, Port& to, Pass& pass);
    void spread(const Batch& batch, Indices indices, Port& to, Pass& pass);
    void hash_all(Pass& pass) noexcept;
    void transmit(Queue& queue, const Batch& batch, Indices indices, Pass& pass);
    void transmit_singly(Queue& queue, const Batch& batch, Indices indices, Pass& pass);
    void transmit_offloaded(Queue& queue, const Batch& batch, Indices indices, Pass& pass);
    void transmit_coalesced(Queue& queue, const Batch& batch, Indices indices, Pass& pass);

    // switch/storm.cpp
    uint64_t within_storm_limit(unsigned kind, uint64_t frames, Pass& pass) noexcept;
    Indices within_storm_limits(const Batch& batch, Indices indices, bool unknown, Pass& pass,
                                uint8_t* kept) noexcept;

    // switch/port_stages.cpp
    bool is_claimed(const FrameVlan& frame, MacAddress mac) const noexcept;
    bool keeps_out(const Port& to, Reach reach, const Pass& pass) const noexcept;
    const PortStages& stages_of(const Port& port) const noexcept;
    void classify_all(Pass& pass) noexcept;
    void refuse_classified(const Pass& pass, Action* actions) const noexcept;
    Indices admit(const Batch& batch, Indices indices, Port& to, Reach reach, Pass& pass,
                  uint8_t* admitted) noexcept;
    size_t send_admitted(const Batch& batch, Indices indices, Port& to, Reach reach, Pass& pass);
    void send_retagged(const Batch& batch, Indices indices, Port& to, Pass& pass);
    void count_unreached(Indices indices, Pass& pass) noexcept;

    // switch/run_list.cpp
    struct StepRun;
    void run_list(const Batch& batch, Indices indices, uint16_t number, Pass& pass);
    void run_steps(const Batch& batch, Indices indices, ActionSteps steps, Pass& pass);
    void edit_and_run(const Batch& batch, Indices indices, ActionSteps steps, Pass& pass);
    void recirculate(const Batch& batch, Indices indices, uint32_t id, Pass& pass);
    void hold(const Batch& batch, Indices indices, const step::Hold& step, Pass& pass) noexcept;

    std::string name_;
    std::unique_ptr<Lookup> lookup_;
    const FlowSeed flow_seed_;
    std::unique_ptr<StageBook> stages_;  ///< nullptr: no port has any.
    std::vector<Claim> claims_;          ///< Of all ports, by address.
    std::vector<Port*> ports_;           ///< By slot.
    std::vector<CounterBlock*> books_;   ///< Of each port, the first of its blocks.
    std::vector<uint8_t> generations_;
    size_t port_count_ = 0;
    size_t slots_used_ = 0;  ///< Slots ever taken and not all given back, from the first.
};

}  // namespace valenic
