// valenic-synthetic: guests without VMs, to load and measure a vhost-user backend.
#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <cinttypes>
#include <csignal>
#include <cstdio>
#include <string>

#include "base/clock.hpp"
#include "replay_kinds.hpp"
#include "traffic.hpp"

using namespace valenic;
using namespace valenic::synthetic;

using Guests = std::vector<std::unique_ptr<Guest>>;
using Replays = std::vector<std::unique_ptr<Replay>>;

namespace {

constexpr double ns_per_s = 1e9;
/// After this long without a frame, and with every sent one taken, what has not arrived was
/// dropped.
constexpr uint64_t drain_quiet_ns = 300'000'000;
/// For a backend that takes no more: one whose CPU others use needs seconds for a full ring.
constexpr uint64_t drain_at_most_ns = 15'000'000'000;
constexpr uint64_t introduce_at_most_ns = 2'000'000'000;

/// Whoever ends us wants the sums: the run is finished, what is under way comes in.
volatile std::sig_atomic_t asked_to_stop = 0;

/// So that addresses are learned before the first measured frame: each guest says one, and waits
/// until its buffer came back.
void introduce(Guests& guests) {
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

/// CPU time of a thread that never sleeps, less a constant: the time that has passed, without what
/// it waited for a CPU, once it has one again. What the kernel itself says that it used is as old
/// as its last tick.
int64_t cpu_ns_of(int thread) {
    const std::string path = "/proc/" + std::to_string(thread) + "/schedstat";
    std::FILE* file = std::fopen(path.c_str(), "r");
    if (file == nullptr) return 0;
    uint64_t used_ns = 0;
    uint64_t waited_ns = 0;
    const int found = std::fscanf(file, "%" SCNu64 " %" SCNu64, &used_ns, &waited_ns);
    std::fclose(file);
    return found == 2 ? static_cast<int64_t>(monotonic_ns() - waited_ns) : 0;
}

/// What replayed guests and the watched thread have done, at one moment.
struct Mark {
    std::vector<ReplayCount> counts;
    int64_t worker_ns = 0;
};

Mark mark_of(const Options& options, const Replays& replays) {
    Mark mark;
    if (options.cpu_of != 0) mark.worker_ns = cpu_ns_of(options.cpu_of);
    for (const auto& replay : replays) mark.counts.push_back(replay->count());
    return mark;
}

/// A part of a run's object.
void print_marks(const Options& options, const Replays& replays, const Mark& before,
                 const Mark& after) {
    if (options.cpu_of != 0)
        std::printf("\"workerNs\":%" PRId64 ",", after.worker_ns - before.worker_ns);
    if (replays.empty()) return;
    std::printf("\"replays\":[");
    for (size_t i = 0; i < replays.size(); ++i) {
        const std::string_view kind = replays[i]->spec().kind->name;
        const ReplayCount &was = before.counts[i], &is = after.counts[i];
        std::printf("%s{\"kind\":\"%.*s\",\"sent\":%" PRIu64 ",\"received\":%" PRIu64
                    ",\"honest\":%" PRIu64 "}",
                    i == 0 ? "" : ",", static_cast<int>(kind.size()), kind.data(),
                    is.sent - was.sent, is.received - was.received, is.honest - was.honest);
    }
    std::printf("],");
}

void print_run(unsigned run, const Totals& before, const Totals& after, uint64_t elapsed_ns,
               const LatencyHistogram& latency) {
    const uint64_t idle = after.idle_rounds - before.idle_rounds;
    const uint64_t busy = after.rounds - before.rounds - idle;
    std::printf(
        "\"run\":%u,\"seconds\":%.6f,\"sent\":%" PRIu64 ",\"received\":%" PRIu64
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

/// Sent frames that the backend has not taken yet: neither delivered nor dropped.
bool any_under_way(const Guests& guests) {
    return std::any_of(guests.begin(), guests.end(), [](const auto& guest) {
        if (guest->backend_gone()) return false;
        guest->net().reclaim();
        return guest->net().tx_in_flight() > 0;
    });
}

void drain(const Guests& guests, Traffic& traffic) {
    const uint64_t give_up_ns = monotonic_ns() + drain_at_most_ns;
    uint64_t seen = traffic.totals().received;
    uint64_t quiet_since_ns = monotonic_ns();
    while (monotonic_ns() < give_up_ns && monotonic_ns() - quiet_since_ns < drain_quiet_ns) {
        traffic.run(monotonic_ns() + 10'000'000, true);
        const uint64_t now = traffic.totals().received;
        if (now != seen || any_under_way(guests)) quiet_since_ns = monotonic_ns();
        seen = now;
    }
    if (any_under_way(guests))
        std::fputs("the backend did not take all frames within 15 s\n", stderr);
}

void print_total(Traffic& traffic) {
    const Totals totals = traffic.totals();
    const auto sums = traffic.stream_sums();
    std::printf("{\"total\":true,\"sent\":%" PRIu64 ",\"received\":%" PRIu64 ",\"kicks\":%" PRIu64
                ",\"calls\":%" PRIu64 ",\"gaps\":%" PRIu64 ",\"reordered\":%" PRIu64
                ",\"corrupt\":%" PRIu64 ",\"foreign\":%" PRIu64 ",\"flows\":[",
                totals.sent, totals.received, totals.kicks, totals.calls, sums.gaps, sums.reordered,
                sums.corrupt, totals.foreign);
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

/// Without the right to it nothing changes.
void go_first() {
    sched_param param{};
    param.sched_priority = 1;
    sched_setscheduler(0, SCHED_FIFO, &param);
}

bool any_gone(const Guests& guests, const Replays& replays) {
    for (const auto& guest : guests)
        if (guest->backend_gone()) return true;
    for (const auto& replay : replays)
        if (replay->backend_gone()) return true;
    return false;
}

void measure(const Options& options, Traffic& traffic, const Replays& replays) {
    traffic.run(monotonic_ns() + static_cast<uint64_t>(options.warmup_s * ns_per_s), false);
    traffic.take_latency();
    for (unsigned run = 1; run <= options.runs && !asked_to_stop; ++run) {
        std::printf("{\"begun\":%u}\n", run);
        std::fflush(stdout);
        const Totals before = traffic.totals();
        const Mark mark = mark_of(options, replays);
        const uint64_t start_ns = monotonic_ns();
        traffic.run(start_ns + static_cast<uint64_t>(options.seconds * ns_per_s), false);
        const uint64_t elapsed_ns = monotonic_ns() - start_ns;
        std::printf("{");
        print_marks(options, replays, mark, mark_of(options, replays));
        print_run(run, before, traffic.totals(), elapsed_ns, traffic.take_latency());
    }
}

int refuse(const std::string& path, const std::string& why) {
    std::fprintf(stderr, "valenic-synthetic: %s: %s\n", path.c_str(), why.c_str());
    return 1;
}

/// @returns the exit status.
int play(const Options& options, Guests& guests, Replays& replays) {
    introduce(guests);
    std::string error;
    for (const auto& replay : replays)
        if (!replay->begin(error)) return refuse(replay->spec().path, error);
    const uint64_t features = guests.empty() ? 0 : guests.front()->features();
    std::printf("{\"ready\":true,\"features\":\"0x%" PRIx64 "\"}\n", features);
    std::fflush(stdout);
    Traffic traffic(options, guests, replays);
    measure(options, traffic, replays);
    // Guests may receive what others send; replayed ones are never done.
    if (!guests.empty()) drain(guests, traffic);
    print_total(traffic);
    if (!any_gone(guests, replays)) return 0;
    std::fprintf(stderr, "valenic-synthetic: the backend closed a connection\n");
    return 1;
}

}  // namespace

int main(int argc, char** argv) {
    const Options options = parse_options(argc, argv);
    std::signal(SIGTERM, [](int) { asked_to_stop = 1; });
    bind_to(options.cpu);
    if (options.first) go_first();
    std::string error;
    Guests guests;
    for (const std::string& path : options.ports) {
        guests.push_back(Guest::start(options, path, error));
        if (guests.back() != nullptr) continue;
        std::fprintf(stderr, "valenic-synthetic: %s\n", error.c_str());
        return 1;
    }
    Replays replays;
    for (const ReplaySpec& spec : options.replays) {
        const auto index = static_cast<unsigned>(guests.size() + replays.size());
        replays.push_back(Replay::start(options, spec, index, error));
        if (replays.back() == nullptr) return refuse(spec.path, error);
    }
    return play(options, guests, replays);
}
