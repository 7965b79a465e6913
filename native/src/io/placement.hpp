// Whether two CPUs are near: how long a cache line takes between them.
#pragma once
#include "base/result.hpp"
#include "boundary/refusal.hpp"

namespace valenic {

/// Bounces a cache line between two CPUs for about 10 ms. Returns nanoseconds one way, or why the
/// system does not let us run there. Blocks; starts two threads.
///
/// The same code on the same machine runs up to three times slower on CPUs that share no cache, so
/// a rate without this figure says little.
Result<double, Refusal> probe_placement(int cpu_a, int cpu_b);

}  // namespace valenic
