// Frames that a list holds, and taps that see them: over real rings.
#include "switch/held_frames.hpp"

#include "list_rig.hpp"
#include "received.hpp"
#include "tags.hpp"
#include "vlans.hpp"

using namespace valenic;
using namespace valenic::test;
using spec::DropReason;

TEST_SUITE("action lists: hold") {
    TEST_CASE("held frames come when they are due, in order and unchanged, long ones too") {
        ListRig rig;
        rig.on(9, {step::SetField{source_mac(1)}, step::Hold{5'000'000, Action::output(1)}});
        Frames sent;
        for (const size_t bytes : {60, 116, 117, 1500, 60}) sent.push_back(frame_for(9, bytes));
        rig.send_all(sent);
        CHECK(rig.got(1).empty());
        CHECK(rig.context->held.count() == 5);
        const uint64_t began = rig.context->now_ns;
        CHECK(rig.context->timers.next_due_ns() == began + 5'000'000);
        run_timers(began + 4'999'999, *rig.context);
        CHECK(rig.got(1).empty());
        run_timers(began + 5'000'000, *rig.context);
        Frames expected;
        for (const Bytes& frame : sent) expected.push_back(with_source(frame, 1));
        CHECK((rig.got(1) == expected));
        CHECK(rig.context->held.count() == 0);
    }
    TEST_CASE("a big frame that is held is cut for its receiver when it goes on") {
        const uint64_t sender_features =
            modern | features_of(spec::net_feature_csum, spec::net_feature_host_tso4);
        const FrameSpec spec{.payload = 20'000};
        ListRig rig(0);
        PortRig& sender = rig.add({.features = sender_features, .buffer_bytes = 66'000});
        PortRig& receiver = rig.add({.features = mergeable});
        Octets frame = make_frame(spec);
        rig.on(frame[5], {step::Hold{1000, Action::output(1)}});
        const auto segments = reference_cut(frame, spec, 1448);
        leave_partial(frame, spec);
        const spec::NetHeader header = gso_header(spec, 1448);
        REQUIRE(sender.guest.net().send(1, static_cast<uint32_t>(frame.size()), [&](uint8_t* at) {
            std::memcpy(at - sizeof header, &header, sizeof header);
            std::memcpy(at, frame.data(), frame.size());
        }) == 1);
        rig.serve_all(sender);
        run_timers(UINT64_MAX, *rig.context);
        const Frames got = receiver.guest.receive();
        REQUIRE(got.size() == segments.size());
        for (size_t i = 0; i < got.size(); ++i) CHECK((got[i] == segments[i]));
    }
    TEST_CASE(
        "no more are held than there is room for; the rest is counted, and all room comes back") {
        ListRig rig(1);
        rig.add({.ring_size = 4096});
        rig.on(9, {step::Hold{1000, Action::output(1)}});
        for (unsigned round = 0; round < 3; ++round) {
            const uint64_t full = rig.dropped(DropReason::tx_hold_full);
            for (unsigned i = 0; i < HeldFrames::frames_max + 10; ++i)
                rig.send(*rig.ports[0], frame_for(9, 60));
            CHECK(rig.context->held.count() == HeldFrames::frames_max);
            CHECK(rig.dropped(DropReason::tx_hold_full) == full + 10);
            rig.context->now_ns += 1000;
            run_timers(rig.context->now_ns, *rig.context);
            CHECK(rig.got(1).size() == HeldFrames::frames_max);
            CHECK(rig.context->held.count() == 0);
        }
    }
    TEST_CASE("bytes are bounded too") {
        ListRig rig(0);
        PortRig& sender = rig.add({.buffer_bytes = 66'000});
        rig.add();
        rig.on(9, {step::Hold{1000, Action::output(1)}});
        const Bytes frame = frame_for(9, 65'000);
        const size_t fit =
            HeldFrames::chunks / ((65'000 - stage_frame_bytes) / HeldFrames::chunk_bytes + 1);
        for (size_t i = 0; i < fit + 3; ++i) rig.send(sender, frame);
        CHECK(rig.context->held.count() == fit);
        CHECK(sender.count(DropReason::tx_hold_full) == 3);
    }
    TEST_CASE("frames of a port that goes are forgotten, others' are not") {
        ListRig rig;
        rig.on(9, {step::Hold{1000, Action::output(3)}});
        rig.send(*rig.ports[0], frame_for(9, 1500));
        rig.send(*rig.ports[1], frame_for(9, 90));
        forget_in(alone(), *rig.context, rig.ports[0]->port);
        rig.vale.detach(alone(), rig.ports[0]->port);
        CHECK(rig.context->held.count() == 1);
        run_timers(UINT64_MAX, *rig.context);
        CHECK((rig.got(3) == Frames{frame_for(9, 90)}));
    }
    TEST_CASE("a receiver that went meanwhile: counted as no destination") {
        ListRig rig;
        rig.on(9, {step::Hold{1000, Action::output(3)}});
        rig.send(*rig.ports[0], frame_for(9));
        rig.vale.detach(alone(), rig.ports[3]->port);
        run_timers(UINT64_MAX, *rig.context);
        CHECK(rig.dropped(DropReason::tx_no_destination) == 1);
    }
}

namespace {

struct Witness final : FrameTap {
    struct Seen {
        TapPoint point;
        std::string port;
        Bytes frame;
    };
    void see(const Batch& batch, std::span<const uint8_t> indices, TapPoint point, const Port& port,
             WorkerContext&) noexcept override {
        for (const uint8_t index : indices)
            seen.push_back({point, port.name(), bytes_of(batch, index)});
    }
    std::vector<Seen> seen;
};

}  // namespace

TEST_SUITE("taps") {
    TEST_CASE("see what a port sends, what it gets, and what a list shows them") {
        ListRig rig;
        Witness of_sender;
        Witness of_receiver;
        Witness of_list;
        rig.vale.set_tap(alone(), rig.ports[0]->port, &of_sender);
        rig.vale.set_tap(alone(), rig.ports[1]->port, &of_receiver);
        rig.on(9, {step::PushVlan{0x8100, 5}, step::See{&of_list}, step::PopVlan{},
                   step::SetField{source_mac(3)}, to(1)});
        const Bytes frame = frame_for(9);
        rig.send_all({frame, frame_for(2)});
        REQUIRE(of_sender.seen.size() == 2);
        CHECK((of_sender.seen[0].frame == frame));
        CHECK(of_sender.seen[0].point == TapPoint::ingress);
        REQUIRE(of_receiver.seen.size() == 1);
        CHECK((of_receiver.seen[0].frame == with_source(frame, 3)));
        CHECK(of_receiver.seen[0].point == TapPoint::egress);
        CHECK(of_receiver.seen[0].port == "p1");
        REQUIRE(of_list.seen.size() == 1);
        CHECK((of_list.seen[0].frame == with_tag(frame, 5)));
        CHECK((rig.got(1) == Frames{with_source(frame, 3)}));
        rig.vale.set_tap(alone(), rig.ports[0]->port, nullptr);
        rig.vale.set_tap(alone(), rig.ports[1]->port, nullptr);
        rig.send_all({frame});
        CHECK(of_sender.seen.size() == 2);
        CHECK(of_receiver.seen.size() == 1);
    }
    TEST_CASE("of a receiver that sees another tag: with that tag") {
        ListRig rig;
        Witness witness;
        rig.vale.set_rules(alone(), rig.ports[0]->port, {access_to(10), true});
        rig.vale.set_rules(alone(), rig.ports[1]->port, {trunk_of({10}), true});
        rig.vale.set_tap(alone(), rig.ports[1]->port, &witness);
        rig.send_all({frame_for(1)});
        REQUIRE(witness.seen.size() == 1);
        CHECK((witness.seen[0].frame == with_tag(frame_for(1), 10)));
        rig.vale.set_tap(alone(), rig.ports[1]->port, nullptr);
    }
}
