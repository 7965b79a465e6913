// A ring whose memory map or place changed while it runs: what all four kinds do then.
#pragma once
#include <memory>
#include <utility>

#include "memory/memory_map.hpp"
#include "ring/ring.hpp"

namespace valenic {

/// Resolves `config` in `memory` and puts layout, map and cache in the places of the old ones; with
/// a fault nothing changes. No other thread is in the ring.
template <typename Layout, Access access>
spec::Fault rebind_parts(const RingConfig& config, std::shared_ptr<const MemoryMap> memory,
                         Layout& layout, std::shared_ptr<const MemoryMap>& map,
                         RegionCache<access>& cache) noexcept {
    const auto resolved = Layout::resolve(config, *memory);
    if (!resolved) return resolved.error();
    if (resolved.value().size != layout.size) return spec::Fault::ring_size_invalid;
    layout = resolved.value();
    map = std::move(memory);
    cache = {};
    layout.ask_for_no_kicks();  // The guest may read another wish there.
    return spec::Fault::none;
}

}  // namespace valenic
