// The VALE switch: a batch, its lookup, a list per destination, one transmit per destination.
#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "switch/lookup.hpp"
#include "switch/port.hpp"

namespace valenic {

class ValeSwitch {
 public:
    static constexpr size_t ports_max = 254;

    ValeSwitch(std::string name, std::unique_ptr<Lookup> lookup);

    const std::string& name() const noexcept { return name_; }
    Lookup& lookup() noexcept { return *lookup_; }

    /// Gives the port a slot and a generation. False when all are taken. Only while workers are
    /// parked.
    bool attach(Port& port);
    /// Takes the port off and forgets its addresses. Only while workers are parked.
    void detach(Port& port);
    size_t port_count() const noexcept { return port_count_; }
    Port* port_at(uint8_t slot) noexcept { return ports_[slot]; }

    /// Sends a batch from `source` where it belongs, and counts what goes nowhere. Any worker,
    /// several at once. The batch stays borrowed: the caller releases it.
    void forward(const Batch& batch, Port& source, WorkerContext& context);

 private:
    using Indices = std::span<const uint8_t>;

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
        bool hashed = false;  ///< flow_hashes is filled: once a receiver has several queue pairs.
        uint32_t flow_hashes[batch_frames];
    };

    void forward_mixed(const Batch& batch, const Action* actions, Pass& pass);
    void act(const Batch& batch, Indices indices, Action action, Pass& pass);
    void flood(const Batch& batch, Indices indices, Pass& pass);
    void send(const Batch& batch, Indices indices, Port& to, Pass& pass);
    void hash_flows(const Batch& batch, Pass& pass) noexcept;
    void transmit(Queue& queue, const Batch& batch, Indices indices, Pass& pass);
    void transmit_offloaded(Queue& queue, const Batch& batch, Indices indices, Pass& pass);
    bool transmit_coalesced(Queue& queue, const Batch& batch, Indices indices, Pass& pass);

    std::string name_;
    std::unique_ptr<Lookup> lookup_;
    std::array<Port*, ports_max> ports_{};
    std::array<uint8_t, ports_max> generations_{};
    size_t port_count_ = 0;
    size_t slots_used_ = 0;  ///< Slots ever taken and not all given back, from the first.
};

}  // namespace valenic
