#include "admit.hpp"

#include <algorithm>
#include <cstring>

namespace valenic::user {
namespace {

constexpr size_t ethernet_bytes = 14;
constexpr size_t ipv4_bytes = 20;
constexpr size_t ipv6_bytes = 40;
constexpr uint8_t icmp = 1;
constexpr uint8_t tcp = 6;
constexpr uint8_t udp = 17;
constexpr uint8_t icmp6 = 58;
constexpr uint16_t dns_port = 53;
/// "More fragments" and the offset: RFC 791, 3.1.
constexpr uint16_t fragment_bits = 0x3fff;

uint16_t read16(const uint8_t* at) noexcept { return static_cast<uint16_t>(at[0] << 8 | at[1]); }
uint32_t read32(const uint8_t* at) noexcept {
    return static_cast<uint32_t>(read16(at)) << 16 | read16(at + 2);
}

/// libslirp's own addresses are 52:55 and the IPv4 address, 52:56 and the end of the IPv6 one.
bool for_us(const uint8_t* destination) noexcept {
    if ((destination[0] & 1) != 0) return true;  // To a group.
    return destination[0] == 0x52 && (destination[1] == 0x55 || destination[1] == 0x56);
}

/// A whole datagram to the port of names. `payload` starts behind the IP header.
bool asks_for_names(uint8_t protocol, std::span<const uint8_t> payload) noexcept {
    if (protocol != tcp && protocol != udp) return false;
    return payload.size() >= 4 && read16(&payload[2]) == dns_port;
}

Refusal check_ipv4(std::span<const uint8_t> packet, const Network& network) noexcept {
    if (packet.size() < ipv4_bytes || packet[0] >> 4 != 4) return Refusal::protocol;
    const size_t header = size_t{packet[0] & 0xfU} * 4;
    if (header < ipv4_bytes || header > packet.size()) return Refusal::protocol;
    const uint32_t to = read32(&packet[16]);
    // Linux takes 0.0.0.0 for itself.
    if (to >> 24 == 127 || to >> 24 == 0) return Refusal::host_itself;
    if (to != network.nameserver()) return Refusal::none;
    if ((read16(&packet[6]) & fragment_bits) != 0) return Refusal::nameserver_port;
    const uint8_t protocol = packet[9];
    if (protocol == icmp || asks_for_names(protocol, packet.subspan(header))) return Refusal::none;
    return Refusal::nameserver_port;
}

Refusal check_ipv6(std::span<const uint8_t> packet) noexcept {
    if (packet.size() < ipv6_bytes || packet[0] >> 4 != 6) return Refusal::protocol;
    const std::span<const uint8_t> to = packet.subspan(24, 16);
    // ::, ::1 and IPv4 addresses in disguise: ::/96 and ::ffff:0:0/96.
    const auto zero = [](uint8_t byte) { return byte == 0; };
    const uint16_t mapped = read16(&to[10]);
    if (std::all_of(to.begin(), to.begin() + 10, zero) && (mapped == 0 || mapped == 0xffff))
        return Refusal::host_itself;
    if (!std::equal(to.begin(), to.end(), nameserver6.begin())) return Refusal::none;
    // Extension headers are not looked behind.
    const uint8_t next = packet[6];
    if (next == icmp6 || asks_for_names(next, packet.subspan(ipv6_bytes))) return Refusal::none;
    return Refusal::nameserver_port;
}

}  // namespace

Refusal refusal_of(std::span<const uint8_t> frame, const Network& network) noexcept {
    if (frame.size() < ethernet_bytes) return Refusal::protocol;
    if (!for_us(frame.data())) return Refusal::not_for_us;
    const std::span<const uint8_t> packet = frame.subspan(ethernet_bytes);
    switch (read16(&frame[12])) {
        case 0x0806:  // ARP
            return Refusal::none;
        case 0x0800:
            return check_ipv4(packet, network);
        case 0x86dd:
            return check_ipv6(packet);
        default:
            return Refusal::protocol;
    }
}

}  // namespace valenic::user
