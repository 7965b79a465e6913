// What a replayed guest's rings hold, by kind: honest traffic, and what hostile guests send and
// offer. A row for each; `valenic-synthetic --help` prints the table.
#pragma once
#include <cstdint>
#include <string_view>
#include <vector>

#include "options.hpp"
#include "replay_ring.hpp"

namespace valenic::synthetic {

enum class ReplayRole : uint8_t {
    frames,
    sink,
    drain,
    flood,
    churn,
    chain,
    tso,
    gso,
    csum,
    pieces,
    rx_chain,
    rx_pieces,
    stream
};

struct ReplayKind {
    ReplayRole role;
    std::string_view name;
    const char* text;
    uint64_t features;  ///< Of virtio, beyond what every replayed guest asks for.

    /// What it gets of the worker is measured.
    bool honest() const noexcept { return role == ReplayRole::frames || role == ReplayRole::sink; }
};

/// All kinds, in the order of the help.
std::span<const ReplayKind> replay_kinds() noexcept;
/// nullptr: there is none with that name.
const ReplayKind* replay_kind(std::string_view name) noexcept;

/// What the rings of one guest are made from.
struct ReplayShape {
    ReplayRole role;
    uint64_t from_mac;
    uint64_t to_mac;
    uint32_t frame_bytes;  ///< Of honest frames.
    ChainLength chain;     ///< Of long chains.
};

/// Entries of the ring that the shape needs, a power of two.
uint16_t tx_ring_size(const ReplayShape& shape) noexcept;
uint16_t rx_ring_size(const ReplayShape& shape) noexcept;

/// Bytes of memory beside the rings that are enough.
size_t content_bytes(const ReplayShape& shape) noexcept;

/// What is sent. Empty: nothing.
std::vector<Chain> tx_chains(const ReplayShape& shape, driver::GuestMemory& memory);
/// What is offered to receive.
std::vector<Chain> rx_chains(const ReplayShape& shape, driver::GuestMemory& memory);

}  // namespace valenic::synthetic
