// What the datapath says unasked. Rare: each is said once for a ring, a descriptor or a device.
#pragma once
#include "boundary/messages.hpp"

namespace valenic {

/// Whom ports tell.
class PortEvents {
 public:
    virtual ~PortEvents() = default;
    /// Any thread. It may lock, since events are rare.
    virtual void tell(const boundary::Event& event) = 0;
    /// The control thread has to look after its ports at once: a device has to be closed.
    virtual void housekeeping_due() = 0;
};

}  // namespace valenic
