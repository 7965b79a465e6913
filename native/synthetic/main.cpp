// valenic-synthetic: guests without VMs, to load and measure a vhost-user backend.
#include <pthread.h>
#include <sched.h>

#include <cinttypes>
#include <cstdio>

#include "base/clock.hpp"
#include "traffic.hpp"

using namespace valenic;
using namespace valenic::synthetic;

namespace {

constexpr double ns_per_s = 1e9;
/// Quiet for so long: what has not come by now was dropped.
constexpr uint64_t drain_quiet_ns = 300'000'000;
constexpr uint64_t drain_at_most_ns = 5'000'000'000;
constexpr uint64_t introduce_at_most_ns = 2'000'000'000;

/// So that addresses are learned before the first measured frame: each guest says one, and waits
/// until its buffer came back.
void introduce(std::vector<std::unique_ptr<Guest>>& guests) {
    for (size_t i = 0; i < guests.size(); ++i) {
        driver::NetDriver& net = guests[i]->net();
        net.send(1, 60, [&](uint8_t* frame) {
            const uint64_t from = mac_of(static_cast<unsigned>(i));
            std::memset(frame, 0, 60);
            std::memset(frame, 0xff, 6);
            std::memcpy(frame + 6, &from, 6);
        });
        guests[i]->kick_if_wanted();
        const uint64_t give_up_ns = monotonic_ns() + introduce_at_most_ns;
        while (net.reclaim() == 0 && monotonic_ns() < give_up_ns) sched_yield();
    }
    for (const auto& guest : guests)
        while (guest->net().receive(1, [](const uint8_t*, uint32_t) {}) > 0) {
        }
}

double share_of(uint64_t part, uint64_t rest) {
    const auto whole = static_cast<double>(part + rest);
    return whole == 0 ? 0.0 : static_cast<double>(part) / whole;
}

void print_run(unsigned run, const Totals& before, const Totals& after, uint64_t elapsed_ns,
               const LatencyHistogram& latency) {
    const uint64_t idle = after.idle_rounds - before.idle_rounds;
    const uint64_t busy = after.rounds - before.rounds - idle;
    std::printf(
        "{\"run\":%u,\"seconds\":%.6f,\"sent\":%" PRIu64 ",\"received\":%" PRIu64
        ",\"bytes\":%" PRIu64 ",\"kicks\":%" PRIu64 ",\"calls\":%" PRIu64
        ",\"idleShare\":%.3f,\"busyShare\":%.3f,\"latencyNs\":{\"p50\":%" PRIu64 ",\"p99\":%" PRIu64
        ",\"p999\":%" PRIu64 "}}\n",
        run, static_cast<double>(elapsed_ns) / ns_per_s, after.sent - before.sent,
        after.received - before.received, after.bytes - before.bytes, after.kicks - before.kicks,
        after.calls - before.calls, share_of(idle, busy),
        share_of(after.busy_ticks - before.busy_ticks, after.idle_ticks - before.idle_ticks),
        latency.percentile(.5), latency.percentile(.99), latency.percentile(.999));
    std::fflush(stdout);
}

void drain(Traffic& traffic) {
    const uint64_t give_up_ns = monotonic_ns() + drain_at_most_ns;
    uint64_t seen = traffic.totals().received;
    uint64_t quiet_since_ns = monotonic_ns();
    while (monotonic_ns() < give_up_ns && monotonic_ns() - quiet_since_ns < drain_quiet_ns) {
        traffic.run(monotonic_ns() + 10'000'000, true);
        const uint64_t now = traffic.totals().received;
        if (now != seen) quiet_since_ns = monotonic_ns();
        seen = now;
    }
}

void print_total(Traffic& traffic) {
    const Totals totals = traffic.totals();
    const auto sums = traffic.stream_sums();
    std::printf("{\"total\":true,\"sent\":%" PRIu64 ",\"received\":%" PRIu64 ",\"kicks\":%" PRIu64
                ",\"calls\":%" PRIu64 ",\"gaps\":%" PRIu64 ",\"reordered\":%" PRIu64
                ",\"corrupt\":%" PRIu64 ",\"flows\":[",
                totals.sent, totals.received, totals.kicks, totals.calls, sums.gaps, sums.reordered,
                sums.corrupt);
    const char* separator = "";
    for (const auto& flow : traffic.flow_sums()) {
        std::printf("%s{\"stream\":%u,\"sent\":%" PRIu64 ",\"received\":%" PRIu64 "}", separator,
                    flow.stream, flow.sent, flow.received);
        separator = ",";
    }
    std::printf("]}\n");
    std::fflush(stdout);
}

void bind_to(int cpu) {
    if (cpu < 0) return;
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(static_cast<unsigned>(cpu), &set);
    if (sched_setaffinity(0, sizeof set, &set) != 0)
        std::fprintf(stderr, "valenic-synthetic: cannot run on CPU %d\n", cpu);
}

bool any_gone(const std::vector<std::unique_ptr<Guest>>& guests) {
    for (const auto& guest : guests)
        if (guest->backend_gone()) return true;
    return false;
}

void measure(const Options& options, Traffic& traffic) {
    traffic.run(monotonic_ns() + static_cast<uint64_t>(options.warmup_s * ns_per_s), false);
    traffic.take_latency();
    for (unsigned run = 1; run <= options.runs; ++run) {
        const Totals before = traffic.totals();
        const uint64_t start_ns = monotonic_ns();
        traffic.run(start_ns + static_cast<uint64_t>(options.seconds * ns_per_s), false);
        const uint64_t elapsed_ns = monotonic_ns() - start_ns;
        print_run(run, before, traffic.totals(), elapsed_ns, traffic.take_latency());
    }
}

}  // namespace

int main(int argc, char** argv) {
    const Options options = parse_options(argc, argv);
    bind_to(options.cpu);
    std::vector<std::unique_ptr<Guest>> guests;
    for (const std::string& path : options.ports) {
        std::string error;
        auto guest = Guest::start(options, path, error);
        if (!guest) {
            std::fprintf(stderr, "valenic-synthetic: %s\n", error.c_str());
            return 1;
        }
        guests.push_back(std::move(guest));
    }
    introduce(guests);
    std::printf("{\"ready\":true,\"features\":\"0x%" PRIx64 "\"}\n", guests.front()->features());
    std::fflush(stdout);
    Traffic traffic(options, guests);
    measure(options, traffic);
    drain(traffic);
    print_total(traffic);
    if (!any_gone(guests)) return 0;
    std::fprintf(stderr, "valenic-synthetic: the backend closed a connection\n");
    return 1;
}
