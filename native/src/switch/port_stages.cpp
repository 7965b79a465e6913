// The stages that ports ask for: VLANs, link-local frames, port security, taps.
//
// Each frame is classified by the rules of the port that it comes from, and admitted and tagged by
// those of each port that it goes to. Why a frame is refused stands beside it; the lookup learns
// nothing from it, and it is dropped under that name in its turn.
#include <algorithm>

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
    const bool inspects = rules.security.inspects();
    const bool may_claim = !claims_.empty() && rules.security.allow.empty();
    for (size_t i = 0; i < batch.count; ++i) {
        FrameVlan& frame = classified.frames[i];
        const uint8_t* bytes = batch.stages[i].bytes;
        const uint16_t staged = batch.frames[i].stage_len;
        frame = classify(rules.vlan, bytes, staged);
        if (!rules.link_local && !frame.is_refused() && is_link_local(batch.destination(i)))
            frame.refused = DropReason::tx_link_local;
        if (inspects && !frame.is_refused()) frame.refused = inspect(rules.security, bytes, staged);
        if (may_claim && !frame.is_refused() && is_claimed(frame, batch.source(i)))
            frame.refused = DropReason::tx_mac_claimed;
        classified.vlans[i] = frame.is_refused() ? vlan_refused : frame.vlan;
    }
}

/// Whether an address is allowed on a port that has the frame's VLAN. Asked for ports that allow
/// anybody.
bool ValeSwitch::is_claimed(const FrameVlan& frame, MacAddress mac) const noexcept {
    auto claim = std::ranges::lower_bound(claims_, mac, {}, &Claim::mac);
    for (; claim != claims_.end() && claim->mac == mac; ++claim) {
        const PortVlan& vlan = stages_of(*ports_[claim->slot]).rules.vlan;
        if (egress(vlan, frame).verdict != Egress::Verdict::stranger) return true;
    }
    return false;
}

/// Whatever the lookup says of them.
void ValeSwitch::refuse_classified(const Pass& pass, Action* actions) const noexcept {
    for (size_t i = 0; i < pass.batch.count; ++i) {
        const FrameVlan& frame = pass.classified->frames[i];
        if (frame.is_refused()) actions[i] = Action::drop(frame.refused);
    }
}

/// Whether a port gets nothing of these frames, whatever they are: both ports are isolated, or it
/// is not to hear what nobody is known for. A flood passes it by.
bool ValeSwitch::keeps_out(const Port& to, Reach reach, const Pass& pass) const noexcept {
    const PortSecurity& security = stages_of(to).rules.security;
    if (reach == Reach::flooded_unknown && !security.unknown_unicast) return true;
    return security.isolated && stages_of(pass.source).rules.security.isolated;
}

/// Lists the frames that a port may have, and says in Classified::changes in which shape. A flood
/// passes by the ports that have not its VLAN; else that is a fault of the lookup, and counted.
ValeSwitch::Indices ValeSwitch::admit(const Batch& batch, Indices indices, Port& to, Reach reach,
                                      Pass& pass, uint8_t* admitted) noexcept {
    if (keeps_out(to, reach, pass)) {
        if (reach == Reach::directly) pass.counters().drop(DropReason::tx_isolated, indices.size());
        return {};
    }
    const PortRules& rules = stages_of(to).rules;
    Classified& classified = *pass.classified;
    size_t count = 0;
    uint64_t foreign = 0;
    uint64_t link_local = 0;
    uint64_t no_room = 0;
    for (const uint8_t index : indices) {
        const Egress out = egress(rules.vlan, classified.frames[index]);
        const bool stranger = out.verdict == Egress::Verdict::stranger;
        if (stranger && reach != Reach::directly) continue;
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
size_t ValeSwitch::send_admitted(const Batch& batch, Indices indices, Port& to, Reach reach,
                                 Pass& pass) {
    uint8_t admitted[batch_frames];
    indices = admit(batch, indices, to, reach, pass, admitted);
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
