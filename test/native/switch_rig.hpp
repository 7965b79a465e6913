// A switch with guests on it and one worker's context, driven by hand: no threads, no clocks.
#pragma once
#include <map>

#include "alone.hpp"
#include "base/limits.hpp"
#include "lookup/learning.hpp"
#include "net_guest.hpp"
#include "port/vhost/vhost.hpp"
#include "switch/vale.hpp"

namespace valenic::test {

/// Remembers what ports had to say.
struct RecordedEvents : PortEvents {
    struct Said {
        unsigned ring;
        spec::Fault fault;
    };
    void tell(const boundary::Event& event) override {
        if (const auto* one = std::get_if<boundary::RingFaultEvent>(&event))
            said.push_back({one->ring, one->fault});
    }
    void housekeeping_due() override { ++truncated; }
    std::vector<Said> said;
    unsigned truncated = 0;
};

/// A guest and its port, without an engine.
class PortRig {
 public:
    explicit PortRig(const std::string& name, const GuestOptions& options = {},
                     bool start_rings = true)
        : blocks_(std::make_unique<CounterBlock[]>(workers_max)),
          guest(options),
          port({name, {blocks_.get(), workers_max}, options.pairs, events}) {
        port.set_features(options.features);
        port.set_memory(alone(), guest.space.map());
        for (unsigned ring = 0; start_rings && ring < port.ring_count(); ++ring) start(ring);
    }
    void start(unsigned ring, bool enabled = true) {
        auto prepared = port.prepare(ring, guest.config(ring));
        REQUIRE(prepared.ok());
        prepared.value().kick = duplicate(guest.ring(ring).kick.get());
        prepared.value().call = duplicate(guest.ring(ring).call.get());
        prepared.value().enabled = enabled;
        port.install(alone(), std::move(prepared.value()));
    }
    template <typename Counter>
    uint64_t count(Counter counter) {
        uint64_t sum = 0;
        for (unsigned worker = 0; worker < workers_max; ++worker)
            sum += port.counters(worker).read(counter);
        return sum;
    }
    /// Calls that came on a ring since this was last asked.
    uint64_t calls(unsigned ring = 0) { return drain_eventfd(guest.ring(ring).call.get()); }

 private:
    std::unique_ptr<CounterBlock[]> blocks_;

 public:
    RecordedEvents events;
    NetGuest guest;
    VhostPort port;
};

class SwitchRig {
 public:
    explicit SwitchRig(
        std::unique_ptr<Lookup> lookup = std::make_unique<LearningLookup>(LearningOptions{}))
        : vale("vale0", std::move(lookup)),
          batch(std::make_unique<Batch>()),
          context(std::make_unique<WorkerContext>()) {
        context->now_ns = monotonic_ns();
    }
    PortRig& add(const GuestOptions& options = {}, bool start_rings = true) {
        ports.push_back(
            std::make_unique<PortRig>("p" + std::to_string(ports.size()), options, start_rings));
        REQUIRE(vale.attach(alone(), ports.back()->port));
        return *ports.back();
    }
    /// One turn of the worker that owns this queue pair. Returns the work that was done.
    size_t serve(PortRig& from, unsigned pair = 0) {
        batch->clear();
        Queue& queue = *from.port.queues()[pair];
        const size_t work = queue.receive(*batch, *context);
        if (batch->count > 0) vale.forward(*batch, from.port, *context);
        queue.release(*context);
        return work;
    }
    /// Until nothing waits.
    void serve_all(PortRig& from) {
        for (unsigned pair = 0; pair < from.port.queues().size(); ++pair)
            while (serve(from, pair) > 0) {
            }
    }
    void send(PortRig& from, const Bytes& frame, unsigned pair = 0) {
        REQUIRE(from.guest.send(frame, pair));
        serve_all(from);
    }

    ValeSwitch vale;
    std::vector<std::unique_ptr<PortRig>> ports;
    std::unique_ptr<Batch> batch;
    std::unique_ptr<WorkerContext> context;
};

/// Takes all ports off before they go; the switch would otherwise outlive what it points at.
inline void clear(SwitchRig& rig) {
    for (auto& port : rig.ports)
        if (port->port.home != nullptr) rig.vale.detach(alone(), port->port);
    rig.ports.clear();
}

}  // namespace valenic::test
