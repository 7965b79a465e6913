// Turns messages into calls of the engine, and what it says into messages. It knows no carrier: who
// reads messages from somewhere, and has a thread to run them on, is another's business.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "base/fd.hpp"
#include "io/engine.hpp"

namespace valenic::control {

/// What a carrier has for what the datapath says unasked.
class EventSink {
 public:
    virtual ~EventSink() = default;
    /// An event, as a message. Any thread of the datapath; must not block for long.
    virtual void event(std::vector<uint8_t> message) = 0;
    /// Control::housekeeping() is due at once. Any thread, as above.
    virtual void housekeeping_due() = 0;
};

/// One datapath. All but stats() is for one thread, the control thread, from adopt_this_thread()
/// on.
class Control {
 public:
    /// How often housekeeping() is due when nothing says that it is.
    static constexpr unsigned housekeeping_period_ms = 1000;

    /// @param sink  Outlives this.
    /// @param stats_in_file  Another process can map the stats page: stats_fd().
    Control(size_t ports_max, EventSink& sink, bool stats_in_file = false);
    Control(const Control&) = delete;
    Control& operator=(const Control&) = delete;

    /// Carries out one command. Blocks until what it asks for holds.
    ///
    /// @param message      Whoever made it: it is checked.
    /// @param descriptors  Those beside it: ours from here on, whatever the message is.
    /// @return             The message that answers: an answer, or a failure that names the rule.
    std::vector<uint8_t> run(std::span<const uint8_t> message, std::vector<OwnedFd> descriptors);

    /// Lives as long as this.
    std::span<const uint64_t> stats() const noexcept { return engine_.stats(); }
    /// A descriptor of the stats page's memory file, or -1. Stays the datapath's.
    int stats_fd() const noexcept { return engine_.stats_fd(); }
    void adopt_this_thread() { engine_.adopt_this_thread(); }
    void release_this_thread() { engine_.release_this_thread(); }
    void housekeeping() { engine_.housekeeping(); }
    /// As Engine::close(): false when a worker does not come to its boundary.
    bool close() { return engine_.close(); }

 private:
    Engine engine_;
};

}  // namespace valenic::control
