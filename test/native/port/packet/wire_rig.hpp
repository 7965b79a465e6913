// A veth pair in a network namespace of the test's own: gone with it, however the test ends.
#pragma once
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>

#include <chrono>
#include <cstdlib>
#include <string>
#include <thread>

#include "alone.hpp"
#include "port/link.hpp"
#include "port/packet/packet_socket.hpp"
#include "port/packet/wire.hpp"
#include "port/packet/xdp_socket.hpp"
#include "recorded_faults.hpp"
#include "switch_rig.hpp"

namespace valenic::test {

inline bool may_make_interfaces() { return geteuid() == 0; }

/// `near` is the port's interface, `far` the other end.
class Wire {
 public:
    explicit Wire(unsigned mtu = 1500)
        : before_(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)) {
        REQUIRE(before_.valid());
        REQUIRE(unshare(CLONE_NEWNET) == 0);
        // Nobody speaks on them unasked.
        run("sysctl -qw net.ipv6.conf.default.disable_ipv6=1");
        make(mtu);
        far = open("far");
    }
    ~Wire() {
        if (setns(before_.get(), CLONE_NEWNET) != 0) std::abort();
    }
    Wire(const Wire&) = delete;
    Wire& operator=(const Wire&) = delete;

    static void run(const std::string& command) { REQUIRE(std::system(command.c_str()) == 0); }
    static void make(unsigned mtu) {
        const std::string size = "mtu " + std::to_string(mtu);
        run("ip link add near " + size + " type veth peer name far " + size);
        set_up();
    }
    /// Until the kernel has given both a queue to send from, it drops what they send and says
    /// nothing: it does so in a thread of its own.
    static void set_up() {
        run("ip link set near up && ip link set far up");
        run("until ip -o link show near | grep -q 'state UP' && "
            "ip -o link show far | grep -q 'state UP'; do sleep 0.01; done");
    }
    /// A socket at one of them, with a net header in front of every frame.
    static OwnedFd open(const char* interface) {
        OwnedFd fd(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        const int on = 1;
        REQUIRE(setsockopt(fd.get(), SOL_PACKET, PACKET_VNET_HDR, &on, sizeof on) == 0);
        REQUIRE(setsockopt(fd.get(), SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on) == 0);
        const int bytes = 64 << 20;
        setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes);
        setsockopt(fd.get(), SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof bytes);
        sockaddr_ll address{};
        address.sll_family = AF_PACKET;
        address.sll_protocol = htons(3);
        address.sll_ifindex = static_cast<int>(if_nametoindex(interface));
        REQUIRE(bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
        return fd;
    }
    /// An errno, or 0. `header`: what the frame leaves to its receiver.
    static int send(const OwnedFd& from, const Bytes& frame, const spec::NetHeader& header = {}) {
        Bytes unit(spec::net_header_legacy_bytes);
        std::memcpy(unit.data(), &header, unit.size());
        unit.insert(unit.end(), frame.begin(), frame.end());
        return ::send(from.get(), unit.data(), unit.size(), 0) < 0 ? errno : 0;
    }
    int send(const Bytes& frame, const spec::NetHeader& header = {}) {
        return send(far, frame, header);
    }
    struct Seen {
        spec::NetHeader header;
        Bytes frame;
    };
    /// What came to the far end. A VLAN tag counts as part of the frame where the kernel keeps it.
    std::vector<Seen> received_with_headers() {
        std::vector<Seen> frames;
        Bytes piece(1 << 17);
        for (;;) {
            const ssize_t count = recv(far.get(), piece.data(), piece.size(), 0);
            if (count <= static_cast<ssize_t>(spec::net_header_legacy_bytes)) return frames;
            Seen& seen = frames.emplace_back();
            std::memcpy(&seen.header, piece.data(), spec::net_header_legacy_bytes);
            seen.frame.assign(piece.begin() + spec::net_header_legacy_bytes, piece.begin() + count);
        }
    }
    std::vector<Bytes> received() {
        std::vector<Bytes> frames;
        for (Seen& seen : received_with_headers()) frames.push_back(std::move(seen.frame));
        return frames;
    }

    OwnedFd far;

 private:
    OwnedFd before_;
};

inline Bytes with_tag(const Bytes& frame, uint16_t protocol, uint16_t tag) {
    Bytes tagged(frame);
    const uint8_t words[] = {static_cast<uint8_t>(protocol >> 8), static_cast<uint8_t>(protocol),
                             static_cast<uint8_t>(tag >> 8), static_cast<uint8_t>(tag)};
    tagged.insert(tagged.begin() + 12, words, words + sizeof words);
    return tagged;
}

/// With an EtherType that nobody uses.
inline Bytes plain(size_t bytes, unsigned seed = 0) {
    Bytes frame = frame_of(bytes, seed);
    frame[12] = 0x88;
    frame[13] = 0xb5;
    return frame;
}

inline std::vector<Bytes> frames_of(const std::vector<Wire::Seen>& seen) {
    std::vector<Bytes> frames;
    for (const Wire::Seen& one : seen) frames.push_back(one.frame);
    return frames;
}

/// What a packet port goes through.
enum class Io : uint8_t { packet, xdp };

/// A packet port at the near end, and one worker to drive it.
struct WireRig {
    explicit WireRig(unsigned mtu = 1500, unsigned queues = 1, Io io = Io::packet)
        : wire(mtu),
          blocks(std::make_unique<CounterBlock[]>(workers_max)),
          port({"p", {blocks.get(), workers_max}, queues, events}, make_link_queue<WireQueue>),
          batch(std::make_unique<Batch>()),
          context(std::make_unique<WorkerContext>()) {
        if (io == Io::xdp) {
            attach_xdp(queues);
        } else {
            attach_packet(queues);
        }
    }
    void attach_packet(unsigned queues) {
        auto fds = open_packet_sockets("near", queues);
        REQUIRE(fds.ok());
        REQUIRE(port.prepare(fds.value()));
        port.attach(alone(), std::move(fds.value()));
    }
    void attach_xdp(unsigned queues) {
        auto opened = open_xdp_sockets("near", queues, false);
        REQUIRE(opened.ok());
        XdpSockets& made = opened.value();
        std::vector<OwnedFd> shared(xdp_shared_count);
        shared[xdp_memory] = std::move(made.memory);
        shared[xdp_interface] = std::move(made.interface);
        shared[xdp_program] = std::move(made.program);
        REQUIRE(port.prepare(made.fds, shared));
        port.attach(alone(), std::move(made.fds), spec::NetHeaderUse::none, std::move(shared));
    }
    Queue& queue(unsigned index = 0) { return *port.queues()[index]; }
    template <typename Counter>
    uint64_t count(Counter counter) {
        uint64_t sum = 0;
        for (unsigned worker = 0; worker < workers_max; ++worker)
            sum += port.counters(worker).read(counter);
        return sum;
    }
    size_t receive(unsigned index = 0) {
        batch->clear();
        return queue(index).receive(*batch, *context);
    }
    /// What came, in order: veth hands frames on by a kernel thread of its own now and then, so at
    /// least `least` are waited for.
    std::vector<Bytes> receive_all(size_t least, unsigned index = 0) {
        std::vector<Bytes> frames;
        while (receive(index) > 0 || waits(frames.size() < least, index)) {
            for (size_t i = 0; i < batch->count; ++i) frames.push_back(bytes_of(*batch, i));
            queue(index).release(*context);
        }
        return frames;
    }
    void transmit(const std::vector<Bytes>& frames) {
        batch->clear();
        for (const Bytes& frame : frames) REQUIRE(append_frame(*batch, frame));
        queue().transmit(*batch, first_indices(frames.size()), *context);
    }
    /// What came to the far end, once it is `count` frames.
    std::vector<Wire::Seen> far_end(size_t count) {
        std::vector<Wire::Seen> frames;
        for (unsigned tries = 0; frames.size() < count && tries < 2000; ++tries) {
            for (auto& seen : wire.received_with_headers()) frames.push_back(std::move(seen));
            if (frames.size() < count) std::this_thread::sleep_for(std::chrono::milliseconds(5));
        }
        return frames;
    }

    /// What the control thread does about once a second.
    void look_after() {
        for (Queue* queue : port.queues()) static_cast<LinkQueue*>(queue)->look_after(*context);
    }

    Wire wire;
    std::unique_ptr<CounterBlock[]> blocks;
    RecordedFaults events;
    LinkPort port;
    std::unique_ptr<Batch> batch;
    std::unique_ptr<WorkerContext> context;

 private:
    bool waits(bool wanted, unsigned index) {
        if (!wanted) return false;
        pollfd state{queue(index).wait_fd(), POLLIN, 0};
        return poll(&state, 1, 10'000) == 1;
    }
};

}  // namespace valenic::test
