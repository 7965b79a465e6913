// A guest stays in the VLANs that its port has, whatever tags it writes. docs/THREAT_MODEL.md names
// these tests.
#include "alone.hpp"
#include "switch_rig.hpp"
#include "tags.hpp"
#include "vlans.hpp"

using namespace valenic;
using namespace valenic::test;
using spec::DropReason;
using spec::PortCounter;

namespace {

const Bytes inner = frame_between({broadcast_mac, mac(1)}, 100);

/// Frames with up to three tags of any kind in front, and some that end within them.
std::vector<Bytes> tagged_frames() {
    std::vector<Bytes> all{inner};
    for (size_t from = 0, depth = 0; depth < 3; ++depth) {
        const size_t to = all.size();
        for (; from < to; ++from)
            for (const uint32_t control : {0, 10, 20, 0xe00a, 4095})
                for (const uint32_t ethertype : {0x8100, 0x88a8}) {
                    const Bytes base = all[from];
                    all.push_back(with_tag(base, control, ethertype));
                }
    }
    const size_t whole = all.size();
    for (size_t i = 0; i < whole; i += 7)
        for (const size_t bytes : {14, 16, 17, 18, 21, 22})
            all.emplace_back(all[i].begin(), all[i].begin() + static_cast<long>(bytes));
    return all;
}

bool has_tag(const Bytes& frame) {
    return (frame[12] == 0x81 && frame[13] == 0x00) || (frame[12] == 0x88 && frame[13] == 0xa8);
}
unsigned vlan_in(const Bytes& frame) { return (frame[14] * 256u + frame[15]) & 0xfffu; }

struct Lab : SwitchRig {
    ~Lab() { clear(*this); }
    PortRig& add_in(const PortVlan& vlan) {
        PortRig& port = add({.ring_size = 512});
        vale.set_rules(alone(), port.port, {vlan, true});
        return port;
    }
    void offer(PortRig& from, const Bytes& frame) {
        send(from, frame);
        for (auto& port : ports)
            if (port.get() != &from) got[port.get()] = port->guest.receive();
    }
    std::map<PortRig*, std::vector<Bytes>> got;
};

}  // namespace

TEST_SUITE("threats: VLANs") {
    TEST_CASE("a guest on an access port reaches its VLAN alone, whatever tags it writes") {
        Lab lab;
        PortRig& guest = lab.add_in(access_to(10));
        PortRig& ten = lab.add_in(access_to(10));
        PortRig& twenty = lab.add_in(access_to(20));
        PortRig& trunk = lab.add_in(trunk_of({10, 20}));
        PortRig& native = lab.add_in(trunk_of({20}, 10));
        PortRig& tunnel = lab.add_in(tunnel_in(20));
        PortRig& outside = lab.add({.ring_size = 512});
        for (const Bytes& frame : tagged_frames()) {
            lab.offer(guest, frame);
            for (PortRig* none : {&twenty, &tunnel, &outside}) REQUIRE(lab.got[none].empty());
            for (const Bytes& frame_got : lab.got[&trunk]) {
                REQUIRE(has_tag(frame_got));
                REQUIRE(vlan_in(frame_got) == 10);
            }
            // Whoever is behind these takes the first tag for the VLAN: there is none.
            for (PortRig* untagged : {&ten, &native})
                for (const Bytes& frame_got : lab.got[untagged]) REQUIRE(!has_tag(frame_got));
        }
        CHECK(guest.count(DropReason::tx_vlan_refused) > 100);
    }

    TEST_CASE("a guest on an access port hears its VLAN alone, and never a tag") {
        Lab lab;
        PortRig& guest = lab.add_in(access_to(10));
        PortRig& trunk = lab.add_in(trunk_of_all(20));
        PortRig& tunnel = lab.add_in(tunnel_in(10));
        PortRig& other_tunnel = lab.add_in(tunnel_in(20));
        PortRig& outside = lab.add({.ring_size = 512});
        for (const Bytes& frame : tagged_frames())
            for (PortRig* from : {&trunk, &tunnel, &other_tunnel, &outside}) {
                lab.offer(*from, frame);
                for (const Bytes& frame_got : lab.got[&guest]) {
                    REQUIRE((from == &trunk || from == &tunnel));
                    REQUIRE(!has_tag(frame_got));
                    REQUIRE((from == &tunnel || vlan_in(frame) == 10));
                }
            }
    }

    TEST_CASE("two tags: no port hands the second one to a trunk as if it were the first") {
        Lab lab;
        PortRig& trunk = lab.add_in(trunk_of({10}, 10));
        PortRig& tunnel = lab.add_in(tunnel_in(10));
        PortRig& native = lab.add_in(trunk_of({20}, 10));
        for (const Bytes& frame : tagged_frames())
            for (PortRig* from : {&trunk, &tunnel}) {
                lab.offer(*from, frame);
                for (const Bytes& frame_got : lab.got[&native])
                    REQUIRE((!has_tag(frame_got) || vlan_in(frame_got) == 10));
            }
    }

    TEST_CASE("a guest on a trunk sends and hears the VLANs of its list alone") {
        Lab lab;
        PortRig& guest = lab.add_in(trunk_of({10}));
        PortRig& all = lab.add_in(trunk_of_all(30));
        PortRig& twenty = lab.add_in(access_to(20));
        for (const Bytes& frame : tagged_frames()) {
            lab.offer(guest, frame);
            REQUIRE(lab.got[&twenty].empty());
            for (const Bytes& frame_got : lab.got[&all]) REQUIRE(vlan_in(frame_got) == 10);
            lab.offer(all, frame);
            for (const Bytes& frame_got : lab.got[&guest]) {
                REQUIRE(has_tag(frame_got));
                REQUIRE(vlan_in(frame_got) == 10);
            }
        }
    }

    TEST_CASE("an address said in one VLAN takes nothing away from who has it in another") {
        Lab lab;
        PortRig& thief = lab.add_in(access_to(10));
        PortRig& owner = lab.add_in(access_to(20));
        PortRig& trunk = lab.add_in(trunk_of_all());
        const Bytes hello = frame_between({broadcast_mac, mac(2)}, 100);
        const Bytes secret = frame_between(addresses(2, 3), 100);
        lab.offer(owner, hello);
        lab.offer(thief, hello);
        lab.offer(trunk, with_tag(secret, 20));
        CHECK((lab.got[&owner] == std::vector<Bytes>{secret}));
        CHECK(lab.got[&thief].empty());
        CHECK(owner.count(PortCounter::macs_moved) == 0);
        CHECK(thief.count(PortCounter::macs_moved) == 0);
    }
}
