#include "port/host/host.hpp"

#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "base/clock.hpp"

namespace valenic {

using spec::PortCounter;

namespace {

constexpr size_t source_buffer_bytes = 9216;
/// As much as 512 buffers of 2 KiB: larger than a first-level cache, as a host program's ring is.
constexpr size_t sink_memory_bytes = 1 << 20;
constexpr uint64_t ns_per_s = 1'000'000'000;

}  // namespace

HostPort::HostPort(PortParts parts) : DevicePort(std::move(parts), commands, 1), queue_(*this) {
    add_queue(queue_);
}

HostQueue::HostQueue(HostPort& port)
    : port_(port),
      timer_(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC)),
      memory_(std::make_unique_for_overwrite<uint8_t[]>(batch_frames * source_buffer_bytes)) {
    // Now, since the datapath does not allocate. Not touched: what is never used costs no memory.
    for (auto& sink : sinks_) {
        sink = std::make_unique<Sink>();
        sink->memory = std::make_unique_for_overwrite<uint8_t[]>(sink_memory_bytes);
    }
}

void HostQueue::start(const Parked&, const HostSource& source, uint64_t now_ns) {
    source_ = source;
    started_ns_ = now_ns;
    sent_ = 0;
    running_ = true;
}

/// Frames that should be out by now and are not.
uint64_t HostQueue::due(uint64_t now_ns) const noexcept {
    uint64_t target = UINT64_MAX;
    if (source_.rate_pps != 0) {
        const uint64_t elapsed = now_ns - started_ns_;
        target = elapsed / ns_per_s * source_.rate_pps +
                 elapsed % ns_per_s * source_.rate_pps / ns_per_s + 1;
    }
    if (source_.count != 0) target = std::min(target, source_.count);
    return target > sent_ ? target - sent_ : 0;
}

size_t HostQueue::receive(Batch& batch, WorkerContext& context) {
    if (!running_) return 0;
    const PortSettings& settings = port_.settings();
    const uint64_t now_ns = monotonic_ns();
    uint64_t wanted = std::min<uint64_t>(
        {due(now_ns), context.turn_frames, settings.budget.load(std::memory_order_relaxed)});
    if (!settings.more.load(std::memory_order_relaxed)) wanted = std::min<uint64_t>(wanted, 1);
    for (size_t i = 0; i < wanted; ++i) make_frame(batch, i, now_ns);
    return wanted;
}

void HostQueue::make_frame(Batch& batch, size_t slot, uint64_t now_ns) noexcept {
    uint8_t* frame = memory_.get() + slot * source_buffer_bytes;
    const uint64_t source = source_.source;
    std::memcpy(frame, &source_.destination, 6);
    std::memcpy(frame + 6, &source, 6);
    frame[12] = probe_ethertype >> 8;
    frame[13] = probe_ethertype & 0xff;
    write_probe(frame + probe_offset_bytes, source_.frame_bytes - probe_offset_bytes,
                source_.stream, sent_++, now_ns);
    append_frame(batch, {frame, source_.frame_bytes});
}

/// Copies each frame out, then checks the copy.
void HostQueue::transmit(const Batch& batch, std::span<const uint8_t> indices,
                         WorkerContext& context) {
    Sink& sink = sink_of(context.worker);
    const uint64_t now_ns = monotonic_ns();
    uint64_t bytes = 0;
    for (const uint8_t index : indices) {
        const Frame& frame = batch.frames[index];
        if (sink.at + frame.len_bytes > sink_memory_bytes) sink.at = 0;
        uint8_t* copy = sink.memory.get() + sink.at;
        std::memcpy(copy, batch.stages[index].bytes, frame.stage_len);
        uint8_t* to = copy + frame.stage_len;
        for (const Segment& segment : batch.segments_of(frame)) {
            std::memcpy(to, segment.data, segment.len_bytes);
            to += segment.len_bytes;
        }
        sink.probes.check(copy, frame.len_bytes, now_ns);
        sink.at += (size_t{frame.len_bytes} + 63) / 64 * 64;
        bytes += frame.len_bytes;
    }
    CounterBlock& counters = port_.counters(context.worker);
    counters.add(PortCounter::rx_frames, indices.size());
    counters.add(PortCounter::rx_bytes, bytes);
    counters.add(PortCounter::rx_batches, 1);
}

HostQueue::Sink& HostQueue::sink_of(unsigned worker) { return *sinks_[worker]; }

/// Sets the timer for the next paced frame. True when it is due already.
bool HostQueue::arm() {
    if (!running_) return false;
    const uint64_t now_ns = monotonic_ns();
    if (due(now_ns) > 0) return true;
    if (source_.count != 0 && sent_ >= source_.count) return false;
    const uint64_t next_ns = started_ns_ + sent_ / source_.rate_pps * ns_per_s +
                             sent_ % source_.rate_pps * ns_per_s / source_.rate_pps + 1;
    itimerspec when{};
    when.it_value.tv_sec = static_cast<time_t>(next_ns / ns_per_s);
    when.it_value.tv_nsec = static_cast<long>(next_ns % ns_per_s);
    timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &when, nullptr);
    return false;
}

void HostQueue::acknowledge(WorkerContext&) {
    uint64_t expirations = 0;
    [[maybe_unused]] const ssize_t taken = read(timer_.get(), &expirations, sizeof expirations);
}

std::vector<StreamReport> HostQueue::reports(const Parked&) {
    std::vector<StreamReport> merged;
    for (const auto& sink : sinks_) {
        for (const StreamReport& report : sink->probes.reports()) {
            if (!report.used) continue;
            const auto same = std::find_if(merged.begin(), merged.end(), [&](const auto& other) {
                return other.stream == report.stream;
            });
            if (same == merged.end()) {
                merged.push_back(report);
                continue;
            }
            same->frames += report.frames;
            same->bytes += report.bytes;
            same->first_sequence = std::min(same->first_sequence, report.first_sequence);
            same->next_sequence = std::max(same->next_sequence, report.next_sequence);
            same->reordered += report.reordered;
            same->corrupt += report.corrupt;
            // What one worker missed another may have brought.
            const uint64_t span = same->next_sequence - same->first_sequence;
            same->gaps = span > same->frames ? span - same->frames : 0;
            same->latency_ns.merge(report.latency_ns);
        }
    }
    return merged;
}

void HostQueue::clear_reports(const Parked&) {
    for (auto& sink : sinks_) sink->probes.clear();
}

}  // namespace valenic
