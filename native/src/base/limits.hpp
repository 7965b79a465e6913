// Bounds that several rooms share.
#pragma once
#include <cstddef>

#include "boundary/limits.hpp"

namespace valenic {

/// Host I/O threads, the control thread's own injections included. Each has a counter block in
/// every port, and at most one open reservation in every receive ring.
inline constexpr size_t workers_max = boundary::DatapathLimits::worker_blocks;
/// The control thread's blocks: those of the last worker there could be.
inline constexpr size_t control_worker = workers_max - 1;

}  // namespace valenic
