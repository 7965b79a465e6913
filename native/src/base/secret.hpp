// Numbers that a peer must not guess.
#pragma once
#include <cstdint>

namespace valenic {

/// From the kernel; where it has none yet (early at boot), the clock's.
uint64_t secret_number() noexcept;

}  // namespace valenic
