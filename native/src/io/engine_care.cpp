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
    EngineEvent event{EngineEvent::Kind::worker_late, late.place.port};
    event.ring = late.place.queue;
    event.worker = late.worker;
    event.act = late.place.act;
    event.asleep_ms = static_cast<uint32_t>(late.asleep_ns / 1'000'000);
    on_event_(event);
}

void Engine::housekeeping(uint64_t now_ns) {
    give_up_late_devices();
    for (auto& [id, entry] : ports_) {
        if (entry.vhost != nullptr) look_after(id, *entry.vhost);
        if (entry.link != nullptr) entry.link->look_after(*own_context_);
    }
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
        PortEntry* entry = find(place.port);
        if (entry == nullptr) continue;
        if (entry->vhost != nullptr) entry->vhost->bar(Fault::worker_stalled);
        if (entry->link != nullptr) entry->link->give_up(Fault::worker_stalled, *own_context_);
    }
}

/// False: not now, since a worker does not come out of its batch.
bool Engine::close_device(uint32_t id, VhostPort& port, Fault fault) {
    if (change_port(port, [&](Parked parked) { port.close_device(parked); })) return false;
    on_event_({EngineEvent::Kind::device_fault, id, 0, fault});
    return true;
}

void Engine::look_after(uint32_t id, VhostPort& port) {
    if (const Fault fault = port.barred(); fault != Fault::none) {
        close_device(id, port, fault);
        return;
    }
    if (port.memory() != nullptr && port.memory()->truncated() && !port.truncation_told) {
        port.truncation_told = close_device(id, port, Fault::memory_truncated);
        return;
    }
    if (port.foreign_memory_told) return;
    if (const auto ring = port.foreign_memory_ring()) {
        port.foreign_memory_told = true;
        on_event_({EngineEvent::Kind::memory_not_shared, id, *ring, Fault::none});
    }
}

}  // namespace valenic
