// MAC and IPv4 addresses as text.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "request.hpp"

namespace valenic::agent {

using Mac = std::array<uint8_t, 6>;

/// Only six pairs of hexadecimal digits with colons.
std::optional<Mac> parse_mac(std::string_view text);
std::string format_mac(const Mac& mac);

struct Ipv4Prefix {
    uint32_t address;  ///< Host byte order.
    uint8_t length;    ///< Bits, 0..32.
    uint32_t mask() const { return length == 0 ? 0 : ~uint32_t{0} << (32 - length); }
};
/// Dotted quad, in host byte order.
std::optional<uint32_t> parse_ipv4(std::string_view text);
/// The argument `key`, a dotted quad; one sentence when it is none.
uint32_t ipv4_of(const Args& args, const char* key);
/// "10.0.0.1/24"; the length is required.
std::optional<Ipv4Prefix> parse_ipv4_prefix(std::string_view text);

}  // namespace valenic::agent
