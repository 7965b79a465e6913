// The frames that synthetic guests exchange, and what arrived of them.
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "guest.hpp"
#include "net/latency.hpp"
#include "net/sink.hpp"
#include "options.hpp"
#include "replay.hpp"

namespace valenic::synthetic {

/// What happened in one span of time.
struct Totals {
    uint64_t sent = 0;
    uint64_t received = 0;
    uint64_t bytes = 0;
    uint64_t kicks = 0;
    uint64_t calls = 0;
    uint64_t foreign = 0;  ///< With `verify`: sent to one station, but not valid frames of ours.
    uint64_t idle_rounds = 0;
    uint64_t rounds = 0;
    uint64_t busy_ticks = 0;  ///< Of rounds that moved frames.
    uint64_t idle_ticks = 0;  ///< Of rounds that waited for the backend, or for the next frame.
};

class Traffic {
 public:
    /// @param replays  They have a turn in each round, beside the guests of the flows.
    Traffic(const Options& options, std::vector<std::unique_ptr<Guest>>& guests,
            std::vector<std::unique_ptr<Replay>>& replays);

    /// Sends (unless `drain`) and receives until `until_ns`, or until every flow has sent its
    /// count.
    void run(uint64_t until_ns, bool drain);
    bool finished() const noexcept;
    Totals totals() const noexcept;
    /// Delays since this was last asked: one way, or with `echo` there and back.
    LatencyHistogram take_latency() noexcept;
    struct StreamSums {
        uint64_t gaps = 0, reordered = 0, corrupt = 0;
    };
    StreamSums stream_sums() noexcept;
    struct FlowSum {
        uint32_t stream;
        uint64_t sent;
        uint64_t received;
    };
    std::vector<FlowSum> flow_sums() noexcept;

 private:
    struct Flow {
        unsigned from;
        uint32_t stream;
        uint64_t to_mac;
        uint64_t sent = 0;
        uint64_t given_up = 0;     ///< With a window: did not come back in time.
        uint64_t came_back = 0;    ///< With a window: when it was last looked at.
        uint64_t progress_ns = 0;  ///< When that last changed.
    };

    bool round(uint64_t now_ns, bool drain);
    bool send(Flow& flow, uint64_t now_ns);
    size_t send_light(Flow& flow, size_t wanted, uint64_t now_ns);
    bool receive(size_t guest, uint64_t now_ns);
    void see(ProbeSink& sink, std::span<const driver::Received> frames, uint64_t now_ns) noexcept;
    size_t see_run(ProbeSink& sink, std::span<const driver::Received> frames,
                   uint64_t now_ns) noexcept;
    void see_one(ProbeSink& sink, const driver::Received& frame, uint64_t now_ns) noexcept;
    void count(const driver::Received& frame, const uint8_t* probe, uint64_t now_ns) noexcept;
    bool send_back(size_t guest);
    uint64_t window_room(Flow& flow, uint64_t now_ns) noexcept;
    void kick_owed() noexcept;
    void replay_all() noexcept;
    void write_frame(const Flow& flow, uint8_t* frame, uint64_t sequence, uint64_t now_ns) noexcept;
    uint64_t due(Flow& flow, uint64_t now_ns) noexcept;
    void sleep(uint64_t until_ns);

    const Options& options_;
    std::vector<std::unique_ptr<Guest>>& guests_;
    std::vector<Replay*> honest_replays_;
    std::vector<Replay*> other_replays_;
    std::vector<Flow> flows_;
    std::vector<std::unique_ptr<ProbeSink>> sinks_;  ///< One for each guest.
    LatencyHistogram latency_ns_;
    Totals totals_;
    uint64_t started_ns_;
    std::vector<bool> echoes_;  ///< For each guest: it sends back what it receives.
    bool whole_;                ///< Every byte of every frame is written and checked.
};

/// MAC address of guest `index`.
uint64_t mac_of(unsigned index) noexcept;

}  // namespace valenic::synthetic
