// A limit of frames a second that several workers draw from.
#pragma once
#include <algorithm>
#include <atomic>
#include <cstdint>

namespace valenic {

/// The generic cell rate algorithm: one word, the time up to which all that was taken is paid for.
/// A bucket of `burst_ns` is full after as long a silence.
class TokenBucket {
 public:
    /// How many of `frames` may pass; the first ones of them do.
    ///
    /// @param rate_pps  Frames a second; 0: none.
    /// @param now_ns    Monotonic. Workers' clocks may differ by a round.
    uint64_t take(uint64_t frames, uint32_t rate_pps, uint64_t burst_ns, uint64_t now_ns) noexcept {
        if (rate_pps == 0) return 0;
        // A burst holds a frame at least, or a slow limit would be none at all.
        const uint64_t each_ns = std::max<uint64_t>(second_ns / rate_pps, 1);
        const uint64_t room_ns = std::max(burst_ns, each_ns);
        uint64_t paid_to = paid_to_ns_.load(std::memory_order_relaxed);
        for (;;) {
            const uint64_t from = std::max(paid_to, now_ns - std::min(now_ns, room_ns));
            const uint64_t left = now_ns > from ? (now_ns - from) / each_ns : 0;
            const uint64_t granted = std::min(frames, left);
            if (granted == 0) return 0;
            if (paid_to_ns_.compare_exchange_weak(paid_to, from + granted * each_ns,
                                                  std::memory_order_relaxed))
                return granted;
        }
    }

 private:
    static constexpr uint64_t second_ns = 1'000'000'000;

    std::atomic<uint64_t> paid_to_ns_{0};
};

}  // namespace valenic
