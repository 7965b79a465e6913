#include "control/events.hpp"

#include "base/check.hpp"
#include "control/failure.hpp"

namespace valenic::control {

namespace {

template <typename Event>
std::vector<uint8_t> message(const Event& event) {
    return message_of({boundary::current_version, boundary::Form::event, Event::event_number, 0},
                      boundary::Form::event, event);
}

}  // namespace

std::vector<uint8_t> ready_message(uint64_t stats_bytes) {
    return message(boundary::ReadyEvent{stats_bytes, boundary::Descriptor{0}});
}

std::vector<uint8_t> event_message(const EngineEvent& event) {
    using Kind = EngineEvent::Kind;
    switch (event.kind) {
        case Kind::ring_fault:
            return message(boundary::RingFaultEvent{event.port, event.ring, event.fault});
        case Kind::device_fault:
            return message(boundary::DeviceFaultEvent{event.port, event.fault});
        case Kind::memory_not_shared:
            return message(boundary::MemoryNotSharedEvent{event.port, event.ring});
        case Kind::link_down:
            return message(boundary::LinkDownEvent{event.port, event.ring, event.fault});
        case Kind::mac_moves:
            return message(boundary::MacMovesEvent{event.port,
                                                   event.other,
                                                   {event.moves.mac},
                                                   event.moves.vlan,
                                                   event.moves.count,
                                                   event.moves.seconds});
        case Kind::mac_rests:
            return message(boundary::MacRestsEvent{event.port});
        case Kind::macs_evicted:
            return message(boundary::MacsEvictedEvent{event.port, event.evicted});
        case Kind::frames_refused:
            return message(boundary::FramesRefusedEvent{event.port, event.refused});
        case Kind::worker_late:
            return message(boundary::WorkerLateEvent{event.port, event.worker, event.ring,
                                                     event.act, event.asleep_ms});
        case Kind::housekeeping_due:
            break;
    }
    CHECK(false);
    return {};
}

}  // namespace valenic::control
