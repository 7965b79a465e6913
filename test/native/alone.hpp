// For tests and benchmarks whose objects only their own thread can reach.
#pragma once
#include "io/gate.hpp"

namespace valenic {

/// The gate's word for it, where there are no workers: it is closed, and nobody is inside.
inline Parked alone() {
    Gate gate;
    gate.close();
    return gate.parked();
}

}  // namespace valenic
