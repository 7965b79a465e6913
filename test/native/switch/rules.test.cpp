// To which VLAN a frame belongs, and how it goes to each kind of port: every case of both.
#include "switch/rules.hpp"

#include "lookup_rig.hpp"
#include "tags.hpp"
#include "vlans.hpp"

using namespace valenic;
using namespace valenic::test;

namespace {

FrameVlan classified(const PortVlan& port, const Tagged& frame) {
    // In memory of its own, so that a sanitizer sees a read behind it.
    const auto exact = std::make_unique<uint8_t[]>(frame.size());
    std::copy(frame.begin(), frame.end(), exact.get());
    return classify(port, exact.get(), static_cast<uint32_t>(frame.size()));
}
bool sent_as(const Egress& egress, TagChange change) {
    return egress.verdict == Egress::Verdict::sent && egress.change == change;
}
bool stranger(const Egress& egress) { return egress.verdict == Egress::Verdict::stranger; }

const Tagged bare = frame_between(addresses(2, 1));
const Tagged tag_10 = with_tag(bare, 10);
const Tagged tag_10_in_10 = with_tag(tag_10, 10);
const Tagged tag_20_in_10 = with_tag(with_tag(bare, 20), 10);
const Tagged priority = with_tag(bare, 0xa000);
const Tagged tag_20_in_priority = with_tag(with_tag(bare, 20), 0xa000);
const Tagged provider_10 = with_tag(bare, 10, 0x88a8);
const Tagged reserved = with_tag(bare, 4095);

}  // namespace

TEST_SUITE("rules: classification") {
    TEST_CASE("a port without VLANs: whatever tags there are, nothing is looked at") {
        for (const Tagged& frame : {bare, tag_10, tag_20_in_10, priority, reserved}) {
            const FrameVlan vlan = classified({}, frame);
            CHECK(vlan.vlan == vlan_none);
            CHECK_FALSE(vlan.is_refused());
        }
    }
    TEST_CASE("an access port sends untagged frames, or such with a priority alone") {
        CHECK(classified(access_to(10), bare).vlan == 10);
        CHECK_FALSE(classified(access_to(10), bare).tagged);
        CHECK(classified(access_to(10), priority).vlan == 10);
        CHECK(classified(access_to(10), priority).number);
        for (const Tagged& frame : {tag_10, tag_10_in_10, tag_20_in_10, tag_20_in_priority,
                                    provider_10, reserved, with_tag(bare, 20)})
            CHECK(classified(access_to(10), frame).is_refused());
    }
    TEST_CASE("a trunk sends the VLANs of its list, tagged by either type") {
        for (const Tagged& frame : {tag_10, tag_10_in_10, tag_20_in_10, provider_10}) {
            CHECK(classified(trunk_of({10}), frame).vlan == 10);
            CHECK(classified(trunk_of({10}), frame).tagged);
            CHECK_FALSE(classified(trunk_of({10}), frame).number);
            CHECK(classified(trunk_of({20}), frame).is_refused());
        }
        CHECK(classified(trunk_of({10}), tag_20_in_10).nested);
        CHECK(classified(trunk_of({1, 4094}), with_tag(bare, 0xffe)).vlan == 4094);
        CHECK(classified(trunk_of({1, 4094}), with_tag(bare, 1)).vlan == 1);
    }
    TEST_CASE("untagged frames of a trunk, and such with a priority alone, are of its own VLAN") {
        for (const Tagged& frame : {bare, priority, tag_20_in_priority}) {
            CHECK(classified(trunk_of({20}, 10), frame).vlan == 10);
            CHECK(classified(trunk_of({20}), frame).is_refused());
        }
        CHECK(classified(trunk_of({20}, 10), tag_20_in_priority).nested);
    }
    TEST_CASE("VLAN 4095 is reserved: no trunk takes it, a tunnel carries it") {
        CHECK(classified(trunk_of_all(), reserved).is_refused());
        CHECK(classified(tunnel_in(10), reserved).vlan == 10);
    }
    TEST_CASE("a tag that is cut off is refused where tags are looked at") {
        for (size_t bytes = 14; bytes < 18; ++bytes) {
            const Tagged frame(tag_10.begin(), tag_10.begin() + static_cast<long>(bytes));
            CHECK(classified(access_to(10), frame).is_refused());
            CHECK(classified(trunk_of_all(), frame).is_refused());
            CHECK(classified(tunnel_in(10), frame).vlan == 10);
            CHECK_FALSE(classified({}, frame).is_refused());
        }
        const Tagged least(tag_10.begin(), tag_10.begin() + 18);
        CHECK(classified(trunk_of({10}), least).vlan == 10);
    }
    TEST_CASE("a tunnel takes every frame as it is") {
        for (const Tagged& frame : {bare, tag_10, tag_20_in_10, priority, provider_10}) {
            const FrameVlan vlan = classified(tunnel_in(7), frame);
            CHECK(vlan.vlan == 7);
            CHECK_FALSE(vlan.tagged);
            CHECK(vlan.nested == (frame != bare));
            CHECK(vlan.push_type == 0x88a8);
        }
    }
    TEST_CASE("link-local addresses are 01:80:c2:00:00:00 to :0f") {
        for (uint64_t last = 0; last < 256; ++last)
            CHECK(is_link_local(0x0000'00c2'8001 | last << 40) == (last < 16));
        CHECK_FALSE(is_link_local(0x0000'00c2'8000));
        CHECK_FALSE(is_link_local(broadcast_mac));
        CHECK_FALSE(is_link_local(0x0000'01c2'8001));
    }
}

TEST_SUITE("rules: egress") {
    TEST_CASE("who has not the VLAN is a stranger, whatever its mode") {
        const FrameVlan ten = classified(access_to(10), bare);
        const FrameVlan none = classified({}, bare);
        for (const PortVlan& port :
             {PortVlan{}, access_to(20), trunk_of({20, 30}, 20), tunnel_in(20)})
            CHECK(stranger(egress(port, ten)));
        for (const PortVlan& port : {access_to(10), trunk_of_all(), tunnel_in(10)})
            CHECK(stranger(egress(port, none)));
        CHECK(sent_as(egress({}, none), TagChange::keep));
    }
    TEST_CASE("an untagged frame: as it is to access ports and tunnels, tagged to trunks") {
        const FrameVlan frame = classified(access_to(10), bare);
        CHECK(sent_as(egress(access_to(10), frame), TagChange::keep));
        CHECK(sent_as(egress(tunnel_in(10), frame), TagChange::keep));
        CHECK(sent_as(egress(trunk_of({10}), frame), TagChange::push));
        CHECK(sent_as(egress(trunk_of({10}, 20), frame), TagChange::push));
        CHECK(sent_as(egress(trunk_of({20}, 10), frame), TagChange::keep));
    }
    TEST_CASE("a tagged one: without its tag to access ports and tunnels, as it is to trunks") {
        const FrameVlan frame = classified(trunk_of_all(), tag_10);
        CHECK(sent_as(egress(access_to(10), frame), TagChange::pop));
        CHECK(sent_as(egress(tunnel_in(10), frame), TagChange::pop));
        CHECK(sent_as(egress(trunk_of({10}), frame), TagChange::keep));
        CHECK(sent_as(egress(trunk_of({20}, 10), frame), TagChange::pop));
    }
    TEST_CASE("one with a priority alone: that tag gets the VLAN, or goes") {
        const FrameVlan frame = classified(access_to(10), priority);
        CHECK(sent_as(egress(access_to(10), frame), TagChange::pop));
        CHECK(sent_as(egress(trunk_of({10}), frame), TagChange::number));
        CHECK(sent_as(egress(trunk_of({20}, 10), frame), TagChange::pop));
    }
    TEST_CASE("a tag behind the VLAN's own is shown to tunnels alone") {
        const FrameVlan nested[] = {classified(trunk_of_all(), tag_20_in_10),
                                    classified(tunnel_in(10), with_tag(bare, 20))};
        for (const FrameVlan& frame : nested) {
            CHECK(egress(access_to(10), frame).verdict == Egress::Verdict::refused);
            CHECK(sent_as(egress(tunnel_in(10), frame),
                          frame.tagged ? TagChange::pop : TagChange::keep));
            // Untagged it would pass for a frame of VLAN 20 there: so it keeps, or gets, its tag.
            for (const PortVlan& trunk : {trunk_of({10}), trunk_of({20}, 10)})
                CHECK(sent_as(egress(trunk, frame),
                              frame.tagged ? TagChange::keep : TagChange::push));
        }
    }
}
