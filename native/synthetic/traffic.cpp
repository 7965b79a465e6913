#include "traffic.hpp"

#include <poll.h>

#include <algorithm>
#include <cstring>

#include "base/atomic.hpp"
#include "base/clock.hpp"

namespace valenic::synthetic {

namespace {

constexpr size_t receive_burst = 64;
constexpr uint64_t ns_per_s = 1'000'000'000;

/// Stands for the checksum where only the header is written: it ties the number to the stream.
uint32_t light_check(uint32_t stream, uint64_t sequence) noexcept {
    return ~static_cast<uint32_t>(sequence) ^ stream;
}

}  // namespace

uint64_t mac_of(unsigned index) noexcept {
    return 0x0000'0000'5452u | uint64_t{1} << 32 | uint64_t{index + 1} << 40;
}

Traffic::Traffic(const Options& options, std::vector<std::unique_ptr<Guest>>& guests)
    : options_(options), guests_(guests), started_ns_(monotonic_ns()), whole_(options.verify) {
    for (const FlowSpec& spec : options.flows) {
        const auto stream = static_cast<uint32_t>(flows_.size() + 1);
        // The buffers of a guest with two flows serve both: nothing in them stays the same.
        for (const Flow& other : flows_) whole_ |= other.from == spec.from;
        flows_.push_back({spec.from, stream, spec.to ? mac_of(*spec.to) : spec.to_mac});
    }
    for (size_t i = 0; i < guests.size(); ++i) sinks_.push_back(std::make_unique<ProbeSink>());
    for (const Flow& flow : flows_)
        guests_[flow.from]->net().prepare_frames(
            [&](uint8_t* frame) { write_frame(flow, frame, 0, 0); });
}

/// Everything of a frame; in light mode only once for each buffer.
void Traffic::write_frame(const Flow& flow, uint8_t* frame, uint64_t sequence,
                          uint64_t now_ns) noexcept {
    const uint64_t from = mac_of(flow.from);
    std::memcpy(frame, &flow.to_mac, 6);
    std::memcpy(frame + 6, &from, 6);
    frame[12] = probe_ethertype >> 8;
    frame[13] = probe_ethertype & 0xff;
    write_probe(frame + probe_offset_bytes, options_.frame_bytes - probe_offset_bytes, flow.stream,
                sequence, now_ns);
}

uint64_t Traffic::due(const Flow& flow, uint64_t now_ns) const noexcept {
    uint64_t target = UINT64_MAX;
    if (options_.rate_pps != 0) {
        const uint64_t elapsed = now_ns - started_ns_;
        target = elapsed / ns_per_s * options_.rate_pps +
                 elapsed % ns_per_s * options_.rate_pps / ns_per_s;
    }
    if (options_.count != 0) target = std::min(target, options_.count);
    return target > flow.sent ? target - flow.sent : 0;
}

bool Traffic::send(Flow& flow, uint64_t now_ns) {
    Guest& guest = *guests_[flow.from];
    driver::NetDriver& net = guest.net();
    net.reclaim();
    const uint64_t wanted = std::min<uint64_t>(due(flow, now_ns), options_.burst);
    if (wanted == 0) return false;
    const size_t sent = net.send(wanted, options_.frame_bytes, [&](uint8_t* frame) {
        const uint64_t sequence = flow.sent++;
        if (whole_) return write_frame(flow, frame, sequence, now_ns);
        uint8_t* probe = frame + probe_offset_bytes;
        const uint32_t check = light_check(flow.stream, sequence);
        std::memcpy(probe + offsetof(ProbeHeader, sequence), &sequence, sizeof sequence);
        std::memcpy(probe + offsetof(ProbeHeader, check), &check, sizeof check);
        if (options_.latency)
            std::memcpy(probe + offsetof(ProbeHeader, time_ns), &now_ns, sizeof now_ns);
        if (options_.touch)
            for (uint32_t at = 64; at < options_.frame_bytes; at += 64)
                frame[at] = static_cast<uint8_t>(sequence);
    });
    if (sent == 0) return false;
    totals_.sent += sent;
    guest.kick_if_wanted();
    return true;
}

/// False for what is no good probe of ours.
bool Traffic::see(ProbeSink& sink, const uint8_t* frame, uint32_t bytes, uint64_t now_ns) noexcept {
    if (whole_) {
        if (sink.check(frame, bytes, 0) != ProbeCheck::good) return false;
        uint64_t sent_ns = 0;
        std::memcpy(&sent_ns, frame + probe_offset_bytes + offsetof(ProbeHeader, time_ns), 8);
        if (options_.latency && now_ns > sent_ns) latency_ns_.add(now_ns - sent_ns);
        return true;
    }
    ProbeHeader header;
    if (bytes < probe_offset_bytes + sizeof header) return false;
    std::memcpy(&header, frame + probe_offset_bytes, sizeof header);
    StreamReport* report = header.magic == probe_magic ? sink.report_for(header.stream) : nullptr;
    if (report == nullptr) return false;
    if (header.check != light_check(header.stream, header.sequence)) {
        ++report->corrupt;
        return false;
    }
    report->see(header.sequence, bytes);
    if (options_.touch) {
        uint8_t sum = 0;
        for (uint32_t at = 64; at < bytes; at += 64) sum ^= load_once(frame[at]);
        asm volatile("" ::"r"(sum));  // Read, although nothing is done with it.
    }
    if (options_.latency && now_ns > header.time_ns) latency_ns_.add(now_ns - header.time_ns);
    return true;
}

bool Traffic::receive(size_t index, uint64_t now_ns) {
    Guest& guest = *guests_[index];
    ProbeSink& sink = *sinks_[index];
    const uint64_t seen_ns = options_.latency ? monotonic_ns() : now_ns;
    uint64_t frames = 0;
    guest.net().receive(receive_burst, [&](const uint8_t* frame, uint32_t bytes) {
        if (!see(sink, frame, bytes, seen_ns)) return;
        totals_.bytes += bytes;
        ++frames;
    });
    totals_.received += frames;
    return frames != 0;
}

/// Nothing to do: until a call or the next paced frame.
void Traffic::sleep(uint64_t until_ns) {
    std::vector<pollfd> waits;
    bool work = false;
    for (const auto& guest : guests_) {
        work |= guest->net().ask_for_rx_call();
        waits.push_back({guest->call_fd(), POLLIN, 0});
    }
    const uint64_t now_ns = monotonic_ns();
    uint64_t wait_ns = until_ns > now_ns ? until_ns - now_ns : 0;
    const bool sends = std::any_of(flows_.begin(), flows_.end(), [&](const Flow& flow) {
        return options_.count == 0 || flow.sent < options_.count;
    });
    if (sends && options_.rate_pps != 0) wait_ns = std::min(wait_ns, ns_per_s / options_.rate_pps);
    if (sends && options_.rate_pps == 0) wait_ns = std::min<uint64_t>(wait_ns, 1'000'000);
    const timespec timeout{static_cast<time_t>(wait_ns / ns_per_s),
                           static_cast<long>(wait_ns % ns_per_s)};
    if (!work) ppoll(waits.data(), waits.size(), &timeout, nullptr);
    for (const auto& guest : guests_) {
        guest->drain_calls();
        guest->net().ask_for_no_rx_call();
    }
}

void Traffic::run(uint64_t until_ns, bool drain) {
    for (uint64_t now_ns = monotonic_ns(); now_ns < until_ns; now_ns = monotonic_ns()) {
        bool work = false;
        if (!drain)
            for (Flow& flow : flows_) work |= send(flow, now_ns);
        for (size_t i = 0; i < guests_.size(); ++i) work |= receive(i, now_ns);
        ++totals_.rounds;
        if (work) continue;
        ++totals_.idle_rounds;
        if (!drain && finished()) return;
        if (options_.sleeps) {
            sleep(until_ns);
        } else {
            cpu_relax();
        }
    }
}

bool Traffic::finished() const noexcept {
    return options_.count != 0 && std::all_of(flows_.begin(), flows_.end(), [&](const Flow& flow) {
               return flow.sent >= options_.count;
           });
}

Totals Traffic::totals() const noexcept {
    Totals sums = totals_;
    for (const auto& guest : guests_) {
        guest->drain_calls();
        sums.kicks += guest->kicks();
        sums.calls += guest->calls();
    }
    return sums;
}

LatencyHistogram Traffic::take_latency() noexcept { return std::exchange(latency_ns_, {}); }

Traffic::StreamSums Traffic::stream_sums() noexcept {
    StreamSums sums;
    for (const auto& sink : sinks_)
        for (const StreamReport& report : sink->reports()) {
            sums.gaps += report.gaps;
            sums.reordered += report.reordered;
            sums.corrupt += report.corrupt;
        }
    return sums;
}

std::vector<Traffic::FlowSum> Traffic::flow_sums() noexcept {
    std::vector<FlowSum> sums;
    for (const Flow& flow : flows_) {
        uint64_t received = 0;
        for (const auto& sink : sinks_)
            for (const StreamReport& report : sink->reports())
                if (report.used && report.stream == flow.stream) received += report.frames;
        sums.push_back({flow.stream, flow.sent, received});
    }
    return sums;
}

}  // namespace valenic::synthetic
