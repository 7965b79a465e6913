// What every kind of port is to the engine, and what the engine is to the commands of a kind.
#pragma once
#include <functional>
#include <span>
#include <string>

#include "base/parked.hpp"
#include "base/result.hpp"
#include "boundary/refusal.hpp"
#include "port/events.hpp"
#include "switch/port.hpp"

namespace valenic {

class DevicePort;

/// The engine, as the commands of a kind see it. Control thread.
class PortHost {
 public:
    virtual ~PortHost() = default;
    /// Null: there is none. `id`: the engine's number.
    virtual DevicePort* find_port(uint32_t id) noexcept = 0;
    /// Runs `change` while every worker is parked between two batches, or says that it cannot.
    [[nodiscard]] virtual Done exclusive(const std::function<void(const Parked&)>& change) = 0;
    /// As exclusive(), for changes of a port's rings and descriptors: workers look at them anew.
    [[nodiscard]] virtual Done change_port(Port& port,
                                           const std::function<void(const Parked&)>& change) = 0;
};

/// Which commands a port understands: one object for each class of port, compared by its address.
struct CommandSet {};

/// What a port is made of.
struct PortParts {
    std::string name;
    std::span<CounterBlock> blocks;  ///< As Port has them.
    unsigned pairs;
    PortEvents& events;  ///< Outlives the port.
    uint32_t id = 0;     ///< The engine's number.
};

/// A port of one of the kinds in port/kinds.cpp.
class DevicePort : public Port {
 public:
    DevicePort(PortParts parts, const CommandSet& understands, unsigned active_pairs = 0)
        : Port(std::move(parts.name), parts.blocks, active_pairs),
          id(parts.id),
          understands_(understands),
          events_(parts.events) {}

    const uint32_t id;
    const CommandSet& understands() const noexcept { return understands_; }
    void tell(const boundary::Event& event) const { events_.tell(event); }
    void tell_housekeeping_due() const { events_.housekeeping_due(); }

    /// By the control thread, about once a second, with its own context; workers run.
    virtual void look_after(PortHost&, WorkerContext&) {}
    /// By the control thread: a worker waits for what is behind this port, and no other is to use
    /// it from here on. Workers run.
    virtual void give_up(spec::Fault, WorkerContext&) noexcept {}

 private:
    const CommandSet& understands_;
    PortEvents& events_;
};

/// The port with this number, if it understands the commands of `Kind`.
template <typename Kind>
Result<Kind*, Refusal> find_device(PortHost& host, uint32_t id) noexcept {
    DevicePort* port = host.find_port(id);
    if (port == nullptr) return Refusal(spec::CommandError::unknown_port);
    if (&port->understands() != &Kind::commands) return Refusal(spec::CommandError::wrong_state);
    return static_cast<Kind*>(port);
}

}  // namespace valenic
