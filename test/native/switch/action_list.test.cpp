// Action lists over real rings: a lookup of the tests answers them, guests send and receive.
#include "switch/action_list.hpp"

#include <set>

#include "list_rig.hpp"
#include "tags.hpp"
#include "vlans.hpp"

using namespace valenic;
using namespace valenic::test;
using spec::DropReason;

TEST_SUITE("action lists") {
    TEST_CASE("each frame of a mixed batch has its own action, whatever the others have") {
        ListRig rig(6);
        rig.lookup.actions[20] = Action::flood();
        rig.lookup.actions[21] = Action::drop(DropReason::tx_metered);
        rig.lookup.actions[22] = Action::drop(DropReason::tx_link_local);
        rig.on(30, {step::SetField{source_mac(30)}, to(1)});
        rig.on(31, {step::SetField{source_mac(31)}, to(1)});
        std::map<unsigned, std::multiset<Bytes>> expected;
        Frames frames;
        for (unsigned i = 0; i < 60; ++i) {
            const uint8_t keys[] = {1, 20, 21, 30, 2, 22, 31, 3, 0};
            const uint8_t key = keys[i * 7 % 9];
            const Bytes frame = frame_for(key, 60 + i, i);
            frames.push_back(frame);
            if (key >= 1 && key < 6) expected[key].insert(frame);
            if (key == 20)
                for (unsigned port = 1; port < 6; ++port) expected[port].insert(frame);
            if (key == 30 || key == 31) expected[1].insert(with_source(frame, key));
        }
        rig.send_all(frames);
        uint64_t dropped = 0;
        for (unsigned port = 1; port < 6; ++port) {
            const Frames got = rig.got(port);
            CHECK((std::multiset<Bytes>(got.begin(), got.end()) == expected[port]));
        }
        const auto count = [&](uint8_t key) {
            return std::ranges::count_if(frames, [&](const Bytes& one) { return one[5] == key; });
        };
        CHECK(rig.dropped(DropReason::tx_metered) == static_cast<uint64_t>(count(21)));
        CHECK(rig.dropped(DropReason::tx_link_local) == static_cast<uint64_t>(count(22)));
        CHECK(rig.dropped(DropReason::tx_reflected) == static_cast<uint64_t>(count(0)));
        for (const auto reason :
             {DropReason::tx_metered, DropReason::tx_link_local, DropReason::tx_reflected})
            dropped += rig.dropped(reason);
        CHECK(dropped > 0);
    }

    TEST_CASE("a batch of 256 actions that all differ") {
        ListRig rig(2);
        rig.ports[0]->port.settings().budget = batch_frames;
        PortRig& sender = rig.add({.ring_size = 512});
        sender.port.settings().budget = batch_frames;
        for (unsigned key = 0; key < 256; ++key)
            rig.on(static_cast<uint8_t>(key),
                   {step::SetField{source_mac(static_cast<uint8_t>(key))}, to(1)});
        PortRig& receiver = *rig.ports[1];
        Frames expected;
        for (unsigned key = 0; key < 256; ++key) {
            const Bytes frame = frame_for(static_cast<uint8_t>(key), 60, key);
            REQUIRE(sender.guest.send(frame));
            expected.push_back(with_source(frame, static_cast<uint8_t>(key)));
        }
        REQUIRE(rig.serve(sender) == 256);
        const Frames got = receiver.guest.receive();
        CHECK(got.size() + receiver.count(DropReason::rx_no_buffer) == 256);
        for (size_t i = 0; i < got.size(); ++i) CHECK((got[i] == expected[i]));
    }

    TEST_CASE("to several ports, each as the frame is at that point of the list") {
        ListRig rig;
        rig.on(9, {to(1), step::PushVlan{0x8100, 100}, to(2), step::SetField{source_mac(5)},
                   step::PopVlan{}, to(3)});
        for (const size_t bytes : {60, 113, 116, 120, 1500}) {
            const Bytes frame = frame_for(9, bytes);
            rig.send_all({frame, frame});
            const Bytes tagged = with_tag(frame, 100);
            const Bytes other = with_source(frame, 5);
            CHECK((rig.got(1) == Frames{frame, frame}));
            CHECK((rig.got(2) == Frames{tagged, tagged}));
            CHECK((rig.got(3) == Frames{other, other}));
        }
    }

    TEST_CASE("a flood in a list reaches all others") {
        ListRig rig;
        rig.on(9, {step::SetField{source_mac(1)}, step::Output{Action::flood()}});
        const Bytes frame = frame_for(9);
        rig.send_all({frame});
        for (const unsigned port : {1, 2, 3})
            CHECK((rig.got(port) == Frames{with_source(frame, 1)}));
        CHECK(rig.got(0).empty());
    }

    TEST_CASE("what a list delivers nowhere is counted as dropped by it, once") {
        ListRig rig;
        rig.on(9, {});
        rig.on(10, {step::SetField{source_mac(1)}});
        rig.on(11, {step::Drop{DropReason::tx_ring_overflow}});
        rig.lookup.actions[12] = Action::list(77);  // There is none.
        rig.send_all({frame_for(9), frame_for(10), frame_for(11), frame_for(12)});
        CHECK(rig.dropped(DropReason::tx_action_drop) == 3);
        CHECK(rig.dropped(DropReason::tx_ring_overflow) == 1);
    }

    TEST_CASE("the batch's other frames are not touched by a rewrite") {
        ListRig rig;
        rig.on(9, {step::SetField{source_mac(1)}, to(1)});
        const Frames frames{frame_for(1, 300, 1), frame_for(9, 300, 2), frame_for(1, 300, 3)};
        rig.send_all(frames);
        CHECK((rig.got(1) == Frames{frames[0], frames[2], with_source(frames[1], 1)}));
    }

    TEST_CASE("a rewritten batch that takes more pieces than it has room for goes in parts") {
        ListRig rig(0);
        PortRig& sender = rig.add({.ring_size = 2048});
        PortRig& receiver = rig.add({.ring_size = 256});
        sender.port.settings().budget.store(200);
        rig.on(9, {step::PushVlan{0x8100, 7}, to(1)});
        constexpr size_t each_bytes = 12 + stage_frame_bytes + 5;
        uint8_t* area = sender.guest.space.take(200 * each_bytes);
        const auto frame_number = [](unsigned i) { return frame_for(9, stage_frame_bytes + 5, i); };
        for (unsigned i = 0; i < 200; ++i) {
            const Bytes frame = frame_number(i);
            uint8_t* at = area + i * each_bytes;
            std::memset(at, 0, 12);
            std::memcpy(at + 12, frame.data(), frame.size());
            std::vector<driver::Buffer> chain{
                {sender.guest.space.addr(at), 12 + stage_frame_bytes, false}};
            for (uint32_t piece = 0; piece < 5; ++piece)
                chain.push_back(
                    {sender.guest.space.addr(at) + 12 + stage_frame_bytes + piece, 1, false});
            sender.guest.net().tx().add(chain);
        }
        sender.guest.net().tx().publish();
        rig.serve_all(sender);
        const Frames got = receiver.guest.receive();
        REQUIRE(got.size() == 200);
        for (unsigned i = 0; i < 200; ++i) REQUIRE((got[i] == with_tag(frame_number(i), 7)));
    }

    TEST_CASE("above a meter's rate frames are dropped by name, and later there are tokens again") {
        ListRig rig;
        TokenBucket bucket;
        rig.on(9, {step::Meter{&bucket, 1000, 10'000'000}, to(1)});
        const Frames frames(20, frame_for(9));
        rig.send_all(frames);
        CHECK(rig.got(1).size() == 10);
        CHECK(rig.dropped(DropReason::tx_metered) == 10);
        rig.context->now_ns += 3'000'000;
        rig.send_all(frames);
        CHECK(rig.got(1).size() == 3);
        CHECK(rig.dropped(DropReason::tx_metered) == 27);
    }
}

TEST_SUITE("action lists: recirculation") {
    TEST_CASE("the rewritten frame is looked up again, and goes where it leads now") {
        ListRig rig;
        rig.on(9, {step::SetField{destination_key(10)}, step::Recirculate{42}});
        rig.on(10, {step::PushVlan{0x8100, 5}, step::SetField{destination_key(2)},
                    step::Recirculate{43}});
        const Bytes other = frame_for(3);
        rig.send_all({frame_for(9), other, frame_for(9, 90)});
        CHECK((rig.got(2) == Frames{with_tag(frame_for(2), 5), with_tag(frame_for(2, 90), 5)}));
        CHECK((rig.got(3) == Frames{other}));
        CHECK((rig.lookup.ids == std::vector<uint32_t>{42, 43}));
    }
    TEST_CASE("frames of one batch that part after the first time") {
        ListRig rig;
        rig.on(9, {step::Recirculate{1}});
        rig.on(10, {step::Recirculate{1}});
        // The second time both are asked again: by then each leads to a port.
        rig.send_all({frame_for(9), frame_for(10)});
        CHECK(rig.dropped(DropReason::tx_recirculation_limit) == 2);
        rig.on(9, {step::SetField{destination_key(1)}, step::Recirculate{1}});
        rig.on(10, {step::SetField{destination_key(2)}, step::Recirculate{1}});
        rig.send_all({frame_for(9), frame_for(10)});
        CHECK((rig.got(1) == Frames{frame_for(1)}));
        CHECK((rig.got(2) == Frames{frame_for(2)}));
    }
    TEST_CASE("a circle ends, and the honest frame beside it arrives") {
        ListRig rig;
        rig.on(9, {to(2), step::Recirculate{7}});
        rig.send_all({frame_for(9), frame_for(1)});
        CHECK(rig.lookup.ids.size() == recirculations_max);
        CHECK(rig.got(2).size() == recirculations_max + 1);
        CHECK(rig.dropped(DropReason::tx_recirculation_limit) == 1);
        CHECK((rig.got(1) == Frames{frame_for(1)}));
    }
    TEST_CASE("a lookup that answers no lists is never asked again: it drops") {
        ListRig rig;
        Action actions[2] = {Action::flood(), Action::flood()};
        const uint8_t indices[] = {0, 1};
        LearningLookup learning({});
        learning.resolve_again(*rig.batch, indices, {}, 1, actions);
        CHECK(actions[0] == Action::drop(DropReason::tx_no_destination));
        CHECK(actions[1] == actions[0]);
    }
}

TEST_SUITE("action lists: the rules of ports hold beside them") {
    TEST_CASE("a pushed tag says the VLAN, a popped one takes nothing away from it") {
        ListRig rig(5);
        rig.vale.set_rules(alone(), rig.ports[0]->port, {access_to(10), true});
        rig.vale.set_rules(alone(), rig.ports[1]->port, {trunk_of({10, 20}), true});
        rig.vale.set_rules(alone(), rig.ports[2]->port, {access_to(20), true});
        rig.vale.set_rules(alone(), rig.ports[3]->port, {access_to(10), true});
        const Bytes frame = frame_for(9);
        for (const bool popped : {false, true}) {
            std::vector<ActionStep> steps{step::PushVlan{0x8100, 20}};
            if (popped) steps.emplace_back(step::PopVlan{});
            for (const uint16_t slot : {1, 2, 3, 4}) steps.emplace_back(to(slot));
            rig.on(9, steps);
            rig.send_all({frame});
            CHECK((rig.got(1) == Frames{with_tag(frame, 20)}));
            CHECK((rig.got(2) == Frames{frame}));
            CHECK(rig.got(3).empty());
            CHECK(rig.got(4).empty());
        }
        CHECK(rig.ports[3]->count(DropReason::rx_vlan_refused) == 2);
        CHECK(rig.ports[4]->count(DropReason::rx_vlan_refused) == 2);
    }
    TEST_CASE("a port in no VLAN stays in none, whatever tag a list pushes") {
        ListRig rig;
        rig.vale.set_rules(alone(), rig.ports[1]->port, {trunk_of({10}), true});
        rig.on(9, {step::PushVlan{0x8100, 10}, to(1), to(2)});
        const Bytes frame = frame_for(9);
        rig.send_all({frame});
        CHECK(rig.got(1).empty());
        CHECK((rig.got(2) == Frames{with_tag(frame, 10)}));
    }
    TEST_CASE("what a port may not send is not looked at by a list") {
        ListRig rig;
        rig.vale.set_rules(alone(), rig.ports[0]->port, {trunk_of({10}), true});
        rig.on(9, {step::PushVlan{0x8100, 10}, to(1)});
        rig.send_all({frame_for(9), with_tag(frame_for(9), 20)});
        CHECK(rig.got(1).empty());
        CHECK(rig.dropped(DropReason::tx_vlan_refused) == 2);
    }
}

TEST_SUITE("a switch whose lookup knows more ports") {
    TEST_CASE("has more than 254, and frames reach each of them") {
        SwitchRig rig(std::make_unique<ListLookup>());
        auto& lookup = static_cast<ListLookup&>(rig.vale.lookup());
        for (unsigned i = 0; i < 300; ++i) rig.add({.ring_size = 4});
        for (const uint16_t slot : {1, 253, 254, 255, 256, 299}) {
            lookup.actions[7] = Action::output(slot);
            rig.send(*rig.ports[0], frame_for(7, 60));
            CHECK(rig.ports[slot]->guest.receive().size() == 1);
            rig.ports[0]->guest.net().reclaim();
        }
        lookup.actions[8] = Action::flood();
        rig.send(*rig.ports[299], frame_for(8, 60));
        for (unsigned i = 0; i < 299; ++i) CHECK(rig.ports[i]->guest.receive().size() == 1);
        clear(rig);
    }
}
