// Descriptors and memory that a peer can make us wait for. docs/THREAT_MODEL.md names these tests.
//
// What is waited for here would take for ever: `eventually` gives it a minute.
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <netinet/in.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <string>
#include <thread>

#include "base/break_signal.hpp"
#include "engine_rig.hpp"
#include "port/link_commands.hpp"
#include "port/vhost/vhost_commands.hpp"

using namespace valenic;
using namespace valenic::test;
using spec::Fault;

namespace {

constexpr uint64_t full = UINT64_MAX - 1;

void make_blocking(int fd) {
    const int flags = fcntl(fd, F_GETFL);
    REQUIRE(fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) == 0);
}

void fill(int fd) {
    REQUIRE(make_nonblocking(fd));
    drain_eventfd(fd);
    REQUIRE(write(fd, &full, sizeof full) == sizeof full);
}

/// Whether a device was closed for this reason; looks after all of them meanwhile.
bool closed_for(EngineRig& rig, const EngineGuest& guest, Fault fault) {
    return eventually([&] {
        rig.engine.housekeeping();
        for (const auto& event : rig.events_of<boundary::DeviceFaultEvent>())
            if (event.port == guest.id) return event.fault == fault;
        return false;
    });
}

/// An honest frame arrives: worker and switch are alive.
bool passes(EngineGuest& from, EngineGuest& to) {
    const size_t before = to.guest.net().rx().used_waiting();
    if (!from.guest.send(frame_between({broadcast_mac, mac(9)}))) return false;
    return eventually([&] { return to.guest.net().rx().used_waiting() > before; });
}

/// One byte with a TCP socket whose close() takes a minute: unsent data, a peer that reads nothing.
void send_lingering(int to) {
    const OwnedFd listener(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    REQUIRE(bind(listener.get(), reinterpret_cast<sockaddr*>(&address), size) == 0);
    REQUIRE(listen(listener.get(), 1) == 0);
    REQUIRE(getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
    const int lingering = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    REQUIRE(connect(lingering, reinterpret_cast<sockaddr*>(&address), size) == 0);
    // Held open and not read, until the program ends.
    static std::vector<OwnedFd> far_ends;
    far_ends.emplace_back(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    const Bytes data(1 << 16);
    while (send(lingering, data.data(), data.size(), MSG_DONTWAIT) > 0) {
    }
    const linger minute{1, 60};
    REQUIRE(setsockopt(lingering, SOL_SOCKET, SO_LINGER, &minute, sizeof minute) == 0);

    uint8_t length = 0;
    iovec part{&length, 1};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(header), &lingering, sizeof lingering);
    const bool taken = sendmsg(to, &message, MSG_NOSIGNAL) == 1;
    const linger none{0, 0};
    if (!taken) setsockopt(lingering, SOL_SOCKET, SO_LINGER, &none, sizeof none);
    std::thread([lingering] { close(lingering); }).detach();
}

/// Untouched pages of the backend's view of a guest's memory: whoever touches one waits.
class SilentPages {
 public:
    /// `from`: where they begin, in the guest's own addresses; they end with its memory.
    SilentPages(const driver::GuestMemory& memory, uint64_t from) {
        uffd_ = OwnedFd(static_cast<int>(syscall(SYS_userfaultfd, O_CLOEXEC)));
        REQUIRE(uffd_.valid());
        uffdio_api api{UFFD_API, 0, 0};
        REQUIRE(ioctl(uffd_.get(), UFFDIO_API, &api) == 0);
        for (const uint64_t start : other_views(memory)) {
            uffdio_register range{};
            range.range = {start, memory.bytes()};
            range.mode = UFFDIO_REGISTER_MODE_MISSING;
            REQUIRE(ioctl(uffd_.get(), UFFDIO_REGISTER, &range) == 0);
        }
        const auto offset = static_cast<off_t>(from - driver::GuestMemory::guest_base);
        REQUIRE(fallocate(memory.fd(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset,
                          static_cast<off_t>(memory.bytes()) - offset) == 0);
    }
    /// The pages come now.
    void speak() { uffd_.reset(); }

 private:
    /// Where else the same file is mapped: by the backend, and by the rig.
    static std::vector<uint64_t> other_views(const driver::GuestMemory& memory) {
        struct stat facts {};
        REQUIRE(fstat(memory.fd(), &facts) == 0);
        std::vector<uint64_t> starts;
        std::ifstream maps("/proc/self/maps");
        for (std::string line; std::getline(maps, line);) {
            unsigned long long start = 0;
            unsigned long long inode = 0;
            if (std::sscanf(line.c_str(), "%llx-%*x %*s %*x %*s %llu", &start, &inode) != 2)
                continue;
            if (inode == facts.st_ino && start != reinterpret_cast<uint64_t>(memory.data()))
                starts.push_back(start);
        }
        REQUIRE_FALSE(starts.empty());
        return starts;
    }

    OwnedFd uffd_;
};

}  // namespace

TEST_SUITE("an eventfd that its peer makes blocking again") {
    TEST_CASE("empty: its kicks are taken without waiting, whatever its flags are") {
        const OwnedFd fd(eventfd(0, 0));
        CHECK(take_kicks(fd.get()) == 0);
        const uint64_t three = 3;
        REQUIRE(write(fd.get(), &three, sizeof three) == sizeof three);
        CHECK(take_kicks(fd.get()) == 3);
        CHECK(take_kicks(fd.get()) == 0);
    }
    TEST_CASE("full: the worker that calls there goes on, the device is closed, others stay") {
        EngineRig rig;
        EngineGuest a(rig, "a");
        EngineGuest b(rig, "b");
        EngineGuest hostile(rig, "hostile", {.wants_calls = true});
        fill(hostile.guest.ring(0).call.get());
        make_blocking(hostile.guest.ring(0).call.get());

        CHECK(passes(a, b));
        CHECK(closed_for(rig, hostile, Fault::notification_blocked));
        for (const RingState& state : states_of(hostile)) CHECK_FALSE(state.running);
        CHECK(passes(a, b));
        CHECK(hostile.count(spec::PortCounter::calls) == 1);
    }
    TEST_CASE("full, of the ring that it sends from") {
        EngineRig rig;
        EngineGuest a(rig, "a");
        EngineGuest b(rig, "b");
        EngineGuest hostile(rig, "hostile", {.wants_calls = true});
        hostile.guest.net().tx().ask_for_call();
        fill(hostile.guest.ring(1).call.get());
        make_blocking(hostile.guest.ring(1).call.get());

        REQUIRE(hostile.guest.send(frame_between({broadcast_mac, mac(1)})));
        CHECK(closed_for(rig, hostile, Fault::notification_blocked));
        CHECK(passes(a, b));
    }
    TEST_CASE("full, when a call was held back and comes with the timer") {
        EngineRig rig;
        EngineGuest a(rig, "a");
        EngineGuest b(rig, "b");
        SettingsChange moderated;
        moderated.moderation_frames = 1000;
        moderated.moderation_us = 2000;
        EngineGuest hostile(rig, "hostile", {.wants_calls = true}, moderated);
        fill(hostile.guest.ring(0).call.get());
        make_blocking(hostile.guest.ring(0).call.get());

        CHECK(passes(a, b));
        CHECK(closed_for(rig, hostile, Fault::notification_blocked));
        CHECK(passes(a, b));
    }
    TEST_CASE("drained between a kick and its reading, again and again") {
        EngineRig rig;
        SettingsChange sleeps;
        sleeps.polling = spec::PollingMode::event;
        EngineGuest a(rig, "a");
        EngineGuest b(rig, "b");
        EngineGuest hostile(rig, "hostile", {}, sleeps);
        const int kick = hostile.guest.ring(1).kick.get();
        make_blocking(kick);
        std::atomic<bool> done{false};
        std::thread attacker([&] {
            while (!done.load()) {
                signal_eventfd(kick);
                take_kicks(kick);
            }
        });
        for (int i = 0; i < 20; ++i) {
            CHECK(passes(a, b));
            b.guest.receive();
            a.restart(1);  // The gate.
        }
        done.store(true);
        attacker.join();
    }
    TEST_CASE("while the control thread calls there: the command ends") {
        EngineRig rig;
        EngineGuest hostile(rig, "hostile");
        const OwnedFd call(eventfd(0, EFD_NONBLOCK));
        fill(call.get());
        std::atomic<bool> done{false};
        std::thread attacker([&] {
            const int flags = fcntl(call.get(), F_GETFL) & ~O_NONBLOCK;
            while (!done.load()) fcntl(call.get(), F_SETFL, flags);
        });
        std::thread control([&] {
            rig.engine.adopt_this_thread();
            for (int i = 0; i < 50; ++i) {
                const Done refusal =
                    VhostCommands(rig.engine).set_call(hostile.id, 0, duplicate(call.get()));
                CHECK_FALSE(refusal);
            }
            rig.engine.release_this_thread();
        });
        control.join();
        done.store(true);
        attacker.join();
    }
}

TEST_SUITE("descriptors sent along with frames") {
    TEST_CASE("whose closing lingers: a stream's worker goes on") {
        EngineRig rig;
        EngineGuest a(rig, "a");
        EngineGuest b(rig, "b");
        const EnginePort link(rig, rig.new_port("link", Engine::PortKind::stream));
        int ends[2];
        REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
        const OwnedFd peer(ends[1]);
        std::vector<OwnedFd> fds;
        fds.emplace_back(ends[0]);
        REQUIRE_FALSE(LinkCommands(rig.engine).attach_link(link.id, std::move(fds), {}, ""));

        // Each is let go of by nobody but the kernel, when the worker reads.
        for (int i = 0; i < 4; ++i) send_lingering(peer.get());
        for (int i = 0; i < 20; ++i) {
            CHECK(passes(a, b));
            b.guest.receive();
            a.restart(1);
        }
    }
}

TEST_SUITE("memory whose pages do not come") {
    TEST_CASE("is told with the worker and the port that it keeps; other workers go on") {
        EngineRig rig(2);
        const auto both = rig.worker_ids;
        rig.worker_ids = {both[0]};
        EngineGuest sender(rig, "sender");
        EngineGuest hostile(rig, "hostile", {.buffer_bytes = 4096});
        rig.worker_ids = {both[1]};
        const uint32_t first_switch = rig.switch_id;
        rig.switch_id = rig.engine.create_switch("vale1", {}).value();
        EngineGuest a(rig, "a");
        EngineGuest b(rig, "b");
        // Its first receive buffer and what lies behind it: no part of a ring.
        const auto* table = reinterpret_cast<spec::SplitDesc*>(hostile.guest.ring(0).memory);
        SilentPages pages(hostile.guest.space.memory(), table[0].addr);
        REQUIRE(rig.switch_id != first_switch);

        REQUIRE(sender.guest.send(frame_between({broadcast_mac, mac(1)})));
        const auto told = [&] { return rig.events_of<boundary::WorkerLateEvent>(); };
        REQUIRE(eventually([&] { return !told().empty(); }));
        const boundary::WorkerLateEvent late = told().front();
        CHECK(late.port == hostile.id);
        CHECK(late.worker == both[0]);
        CHECK(late.act == Act::transmit);
        CHECK(late.queue == 0);
        CHECK(late.asleep_ms >= Watchdog::late_after_ns / 1'000'000);

        // Commands say that they cannot be, and the other worker's ports go on.
        CHECK(refused(VhostCommands(rig.engine).enable_ring(a.id, 0, true)) == "worker_busy");
        CHECK(passes(a, b));
        rig.engine.housekeeping();
        CHECK(states_of(hostile)[0].running);
        CHECK_FALSE(rig.engine.close());

        pages.speak();
        CHECK(closed_for(rig, hostile, Fault::worker_stalled));
        CHECK(states_of(sender)[0].running);
    }
}
