// The options of the NAT of a user port; backend/ports/user/endpoint.ts writes them.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "network.hpp"

namespace valenic::user {

/// A port of the host that leads to one of a guest. Addresses in host byte order.
struct Forward {
    bool udp = false;
    uint32_t host = 0;
    uint16_t host_port = 0;
    uint32_t guest = 0;
    uint16_t guest_port = 0;
};

struct Options {
    /// The connected stream socket that frames come from.
    int fd = -1;
    bool host_loopback = false;
    Network network;
    std::vector<Forward> forwards;
};

/// `10.0.2.15`, in host byte order.
std::optional<uint32_t> parse_ipv4(std::string_view text);
/// `tcp:127.0.0.1:8080:10.0.2.15:80`
std::optional<Forward> parse_forward(std::string_view text);
/// What is wrong, or nothing: `options` is filled then.
std::optional<std::string> parse_options(const std::vector<std::string>& words, Options& options);

}  // namespace valenic::user
