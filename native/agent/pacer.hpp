// How many frames of a paced stream are due, and when it is over.
#pragma once
#include <algorithm>
#include <cstdint>

namespace valenic::agent {

struct PaceLimits {
    double rate_pps = 0;         ///< 0: as fast as they are taken.
    uint64_t count = 0;          ///< Frames to send; 0: until the time is over.
    uint64_t time_limit_ns = 0;  ///< From the start; 0: none. One of the two must be set.
};

/// Pure arithmetic: the caller has the clock and does the sleeping.
class Pacer {
 public:
    Pacer(PaceLimits limits, uint64_t start_ns) : limits_(limits), start_ns_(start_ns) {}

    bool finished(uint64_t sent, uint64_t now_ns) const {
        if (limits_.count != 0 && sent >= limits_.count) return true;
        return limits_.time_limit_ns != 0 && now_ns - start_ns_ >= limits_.time_limit_ns;
    }

    /// Frames that may be sent now, at most `most`; the first is due at once.
    uint64_t due(uint64_t sent, uint64_t now_ns, uint64_t most) const {
        uint64_t allowed = most;
        if (limits_.count != 0) allowed = std::min(allowed, limits_.count - sent);
        if (limits_.rate_pps <= 0) return allowed;
        const double elapsed = static_cast<double>(now_ns - start_ns_) * 1e-9;
        const auto by_now = static_cast<uint64_t>(elapsed * limits_.rate_pps) + 1;
        return by_now <= sent ? 0 : std::min(allowed, by_now - sent);
    }

    /// When frame number `sent` is due.
    uint64_t due_at_ns(uint64_t sent) const {
        if (limits_.rate_pps <= 0) return start_ns_;
        return start_ns_ +
               static_cast<uint64_t>(static_cast<double>(sent) * 1e9 / limits_.rate_pps);
    }

 private:
    PaceLimits limits_;
    uint64_t start_ns_;
};

}  // namespace valenic::agent
