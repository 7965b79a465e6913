// Ports with their peer behind a descriptor, and the peer.
#pragma once
#include <sys/socket.h>

#include "base/limits.hpp"
#include "net/stream_framing.hpp"
#include "port/link.hpp"
#include "rig.hpp"

namespace valenic::test {

struct RecordedLinks : LinkEvents {
    void link_down(const LinkPort&, unsigned, spec::Fault fault) override { said.push_back(fault); }
    std::vector<spec::Fault> said;
};

/// A port with one queue and the socket at its other end.
template <spec::PortKind kind, int type>
struct SocketKind {
    SocketKind()
        : blocks(std::make_unique<CounterBlock[]>(workers_max)),
          port("p", {blocks.get(), workers_max}, kind, 1, events) {
        int ends[2];
        REQUIRE(socketpair(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0);
        peer.reset(ends[1]);
        std::vector<OwnedFd> fds;
        fds.emplace_back(ends[0]);
        port.attach(std::move(fds));
    }
    Port& base() { return port; }
    void send(const Bytes& frame) {
        Bytes unit(frame);
        if (kind == spec::PortKind::stream) {
            unit.insert(unit.begin(), 4, 0);
            write_stream_length(unit.data(), static_cast<uint32_t>(frame.size()));
        }
        REQUIRE(::send(peer.get(), unit.data(), unit.size(), 0) ==
                static_cast<ssize_t>(unit.size()));
    }
    std::vector<Bytes> received() {
        std::vector<Bytes> frames;
        Bytes piece(1 << 17);
        for (;;) {
            const ssize_t count = recv(peer.get(), piece.data(), piece.size(), 0);
            if (count <= 0) return frames;
            if (kind == spec::PortKind::dgram) {
                frames.emplace_back(piece.begin(), piece.begin() + count);
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
    RecordedLinks events;
    LinkPort port;
    OwnedFd peer;
    Bytes rest;
};
using Stream = SocketKind<spec::PortKind::stream, SOCK_STREAM>;
using Dgram = SocketKind<spec::PortKind::dgram, SOCK_DGRAM>;

}  // namespace valenic::test
