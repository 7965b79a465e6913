#include "port/packet/left_checksum.hpp"

#include <algorithm>
#include <cstring>

#include "net/checksum.hpp"
#include "net/headers.hpp"
#include "net/ip.hpp"

namespace valenic {

namespace {

/// As many as find_headers() takes.
constexpr size_t looked_at_bytes = 255;

/// Of the transport header and what follows; 0: the IP header says something impossible.
uint32_t transport_bytes_of(const uint8_t* ip, const Headers& headers) noexcept {
    const uint32_t before = headers.transport_at - uint32_t{headers.network_at};
    const uint32_t whole = headers.version == 4
                               ? load_be16(ip + ipv4::total_length_at)
                               : ipv6::header_bytes + load_be16(ip + ipv6::payload_length_at);
    return whole > before ? whole - before : 0;
}

uint16_t pseudo_header_sum(const uint8_t* ip, const Headers& headers, uint32_t bytes) noexcept {
    const uint64_t addresses = headers.version == 4 ? sum_bytes(ip + ipv4::addresses_at, 8)
                                                    : sum_bytes(ip + ipv6::addresses_at, 32);
    return fold_sum(addresses + word_of(headers.protocol) + word_of(bytes));
}

}  // namespace

bool find_left_checksum(std::span<const uint8_t> frame, uint8_t* net_header) noexcept {
    const auto bytes = static_cast<uint32_t>(std::min(frame.size(), looked_at_bytes));
    const Headers headers = find_headers(frame.data(), bytes);
    if (headers.found != HeadersFound::transport) return false;
    const bool is_tcp = headers.protocol == protocol_tcp;
    if (!is_tcp && headers.protocol != protocol_udp) return false;
    const uint32_t field = is_tcp ? tcp::checksum_at : udp::checksum_at;
    if (headers.transport_at + field + sizeof(uint16_t) > bytes) return false;
    const uint8_t* const ip = frame.data() + headers.network_at;
    const uint32_t transport_bytes = transport_bytes_of(ip, headers);
    if (headers.transport_at + transport_bytes > frame.size()) return false;
    const uint16_t left = load_word(frame.data() + headers.transport_at + field);
    if (left != pseudo_header_sum(ip, headers, transport_bytes)) return false;
    spec::NetHeader said{};
    said.flags = spec::net_hdr_f_needs_csum;
    said.csum_start = headers.transport_at;
    said.csum_offset = static_cast<uint16_t>(field);
    std::memcpy(net_header, &said, packet_header_bytes);
    return true;
}

}  // namespace valenic
