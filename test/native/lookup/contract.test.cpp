// What every lookup owes the switch, run over each implementation.
#include <memory>

#include "lookup/hub.hpp"
#include "lookup/learning.hpp"
#include "lookup_rig.hpp"

using namespace valenic;
using namespace valenic::test;

namespace {

struct Hub {
    static std::unique_ptr<Lookup> make() { return std::make_unique<HubLookup>(); }
};
struct Learning {
    static std::unique_ptr<Lookup> make() {
        return std::make_unique<LearningLookup>(LearningOptions{});
    }
};

}  // namespace

TEST_CASE_TEMPLATE("lookup contract", Kind, Hub, Learning) {
    LookupRig rig(Kind::make());

    SUBCASE("declares no more header bytes than a stage has") {
        CHECK(rig.lookup->header_bytes() <= stage_frame_bytes);
    }
    SUBCASE("answers every frame of a batch, from one to a full one") {
        for (const size_t count : {1, 2, 63, 64}) {
            std::vector<Action> actions(count, unsaid);
            rig.resolve(std::vector(count, addresses(7, 8)), 3, actions);
            for (const Action action : actions) CHECK(action != unsaid);
        }
    }
    SUBCASE("an empty batch is no work") {
        std::vector<Action> actions;
        rig.resolve({}, 3, actions);
    }
    SUBCASE("an action that leads to a port leads to one of the slots there can be") {
        rig.learn(5, 0xaa);
        rig.learn(9, 0xbb);
        for (const MacAddress to :
             {mac(0xaa), mac(0xbb), mac(0xcc), broadcast_mac, MacAddress{1}}) {
            const Action action = rig.resolve_one({to, mac(0xdd)}, 2);
            CHECK((action.kind() != Action::Kind::output || action.number() < 254));
        }
    }
    SUBCASE("broadcast and multicast reach everyone") {
        rig.learn(5, 0xaa);
        CHECK(rig.resolve_one({broadcast_mac, mac(1)}, 2) == Action::flood());
        CHECK(rig.resolve_one({0x0100'5e00'0001 | 1, mac(1)}, 2) == Action::flood());
    }
    SUBCASE("an address nobody was seen with reaches everyone") {
        CHECK(reaches_everyone(rig.resolve_one({mac(0x77), mac(1)}, 2)));
    }
    SUBCASE("a forgotten slot is led to no more") {
        rig.learn(5, 0xaa);
        rig.lookup->forget(5);
        CHECK(reaches_everyone(rig.resolve_one({mac(0xaa), mac(1)}, 2)));
        CHECK(rig.lookup->addresses_of(5).empty());
    }
    SUBCASE("forgetting a slot that nothing leads to does nothing") { rig.lookup->forget(200); }
    SUBCASE("lists what leads to a slot, and nothing else") {
        rig.learn(5, 0xaa);
        rig.learn(5, 0xbb);
        rig.learn(6, 0xcc);
        const auto found = rig.lookup->addresses_of(5);
        CHECK((found.empty() || found.size() == 2));
        for (const MacAddress one : found) CHECK((one == mac(0xaa) || one == mac(0xbb)));
    }
    SUBCASE("reads only the stage: segments may be unreadable") {
        rig.batch->clear();
        const Bytes frame = frame_of(200);
        append_frame(*rig.batch, frame);
        rig.batch->segments[0].data = nullptr;
        Action action = unsaid;
        rig.lookup->resolve(*rig.batch, rig.source(1), {&action, 1});
        CHECK(action != unsaid);
    }
}

TEST_CASE_TEMPLATE("lookup contract: news", Kind, Hub, Learning) {
    LookupRig rig(Kind::make());

    SUBCASE("has no news of ports that do nothing out of the way, known or not") {
        rig.learn(5, 0xaa);
        rig.resolve_one({mac(0xaa), mac(0xbb)}, 6);
        for (const uint8_t slot : {5, 6, 200}) {
            const AddressNews news = rig.lookup->news_of(slot);
            CHECK(news.whole);
            CHECK(news.evicted == 0);
            CHECK(news.moves.count == 0);
        }
    }
    SUBCASE("a forgotten slot has no news") {
        for (int i = 0; i < 20; ++i) rig.learn(i % 2 == 0 ? 5 : 6, 0xaa);
        rig.lookup->forget(5);
        CHECK(rig.lookup->news_of(5).moves.count == 0);
        CHECK(rig.lookup->news_of(6).moves.count == 0);
    }
}

TEST_CASE_TEMPLATE(
    "lookup contract: with VLANs, every frame is answered, refused ones teach nothing", Kind, Hub,
    Learning) {
    LookupRig rig(Kind::make());
    std::vector<uint16_t> vlans(64, vlan_refused);
    rig.batch->clear();
    const Bytes frame = frame_between(addresses(7, 8));
    for (size_t i = 0; i < vlans.size(); ++i) append_frame(*rig.batch, frame);
    for (const uint16_t vlan : {uint16_t{0}, uint16_t{4094}, vlan_refused}) {
        std::vector<Action> actions(vlans.size(), unsaid);
        vlans.back() = vlan;
        LookupSource source = rig.source(3);
        source.vlans = vlans.data();
        rig.lookup->resolve(*rig.batch, source, actions);
        for (const Action action : actions) CHECK(action != unsaid);
    }
    CHECK(rig.lookup->addresses_of(3).size() <= 2);
}
