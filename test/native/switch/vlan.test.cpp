// VLANs over real rings: who gets which frame, with which tag, and how the rest is counted.
#include <set>

#include "alone.hpp"
#include "lookup/hub.hpp"
#include "received.hpp"
#include "tags.hpp"
#include "vlans.hpp"

using namespace valenic;
using namespace valenic::test;
using spec::DropReason;
using spec::PortCounter;

namespace {

/// Sends all frames to one port, whatever they are: a lookup of somebody's own.
class ToSlot final : public Lookup {
 public:
    explicit ToSlot(uint8_t slot) : slot_(slot) {}
    void resolve(const Batch& batch, const LookupSource&,
                 std::span<Action> actions) noexcept override {
        for (size_t i = 0; i < batch.count; ++i) actions[i] = Action::output(slot_);
    }
    size_t header_bytes() const noexcept override { return 0; }
    void forget(uint16_t) noexcept override {}
    std::vector<MacAddress> addresses_of(uint16_t) const override { return {}; }

 private:
    uint8_t slot_;
};

struct VlanRig : SwitchRig {
    using SwitchRig::SwitchRig;
    ~VlanRig() { clear(*this); }
    PortRig& add_in(const PortVlan& vlan, const GuestOptions& options = {}) {
        PortRig& port = add(options);
        vale.set_rules(alone(), port.port, {vlan, true});
        return port;
    }
    std::vector<Bytes> got(PortRig& port) { return port.guest.receive(); }
    bool got_nothing(PortRig& port) { return got(port).empty(); }
};

const Bytes broadcast = frame_between({broadcast_mac, mac(1)}, 200);
const Bytes to_2 = frame_between(addresses(2, 1), 200);
using Frames = std::vector<Bytes>;

/// Every frame of two batches, sent at once.
void send_all(VlanRig& rig, PortRig& from, const Frames& frames) {
    for (const Bytes& frame : frames) REQUIRE(from.guest.send(frame));
    rig.serve_all(from);
}

}  // namespace

TEST_SUITE("vlan: one switch") {
    TEST_CASE("a flood reaches the members of its VLAN, each with the tag that it is to see") {
        VlanRig rig;
        PortRig& ten = rig.add_in(access_to(10));
        PortRig& other_ten = rig.add_in(access_to(10));
        PortRig& twenty = rig.add_in(access_to(20));
        PortRig& trunk = rig.add_in(trunk_of({10, 20}));
        PortRig& foreign = rig.add_in(trunk_of({30}));
        PortRig& native = rig.add_in(trunk_of({20}, 10));
        PortRig& tunnel = rig.add_in(tunnel_in(10));
        PortRig& outside = rig.add();

        rig.send(ten, broadcast);
        CHECK((rig.got(other_ten) == Frames{broadcast}));
        CHECK((rig.got(trunk) == Frames{with_tag(broadcast, 10)}));
        CHECK((rig.got(native) == Frames{broadcast}));
        CHECK((rig.got(tunnel) == Frames{broadcast}));
        for (PortRig* none : {&ten, &twenty, &foreign, &outside}) CHECK(rig.got_nothing(*none));

        rig.send(trunk, with_tag(broadcast, 20));
        CHECK((rig.got(twenty) == Frames{broadcast}));
        CHECK((rig.got(native) == Frames{with_tag(broadcast, 20)}));
        for (PortRig* none : {&ten, &other_ten, &trunk, &foreign, &tunnel, &outside})
            CHECK(rig.got_nothing(*none));

        rig.send(tunnel, with_tag(broadcast, 33));
        CHECK((rig.got(trunk) == Frames{with_tag(with_tag(broadcast, 33), 10, 0x88a8)}));
        CHECK((rig.got(native) == Frames{with_tag(with_tag(broadcast, 33), 10, 0x88a8)}));
        CHECK(rig.got_nothing(ten));
        CHECK(ten.count(DropReason::rx_vlan_refused) == 1);

        // Who has no VLANs talks to those alike as ever.
        PortRig& other_outside = rig.add();
        rig.send(outside, with_tag(broadcast, 10));
        CHECK((rig.got(other_outside) == Frames{with_tag(broadcast, 10)}));
        for (PortRig* none : {&ten, &twenty, &trunk, &native, &tunnel})
            CHECK(rig.got_nothing(*none));
    }

    TEST_CASE("an address is learned in its VLAN: the same one may be in two") {
        VlanRig rig;
        PortRig& trunk = rig.add_in(trunk_of({10, 20}));
        PortRig& ten = rig.add_in(access_to(10));
        PortRig& twenty = rig.add_in(access_to(20));
        PortRig& watcher = rig.add_in(trunk_of({10, 20}));
        const Bytes from_2 = frame_between({broadcast_mac, mac(2)}, 100);
        rig.send(ten, from_2);
        rig.send(twenty, from_2);
        for (auto& port : rig.ports) port->guest.receive();

        send_all(rig, trunk, {with_tag(to_2, 10), with_tag(to_2, 20), with_tag(to_2, 10)});
        CHECK((rig.got(ten) == Frames{to_2, to_2}));
        CHECK((rig.got(twenty) == Frames{to_2}));
        CHECK(rig.got_nothing(watcher));
    }

    TEST_CASE("what is not of the sender's VLANs is counted, not learned from, and goes nowhere") {
        VlanRig rig;
        PortRig& ten = rig.add_in(access_to(10));
        PortRig& twenty = rig.add_in(access_to(20));
        PortRig& trunk = rig.add_in(trunk_of_all());
        const Bytes hello = frame_between({broadcast_mac, mac(2)}, 100);
        rig.send(twenty, hello);
        trunk.guest.receive();

        send_all(rig, ten, {with_tag(hello, 20), with_tag(hello, 10), with_tag(to_2, 20)});
        CHECK(ten.count(DropReason::tx_vlan_refused) == 3);
        CHECK(ten.count(PortCounter::macs_learned) == 0);
        CHECK(rig.got_nothing(twenty));
        CHECK(rig.got_nothing(trunk));
        rig.send(trunk, with_tag(to_2, 20));
        CHECK((rig.got(twenty) == Frames{to_2}));
        rig.send(trunk, to_2);
        CHECK(trunk.count(DropReason::tx_vlan_refused) == 1);
    }

    TEST_CASE("a VLAN without another member is counted as no destination") {
        VlanRig rig;
        PortRig& ten = rig.add_in(access_to(10));
        rig.add_in(access_to(20));
        rig.add();
        send_all(rig, ten, {broadcast, to_2});
        CHECK(ten.count(DropReason::tx_no_destination) == 2);
    }

    TEST_CASE("other rules at run time: addresses of the old VLAN lead nowhere any more") {
        VlanRig rig;
        PortRig& one = rig.add_in(access_to(10));
        PortRig& two = rig.add_in(access_to(10));
        rig.send(two, frame_between({broadcast_mac, mac(2)}, 100));
        one.guest.receive();
        rig.vale.set_rules(alone(), two.port, {access_to(20), true});
        rig.send(one, to_2);
        CHECK(rig.got_nothing(two));
        CHECK(rig.vale.lookup().addresses_of(two.port.slot).empty());
        rig.vale.set_rules(alone(), two.port, {});
        rig.vale.set_rules(alone(), one.port, {});
        rig.send(one, to_2);
        CHECK((rig.got(two) == Frames{to_2}));
    }

    TEST_CASE("a port that goes takes its rules along") {
        VlanRig rig;
        PortRig& one = rig.add_in(access_to(10));
        PortRig& two = rig.add();
        const uint8_t slot = one.port.slot;
        rig.vale.detach(alone(), one.port);
        PortRig& three = rig.add();
        REQUIRE(three.port.slot == slot);
        rig.send(two, broadcast);
        CHECK((rig.got(three) == Frames{broadcast}));
    }

    TEST_CASE("with more off, and over several queue pairs, it is the same") {
        VlanRig rig;
        const GuestOptions pairs{.pairs = 2};
        PortRig& ten = rig.add_in(access_to(10));
        PortRig& trunk = rig.add_in(trunk_of({10}), pairs);
        trunk.port.set_active_pairs(alone(), 2);
        for (const bool more : {true, false}) {
            ten.port.settings().more.store(more);
            Frames frames;
            for (uint32_t i = 0; i < 16; ++i)
                frames.push_back(frame_between({broadcast_mac, mac(i)}, 100));
            send_all(rig, ten, frames);
            std::multiset<Bytes> got;
            for (const unsigned pair : {0, 1})
                for (const Bytes& frame : trunk.guest.receive(pair)) got.insert(frame);
            std::multiset<Bytes> expected;
            for (const Bytes& frame : frames) expected.insert(with_tag(frame, 10));
            CHECK((got == expected));
        }
    }

    TEST_CASE("a batch whose tags take more pieces than it has room for goes in parts") {
        VlanRig rig;
        // Each frame in its own header and five pieces: 200 of them fill a batch.
        PortRig& ten = rig.add_in(access_to(10), {.ring_size = 2048});
        PortRig& trunk = rig.add_in(trunk_of({10}), {.ring_size = 256});
        ten.port.settings().budget.store(200);
        constexpr size_t each_bytes = 12 + stage_frame_bytes + 5;
        uint8_t* area = ten.guest.space.take(200 * each_bytes);
        for (unsigned i = 0; i < 200; ++i) {
            const Bytes frame = frame_between({broadcast_mac, mac(i)}, stage_frame_bytes + 5);
            uint8_t* at = area + i * each_bytes;
            std::memset(at, 0, 12);
            std::memcpy(at + 12, frame.data(), frame.size());
            std::vector<driver::Buffer> chain{
                {ten.guest.space.addr(at), 12 + stage_frame_bytes, false}};
            for (uint32_t piece = 0; piece < 5; ++piece)
                chain.push_back(
                    {ten.guest.space.addr(at) + 12 + stage_frame_bytes + piece, 1, false});
            ten.guest.net().tx().add(chain);
        }
        ten.guest.net().tx().publish();
        rig.serve_all(ten);
        const Frames frames = rig.got(trunk);
        REQUIRE(frames.size() == 200);
        for (unsigned i = 0; i < 200; ++i)
            REQUIRE((frames[i] ==
                     with_tag(frame_between({broadcast_mac, mac(i)}, stage_frame_bytes + 5), 10)));
    }

    TEST_CASE("a frame that the tag makes too long is counted at its receiver") {
        VlanRig rig;
        const uint32_t room = 70'000;
        PortRig& ten = rig.add_in(access_to(10), {.ring_size = 2, .buffer_bytes = room});
        PortRig& trunk = rig.add_in(trunk_of({10}), {.ring_size = 2, .buffer_bytes = room});
        PortRig& peer = rig.add_in(access_to(10), {.ring_size = 2, .buffer_bytes = room});
        rig.send(ten, frame_between({broadcast_mac, mac(1)}, largest_frame_bytes));
        CHECK(rig.got(peer).size() == 1);
        CHECK(rig.got_nothing(trunk));
        CHECK(trunk.count(DropReason::rx_vlan_no_room) == 1);
    }

    TEST_CASE("link-local frames pass like others, unless a port drops them, both ways") {
        VlanRig rig;
        PortRig& one = rig.add();
        PortRig& two = rig.add();
        const Bytes lacp = frame_between({0x0200'00c2'8001, mac(1)}, 124);
        rig.send(one, lacp);
        CHECK((rig.got(two) == Frames{lacp}));
        rig.vale.set_rules(alone(), two.port, {{}, false});
        send_all(rig, one, {lacp, broadcast, lacp});
        CHECK((rig.got(two) == Frames{broadcast}));
        CHECK(two.count(DropReason::rx_link_local) == 2);
        send_all(rig, two, {lacp, broadcast});
        CHECK((rig.got(one) == Frames{broadcast}));
        CHECK(two.count(DropReason::tx_link_local) == 1);
        CHECK(two.count(DropReason::tx_no_destination) == 0);
    }
}

TEST_SUITE("vlan: offloads") {
    TEST_CASE("a big frame crosses whole with the tag pushed, or is cut for who takes none") {
        const uint64_t sender =
            modern | features_of(spec::net_feature_csum, spec::net_feature_host_tso4);
        const uint64_t taker =
            mergeable | features_of(spec::net_feature_guest_csum, spec::net_feature_guest_tso4);
        const FrameSpec spec{.payload = 20'000, .options = 12, .flags = 0x18};
        VlanRig rig;
        PortRig& from =
            rig.add_in(access_to(10), {.ring_size = 4, .features = sender, .buffer_bytes = 66'000});
        PortRig& whole = rig.add_in(trunk_of({10}), {.features = taker});
        PortRig& cut = rig.add_in(trunk_of({10}), {.features = mergeable});
        PortRig& bare = rig.add_in(access_to(10), {.features = mergeable});
        Octets frame = make_frame(spec);
        const auto segments = reference_cut(frame, spec, 1448);
        leave_partial(frame, spec);
        const spec::NetHeader header = gso_header(spec, 1448);
        driver::NetDriver& net = from.guest.net();
        REQUIRE(net.send(1, static_cast<uint32_t>(frame.size()), [&](uint8_t* to) {
            std::memcpy(to - sizeof header, &header, sizeof header);
            std::memcpy(to, frame.data(), frame.size());
        }) == 1);
        rig.serve_all(from);

        const auto got = received(whole);
        REQUIRE(got.size() == 1);
        CHECK(got[0].frame == with_tag(frame, 10));
        CHECK(got[0].header.csum_start == header.csum_start + 4);
        CHECK(got[0].header.hdr_len == header.hdr_len + 4);
        CHECK(got[0].header.gso_size == 1448);
        CHECK(whole.count(PortCounter::rx_big_whole) == 1);
        const Frames pieces = rig.got(cut);
        const Frames others = rig.got(bare);
        REQUIRE(pieces.size() == segments.size());
        REQUIRE(others.size() == segments.size());
        for (size_t i = 0; i < segments.size(); ++i) {
            CHECK((pieces[i] == with_tag(segments[i], 10)));
            CHECK((others[i] == segments[i]));
        }
    }
}

TEST_SUITE("vlan: lookups of one's own") {
    TEST_CASE("a hub floods the members of the VLAN alone") {
        VlanRig rig(std::make_unique<HubLookup>());
        PortRig& ten = rig.add_in(access_to(10));
        PortRig& other_ten = rig.add_in(access_to(10));
        PortRig& twenty = rig.add_in(access_to(20));
        rig.send(ten, to_2);
        CHECK((rig.got(other_ten) == Frames{to_2}));
        CHECK(rig.got_nothing(twenty));
    }
    TEST_CASE("one that leads to a port without the VLAN: refused there, and counted") {
        VlanRig rig(std::make_unique<ToSlot>(uint8_t{1}));
        PortRig& ten = rig.add_in(access_to(10));
        PortRig& twenty = rig.add_in(access_to(20));
        PortRig& outside = rig.add();
        send_all(rig, ten, {to_2, broadcast, with_tag(to_2, 20)});
        send_all(rig, outside, {to_2});
        CHECK(rig.got_nothing(twenty));
        CHECK(twenty.count(DropReason::rx_vlan_refused) == 3);
        CHECK(ten.count(DropReason::tx_vlan_refused) == 1);
        CHECK(ten.count(DropReason::tx_no_destination) == 0);
    }
}
