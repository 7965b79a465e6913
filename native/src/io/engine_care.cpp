// What the engine does unasked: looks after its ports, closes devices, and gives up what a worker
// waits for.
#include "io/engine.hpp"

namespace valenic {

using spec::Fault;

/// By the watchdog's thread, which must not look at ports: they are the control thread's.
void Engine::worker_late(const Watchdog::Late& late) {
    {
        const std::scoped_lock lock(late_mutex_);
        late_.push_back(late.place);
    }
    const auto asleep_ms = static_cast<uint32_t>(late.asleep_ns / 1'000'000);
    tell(boundary::WorkerLateEvent{late.place.port, late.worker, late.place.queue, late.place.act,
                                   asleep_ms});
}

void Engine::housekeeping(uint64_t now_ns) {
    give_up_late_devices();
    for (auto& [id, entry] : ports_) entry.port->look_after(*this, *own_context_);
    tell_addresses(static_cast<uint32_t>(now_ns / 1'000'000'000));
}

/// What a worker waits for is used by no other from here on. It is closed when that one lets go.
void Engine::give_up_late_devices() {
    std::vector<Place> late;
    {
        const std::scoped_lock lock(late_mutex_);
        late.swap(late_);
    }
    for (const Place& place : late) {
        DevicePort* port = find_port(place.port);
        if (port != nullptr) port->give_up(Fault::worker_stalled, *own_context_);
    }
}

}  // namespace valenic
