// GENERATED from native/boundary/limits.ts by `npm run spec`. Do not edit.
#pragma once
#include <cstddef>
#include <cstdint>

namespace valenic::boundary {

/// The longest frame that any port may carry: an Ethernet header of 14 bytes, and 64 KiB.
inline constexpr uint32_t largest_frame_bytes = 65550;

/// The MTUs that a device may tell its driver.
inline constexpr uint32_t mtu_min = 68;
inline constexpr uint32_t mtu_max = 65535;

/// Of one datapath.
struct DatapathLimits {
    /// Host I/O threads, the control thread's own injections included.
    static constexpr size_t worker_blocks = 16;
    /// Ports that it has room for unless it is told, and the most that it can be told.
    static constexpr uint32_t ports_default = 256;
    static constexpr uint32_t ports_most = 4096;
};

}  // namespace valenic::boundary
