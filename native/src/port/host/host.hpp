// A port of this process: a source of numbered frames and a sink that checks them.
//
// Every frame is made in or copied into the port's own memory and its checksum is computed: what
// G-H and H-G measure is the work a host program has, not a counter.
#pragma once
#include <array>
#include <atomic>
#include <memory>
#include <optional>
#include <vector>

#include "base/fd.hpp"
#include "base/limits.hpp"
#include "base/parked.hpp"
#include "net/sink.hpp"
#include "port/device.hpp"

namespace valenic {

/// As native/boundary, HostSource.
struct HostSource {
    uint32_t stream = 0;
    uint32_t frame_bytes = 60;
    uint64_t rate_pps = 0;  ///< 0 = as fast as the worker makes them.
    uint64_t count = 0;     ///< 0 = until stopped.
    MacAddress destination = broadcast_mac;
    MacAddress source = 0;
};

class HostPort;

class HostQueue final : public Queue {
 public:
    /// Frames the source may send: the header of a probe must fit.
    static constexpr uint32_t frame_bytes_min = boundary::HostSource::frame_bytes_range.min;
    static constexpr uint32_t frame_bytes_max = boundary::HostSource::frame_bytes_range.max;

    explicit HostQueue(HostPort& port);

    size_t receive(Batch& batch, WorkerContext& context) override;
    void release(WorkerContext&) override {}
    void transmit(const Batch& batch, std::span<const uint8_t> indices,
                  WorkerContext& context) override;
    void flush_calls(WorkerContext&) override {}
    bool arm() override;
    void disarm() override {}
    int wait_fd() const noexcept override { return running_ ? timer_.get() : -1; }
    void acknowledge(WorkerContext& context) override;

    void start(const Parked&, const HostSource& source, uint64_t now_ns);
    void stop(const Parked&) noexcept { running_ = false; }
    bool running() const noexcept { return running_; }
    uint64_t sent() const noexcept { return sent_; }
    /// All streams, what several workers brought of one added up.
    std::vector<StreamReport> reports(const Parked&);
    void clear_reports(const Parked&);

 private:
    /// What one worker delivers here: its own memory and its own books, so that none waits.
    struct Sink {
        std::unique_ptr<uint8_t[]> memory;
        size_t at = 0;
        ProbeSink probes;
    };

    uint64_t due(uint64_t now_ns) const noexcept;
    void make_frame(Batch& batch, size_t slot, uint64_t now_ns) noexcept;
    Sink& sink_of(unsigned worker);

    HostPort& port_;
    OwnedFd timer_;  ///< Fires when the next paced frame is due; only armed before sleeping.
    HostSource source_;
    bool running_ = false;
    uint64_t started_ns_ = 0;
    uint64_t sent_ = 0;
    std::unique_ptr<uint8_t[]> memory_;  ///< One buffer for each frame of a batch.
    std::array<std::unique_ptr<Sink>, workers_max> sinks_;
};

class HostPort final : public DevicePort {
 public:
    static constexpr CommandSet commands{};  ///< HostCommands.

    explicit HostPort(PortParts parts);

    HostQueue& queue() noexcept { return queue_; }

 private:
    HostQueue queue_;
};

}  // namespace valenic
