#include "address.hpp"

#include <arpa/inet.h>

#include <charconv>
#include <cstdio>

namespace valenic::agent {

std::optional<Mac> parse_mac(std::string_view text) {
    if (text.size() != 17) return std::nullopt;
    Mac mac{};
    for (size_t i = 0; i < mac.size(); ++i) {
        const char* pair = text.data() + 3 * i;
        if (i > 0 && pair[-1] != ':') return std::nullopt;
        const auto [end, error] = std::from_chars(pair, pair + 2, mac[i], 16);
        if (error != std::errc{} || end != pair + 2) return std::nullopt;
    }
    return mac;
}

std::string format_mac(const Mac& mac) {
    char text[18];
    std::snprintf(text, sizeof text, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2],
                  mac[3], mac[4], mac[5]);
    return text;
}

std::optional<uint32_t> parse_ipv4(std::string_view text) {
    in_addr address{};
    if (inet_pton(AF_INET, std::string(text).c_str(), &address) != 1) return std::nullopt;
    return ntohl(address.s_addr);
}

std::optional<Ipv4Prefix> parse_ipv4_prefix(std::string_view text) {
    const size_t slash = text.find('/');
    if (slash == std::string_view::npos) return std::nullopt;
    const auto address = parse_ipv4(text.substr(0, slash));
    const std::string_view digits = text.substr(slash + 1);
    uint8_t length = 0;
    const char* const last = digits.data() + digits.size();
    const auto [end, error] = std::from_chars(digits.data(), last, length);
    if (!address || error != std::errc{} || end != last || length > 32) return std::nullopt;
    return Ipv4Prefix{*address, length};
}

uint32_t ipv4_of(const Args& args, const char* key) {
    const std::string text = args.text(key);
    const auto address = parse_ipv4(text);
    if (!address) throw OpError("\"" + text + "\" is not an IPv4 address");
    return *address;
}

}  // namespace valenic::agent
