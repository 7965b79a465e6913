// Whom a port tells in a test without an engine.
#pragma once
#include <vector>

#include "port/events.hpp"

namespace valenic::test {

/// Remembers with which fault each event came.
struct RecordedFaults : PortEvents {
    void tell(const boundary::Event& event) override {
        const auto keep = [&](const auto& one) {
            if constexpr (requires { one.fault; }) said.push_back(one.fault);
        };
        std::visit(keep, event);
    }
    void housekeeping_due() override { said.push_back(spec::Fault::memory_truncated); }
    std::vector<spec::Fault> said;
};

}  // namespace valenic::test
