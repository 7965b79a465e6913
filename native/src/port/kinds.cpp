#include "port/kinds.hpp"

#include <array>

#include "port/dgram/dgram.hpp"
#include "port/host/host.hpp"
#include "port/link.hpp"
#include "port/packet/wire.hpp"
#include "port/stream/stream.hpp"
#include "port/tap/tap.hpp"
#include "port/vhost/vhost.hpp"

namespace valenic {

namespace {

struct KindRow {
    spec::PortKind kind;
    std::unique_ptr<DevicePort> (*make)(PortParts parts);
};

template <typename Kind>
std::unique_ptr<DevicePort> device(PortParts parts) {
    return std::make_unique<Kind>(std::move(parts));
}

template <typename Queue>
std::unique_ptr<DevicePort> link(PortParts parts) {
    return std::make_unique<LinkPort>(std::move(parts), make_link_queue<Queue>);
}

using spec::PortKind;

constexpr std::array kinds{
    KindRow{PortKind::vhost, device<VhostPort>},  //
    KindRow{PortKind::host, device<HostPort>},    //
    KindRow{PortKind::stream, link<StreamQueue>}, KindRow{PortKind::dgram, link<DgramQueue>},
    KindRow{PortKind::tap, link<TapQueue>},       KindRow{PortKind::packet, link<WireQueue>},
};

}  // namespace

std::unique_ptr<DevicePort> make_port(PortKind kind, PortParts parts) {
    for (const KindRow& row : kinds)
        if (row.kind == kind) return row.make(std::move(parts));
    return nullptr;
}

std::vector<PortKind> built_in_kinds() {
    std::vector<PortKind> all;
    all.reserve(kinds.size());
    for (const KindRow& row : kinds) all.push_back(row.kind);
    return all;
}

}  // namespace valenic
