#include "port/link_commands.hpp"

#include <algorithm>
#include <cerrno>

#include "base/eventfd.hpp"

namespace valenic {

using spec::CommandError;

Done LinkCommands::attach_link(uint32_t id, std::vector<OwnedFd> fds, std::vector<OwnedFd> shared,
                               const std::string& peer, spec::NetHeaderUse net_header) {
    auto port = find_device<LinkPort>(host_, id);
    if (!port) return port.error();
    LinkPort& link = *port.value();
    if (fds.size() != link.queue_count())
        return Refusal(CommandError::invalid_argument, "fds: give one for each queue");
    if (net_header != spec::NetHeaderUse::none && !link.may_have_net_header())
        return Refusal(CommandError::invalid_argument, "netHeader: ports of this kind have none");
    const auto missing = [](const OwnedFd& fd) { return !fd.valid(); };
    if (std::ranges::any_of(fds, missing) || std::ranges::any_of(shared, missing))
        return Refusal(CommandError::invalid_argument, "fds: one of them is none");
    for (const OwnedFd& fd : fds)
        if (!make_nonblocking(fd.get()))
            return Refusal(CommandError::system, errno, "making a descriptor non-blocking");
    if (!link.prepare(fds, shared))
        return Refusal(CommandError::system, errno, "preparing a descriptor");
    bool good = true;
    const Done busy = host_.change_port(link, [&](const Parked& parked) {
        good = peer.empty() || link.set_peer(parked, peer);
        if (good) link.attach(parked, std::move(fds), net_header, std::move(shared));
    });
    if (busy) return busy;
    if (!good)
        return Refusal(CommandError::invalid_argument, "peer: give a path that a socket can have");
    return std::nullopt;
}

Done LinkCommands::detach_link(uint32_t id) {
    auto port = find_device<LinkPort>(host_, id);
    if (!port) return port.error();
    LinkPort& link = *port.value();
    return host_.change_port(link, [&](const Parked& parked) { link.detach(parked); });
}

}  // namespace valenic
