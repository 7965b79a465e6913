// The commands for a port whose peer is behind descriptors.
#pragma once
#include <string>
#include <vector>

#include "port/link.hpp"

namespace valenic {

/// As VhostCommands.
class LinkCommands {
 public:
    explicit LinkCommands(PortHost& host) : host_(host) {}

    /// Takes the descriptors in every case: one for each queue, and what the queues share.
    /// `peer`: as in native/boundary.
    Done attach_link(uint32_t id, std::vector<OwnedFd> fds, std::vector<OwnedFd> shared,
                     const std::string& peer,
                     spec::NetHeaderUse net_header = spec::NetHeaderUse::none);
    Done detach_link(uint32_t id);

 private:
    PortHost& host_;
};

}  // namespace valenic
