// GENERATED from native/boundary/version.ts by `npm run spec`. Do not edit.
#pragma once
#include <cstddef>
#include <cstdint>

namespace valenic::boundary {

/// A side reads messages of the version before its own, of its own and of the next one.
inline constexpr uint32_t current_version = 2;

/// Bounds of one message.
struct MessageLimits {
    static constexpr size_t bytes = 1048576;
    /// Beside it.
    static constexpr size_t descriptors = 512;
    /// Maps and lists within each other.
    static constexpr unsigned depth = 8;
};

}  // namespace valenic::boundary
