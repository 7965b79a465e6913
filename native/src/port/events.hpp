// What the datapath has to say unasked. Rare: each is said once per ring or device.
#pragma once
#include <cstdint>

#include "boundary/names.hpp"

namespace valenic {

class VhostPort;
class LinkPort;

class PortEvents {
 public:
    virtual ~PortEvents() = default;
    /// A ring broke a rule and was stopped. Called by any worker; may lock, since it comes once a
    /// ring.
    virtual void ring_fault(const VhostPort& port, unsigned ring, spec::Fault fault) = 0;
    /// The memory of a port was found truncated, and its rings stop. Called by any worker, once a
    /// ring: the device has to be closed, which the control thread does.
    virtual void memory_truncated(const VhostPort& port) = 0;
};

class LinkEvents {
 public:
    virtual ~LinkEvents() = default;
    /// A queue's descriptor is of no more use; Fault::none: the peer left. Called by any worker,
    /// once for each descriptor.
    virtual void link_down(const LinkPort& port, unsigned queue, spec::Fault fault) = 0;
};

}  // namespace valenic
