// A batch through a switch with rules at some port: VLANs, or no link-local frames.
//
// The same steps as in vale.cpp, with each frame's VLAN beside it: classified by the rules of the
// port it comes from, looked up in its VLAN, admitted and tagged by those of each port it goes to.
#include "base/check.hpp"
#include "switch/vale.hpp"

namespace valenic {

using spec::DropReason;
using spec::PortCounter;

namespace {

const PortRules no_rules;

}  // namespace

void ValeSwitch::set_rules(Parked, const Port& port, const PortRules& rules) {
    CHECK(port.home == this);
    // What was learned of it was learned in VLANs that it may have no more.
    lookup_->forget(port.slot);
    if (!rules.empty() && rules_ == nullptr) rules_ = std::make_unique<RuleBook>();
    if (rules_ == nullptr) return;
    (*rules_)[port.slot] = rules.empty() ? nullptr : std::make_unique<const PortRules>(rules);
    for (const auto& one : *rules_)
        if (one != nullptr) return;
    rules_ = nullptr;
}

const PortRules& ValeSwitch::rules_of(const Port& port) const noexcept {
    const PortRules* rules = (*rules_)[port.slot].get();
    return rules != nullptr ? *rules : no_rules;
}

void ValeSwitch::forward_ruled(const Batch& batch, Port& source, WorkerContext& context) {
    Pass pass(source, context);
    Ruled ruled;
    pass.ruled = &ruled;
    classify_all(batch, pass);
    LookupSource from = lookup_source(source, context);
    from.vlans = ruled.vlans;
    Action actions[batch_frames];
    lookup_->resolve(batch, from, {actions, batch.count});
    for (size_t i = 0; i < batch.count; ++i)
        if (ruled.frames[i].refused) actions[i] = action_drop;
    forward_mixed(batch, actions, pass);
}

void ValeSwitch::classify_all(const Batch& batch, Pass& pass) noexcept {
    const PortRules& rules = rules_of(pass.source);
    Ruled& ruled = *pass.ruled;
    CounterBlock& counters = pass.source.counters(pass.context.worker);
    uint64_t foreign = 0;
    uint64_t link_local = 0;
    for (size_t i = 0; i < batch.count; ++i) {
        FrameVlan& frame = ruled.frames[i];
        frame = classify(rules.vlan, batch.stages[i].bytes, batch.frames[i].stage_len);
        foreign += frame.refused;
        if (!rules.link_local && !frame.refused && is_link_local(batch.destination(i))) {
            frame.refused = true;
            ++link_local;
        }
        ruled.vlans[i] = frame.refused ? vlan_refused : frame.vlan;
    }
    counters.drop(DropReason::tx_vlan_refused, foreign);
    counters.drop(DropReason::tx_link_local, link_local);
}

void ValeSwitch::act_ruled(const Batch& batch, Indices indices, Action action, Pass& pass) {
    if (action == action_flood) return flood_ruled(batch, indices, pass);
    Port* port = action < ports_max ? ports_[action] : nullptr;
    if (port == nullptr) return count_undelivered(indices, pass);
    if (port == &pass.source) {
        CounterBlock& counters = pass.source.counters(pass.context.worker);
        return counters.drop(DropReason::tx_reflected, indices.size());
    }
    uint8_t admitted[batch_frames];
    const size_t count = admit(batch, indices, *port, false, pass, admitted);
    if (count > 0) send_ruled(batch, {admitted, count}, *port, pass);
}

/// Those that were refused are counted already.
void ValeSwitch::count_undelivered(Indices indices, Pass& pass) noexcept {
    uint64_t count = 0;
    for (const uint8_t index : indices) count += !pass.ruled->frames[index].refused;
    pass.source.counters(pass.context.worker).drop(DropReason::tx_no_destination, count);
}

void ValeSwitch::flood_ruled(const Batch& batch, Indices indices, Pass& pass) {
    bool* reached = pass.ruled->reached;
    for (const uint8_t index : indices) reached[index] = false;
    for (size_t slot = 0; slot < slots_used_; ++slot) {
        Port* port = ports_[slot];
        if (port == nullptr || port == &pass.source) continue;
        uint8_t admitted[batch_frames];
        const size_t count = admit(batch, indices, *port, true, pass, admitted);
        if (count == 0) continue;
        port->counters(pass.context.worker).add(PortCounter::rx_flooded, count);
        send_ruled(batch, {admitted, count}, *port, pass);
    }
    uint64_t lost = 0;
    for (const uint8_t index : indices) lost += !reached[index];
    pass.source.counters(pass.context.worker).drop(DropReason::tx_no_destination, lost);
}

/// Lists the frames that a port may have, and says in Ruled::changes in which shape. A flood passes
/// by the ports that are not in its VLAN; else that is a fault of the lookup, and counted.
size_t ValeSwitch::admit(const Batch& batch, Indices indices, Port& to, bool flooded, Pass& pass,
                         uint8_t* admitted) noexcept {
    const PortRules& rules = rules_of(to);
    Ruled& ruled = *pass.ruled;
    size_t count = 0;
    uint64_t foreign = 0;
    uint64_t link_local = 0;
    uint64_t no_room = 0;
    for (const uint8_t index : indices) {
        const Egress out = egress(rules.vlan, ruled.frames[index]);
        const bool stranger = out.verdict == Egress::Verdict::stranger;
        if (stranger && flooded) continue;
        ruled.reached[index] = true;
        if (out.verdict != Egress::Verdict::sent) {
            ++foreign;
        } else if (!rules.link_local && is_link_local(batch.destination(index))) {
            ++link_local;
        } else if (out.change == TagChange::push && !has_room_for_tag(batch, index)) {
            ++no_room;
        } else {
            ruled.changes[index] = out.change;
            admitted[count++] = index;
        }
    }
    CounterBlock& counters = to.counters(pass.context.worker);
    counters.drop(DropReason::rx_vlan_refused, foreign);
    counters.drop(DropReason::rx_link_local, link_local);
    counters.drop(DropReason::rx_vlan_no_room, no_room);
    return count;
}

/// Sends admitted frames, each with the tag that the receiver is to see. Lists of indices are good
/// for both batches; where the second one is full, the list goes in parts.
void ValeSwitch::send_ruled(const Batch& batch, Indices indices, Port& to, Pass& pass) {
    const Ruled& ruled = *pass.ruled;
    bool kept = true;
    for (const uint8_t index : indices) kept &= ruled.changes[index] == TagChange::keep;
    if (kept) return send(batch, indices, to, pass);
    if (to.active_pairs > 1 && !pass.hashed) hash_all(batch, pass);  // Of frames as they came.
    RetaggedBatch& made = pass.context.retagged;
    made.begin(batch);
    size_t first = 0;
    for (size_t i = 0; i < indices.size(); ++i) {
        const FrameVlan& frame = ruled.frames[indices[i]];
        const TagEdit edit{ruled.changes[indices[i]], frame.push_type, frame.vlan};
        if (made.put(batch, indices[i], edit)) continue;
        send(made.batch(), indices.subspan(first, i - first), to, pass);
        made.begin(batch);
        first = i;
        made.put(batch, indices[i], edit);
    }
    send(made.batch(), indices.subspan(first), to, pass);
}

}  // namespace valenic
