// The stages that ports ask for: VLANs, link-local frames, taps.
//
// Each frame is classified by the rules of the port that it comes from, and admitted and tagged by
// those of each port that it goes to. Why a frame is refused stands beside it; the lookup learns
// nothing from it, and it is dropped under that name in its turn.
#include "base/check.hpp"
#include "net/adapt.hpp"
#include "switch/vale.hpp"

namespace valenic {

using spec::DropReason;

const ValeSwitch::PortStages& ValeSwitch::stages_of(const Port& port) const noexcept {
    static const PortStages none;
    const PortStages* stages = (*stages_)[port.slot].get();
    return stages != nullptr ? *stages : none;
}

void ValeSwitch::classify_all(Pass& pass) noexcept {
    const PortStages& stages = stages_of(pass.source);
    const Batch& batch = pass.batch;
    Classified& classified = pass.context.classified;
    pass.classified = &classified;
    if (stages.tap != nullptr)
        stages.tap->see(batch, {every_index.data(), batch.count}, TapPoint::ingress, pass.source,
                        pass.context);
    const PortRules& rules = stages.rules;
    for (size_t i = 0; i < batch.count; ++i) {
        FrameVlan& frame = classified.frames[i];
        frame = classify(rules.vlan, batch.stages[i].bytes, batch.frames[i].stage_len);
        if (!rules.link_local && !frame.is_refused() && is_link_local(batch.destination(i)))
            frame.refused = DropReason::tx_link_local;
        classified.vlans[i] = frame.is_refused() ? vlan_refused : frame.vlan;
    }
}

/// Whatever the lookup says of them.
void ValeSwitch::refuse_classified(const Pass& pass, Action* actions) const noexcept {
    for (size_t i = 0; i < pass.batch.count; ++i) {
        const FrameVlan& frame = pass.classified->frames[i];
        if (frame.is_refused()) actions[i] = Action::drop(frame.refused);
    }
}

/// Lists the frames that a port may have, and says in Classified::changes in which shape. A flood
/// passes by the ports that have not its VLAN; else that is a fault of the lookup, and counted.
ValeSwitch::Indices ValeSwitch::admit(const Batch& batch, Indices indices, Port& to, bool flooded,
                                      Pass& pass, uint8_t* admitted) noexcept {
    const PortRules& rules = stages_of(to).rules;
    Classified& classified = *pass.classified;
    size_t count = 0;
    uint64_t foreign = 0;
    uint64_t link_local = 0;
    uint64_t no_room = 0;
    for (const uint8_t index : indices) {
        const Egress out = egress(rules.vlan, classified.frames[index]);
        const bool stranger = out.verdict == Egress::Verdict::stranger;
        if (stranger && flooded) continue;
        classified.reached[index] = true;
        if (out.verdict != Egress::Verdict::sent) {
            ++foreign;
        } else if (!rules.link_local && is_link_local(batch.destination(index))) {
            ++link_local;
        } else if (out.change == TagChange::push && !has_room_for_tag(batch, index)) {
            ++no_room;
        } else {
            classified.changes[index] = out.change;
            admitted[count++] = index;
        }
    }
    CounterBlock& counters = to.counters(pass.context.worker);
    counters.drop(DropReason::rx_vlan_refused, foreign);
    counters.drop(DropReason::rx_link_local, link_local);
    counters.drop(DropReason::rx_vlan_no_room, no_room);
    return {admitted, count};
}

/// Of a flood: what no port was to have.
void ValeSwitch::count_unreached(Indices indices, Pass& pass) noexcept {
    uint64_t lost = 0;
    for (const uint8_t index : indices) lost += !pass.classified->reached[index];
    pass.counters().drop(DropReason::tx_no_destination, lost);
}

/// Sends the frames that a port may have, each with the tag that it is to see. Returns how many.
size_t ValeSwitch::send_admitted(const Batch& batch, Indices indices, Port& to, bool flooded,
                                 Pass& pass) {
    uint8_t admitted[batch_frames];
    indices = admit(batch, indices, to, flooded, pass, admitted);
    if (indices.empty()) return 0;
    bool kept = true;
    for (const uint8_t index : indices) kept &= pass.classified->changes[index] == TagChange::keep;
    if (kept) {
        if (FrameTap* tap = stages_of(to).tap; tap != nullptr)
            tap->see(batch, indices, TapPoint::egress, to, pass.context);
        send(batch, indices, to, pass);
    } else {
        send_retagged(batch, indices, to, pass);
    }
    return indices.size();
}

/// Lists of indices are good for both batches; where the second one is full, the list goes in
/// parts.
void ValeSwitch::send_retagged(const Batch& batch, Indices indices, Port& to, Pass& pass) {
    const Classified& classified = *pass.classified;
    FrameTap* const tap = stages_of(to).tap;
    EditedBatch& made = pass.context.retagged;
    while (!indices.empty()) {
        made.begin(batch);
        size_t count = 0;
        for (; count < indices.size(); ++count) {
            const uint8_t index = indices[count];
            const FrameVlan& frame = classified.frames[index];
            if (!made.put(batch, index, {classified.changes[index], frame.push_type, frame.vlan}))
                break;
        }
        const Indices part = indices.first(count);
        if (tap != nullptr) tap->see(made.batch(), part, TapPoint::egress, to, pass.context);
        send(made.batch(), part, to, pass);
        indices = indices.subspan(count);
    }
}

}  // namespace valenic
