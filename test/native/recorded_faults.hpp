// Whom a port tells in a test without an engine.
#pragma once
#include <vector>

#include "port/events.hpp"

namespace valenic::test {

/// Remembers with which fault each event came.
struct RecordedFaults : PortEvents {
    void tell(const EngineEvent& event) override { said.push_back(event.fault); }
    std::vector<spec::Fault> said;
};

}  // namespace valenic::test
