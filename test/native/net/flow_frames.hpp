// A frame of every kind that the hash of flows tells apart, with the fields that make a flow and
// those that do not.
#pragma once
#include <string>
#include <vector>

#include "net/frames.hpp"

namespace valenic::test {

struct FlowField {
    std::string name;
    size_t at;
    size_t bytes;
    uint8_t first_mask = 0xff;  ///< Bits of the first byte that belong to it.
    uint8_t last_mask = 0xff;   ///< And of the last, where it has several.
};

struct FlowKind {
    std::string name;
    Octets frame;
    std::vector<FlowField> fields;  ///< Another value is another flow.
    std::vector<FlowField> same;    ///< Another value is not.
    size_t decided_at;              ///< So many bytes say which flow it is.
};

namespace flow_detail {

inline Octets ethernet(uint16_t ethertype) {
    Octets frame{0x52, 0x54, 0, 0, 0, 2, 0x52, 0x54, 0, 0, 0, 1};
    put16(frame, ethertype);
    return frame;
}
/// A header of version 4, without its sums.
inline void put_ipv4(Octets& frame, uint8_t protocol) {
    for (const uint8_t byte : {0x45, 0, 0, 80, 0, 7, 0x40, 0, 64}) frame.push_back(byte);
    frame.push_back(protocol);
    put16(frame, 0);
    put32(frame, 0x0a00'0001);
    put32(frame, 0x0a00'0002);
}
inline void put_ipv6(Octets& frame, uint8_t protocol) {
    put32(frame, 0x6000'0000);
    put16(frame, 40);
    frame.push_back(protocol);
    frame.push_back(64);
    for (uint8_t i = 0; i < 32; ++i) frame.push_back(static_cast<uint8_t>(0xfd + i * 7));
}
inline void put_ports(Octets& frame) {
    put16(frame, 4000);
    put16(frame, 5001);
    for (unsigned i = 0; i < 30; ++i) frame.push_back(static_cast<uint8_t>(i));
}
inline std::vector<FlowField> operator+(std::vector<FlowField> a, const std::vector<FlowField>& b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
}
inline const std::vector<FlowField> stations{{"stations", 0, 12}};
inline const FlowField flow_label{"flow label", 14 + 1, 3, 0x0f};  ///< Of an untagged frame.
/// Of an IP header at `at`.
inline std::vector<FlowField> addresses(unsigned version, size_t at) {
    if (version == 4) return {{"addresses", at + 12, 8}};
    return {{"addresses", at + 8, 32}};
}
inline std::vector<FlowField> rest_of_ip(unsigned version, size_t at) {
    if (version == 6)
        return {{"class", at, 2, 0x0f, 0xf0}, {"length", at + 4, 2}, {"hops", at + 7, 1}};
    return {{"service and length", at + 1, 3},
            {"id", at + 4, 2},
            {"time to live", at + 8, 1},
            {"checksum", at + 10, 2}};
}

/// TCP or UDP, behind tags, options and extension headers.
inline FlowKind transport(const std::string& name, FrameSpec spec) {
    spec.payload = 20;
    const Places at = places_of(spec);
    FlowKind kind{name, make_frame(spec), {}, {}, at.transport + 4};
    kind.fields = stations + addresses(spec.version, at.network);
    kind.fields.push_back({"ports", at.transport, 4});
    kind.same = rest_of_ip(spec.version, at.network);
    kind.same.push_back({"behind the ports", at.transport + 4, 8});
    if (spec.version == 6) kind.same.push_back({"flow label", at.network + 1, 3, 0x0f});
    for (unsigned tag = 0; tag < spec.tags; ++tag) {
        kind.fields.push_back({"VLAN", 14 + 4 * size_t{tag}, 2, 0x0f});
        kind.same.push_back({"priority", 14 + 4 * size_t{tag}, 1, 0xf0});
    }
    return kind;
}

/// A protocol that has `told` bytes at `at` of its header.
inline FlowKind protocol(const std::string& name, unsigned version, uint8_t number, size_t at,
                         size_t told, uint8_t first_byte = 0) {
    FlowKind kind{name, ethernet(version == 4 ? 0x0800 : 0x86dd), {}, {}, 0};
    if (version == 4) put_ipv4(kind.frame, number);
    if (version == 6) put_ipv6(kind.frame, number);
    const size_t transport_at = kind.frame.size();
    put_ports(kind.frame);
    kind.frame[transport_at] = first_byte;
    kind.fields = stations + addresses(version, 14);
    if (told > 0) kind.fields.push_back({"what tells", transport_at + at, told});
    // Four bytes at the front are ports, or as good.
    if (version == 6 && (at != 0 || told == 0)) kind.fields.push_back(flow_label);
    kind.same = rest_of_ip(version, 14);
    kind.same.push_back({"what follows", transport_at + at + told, 8});
    kind.decided_at = transport_at + std::max<size_t>(at + told, 8);
    return kind;
}

/// Something with TCP over IP in it: the frame so far, and what of it tells.
inline FlowKind tunnel(const std::string& name, Octets frame, std::vector<FlowField> fields,
                       std::vector<FlowField> same, unsigned version = 4) {
    const size_t ip = frame.size();
    if (version == 4) put_ipv4(frame, 6);
    if (version == 6) put_ipv6(frame, 6);
    const size_t transport_at = frame.size();
    put_ports(frame);
    fields = stations + std::move(fields) + addresses(version, ip);
    if (transport_at + 4 <= stage_frame_bytes) fields.push_back({"inner ports", transport_at, 4});
    return {name, frame, fields, std::move(same) + rest_of_ip(version, ip),
            std::min<size_t>(transport_at + 4, stage_frame_bytes)};
}

inline FlowKind gre(const std::string& name, uint16_t flags, uint16_t type, unsigned version) {
    Octets frame = ethernet(0x0800);
    put_ipv4(frame, 47);
    put16(frame, flags);
    put16(frame, type);
    std::vector<FlowField> fields = addresses(4, 14);
    std::vector<FlowField> same = rest_of_ip(4, 14);
    if ((flags & 0x8000) != 0) {
        same.push_back({"checksum of GRE", frame.size(), 4});
        put32(frame, 0);
    }
    if ((flags & 0x2000) != 0) {
        fields.push_back({"key", frame.size(), 4});
        put32(frame, 99);
    }
    if ((flags & 0x1000) != 0) {
        same.push_back({"sequence", frame.size(), 4});
        put32(frame, 0);
    }
    if (type != 0x6558) return tunnel(name, frame, fields, same, version);
    fields.push_back({"inner stations", frame.size(), 12});
    const Octets inner = ethernet(version == 4 ? 0x0800 : 0x86dd);
    frame.insert(frame.end(), inner.begin(), inner.end());
    return tunnel(name, frame, fields, same, version);
}

inline FlowKind pptp() {
    FlowKind kind{"PPTP", ethernet(0x0800), {}, {}, 14 + 20 + 8};
    put_ipv4(kind.frame, 47);
    put16(kind.frame, 0x3001);
    put16(kind.frame, 0x880b);
    put_ports(kind.frame);
    kind.fields = stations + addresses(4, 14);
    kind.fields.push_back({"call", 14 + 20 + 6, 2});
    kind.same = {{"payload length", 14 + 20 + 4, 2}, {"sequence", 14 + 20 + 8, 4}};
    return kind;
}

inline FlowKind pppoe(unsigned version) {
    Octets frame = ethernet(0x8864);
    for (const uint8_t byte : {0x11, 0, 0, 9, 0, 82}) frame.push_back(byte);
    put16(frame, version == 4 ? 0x0021 : 0x0057);
    return tunnel("PPPoE of IPv" + std::to_string(version), frame, {{"session", 16, 2}},
                  {{"length", 18, 2}}, version);
}

inline FlowKind mpls(unsigned labels, unsigned version) {
    Octets frame = ethernet(0x8847);
    std::vector<FlowField> fields;
    std::vector<FlowField> same;
    for (unsigned label = 0; label < labels; ++label) {
        fields.push_back({"label", frame.size(), 3, 0xff, 0xf0});
        same.push_back({"class", frame.size() + 2, 1, 0x0e});
        same.push_back({"time to live", frame.size() + 3, 1});
        put32(frame, (100 + label) << 12 | (label + 1 == labels ? 0x100 : 0) | 64);
    }
    return tunnel(std::to_string(labels) + " labels before IPv" + std::to_string(version), frame,
                  fields, same, version);
}

inline FlowKind arp() {
    FlowKind kind{"ARP", ethernet(0x0806), {}, {}, 14 + 28};
    for (const uint8_t byte : {0, 1, 8, 0, 6, 4, 0, 1}) kind.frame.push_back(byte);
    kind.frame.resize(60);
    kind.fields = stations;
    kind.fields.push_back({"who asks", 14 + 14, 4});
    kind.fields.push_back({"for whom", 14 + 24, 4});
    kind.same = {{"operation", 14 + 6, 2}};
    return kind;
}

/// Nothing that is looked into.
inline FlowKind other(const std::string& name, uint16_t ethertype) {
    FlowKind kind{name, ethernet(ethertype), stations, {}, 14};
    kind.frame.resize(60);
    kind.same = {{"payload", 14, 46}};
    if (ethertype < 0x0600) kind.same.push_back({"length", 12, 2, 0x03});
    return kind;
}

inline FlowKind ip_in_ip(unsigned outer, unsigned inner) {
    Octets frame = ethernet(outer == 4 ? 0x0800 : 0x86dd);
    const uint8_t protocol = inner == 4 ? 4 : 41;
    if (outer == 4) put_ipv4(frame, protocol);
    if (outer == 6) put_ipv6(frame, protocol);
    return tunnel("IPv" + std::to_string(inner) + " in IPv" + std::to_string(outer), frame,
                  addresses(outer, 14), rest_of_ip(outer, 14), inner);
}

}  // namespace flow_detail

inline std::vector<FlowKind> flow_kinds() {
    using namespace flow_detail;
    std::vector<FlowKind> kinds;
    for (const unsigned tags : {0u, 1u, 2u})
        for (const unsigned version : {4u, 6u})
            for (const bool tcp : {true, false})
                kinds.push_back(transport((tcp ? "TCP over IPv" : "UDP over IPv") +
                                              std::to_string(version) +
                                              ", tags: " + std::to_string(tags),
                                          {.version = version, .tcp = tcp, .tags = tags}));
    kinds.push_back(transport("IPv4 with options", {.ip_options = 12}));
    kinds.push_back(transport("IPv6 with extensions", {.version = 6, .extensions = 3}));
    for (const unsigned version : {4u, 6u}) {
        const std::string over = " over IPv" + std::to_string(version);
        for (const auto& [name, number] :
             {std::pair{"SCTP", 132}, {"DCCP", 33}, {"UDP-Lite", 136}, {"ESP", 50}, {"L2TP", 115}})
            kinds.push_back(protocol(name + over, version, static_cast<uint8_t>(number), 0, 4));
        kinds.push_back(protocol("AH" + over, version, 51, 4, 4));
        kinds.push_back(protocol("OSPF" + over, version, 89, 0, 0));
        kinds.push_back(ip_in_ip(version, 4));
        kinds.push_back(pppoe(version));
        for (const unsigned labels : {1u, 3u}) kinds.push_back(mpls(labels, version));
        kinds.push_back(gre("GRE of IPv" + std::to_string(version), 0,
                            version == 4 ? 0x0800 : 0x86dd, version));
    }
    kinds.push_back(ip_in_ip(4, 6));
    kinds.push_back(protocol("echo over IPv4", 4, 1, 4, 2, 8));
    kinds.push_back(protocol("echo over IPv6", 6, 58, 4, 2, 128));
    kinds.push_back(gre("GRE with everything", 0xb000, 0x0800, 4));
    kinds.push_back(gre("Ethernet in GRE", 0x2000, 0x6558, 4));
    kinds.push_back(pptp());
    kinds.push_back(arp());
    kinds.push_back(other("LLDP", 0x88cc));
    kinds.push_back(other("802.3", 46));
    return kinds;
}

struct FlowFragments {
    Octets first;
    Octets middle;
    Octets last;
    Octets next_datagram;
};
inline FlowFragments fragments_of(unsigned version, unsigned tags) {
    const FrameSpec spec{.version = version, .tcp = false, .tags = tags};
    const Octets whole = make_frame(spec);
    const size_t network = places_of(spec).network;
    const auto piece = [&](uint16_t offset, bool more, uint16_t id, uint8_t filling) {
        Octets frame = whole;
        if (version == 4) {
            set16(frame, network + 4, id);
            set16(frame, network + 6, (more ? 0x2000u : 0u) | offset);
        } else {
            frame[network + 6] = 44;
            Octets header{17, 0};
            put16(header, static_cast<uint32_t>(offset) << 3 | (more ? 1u : 0u));
            put32(header, id);
            frame.insert(frame.begin() + static_cast<long>(network + 40), header.begin(),
                         header.end());
        }
        if (offset > 0) std::fill(frame.end() - 100, frame.end(), filling);
        return frame;
    };
    return {piece(0, true, 9, 0), piece(64, true, 9, 1), piece(128, false, 9, 2),
            piece(0, true, 10, 0)};
}

inline Octets atomic_fragment(uint16_t source_port) {
    Octets frame = flow_detail::ethernet(0x86dd);
    flow_detail::put_ipv6(frame, 44);
    for (const uint8_t byte : {6, 0, 0, 0, 0, 0, 0, 5}) frame.push_back(byte);
    put16(frame, source_port);
    put16(frame, 80);
    frame.resize(100);
    return frame;
}

}  // namespace valenic::test
