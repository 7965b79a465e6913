#include "traffic.hpp"

#include <poll.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/atomic.hpp"
#include "base/clock.hpp"
#include "base/machine.hpp"
#include "replay_kinds.hpp"

namespace valenic::synthetic {

namespace {

constexpr size_t receive_burst = driver::receive_burst_max;
constexpr uint64_t ns_per_s = 1'000'000'000;
/// Rounds between looks at the clock if nothing else needs the time.
constexpr unsigned rounds_per_look = 16;
/// Rounds between fences for the question whether the backend wants a kick.
constexpr unsigned rounds_per_fence = 8;
/// A frame of a window that did not come back by then was dropped.
constexpr uint64_t lost_after_ns = 10'000'000;

/// Of a MAC's first byte: many stations are meant.
constexpr uint8_t group_bit = 1;

/// Where the parts of a probe's header lie in a frame.
template <typename Field>
Field field_of(const uint8_t* probe, size_t offset) noexcept {
    Field value;
    std::memcpy(&value, probe + offset, sizeof value);
    return value;
}
/// Magic and stream, as one word.
uint64_t opening_of(uint32_t stream) noexcept { return uint64_t{stream} << 32 | probe_magic; }
static_assert(offsetof(ProbeHeader, magic) == 0 && offsetof(ProbeHeader, stream) == 4);
constexpr uint32_t probe_frame_bytes_min = probe_offset_bytes + sizeof(ProbeHeader);

/// Stands for the checksum where only the header is written: it ties the number to the stream.
uint32_t light_check(uint32_t stream, uint64_t sequence) noexcept {
    return ~static_cast<uint32_t>(sequence) ^ stream;
}

}  // namespace

uint64_t mac_of(unsigned index) noexcept {
    return 0x0000'0000'5452u | uint64_t{1} << 32 | uint64_t{index + 1} << 40;
}

Traffic::Traffic(const Options& options, std::vector<std::unique_ptr<Guest>>& guests,
                 std::vector<std::unique_ptr<Replay>>& replays)
    : options_(options), guests_(guests), started_ns_(monotonic_ns()), whole_(options.verify) {
    for (const FlowSpec& spec : options.flows) {
        const auto stream = static_cast<uint32_t>(flows_.size() + 1);
        // The buffers of a guest with two flows serve both: nothing in them stays the same.
        for (const Flow& other : flows_) whole_ |= other.from == spec.from;
        flows_.push_back({spec.from, stream, spec.to ? mac_of(*spec.to) : spec.to_mac});
    }
    for (const auto& replay : replays)
        (replay->spec().kind->honest() ? honest_replays_ : other_replays_).push_back(replay.get());
    echoes_.resize(guests.size());
    if (options.echo)
        for (const FlowSpec& spec : options.flows) echoes_[*spec.to] = true;
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

uint64_t Traffic::due(Flow& flow, uint64_t now_ns) noexcept {
    uint64_t target = UINT64_MAX;
    if (options_.rate_pps != 0) {
        const uint64_t elapsed = now_ns - started_ns_;
        target = elapsed / ns_per_s * options_.rate_pps +
                 elapsed % ns_per_s * options_.rate_pps / ns_per_s;
    }
    if (options_.count != 0) target = std::min(target, options_.count);
    const uint64_t wanted = target > flow.sent ? target - flow.sent : 0;
    return options_.window == 0 ? wanted : std::min(wanted, window_room(flow, now_ns));
}

/// How many frames more may be on their way.
uint64_t Traffic::window_room(Flow& flow, uint64_t now_ns) noexcept {
    const StreamReport* report = sinks_[flow.from]->report_for(flow.stream);
    const uint64_t came_back = report == nullptr ? 0 : report->frames;
    if (came_back != flow.came_back || flow.progress_ns == 0) {
        flow.came_back = came_back;
        flow.progress_ns = now_ns;
    }
    if (now_ns - flow.progress_ns > lost_after_ns) {
        flow.given_up = flow.sent - std::min(flow.sent, came_back);
        flow.progress_ns = now_ns;
    }
    const uint64_t settled = came_back + flow.given_up;
    const uint64_t on_their_way = flow.sent - std::min(flow.sent, settled);
    return options_.window - std::min<uint64_t>(options_.window, on_their_way);
}

bool Traffic::send(Flow& flow, uint64_t now_ns) {
    Guest& guest = *guests_[flow.from];
    driver::NetDriver& net = guest.net();
    const auto wanted = static_cast<size_t>(std::min<uint64_t>(due(flow, now_ns), options_.burst));
    if (wanted == 0) return false;
    const size_t sent =
        whole_ ? net.send(wanted, options_.frame_bytes,
                          [&](uint8_t* frame) { write_frame(flow, frame, flow.sent++, now_ns); })
               : send_light(flow, wanted, now_ns);
    if (sent == 0) return false;
    totals_.sent += sent;
    guest.kick_if_wanted(true);
    return true;
}

/// What changes from frame to frame, in lines that were asked for before; all in registers.
size_t Traffic::send_light(Flow& flow, size_t wanted, uint64_t now_ns) {
    const uint32_t stream = flow.stream;
    const uint32_t frame_bytes = options_.frame_bytes;
    const bool stamp = options_.latency;
    const bool touch = options_.touch;
    uint64_t sequence = flow.sent;
    const size_t sent = guests_[flow.from]->net().send(wanted, frame_bytes, [&](uint8_t* frame) {
        uint8_t* probe = frame + probe_offset_bytes;
        const uint32_t check = light_check(stream, sequence);
        std::memcpy(probe + offsetof(ProbeHeader, sequence), &sequence, sizeof sequence);
        std::memcpy(probe + offsetof(ProbeHeader, check), &check, sizeof check);
        if (stamp) std::memcpy(probe + offsetof(ProbeHeader, time_ns), &now_ns, sizeof now_ns);
        if (touch)
            for (uint32_t at = line_bytes; at < frame_bytes; at += line_bytes)
                frame[at] = static_cast<uint8_t>(sequence);
        ++sequence;
    });
    flow.sent = sequence;
    return sent;
}

/// A good frame, beyond its number.
void Traffic::count(const driver::Received& frame, const uint8_t* probe, uint64_t now_ns) noexcept {
    if (options_.latency) {
        const auto sent_ns = field_of<uint64_t>(probe, offsetof(ProbeHeader, time_ns));
        if (now_ns > sent_ns) latency_ns_.add(now_ns - sent_ns);
    }
    if (!options_.touch || whole_) return;
    uint8_t sum = 0;
    for (uint32_t at = line_bytes; at < frame.bytes; at += line_bytes)
        sum ^= load_once(frame.data[at]);
    asm volatile("" ::"r"(sum));  // Read, although nothing is done with it.
}

/// Any frame: one that is not a valid probe of ours is not counted.
void Traffic::see_one(ProbeSink& sink, const driver::Received& frame, uint64_t now_ns) noexcept {
    const uint8_t* probe = frame.data + probe_offset_bytes;
    if (whole_) {
        if (sink.check(frame.data, frame.bytes, 0) != ProbeCheck::good) {
            if (frame.bytes > 0 && (frame.data[0] & group_bit) == 0) ++totals_.foreign;
            return;
        }
    } else {
        if (frame.bytes < probe_frame_bytes_min) return;
        ProbeHeader header;
        std::memcpy(&header, probe, sizeof header);
        if (header.magic != probe_magic) return;
        StreamReport* report = sink.report_for(header.stream);
        if (report == nullptr) return;
        if (header.check != light_check(header.stream, header.sequence)) {
            ++report->corrupt;
            return;
        }
        report->see(header.sequence, frame.bytes);
    }
    ++totals_.received;
    totals_.bytes += frame.bytes;
    count(frame, probe, now_ns);
}

/// Frames that follow the stream's last one without a gap, their sums in registers. Returns how
/// many there were.
size_t Traffic::see_run(ProbeSink& sink, std::span<const driver::Received> frames,
                        uint64_t now_ns) noexcept {
    StreamReport* report = sink.latest();
    if (report == nullptr || report->frames == 0) return 0;
    const uint32_t stream = report->stream;
    const uint64_t first = report->next_sequence;
    uint64_t bytes = 0;
    size_t good = 0;
    for (; good < frames.size() && frames[good].bytes >= probe_frame_bytes_min; ++good) {
        const uint8_t* probe = frames[good].data + probe_offset_bytes;
        const uint64_t sequence = first + good;
        if (field_of<uint64_t>(probe, 0) != opening_of(stream) ||
            field_of<uint64_t>(probe, offsetof(ProbeHeader, sequence)) != sequence ||
            field_of<uint32_t>(probe, offsetof(ProbeHeader, check)) !=
                light_check(stream, sequence))
            break;
        bytes += frames[good].bytes;
    }
    report->frames += good;
    report->bytes += bytes;
    report->next_sequence = first + good;
    totals_.received += good;
    totals_.bytes += bytes;
    if (options_.latency || options_.touch)
        for (const driver::Received& frame : frames.first(good))
            count(frame, frame.data + probe_offset_bytes, now_ns);
    return good;
}

void Traffic::see(ProbeSink& sink, std::span<const driver::Received> frames,
                  uint64_t now_ns) noexcept {
    while (!frames.empty()) {
        const size_t run = whole_ ? 0 : see_run(sink, frames, now_ns);
        frames = frames.subspan(run);
        if (frames.empty()) return;
        see_one(sink, frames.front(), now_ns);
        frames = frames.subspan(1);
    }
}

bool Traffic::receive(size_t index, uint64_t now_ns) {
    if (echoes_[index]) return send_back(index);
    ProbeSink& sink = *sinks_[index];
    return guests_[index]->net().receive_bursts(
               receive_burst, [&](std::span<const driver::Received> frames) {
                   see(sink, frames, options_.latency ? monotonic_ns() : now_ns);
               }) != 0;
}

/// Sends received frames back to their source. It takes no more than it has buffers to send.
bool Traffic::send_back(size_t index) {
    Guest& guest = *guests_[index];
    driver::NetDriver& net = guest.net();
    net.reclaim(receive_burst);
    const size_t taken = net.receive_bursts(
        std::min(receive_burst, net.tx_room()), [&](std::span<const driver::Received> frames) {
            std::array<const uint8_t*, receive_burst> ours;
            size_t count = 0;
            for (const driver::Received& frame : frames)
                if (frame.bytes == options_.frame_bytes &&
                    field_of<uint32_t>(frame.data, probe_offset_bytes) == probe_magic)
                    ours[count++] = frame.data;
            size_t next = 0;
            net.send(count, options_.frame_bytes, [&](uint8_t* frame) {
                const uint8_t* from = ours[next++];
                std::memcpy(frame, from + 6, 6);
                std::memcpy(frame + 6, from, 6);
                std::memcpy(frame + 12, from + 12, options_.frame_bytes - 12);
            });
        });
    if (taken > 0) guest.kick_if_wanted(true);
    return taken > 0;
}

/// Asks with a fence whether the backend wants kicks for what was sent lately.
void Traffic::kick_owed() noexcept {
    for (const auto& guest : guests_) guest->kick_if_wanted();
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

/// The honest ones before each of the others: their rings are never empty for as long as all the
/// others take.
void Traffic::replay_all() noexcept {
    for (Replay* replay : honest_replays_) replay->turn();
    for (Replay* other : other_replays_) {
        other->turn();
        for (Replay* replay : honest_replays_) replay->turn();
    }
}

/// Each step asks for the lines that a later one needs: buffers to write and frames to read are on
/// their way while something else is done.
bool Traffic::round(uint64_t now_ns, bool drain) {
    bool work = false;
    replay_all();
    for (const Flow& flow : flows_) {
        driver::NetDriver& net = guests_[flow.from]->net();
        if (net.tx_room() < 2 * size_t{options_.burst}) net.reclaim(options_.burst);
    }
    for (size_t i = 0; i < guests_.size(); ++i) work |= receive(i, now_ns);
    for (const auto& guest : guests_) guest->net().look_ahead(receive_burst);
    if (!drain)
        for (Flow& flow : flows_) work |= send(flow, now_ns);
    return work;
}

void Traffic::run(uint64_t until_ns, bool drain) {
    const bool timed = options_.rate_pps != 0 || options_.latency || options_.sleeps;
    uint64_t now_ns = monotonic_ns();
    uint64_t began = ticks();
    for (unsigned count = 1; now_ns < until_ns; ++count) {
        const bool work = round(now_ns, drain);
        if (!work || count % rounds_per_fence == 0) kick_owed();
        ++totals_.rounds;
        if (!work) {
            ++totals_.idle_rounds;
            if (!drain && finished()) return;
            if (options_.sleeps) {
                sleep(until_ns);
            } else {
                cpu_relax();
            }
        }
        if (timed || count % rounds_per_look == 0) now_ns = monotonic_ns();
        const uint64_t ended = ticks();
        (work ? totals_.busy_ticks : totals_.idle_ticks) += ended - began;
        began = ended;
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
