// How long adaptive mode polls a queue that fell quiet: learned from the gaps in its traffic.
#pragma once
#include <algorithm>
#include <cstdint>

namespace valenic {

/// Spinning pays when the next frame comes soon: then neither the guest's kick nor our wake-up has
/// to be waited for. So a queue is polled for a few of its mean gaps while those are short, and is
/// left to its kick at once when they are long. Costs a few instructions when a gap ends, nothing
/// for a frame. `valenic bench cpu --spin auto,0,10,50,200` compares it.
class SpinTuner {
 public:
    /// Mean gaps above this are slept through: a sleep and a kick cost less than so much spinning.
    static constexpr uint64_t worth_ns = 50'000;
    /// Never longer than this: what a burst that has ended costs at most.
    static constexpr uint64_t most_ns = 200'000;

    /// A frame came after the queue was empty for `gap_ns`, whether we spun or slept.
    void saw_gap(uint64_t gap_ns) noexcept {
        // One long silence among short gaps must not end the spinning: it counts as `most_ns`.
        const uint64_t counted_ns = std::min(gap_ns, most_ns);
        mean_ns_ = mean_ns_ - mean_ns_ / weight + counted_ns / weight;
    }
    /// The budget: of random (exponential) gaps, one in 55 is longer than four times the mean.
    uint64_t spin_ns() const noexcept {
        return mean_ns_ > worth_ns ? 0 : std::min(4 * mean_ns_, most_ns);
    }

 private:
    static constexpr uint64_t weight = 8;  ///< Of the past: about so many gaps are remembered.
    uint64_t mean_ns_ = 12'500;            ///< So that it begins with 50 us.
};

}  // namespace valenic
