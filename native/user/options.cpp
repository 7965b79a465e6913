#include "options.hpp"

#include <arpa/inet.h>

#include <array>
#include <charconv>

namespace valenic::user {
namespace {

template <class Number>
std::optional<Number> parse_number(std::string_view text) {
    Number value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

/// `10.0.2.0/24`; at least 16 addresses follow the first guest's.
bool parse_network(std::string_view text, Network& network) {
    const size_t slash = text.find('/');
    if (slash == std::string_view::npos) return false;
    const auto base = parse_ipv4(text.substr(0, slash));
    const auto length = parse_number<unsigned>(text.substr(slash + 1));
    if (!base || !length || *length < 8 || *length > 26) return false;
    network.mask = ~uint32_t{0} << (32 - *length);
    network.base = *base;
    return (*base & ~network.mask) == 0;
}

}  // namespace

std::optional<uint32_t> parse_ipv4(std::string_view text) {
    in_addr address{};
    if (inet_pton(AF_INET, std::string(text).c_str(), &address) != 1) return std::nullopt;
    return ntohl(address.s_addr);
}

std::optional<Forward> parse_forward(std::string_view text) {
    std::array<std::string_view, 5> parts;
    for (size_t i = 0; i < parts.size(); ++i) {
        const size_t colon = text.find(':');
        const bool last = i + 1 == parts.size();
        if ((colon == std::string_view::npos) != last) return std::nullopt;
        parts[i] = text.substr(0, colon);
        if (!last) text.remove_prefix(colon + 1);
    }
    const auto host = parse_ipv4(parts[1]);
    const auto host_port = parse_number<uint16_t>(parts[2]);
    const auto guest = parse_ipv4(parts[3]);
    const auto guest_port = parse_number<uint16_t>(parts[4]);
    if (parts[0] != "tcp" && parts[0] != "udp") return std::nullopt;
    if (!host || !host_port || !guest || !guest_port) return std::nullopt;
    return Forward{parts[0] == "udp", *host, *host_port, *guest, *guest_port};
}

std::optional<std::string> parse_options(const std::vector<std::string>& words, Options& options) {
    for (size_t i = 0; i < words.size(); ++i) {
        if (words[i] == "--host-loopback") {
            options.host_loopback = true;
            continue;
        }
        if (i + 1 == words.size()) return words[i] + " needs a value";
        const std::string& value = words[i + 1];
        bool good = false;
        if (words[i] == "--fd") {
            const auto fd = parse_number<int>(value);
            good = fd.has_value() && *fd >= 0;
            if (good) options.fd = *fd;
        } else if (words[i] == "--network") {
            good = parse_network(value, options.network);
        } else if (words[i] == "--forward") {
            const auto forward = parse_forward(value);
            good = forward.has_value();
            if (good) options.forwards.push_back(*forward);
        }
        if (!good) return words[i] + " " + value + " is not valid";
        ++i;
    }
    if (options.fd < 0) return "--fd is missing";
    return std::nullopt;
}

}  // namespace valenic::user
