// A histogram of delays: log-linear, fixed size, one writer.
#pragma once
#include <array>
#include <bit>
#include <cstdint>

namespace valenic {

/// Buckets of 1/16 of their power of two: every percentile is right within 6 %.
class LatencyHistogram {
 public:
    void add(uint64_t ns) noexcept {
        ++counts_[bucket_of(ns)];
        ++total_;
    }
    uint64_t total() const noexcept { return total_; }
    void merge(const LatencyHistogram& other) noexcept {
        for (size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
        total_ += other.total_;
    }
    /// The delay that `share` (0..1) of the samples do not exceed; 0 without samples.
    uint64_t percentile(double share) const noexcept {
        if (total_ == 0) return 0;
        const auto wanted = static_cast<uint64_t>(share * static_cast<double>(total_ - 1)) + 1;
        uint64_t seen = 0;
        for (size_t i = 0; i < counts_.size(); ++i) {
            seen += counts_[i];
            if (seen >= wanted) return top_of(i);
        }
        return top_of(counts_.size() - 1);
    }

 private:
    static constexpr unsigned steps_log2 = 4;
    static constexpr uint64_t steps = 1u << steps_log2;

    static size_t bucket_of(uint64_t ns) noexcept {
        if (ns < steps) return ns;
        const auto power = static_cast<unsigned>(std::bit_width(ns)) - 1;
        const uint64_t step = (ns >> (power - steps_log2)) & (steps - 1);
        return (power - steps_log2 + 1) * steps + step;
    }
    /// Largest value of a bucket.
    static uint64_t top_of(size_t bucket) noexcept {
        if (bucket < steps) return bucket;
        const auto power = static_cast<unsigned>(bucket / steps) + steps_log2 - 1;
        const uint64_t step = bucket % steps;
        return ((steps + step + 1) << (power - steps_log2)) - 1;
    }

    uint64_t total_ = 0;
    std::array<uint64_t, (64 - steps_log2 + 1) * steps> counts_{};
};

}  // namespace valenic
