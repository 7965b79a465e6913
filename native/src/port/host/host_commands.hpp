// The commands for a host port: its source and its sink.
#pragma once
#include <vector>

#include "port/host/host.hpp"

namespace valenic {

/// As VhostCommands.
class HostCommands {
 public:
    explicit HostCommands(PortHost& host) : host_(host) {}

    Done start_source(uint32_t id, const HostSource& source);
    /// Returns the frames that were sent since it was started.
    Result<uint64_t, Refusal> stop_source(uint32_t id);
    struct HostReport {
        uint64_t sent;
        std::vector<StreamReport> streams;
    };
    Result<HostReport, Refusal> host_report(uint32_t id, bool reset);

 private:
    PortHost& host_;
};

}  // namespace valenic
