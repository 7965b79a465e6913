// Ports with their peer behind a descriptor, and the peer.
#pragma once
#include <sys/socket.h>

#include <cstring>

#include "alone.hpp"
#include "base/limits.hpp"
#include "net/stream_framing.hpp"
#include "port/dgram/dgram.hpp"
#include "port/link.hpp"
#include "port/stream/stream.hpp"
#include "port/tap/tap.hpp"
#include "recorded_faults.hpp"
#include "rig.hpp"
#include "spec/virtio_net.hpp"

namespace valenic::test {

/// A peer inside the test: what it sends has arrived at once.
struct AtOnce {
    static constexpr bool at_once = true;
    static Bytes frame(size_t bytes, unsigned seed = 0) { return frame_of(bytes, seed); }
};

/// A port with one queue and the socket at its other end.
template <spec::PortKind port_kind, typename LinkQueueKind, int type,
          spec::NetHeaderUse use = spec::NetHeaderUse::none>
struct SocketKind : AtOnce {
    static constexpr spec::PortKind kind = port_kind;

    SocketKind()
        : blocks(std::make_unique<CounterBlock[]>(workers_max)),
          port({"p", {blocks.get(), workers_max}, 1, events}, make_link_queue<LinkQueueKind>) {
        int ends[2];
        REQUIRE(socketpair(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0);
        peer.reset(ends[1]);
        ours.reset(fcntl(ends[0], F_DUPFD_CLOEXEC, 0));
        std::vector<OwnedFd> fds;
        fds.emplace_back(ends[0]);
        port.attach(alone(), std::move(fds), use);
    }
    Port& base() { return port; }
    /// Bytes that the port's socket takes before its peer reads; the kernel doubles it.
    void limit_sends(int bytes) {
        REQUIRE(setsockopt(ours.get(), SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes) == 0);
    }
    void send(const Bytes& frame, const spec::NetHeader& header = {}) {
        Bytes unit(frame);
        if (use != spec::NetHeaderUse::none) {
            unit.insert(unit.begin(), sizeof header, 0);
            std::memcpy(unit.data(), &header, sizeof header);
        }
        if (std::is_same_v<LinkQueueKind, StreamQueue>) {
            unit.insert(unit.begin(), 4, 0);
            write_stream_length(unit.data(), static_cast<uint32_t>(frame.size()));
        }
        REQUIRE(::send(peer.get(), unit.data(), unit.size(), 0) ==
                static_cast<ssize_t>(unit.size()));
    }
    std::vector<Bytes> received(size_t = 0) {
        std::vector<Bytes> frames;
        Bytes piece(1 << 17);
        for (;;) {
            const ssize_t count = recv(peer.get(), piece.data(), piece.size(), 0);
            if (count <= 0) return frames;
            if (!std::is_same_v<LinkQueueKind, StreamQueue>) {
                const size_t header = use == spec::NetHeaderUse::none ? 0 : spec::net_header_bytes;
                frames.emplace_back(piece.begin() + header, piece.begin() + count);
                headers.emplace_back();
                std::memcpy(&headers.back(), piece.data(), header);
                continue;
            }
            rest.insert(rest.end(), piece.begin(), piece.begin() + count);
            while (rest.size() >= 4 && rest.size() >= 4 + read_stream_length(rest.data())) {
                const auto end = rest.begin() + 4 + read_stream_length(rest.data());
                frames.emplace_back(rest.begin() + 4, end);
                rest.erase(rest.begin(), end);
            }
        }
    }

    std::unique_ptr<CounterBlock[]> blocks;
    RecordedFaults events;
    LinkPort port;
    OwnedFd peer;
    OwnedFd ours;                          ///< The port's descriptor once more.
    std::vector<spec::NetHeader> headers;  ///< Of what received() gave, from the first.
    Bytes rest;
};
using Stream = SocketKind<spec::PortKind::stream, StreamQueue, SOCK_STREAM>;
using Dgram = SocketKind<spec::PortKind::dgram, DgramQueue, SOCK_DGRAM>;
/// A descriptor of a tap device gives and takes one frame a call, as a datagram socket does.
using Tap = SocketKind<spec::PortKind::tap, TapQueue, SOCK_DGRAM>;
using TapWithHeader =
    SocketKind<spec::PortKind::tap, TapQueue, SOCK_DGRAM, spec::NetHeaderUse::uso>;

}  // namespace valenic::test
