// A worker's clock by the second.
#pragma once
#include <cstdint>

#include "switch/context.hpp"

namespace valenic {

/// Coarse, for what ages.
inline uint32_t now_s(const WorkerContext& context) noexcept {
    return static_cast<uint32_t>(context.now_ns / 1'000'000'000);
}

}  // namespace valenic
