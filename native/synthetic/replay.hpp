// Guests that are played from rings which were written once, and a hostile peer of a stream port.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "options.hpp"

namespace valenic::synthetic {

/// What one of them did so far.
struct ReplayCount {
    uint64_t sent = 0;      ///< Chains, or a stream's frames, that the backend took.
    uint64_t received = 0;  ///< Chains that the backend filled.
    uint64_t honest = 0;    ///< Of a sink: those that hold a frame of --frame bytes.
};

class Replay {
 public:
    /// Connects, says its address, and waits until that was heard. `index`: its number among all
    /// guests. On failure `error` says why.
    static std::unique_ptr<Replay> start(const Options& options, const ReplaySpec& spec,
                                         unsigned index, std::string& error);
    virtual ~Replay() = default;

    /// From here on its rings hold what its kind says.
    virtual bool begin(std::string& error) = 0;
    /// Offers again what came back. Never blocks.
    virtual void turn() noexcept = 0;
    virtual bool backend_gone() const noexcept = 0;
    const ReplayCount& count() const noexcept { return count_; }
    const ReplaySpec& spec() const noexcept { return spec_; }

 protected:
    explicit Replay(ReplaySpec spec) : spec_(std::move(spec)) {}
    ReplaySpec spec_;
    ReplayCount count_;
};

}  // namespace valenic::synthetic
