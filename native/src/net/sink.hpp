// What one receiver saw of numbered streams: every probe checked, by sequence number and checksum.
#pragma once
#include <array>
#include <cstdint>

#include "net/latency.hpp"
#include "net/probe.hpp"

namespace valenic {

struct StreamReport {
    uint32_t stream = 0;
    bool used = false;
    uint64_t frames = 0;  ///< Good probes.
    uint64_t bytes = 0;   ///< Of whole frames.
    uint64_t first_sequence = 0;
    uint64_t next_sequence = 0;  ///< One more than the highest seen.
    uint64_t gaps = 0;           ///< Numbers that were skipped, less those that came late.
    uint64_t reordered = 0;      ///< Came after a higher number (or twice).
    uint64_t corrupt = 0;
    LatencyHistogram latency_ns;

    void see(uint64_t sequence, uint32_t frame_bytes) noexcept {
        if (frames == 0) first_sequence = next_sequence = sequence;
        ++frames;
        bytes += frame_bytes;
        if (sequence >= next_sequence) {
            gaps += sequence - next_sequence;
            next_sequence = sequence + 1;
        } else {
            ++reordered;
            if (gaps > 0) --gaps;
        }
    }
};

/// Up to `streams_max` streams; one writer.
class ProbeSink {
 public:
    static constexpr size_t streams_max = 32;

    /// Checks one whole frame at `frame`; `now_ns` 0: without measuring its delay. Frames that
    /// are not probes, or of too many streams, are not counted.
    ProbeCheck check(const uint8_t* frame, uint32_t frame_bytes, uint64_t now_ns) noexcept {
        if (frame_bytes < probe_offset_bytes) return ProbeCheck::not_probe;
        ProbeHeader header;
        const ProbeCheck result =
            read_probe(frame + probe_offset_bytes, frame_bytes - probe_offset_bytes, header);
        if (result == ProbeCheck::not_probe) return result;
        StreamReport* report = report_for(header.stream);
        if (report == nullptr) return ProbeCheck::not_probe;
        if (result == ProbeCheck::corrupt) {
            ++report->corrupt;
            return result;
        }
        report->see(header.sequence, frame_bytes);
        if (now_ns != 0 && now_ns > header.time_ns) report->latency_ns.add(now_ns - header.time_ns);
        return result;
    }
    std::array<StreamReport, streams_max>& reports() noexcept { return reports_; }
    void clear() noexcept {
        for (StreamReport& report : reports_) report = StreamReport{};
    }
    /// The books of the stream that was seen last; nullptr when none was.
    StreamReport* latest() noexcept { return reports_[last_].used ? &reports_[last_] : nullptr; }
    /// The books of a stream; nullptr when there are too many streams.
    StreamReport* report_for(uint32_t stream) noexcept {
        if (reports_[last_].used && reports_[last_].stream == stream) return &reports_[last_];
        for (size_t i = 0; i < reports_.size(); ++i) {
            StreamReport& report = reports_[i];
            if (!report.used) {
                report.used = true;
                report.stream = stream;
            }
            if (report.stream != stream) continue;
            last_ = i;
            return &report;
        }
        return nullptr;
    }

 private:
    size_t last_ = 0;
    std::array<StreamReport, streams_max> reports_;
};

}  // namespace valenic
