// A guest whose VMM cuts off the file that its frames and buffers lie in: it loses its own device
// at once, and nobody else loses anything.
#include <sys/socket.h>

#include "engine_rig.hpp"
#include "port/link_commands.hpp"
#include "port/vhost/vhost_commands.hpp"
#include "switch_rig.hpp"

using namespace valenic;
using namespace valenic::test;
using spec::DropReason;
using spec::Fault;
using spec::PortCounter;

namespace {

/// The guest's own view is gone too: a kick is all that it still can do. One that comes while the
/// ring is polled is taken for what is polled already.
bool kick_until_told(EngineRig& rig, EngineGuest& guest) {
    return eventually([&] {
        signal_eventfd(guest.guest.ring(1).kick.get());
        return rig.housekeeping_due > 0;
    });
}

/// A stream port with its peer.
struct StreamEnd : EnginePort {
    explicit StreamEnd(EngineRig& rig)
        : EnginePort(rig, rig.new_port("stream", Engine::PortKind::stream)) {
        int ends[2];
        REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0);
        peer.reset(ends[1]);
        std::vector<OwnedFd> fds;
        fds.emplace_back(ends[0]);
        REQUIRE_FALSE(LinkCommands(rig.engine).attach_link(id, std::move(fds), {}, ""));
    }
    OwnedFd peer;
};

}  // namespace

TEST_SUITE("lost memory") {
    TEST_CASE("a ring stops at its next batch, and whoever closes devices is told at once") {
        EngineRig rig;
        EngineGuest attacker(rig, "attacker");
        EngineGuest honest(rig, "honest");
        StreamEnd stream(rig);
        attacker.introduce(1);
        honest.introduce(2);
        REQUIRE(ftruncate(attacker.guest.space.memory().fd(), 0) == 0);
        REQUIRE(kick_until_told(rig, attacker));
        CHECK(attacker.count(PortCounter::queue_faults) == 1);
        CHECK(rig.events_of<boundary::RingFaultEvent>().size() == 0);
        CHECK(rig.events_of<boundary::DeviceFaultEvent>().size() == 0);
        rig.engine.housekeeping();
        CHECK(rig.events_of<boundary::DeviceFaultEvent>().size() == 1);
        CHECK(rig.events_of<boundary::LinkDownEvent>().size() == 0);
        for (const RingState& state : states_of(attacker)) CHECK_FALSE(state.running);
        honest.introduce(2);
        CHECK(honest.count(PortCounter::queue_faults) == 0);
    }
    TEST_CASE("new memory does not make it undone") {
        EngineRig rig;
        EngineGuest attacker(rig, "attacker");
        REQUIRE(ftruncate(attacker.guest.space.memory().fd(), 0) == 0);
        REQUIRE(kick_until_told(rig, attacker));
        GuestSpace other;
        CHECK(refused(VhostCommands(rig.engine).set_memory(attacker.id, other.regions())) ==
              "memory_truncated");
        CHECK(rig.events_of<boundary::DeviceFaultEvent>().size() == 1);
        for (const RingState& state : states_of(attacker)) CHECK_FALSE(state.running);
        CHECK(refused(VhostCommands(rig.engine).set_memory(attacker.id, other.regions())).empty());
    }
    TEST_CASE("a receiver's is written once at most: frames for it are counted from then on") {
        SwitchRig rig;
        PortRig& sender = rig.add();
        PortRig& receiver = rig.add();
        REQUIRE(ftruncate(receiver.guest.space.memory().fd(), 0) == 0);
        Bytes frame = frame_of(60);
        std::fill_n(frame.begin(), 6, uint8_t{0xff});
        rig.send(sender, frame);
        rig.send(sender, frame);
        CHECK(receiver.port.memory_lost());
        CHECK(receiver.events.truncated == 1);
        CHECK(receiver.count(DropReason::rx_ring_broken) >= 1);
        CHECK_FALSE(sender.port.memory_lost());
        clear(rig);
    }
}
