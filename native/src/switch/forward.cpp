// The way of a batch: its lookup, a list for each action, and out, for one port or for all others,
// to each in the shape that it takes.
#include <cstring>

#include "base/check.hpp"
#include "net/adapt.hpp"
#include "net/coalesce.hpp"
#include "net/mtu.hpp"
#include "switch/vale.hpp"

namespace valenic {

using spec::DropReason;
using spec::PortCounter;

[[gnu::always_inline]] inline void ValeSwitch::output(const Batch& batch, Indices indices,
                                                      uint16_t slot, Pass& pass) {
    Port* port = slot < ports_.size() ? ports_[slot] : nullptr;
    if (port == nullptr) [[unlikely]]
        return pass.counters().drop(DropReason::tx_no_destination, indices.size());
    if (port == &pass.source) return pass.counters().drop(DropReason::tx_reflected, indices.size());
    if (pass.classified == nullptr) [[likely]]
        return send(batch, indices, *port, pass);
    send_admitted(batch, indices, *port, Reach::directly, pass);
}

/// Frames with the same action go on together. All of a batch mostly have the same.
[[gnu::always_inline]] inline void ValeSwitch::deal_at_once(const Batch& batch, Indices indices,
                                                            const Action* actions, Pass& pass) {
    const Action first = actions[0];
    // Whether each is what the next one is. The library's compare looks at many at once.
    const size_t others = indices.size() - 1;
    if (others != 0 && std::memcmp(actions, actions + 1, others * sizeof(Action)) != 0)
        return deal_mixed(batch, indices, actions, pass);
    if (first.kind() == Action::Kind::output) [[likely]]
        return output(batch, indices, first.number(), pass);
    act(batch, indices, first, pass);
}

void ValeSwitch::deal(const Batch& batch, Indices indices, const Action* actions, Pass& pass) {
    deal_at_once(batch, indices, actions, pass);
}

void ValeSwitch::forward(const Batch& batch, Port& source, WorkerContext& context) {
    CHECK(batch.count > 0);
    context.source = &source;
    CounterBlock& counters = source.counters(context.worker);
    const PortSettings& settings = source.settings();
    if (!settings.up.load(std::memory_order_relaxed)) [[unlikely]] {
        counters.drop(DropReason::tx_port_down, batch.count);
        return;
    }
    counters.add(PortCounter::tx_frames, batch.count);
    counters.add(PortCounter::tx_bytes, batch.bytes);
    counters.add(PortCounter::tx_batches, 1);

    Pass pass(batch, source, context);
    if (stages_ != nullptr) [[unlikely]]
        classify_all(pass);
    Action actions[batch_frames];
    lookup_->resolve(batch, lookup_source(pass), {actions, batch.count});
    if (pass.classified != nullptr) [[unlikely]]
        refuse_classified(pass, actions);
    deal_at_once(batch, {every_index.data(), batch.count}, actions, pass);
}

void ValeSwitch::resume(const Batch& batch, Port& source, const HeldFrames::Way& way,
                        WorkerContext& context) {
    context.source = &source;
    Pass pass(batch, source, context);
    pass.recirculations = way.recirculations;
    if (stages_ != nullptr) {
        pass.classified = &context.classified;
        for (size_t i = 0; i < batch.count; ++i)
            context.classified.vlans[i] = context.classified.frames[i].vlan;
    }
    act(batch, {every_index.data(), batch.count}, way.then, pass);
}

/// A list for each action, in the order of their first frames: counted, then dealt out. Two passes
/// over the batch, however many destinations it has.
void ValeSwitch::deal_mixed(const Batch& batch, Indices indices, const Action* actions,
                            Pass& pass) {
    static_assert(batch_frames <= UINT8_MAX + 1);  // A place for each action that there can be.
    Action action_of[UINT8_MAX + 1];
    uint16_t counts[UINT8_MAX + 1] = {};
    uint8_t places[batch_frames];  // Of the frames, in `counts`.
    uint8_t lists[batch_frames];   // The places that are taken.
    size_t list_count = 0;
    for (size_t i = 0; i < indices.size(); ++i) {
        const Action action = actions[i];
        uint8_t place = action.place();
        while (counts[place] != 0 && action_of[place] != action) [[unlikely]]++ place;
        if (counts[place]++ == 0) {
            action_of[place] = action;
            lists[list_count++] = place;
        }
        places[i] = place;
    }
    uint16_t ends[UINT8_MAX + 1];  // Of each list that is not empty, in `dealt`.
    uint16_t end = 0;
    for (size_t i = 0; i < list_count; ++i) {
        ends[lists[i]] = end;
        end = static_cast<uint16_t>(end + counts[lists[i]]);
    }
    uint8_t dealt[batch_frames];
    for (size_t i = 0; i < indices.size(); ++i) dealt[ends[places[i]]++] = indices[i];
    for (size_t i = 0; i < list_count; ++i) {
        const uint8_t place = lists[i];
        const uint8_t* first = dealt + ends[place] - counts[place];
        act(batch, {first, counts[place]}, action_of[place], pass);
    }
}

/// One action for all these frames.
void ValeSwitch::act(const Batch& batch, Indices indices, Action action, Pass& pass) {
    switch (action.kind()) {
        case Action::Kind::output:
            return output(batch, indices, action.number(), pass);
        case Action::Kind::flood:
            return flood(batch, indices, false, pass);
        case Action::Kind::flood_unknown:
            return flood(batch, indices, true, pass);
        case Action::Kind::drop:
            return pass.counters().drop(action.reason(), indices.size());
        case Action::Kind::list:
            return run_list(batch, indices, action.number(), pass);
    }
}

/// The frames were fetched and looked up once; each further receiver costs its copy.
void ValeSwitch::flood(const Batch& batch, Indices indices, bool unknown, Pass& pass) {
    if (port_count_ < 2) return pass.counters().drop(DropReason::tx_no_destination, indices.size());
    uint8_t kept[batch_frames];
    indices = within_storm_limits(batch, indices, unknown, pass, kept);
    if (indices.empty()) return;
    Classified* classified = pass.classified;
    if (classified != nullptr) [[unlikely]]
        for (const uint8_t index : indices) classified->reached[index] = false;
    const Reach reach = unknown ? Reach::flooded_unknown : Reach::flooded;
    for (size_t slot = 0; slot < slots_used_; ++slot) {
        Port* port = ports_[slot];
        if (port == nullptr || port == &pass.source) continue;
        CounterBlock& counters = port->counters(pass.context.worker);
        if (classified == nullptr) [[likely]] {
            counters.add(PortCounter::rx_flooded, indices.size());
            send(batch, indices, *port, pass);
        } else {
            const size_t admitted = send_admitted(batch, indices, *port, reach, pass);
            counters.add(PortCounter::rx_flooded, admitted);
        }
    }
    if (classified != nullptr) count_unreached(indices, pass);
}

/// With `more` off every frame is its own transaction: copied, published and notified alone.
[[gnu::always_inline]] inline void ValeSwitch::transmit(Queue& queue, const Batch& batch,
                                                        Indices indices, Pass& pass) {
    if (batch.offloaded) [[unlikely]]
        return transmit_offloaded(queue, batch, indices, pass);
    if (!pass.more && indices.size() > 1) [[unlikely]]
        return transmit_singly(queue, batch, indices, pass);
    if (batch.small_only && pass.more) return transmit_coalesced(queue, batch, indices, pass);
    queue.transmit(batch, indices, pass.context);
}

void ValeSwitch::transmit_singly(Queue& queue, const Batch& batch, Indices indices, Pass& pass) {
    for (size_t i = 0; i < indices.size(); ++i)
        queue.transmit(batch, indices.subspan(i, 1), pass.context);
}

/// Hands frames to one port. What most ports ask for is done here, without a stack of its own.
void ValeSwitch::send(const Batch& batch, Indices indices, Port& to, Pass& pass) {
    if (!to.settings().up.load(std::memory_order_relaxed)) [[unlikely]]
        return to.counters(pass.context.worker).drop(DropReason::rx_port_down, indices.size());
    const uint32_t mtu = to.settings().mtu.load(std::memory_order_relaxed);
    if (mtu != 0) [[unlikely]]
        return send_within_mtu(batch, indices, mtu, to, pass);
    send_to_queues(batch, indices, to, pass);
}

void ValeSwitch::send_within_mtu(const Batch& batch, Indices indices, uint32_t mtu, Port& to,
                                 Pass& pass) {
    uint8_t fitting[batch_frames];
    const Indices within = within_mtu(batch, indices, mtu, fitting);
    const size_t above = indices.size() - within.size();
    to.counters(pass.context.worker).drop(DropReason::rx_above_mtu, above);
    if (!within.empty()) send_to_queues(batch, within, to, pass);
}

/// To the port's one queue, or spread over its pairs by flow.
[[gnu::always_inline]] inline void ValeSwitch::send_to_queues(const Batch& batch, Indices indices,
                                                              Port& to, Pass& pass) {
    pass.to = &to;
    if (to.active_pairs() > 1) return spread(batch, indices, to, pass);
    transmit(*to.queues()[0], batch, indices, pass);
}

void ValeSwitch::spread(const Batch& batch, Indices indices, Port& to, Pass& pass) {
    const std::span<Queue* const> queues = to.queues();
    uint8_t lists[Port::queues_max][batch_frames];
    uint16_t counts[Port::queues_max] = {};
    if (!pass.hashed) hash_all(pass);
    const unsigned pairs = to.active_pairs();
    const uint32_t asker = pass.asker;
    FlowSpread& flows = *to.spread;
    for (const uint8_t index : indices) {
        const unsigned pair = flows.pair_of(pass.flow_hashes[index], asker, pairs);
        lists[pair][counts[pair]++] = index;
    }
    for (unsigned pair = 0; pair < pairs; ++pair)
        if (counts[pair] > 0) transmit(*queues[pair], batch, {lists[pair], counts[pair]}, pass);
}

/// Once for a batch, however many receivers it is spread over: of the frames as they came, so that
/// rewriting changes no flow's queue.
void ValeSwitch::hash_all(Pass& pass) noexcept {
    hash_flows(pass.batch, flow_seed_, pass.flow_hashes);
    pass.asker = FlowSpread::asker(pass.source.slot, now_s(pass.context));
    pass.hashed = true;
}

/// Each frame as its receiver takes it: decided here, for each receiver of a flood alike.
void ValeSwitch::transmit_offloaded(Queue& queue, const Batch& batch, Indices indices, Pass& pass) {
    WorkerContext& context = pass.context;
    const OffloadSet accepts = queue.accepts();
    const size_t step = pass.more ? indices.size() : 1;
    AdaptCounts counts;
    for (; !indices.empty(); indices = indices.subspan(step)) {
        const auto part = indices.first(step);
        if (!needs_adapting(batch, part, accepts)) {
            for (const uint8_t index : part) count_whole(batch, index, counts);
            queue.transmit(batch, part, context);
            continue;
        }
        counts += adapt(batch, part, accepts, context.rewritten,
                        [&](const Batch& made, std::span<const uint8_t> frames) {
                            queue.transmit(made, frames, context);
                        });
    }
    CounterBlock& counters = pass.to->counters(context.worker);
    counters.add(PortCounter::rx_big_whole, counts.whole);
    counters.add(PortCounter::rx_big_full, counts.full);
    counters.add(PortCounter::rx_big_cut, counts.cut);
    counters.add(PortCounter::rx_segments_made, counts.segments);
    counters.add(PortCounter::rx_checksums_made, counts.completed);
}

/// TCP segments that follow each other as one big frame, for a receiver that takes such.
void ValeSwitch::transmit_coalesced(Queue& queue, const Batch& batch, Indices indices, Pass& pass) {
    WorkerContext& context = pass.context;
    const Batch& made = context.rewritten.batch;
    context.rewritten.batch.clear();
    const bool wanted = pass.to->settings().coalesce.load(std::memory_order_relaxed);
    if (!wanted || !coalesce(batch, indices, queue.accepts(), context.rewritten))
        return queue.transmit(batch, indices, context);
    CounterBlock& counters = pass.to->counters(context.worker);
    counters.add(PortCounter::rx_coalesced, indices.size() - made.count);
    queue.transmit(made, {every_index.data(), made.count}, context);
}

}  // namespace valenic
