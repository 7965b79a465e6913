// For tests and benchmarks whose objects no thread but their own can reach.
#pragma once
#include <array>

#include "io/gate.hpp"

namespace valenic {

/// The gate's word for it, where there are no workers: it is closed, and nobody is inside.
inline Parked alone() {
    struct NoWorker {
        bool parked() const noexcept { return false; }
    };
    Gate gate;
    gate.close();
    return gate.parked(std::array<NoWorker*, 0>{});
}

}  // namespace valenic
