// The options of the synthetic driver.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace valenic::synthetic {

/// Frames from one guest to another; numbers count the --port options from 0.
struct FlowSpec {
    unsigned from;
    std::optional<unsigned> to;  ///< Nothing: to `to_mac`.
    uint64_t to_mac = 0;
};

/// Descriptors of a long chain: as many as the backend takes, one more, as the largest ring has.
enum class ChainLength : uint8_t { most, over, ring };

struct ReplayKind;

/// A guest that is played from rings which were written once.
struct ReplaySpec {
    const ReplayKind* kind;
    std::string path;
    std::optional<unsigned> to = std::nullopt;      ///< Nothing: to `to_mac`.
    std::optional<uint64_t> to_mac = std::nullopt;  ///< Nothing either: to itself.
};

struct Options {
    std::vector<std::string> ports;  ///< UNIX sockets of the backend.
    std::vector<FlowSpec> flows;
    std::vector<ReplaySpec> replays;
    ChainLength chain = ChainLength::most;  ///< Of replayed guests.
    unsigned station = 0;                   ///< Of the first replayed guest's address.
    int cpu_of = 0;                         ///< A thread whose CPU time each run tells; 0: none.
    uint32_t frame_bytes = 60;
    uint64_t rate_pps = 0;  ///< Of each flow; 0 = as fast as buffers come back.
    uint16_t ring_size = 256;
    uint32_t burst = 32;
    bool mergeable = false;
    bool packed = false;    ///< Packed rings instead of split ones.
    bool in_order = false;  ///< Negotiate IN_ORDER.
    bool event_index = true;
    bool indirect = false;    ///< Send by indirect tables.
    bool huge_pages = false;  ///< Guest memory of huge pages.
    bool echo = false;        ///< Receivers send every frame back; senders measure.
    uint32_t window = 0;      ///< With echo: frames of a flow in flight; 0 = any.
    bool verify = false;      ///< Fill and check every byte, not only the header.
    bool touch = false;       ///< Write and read every cache line, not only the first.
    bool latency = false;     ///< Stamp and measure every frame.
    bool sleeps = false;      ///< Wait for calls when idle instead of polling.
    uint64_t count = 0;       ///< Frames of each flow; 0 = by time.
    double warmup_s = 0.2;
    double seconds = 1;
    unsigned runs = 1;
    int cpu = -1;
    bool first = false;  ///< Before all others there, if that is allowed.
};

/// Prints a sentence and ends the process with status 2 when something is wrong.
Options parse_options(int argc, char** argv);

}  // namespace valenic::synthetic
