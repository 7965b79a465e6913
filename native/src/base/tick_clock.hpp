// The CPU's own ticks as a clock that can be replaced, and how many of them a microsecond has.
#pragma once
#include <cstdint>

#include "base/machine.hpp"

namespace valenic {

struct TickClock {
    uint64_t (*now)() noexcept = &ticks;
    uint64_t per_us = 1000;

    /// This machine's: measured once, for a fraction of a millisecond.
    static TickClock of_cpu() noexcept;

    uint64_t from_ns(uint64_t ns) const noexcept { return ns * per_us / 1000; }
    uint64_t to_ns(uint64_t count) const noexcept { return count * 1000 / per_us; }
};

}  // namespace valenic
