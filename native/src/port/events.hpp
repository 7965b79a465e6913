// What the datapath says unasked. Rare: each is said once for a ring, a descriptor or a device.
#pragma once
#include <cstdint>

#include "base/whereabouts.hpp"
#include "boundary/names.hpp"
#include "switch/lookup.hpp"

namespace valenic {

/// As native/boundary, DatapathEvent.
struct EngineEvent {
    enum class Kind : uint8_t {
        ring_fault,         ///< A ring broke a rule and was stopped.
        device_fault,       ///< A device was closed.
        memory_not_shared,  ///< The driver of a ring writes to other memory than ours.
        link_down,          ///< A queue's descriptor is of no more use; Fault::none: the peer left.
        mac_moves,
        mac_rests,
        macs_evicted,
        frames_refused,
        worker_late,
        housekeeping_due,  ///< Only for the control thread: a device has to be closed at once.
    };
    Kind kind;
    uint32_t port;
    unsigned ring = 0;  ///< Of link_down and worker_late: the queue.
    spec::Fault fault = spec::Fault::none;
    AddressMoves moves = {};  ///< Of mac_moves.
    uint32_t other = 0;       ///< Of mac_moves: the other port.
    uint32_t evicted = 0;     ///< Of macs_evicted.
    uint32_t refused = 0;     ///< Of frames_refused.
    // Of worker_late:
    uint16_t worker = 0;
    Act act = Act::nothing;
    uint32_t asleep_ms = 0;
};

/// Whom ports tell.
class PortEvents {
 public:
    virtual ~PortEvents() = default;
    /// Any thread. It may lock, since events are rare.
    virtual void tell(const EngineEvent& event) = 0;
};

}  // namespace valenic
