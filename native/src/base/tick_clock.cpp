#include "base/tick_clock.hpp"

#include <algorithm>

#include "base/clock.hpp"

namespace valenic {

namespace {

constexpr uint64_t measured_for_ns = 200'000;

/// A thread that is taken off its CPU in between does no harm: both clocks go on.
uint64_t ticks_per_us() noexcept {
    const uint64_t began_ns = monotonic_ns();
    const uint64_t began = ticks();
    uint64_t now_ns = began_ns;
    while (now_ns - began_ns < measured_for_ns) now_ns = monotonic_ns();
    return std::max<uint64_t>(1, (ticks() - began) * 1000 / (now_ns - began_ns));
}

}  // namespace

TickClock TickClock::of_cpu() noexcept {
    static const uint64_t per_us = ticks_per_us();
    return {&ticks, per_us};
}

}  // namespace valenic
