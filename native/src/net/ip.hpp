// The offsets of the fields of IPv4, IPv6, TCP and UDP, and how to read and write them.
#pragma once
#include <cstdint>
#include <cstring>

namespace valenic {

/// EtherTypes. IEEE 802.1Q: the tags of customers and of providers (QinQ).
inline constexpr uint16_t ethertype_ipv4 = 0x0800;
inline constexpr uint16_t ethertype_arp = 0x0806;
inline constexpr uint16_t ethertype_bridged = 0x6558;  ///< An Ethernet frame in GRE. RFC 1701.
inline constexpr uint16_t ethertype_ipv6 = 0x86dd;
inline constexpr uint16_t ethertype_mpls = 0x8847;
inline constexpr uint16_t ethertype_mpls_multicast = 0x8848;
inline constexpr uint16_t ethertype_pppoe = 0x8864;  ///< Of sessions. RFC 2516, 4.
inline constexpr uint16_t ethertype_vlan = 0x8100;
inline constexpr uint16_t ethertype_provider_vlan = 0x88a8;
inline constexpr uint32_t vlan_tag_bytes = 4;
inline constexpr unsigned vlan_tags_max = 2;

/// Of what PPP carries. RFC 1332, RFC 5072.
inline constexpr uint16_t ppp_ipv4 = 0x0021;
inline constexpr uint16_t ppp_ipv6 = 0x0057;

/// Protocol numbers: IANA, "Assigned Internet Protocol Numbers".
inline constexpr uint8_t protocol_hop_by_hop = 0;
inline constexpr uint8_t protocol_icmp = 1;
inline constexpr uint8_t protocol_ipv4 = 4;
inline constexpr uint8_t protocol_tcp = 6;
inline constexpr uint8_t protocol_udp = 17;
inline constexpr uint8_t protocol_dccp = 33;
inline constexpr uint8_t protocol_ipv6 = 41;
inline constexpr uint8_t protocol_routing = 43;
inline constexpr uint8_t protocol_fragment = 44;
inline constexpr uint8_t protocol_gre = 47;
inline constexpr uint8_t protocol_esp = 50;
inline constexpr uint8_t protocol_ah = 51;
inline constexpr uint8_t protocol_icmp6 = 58;
inline constexpr uint8_t protocol_none = 59;  ///< "No next header".
inline constexpr uint8_t protocol_destination = 60;
inline constexpr uint8_t protocol_l2tp = 115;
inline constexpr uint8_t protocol_sctp = 132;
inline constexpr uint8_t protocol_udp_lite = 136;

/// RFC 791, 3.1 "Internet Header Format".
namespace ipv4 {
inline constexpr uint32_t header_bytes_min = 20;
inline constexpr uint32_t total_length_at = 2;
inline constexpr uint32_t id_at = 4;
inline constexpr uint32_t fragment_at = 6;
inline constexpr uint32_t protocol_at = 9;
inline constexpr uint32_t checksum_at = 10;
inline constexpr uint32_t addresses_at = 12;
inline constexpr uint16_t dont_fragment = 0x4000;
inline constexpr uint16_t fragment_mask = 0x3fff;  ///< More fragments, and the offset.
}  // namespace ipv4

/// RFC 8200, 3 "IPv6 Header Format".
namespace ipv6 {
inline constexpr uint32_t header_bytes = 40;
inline constexpr uint32_t payload_length_at = 4;
inline constexpr uint32_t next_header_at = 6;
inline constexpr uint32_t addresses_at = 8;
}  // namespace ipv6

/// RFC 9293, 3.1 "Header Format".
namespace tcp {
inline constexpr uint32_t header_bytes_min = 20;
inline constexpr uint32_t sequence_at = 4;
inline constexpr uint32_t acknowledgment_at = 8;
inline constexpr uint32_t data_offset_at = 12;
inline constexpr uint32_t flags_at = 13;
inline constexpr uint32_t checksum_at = 16;
inline constexpr uint8_t flag_fin = 0x01;
inline constexpr uint8_t flag_psh = 0x08;
inline constexpr uint8_t flag_ack = 0x10;
inline constexpr uint8_t flag_cwr = 0x80;
}  // namespace tcp

/// RFC 768.
namespace udp {
inline constexpr uint32_t header_bytes = 8;
inline constexpr uint32_t length_at = 4;
inline constexpr uint32_t checksum_at = 6;
}  // namespace udp

/// RFC 826, of Ethernet and IPv4.
namespace arp {
inline constexpr uint32_t packet_bytes = 28;
inline constexpr uint32_t sender_mac_at = 8;
inline constexpr uint32_t sender_ip_at = 14;
}  // namespace arp

inline uint16_t load_be16(const uint8_t* at) noexcept {
    return static_cast<uint16_t>(at[0] << 8 | at[1]);
}
inline uint32_t load_be32(const uint8_t* at) noexcept {
    return uint32_t{load_be16(at)} << 16 | load_be16(at + 2);
}
/// Whether an ARP packet is about IPv4 addresses of Ethernet stations.
inline bool arp_is_ipv4(const uint8_t* packet) noexcept {
    return load_be32(packet) == 0x0001'0800 && load_be16(packet + 4) == 0x0604;
}
inline void store_be16(uint8_t* at, uint32_t value) noexcept {
    at[0] = static_cast<uint8_t>(value >> 8);
    at[1] = static_cast<uint8_t>(value);
}
inline void store_be32(uint8_t* at, uint32_t value) noexcept {
    store_be16(at, value >> 16);
    store_be16(at + 2, value & 0xffff);
}
/// As sums take it: a word of a packet in memory order.
inline uint16_t load_word(const uint8_t* at) noexcept {
    uint16_t word;
    std::memcpy(&word, at, sizeof word);
    return word;
}
inline void store_word(uint8_t* at, uint16_t word) noexcept { std::memcpy(at, &word, sizeof word); }
/// A number below 2^16 as a word in memory order.
constexpr uint16_t word_of(uint32_t value) noexcept {
    return __builtin_bswap16(static_cast<uint16_t>(value));
}

}  // namespace valenic
