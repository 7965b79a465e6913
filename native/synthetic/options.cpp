#include "options.hpp"

#include <getopt.h>

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "replay_kinds.hpp"

namespace valenic::synthetic {

namespace {

constexpr char usage[] =
    "usage: valenic-synthetic --port SOCKET... --flow FROM>TO... [options]\n"
    "Plays the guests of a vhost-user backend and prints one JSON object for each run.\n"
    "  --port SOCKET        a guest on this socket; its MAC is 52:54:00:00:01:0N\n"
    "  --flow FROM>TO       frames from guest FROM to guest TO, or to a MAC, or to `all`\n"
    "  --frame BYTES        60..9014 (default 60)\n"
    "  --rate PPS           of each flow; 0 = as fast as possible (default)\n"
    "  --count N            frames of each flow, then stop; 0 = run by time (default)\n"
    "  --ring SLOTS         a power of two, 4..32768 (default 256)\n"
    "  --burst FRAMES       published together (default 32)\n"
    "  --mergeable          negotiate mergeable receive buffers\n"
    "  --indirect           send by indirect tables, with a buffer each for header and frame\n"
    "  --hugepages          guest memory of 2 MiB pages; an error if too few are free\n"
    "  --echo               guest TO sends every frame back: latencyNs is the round trip\n"
    "  --window N           with --echo: frames of a flow in flight; 0 = any\n"
    "  --packed             packed rings; the ring size may then be any number\n"
    "  --in-order           negotiate IN_ORDER\n"
    "  --no-event-index     do not negotiate the event index\n"
    "  --verify             fill and check every byte\n"
    "  --touch              write and read every cache line, not only the first\n"
    "  --latency            measure the delay of every frame\n"
    "  --sleep              wait for calls when idle instead of polling\n"
    "  --warmup S --seconds S --runs N --cpu N\n"
    "Guests whose rings are written once and offered again and again, honest ones and hostile "
    "ones:\n"
    "  --replay KIND=SOCKET[>TO]   TO as in --flow; without it, frames go to the guest's own MAC.\n"
    "                       Guests are numbered: first the --port options, then these.\n"
    "  --chain LENGTH       descriptors of a long chain: most = as many as are accepted "
    "(default),\n"
    "                       over = one more, ring = as many as a ring can have\n"
    "  --first              before all other programs of its CPU, where that is allowed\n"
    "  --station N          addresses from this number on: another such program has the others\n"
    "  --cpu-of TID         workerNs of each run: CPU time of this thread, which never sleeps\n"
    "For each run, each reports what the backend took (sent) and filled (received), and how many "
    "of\n"
    "those were honest frames.\n";

[[noreturn]] void refuse(const char* format, ...) {
    va_list arguments;
    va_start(arguments, format);
    std::fprintf(stderr, "valenic-synthetic: ");
    std::vfprintf(stderr, format, arguments);
    std::fprintf(stderr, "\n");
    va_end(arguments);
    std::exit(2);
}

uint64_t number(const char* name, const char* text, uint64_t lowest, uint64_t highest) {
    char* end = nullptr;
    const unsigned long long value = std::strtoull(text, &end, 10);
    if (*text == 0 || *end != 0 || value < lowest || value > highest)
        refuse("--%s %s: give a number from %llu to %llu", name, text,
               static_cast<unsigned long long>(lowest), static_cast<unsigned long long>(highest));
    return value;
}

double seconds_of(const char* name, const char* text) {
    char* end = nullptr;
    const double value = std::strtod(text, &end);
    if (*text == 0 || *end != 0 || !(value >= 0 && value <= 86'400))
        refuse("--%s %s: seconds from 0 to 86400 are wanted", name, text);
    return value;
}

/// FROM>TO, where TO is a number, a MAC or `all`.
std::optional<FlowSpec> flow_in(const char* text) {
    unsigned from = 0;
    unsigned to = 0;
    unsigned mac[6];
    int end = 0;
    if (std::sscanf(text, "%u>%2x:%2x:%2x:%2x:%2x:%2x%n", &from, &mac[0], &mac[1], &mac[2], &mac[3],
                    &mac[4], &mac[5], &end) == 7 &&
        text[end] == 0) {
        uint64_t address = 0;
        for (int i = 5; i >= 0; --i) address = address << 8 | mac[i];
        return FlowSpec{from, std::nullopt, address};
    }
    if (std::sscanf(text, "%u>%u%n", &from, &to, &end) == 2 && text[end] == 0)
        return FlowSpec{from, to};
    if (std::sscanf(text, "%u>all%n", &from, &end) == 1 && end > 0 && text[end] == 0)
        return FlowSpec{from, std::nullopt, 0xffff'ffff'ffff};
    return std::nullopt;
}

FlowSpec flow_of(const char* text) {
    if (const auto flow = flow_in(text)) return *flow;
    refuse("--flow %s: FROM>TO is wanted, e.g. 0>1, 0>all or 0>52:54:00:00:00:02", text);
}

ReplaySpec replay_of(const char* text) {
    const char* path = std::strchr(text, '=');
    const ReplayKind* kind =
        path == nullptr ? nullptr : replay_kind({text, static_cast<size_t>(path - text)});
    if (kind == nullptr) refuse("--replay %s: give KIND=SOCKET; --help lists the kinds", text);
    const char* to = std::strrchr(path, '>');
    if (to == nullptr) return {kind, path + 1};
    const auto flow = flow_in((std::string("0") + to).c_str());
    if (!flow) refuse("--replay %s: TO must be the number of a guest, a MAC, or `all`", text);
    ReplaySpec spec{kind, std::string(path + 1, to), flow->to};
    if (!flow->to) spec.to_mac = flow->to_mac;
    return spec;
}

ChainLength chain_of(std::string_view word) {
    constexpr std::pair<std::string_view, ChainLength> words[] = {
        {"most", ChainLength::most}, {"over", ChainLength::over}, {"ring", ChainLength::ring}};
    for (const auto& [name, length] : words)
        if (name == word) return length;
    refuse("--chain: most, over or ring is wanted");
}

void check_replays(const Options& options) {
    const size_t guests = options.ports.size() + options.replays.size();
    if (guests > 254) refuse("at most 254 guests");
    for (const ReplaySpec& spec : options.replays)
        if (spec.to && *spec.to >= guests) refuse("a --replay names a guest that does not exist");
    if (!options.replays.empty() && options.sleeps)
        refuse("--sleep is not for --replay: its guests never wait");
}

/// A guest sends, or sends back.
void check_echo(const Options& options) {
    for (const FlowSpec& flow : options.flows) {
        if (!flow.to) refuse("--echo: each --flow must name the guest that sends back");
        for (const FlowSpec& other : options.flows)
            if (*flow.to == other.from) refuse("--echo: guest %u cannot also send", *flow.to);
    }
}

void check(const Options& options) {
    if (options.ports.empty() && options.replays.empty())
        refuse("no --port and no --replay given\n%s", usage);
    check_replays(options);
    for (const FlowSpec& flow : options.flows)
        if (flow.from >= options.ports.size() || (flow.to && *flow.to >= options.ports.size()))
            refuse("a --flow names a guest without a --port");
    if (options.echo) check_echo(options);
    if (options.window != 0 && !options.echo) refuse("--window is for --echo");
    if (!options.packed && (options.ring_size & (options.ring_size - 1)) != 0)
        refuse("--ring %u: give a power of two", options.ring_size);
}

enum Option {
    port = 1,
    flow,
    frame,
    rate,
    count,
    ring,
    burst,
    mergeable,
    indirect,
    hugepages,
    echo,
    window,
    packed,
    in_order,
    no_event_index,
    verify,
    touch,
    latency,
    sleeps,
    warmup,
    seconds,
    runs,
    cpu,
    replay,
    chain,
    cpu_of,
    station,
    first,
    help
};

const option table[] = {
    {"port", required_argument, nullptr, Option::port},
    {"flow", required_argument, nullptr, Option::flow},
    {"frame", required_argument, nullptr, Option::frame},
    {"rate", required_argument, nullptr, Option::rate},
    {"count", required_argument, nullptr, Option::count},
    {"ring", required_argument, nullptr, Option::ring},
    {"burst", required_argument, nullptr, Option::burst},
    {"mergeable", no_argument, nullptr, Option::mergeable},
    {"indirect", no_argument, nullptr, Option::indirect},
    {"hugepages", no_argument, nullptr, Option::hugepages},
    {"echo", no_argument, nullptr, Option::echo},
    {"window", required_argument, nullptr, Option::window},
    {"packed", no_argument, nullptr, Option::packed},
    {"in-order", no_argument, nullptr, Option::in_order},
    {"no-event-index", no_argument, nullptr, Option::no_event_index},
    {"verify", no_argument, nullptr, Option::verify},
    {"touch", no_argument, nullptr, Option::touch},
    {"latency", no_argument, nullptr, Option::latency},
    {"sleep", no_argument, nullptr, Option::sleeps},
    {"warmup", required_argument, nullptr, Option::warmup},
    {"seconds", required_argument, nullptr, Option::seconds},
    {"runs", required_argument, nullptr, Option::runs},
    {"cpu", required_argument, nullptr, Option::cpu},
    {"replay", required_argument, nullptr, Option::replay},
    {"chain", required_argument, nullptr, Option::chain},
    {"cpu-of", required_argument, nullptr, Option::cpu_of},
    {"station", required_argument, nullptr, Option::station},
    {"first", no_argument, nullptr, Option::first},
    {"help", no_argument, nullptr, Option::help},
    {nullptr, 0, nullptr, 0},
};

[[noreturn]] void end_with_usage(std::FILE* out, int exit_code) {
    std::fputs(usage, out);
    std::fputs("Kinds:\n", out);
    for (const ReplayKind& kind : replay_kinds())
        std::fprintf(out, "  %-20.*s %s\n", static_cast<int>(kind.name.size()), kind.name.data(),
                     kind.text);
    std::exit(exit_code);
}

/// Options without a value. False for the others.
bool apply_switch(int option, Options& to) {
    switch (option) {
        case Option::mergeable:
            to.mergeable = true;
            return true;
        case Option::indirect:
            to.indirect = true;
            return true;
        case Option::hugepages:
            to.huge_pages = true;
            return true;
        case Option::echo:
            to.echo = to.latency = true;
            return true;
        case Option::packed:
            to.packed = true;
            return true;
        case Option::in_order:
            to.in_order = true;
            return true;
        case Option::no_event_index:
            to.event_index = false;
            return true;
        case Option::verify:
            to.verify = true;
            return true;
        case Option::touch:
            to.touch = true;
            return true;
        case Option::latency:
            to.latency = true;
            return true;
        case Option::sleeps:
            to.sleeps = true;
            return true;
        case Option::first:
            to.first = true;
            return true;
        default:
            return false;
    }
}

void apply(int option, Options& to) {
    switch (option) {
        case Option::port:
            to.ports.emplace_back(optarg);
            return;
        case Option::flow:
            to.flows.push_back(flow_of(optarg));
            return;
        case Option::frame:
            to.frame_bytes = uint32_t(number("frame", optarg, 60, 9014));
            return;
        case Option::rate:
            to.rate_pps = number("rate", optarg, 0, 1'000'000'000);
            return;
        case Option::count:
            to.count = number("count", optarg, 0, UINT64_MAX);
            return;
        case Option::ring:
            to.ring_size = uint16_t(number("ring", optarg, 4, 32'768));
            return;
        case Option::burst:
            to.burst = uint32_t(number("burst", optarg, 1, 1024));
            return;
        case Option::window:
            to.window = uint32_t(number("window", optarg, 0, 32'768));
            return;
        case Option::warmup:
            to.warmup_s = seconds_of("warmup", optarg);
            return;
        case Option::seconds:
            to.seconds = seconds_of("seconds", optarg);
            return;
        case Option::runs:
            to.runs = unsigned(number("runs", optarg, 1, 10'000));
            return;
        case Option::cpu:
            to.cpu = int(number("cpu", optarg, 0, 1023));
            return;
        case Option::replay:
            to.replays.push_back(replay_of(optarg));
            return;
        case Option::chain:
            to.chain = chain_of(optarg);
            return;
        case Option::cpu_of:
            to.cpu_of = int(number("cpu-of", optarg, 1, INT32_MAX));
            return;
        case Option::station:
            to.station = unsigned(number("station", optarg, 0, 10'000));
            return;
        case Option::help:
            end_with_usage(stdout, 0);
        default:
            if (!apply_switch(option, to)) end_with_usage(stderr, 2);
    }
}

}  // namespace

Options parse_options(int argc, char** argv) {
    Options options;
    for (;;) {
        const int found = getopt_long(argc, argv, "", table, nullptr);
        if (found == -1) break;
        apply(found, options);
    }
    if (optind < argc) refuse("%s: no such argument\n%s", argv[optind], usage);
    check(options);
    return options;
}

}  // namespace valenic::synthetic
