// The addresses of a user port's network: what guests see behind it.
#pragma once
#include <array>
#include <cstdint>

namespace valenic::user {

using Ipv6 = std::array<uint8_t, 16>;

/// IPv4 addresses in host byte order. The roles have the last bytes that QEMU gave them.
struct Network {
    uint32_t base = 0x0a000200;  // 10.0.2.0
    uint32_t mask = 0xffffff00;

    uint32_t gateway() const noexcept { return base + 2; }
    uint32_t nameserver() const noexcept { return base + 3; }
    /// The first one that DHCP gives away; forwarded ports lead here unless told otherwise.
    uint32_t first_guest() const noexcept { return base + 15; }
};

inline constexpr Ipv6 prefix6{0xfd};  // fd00::/64
inline constexpr Ipv6 gateway6{0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2};
inline constexpr Ipv6 nameserver6{0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3};

}  // namespace valenic::user
