#include "switch/vale.hpp"

#include <cstring>

#include "base/check.hpp"
#include "net/adapt.hpp"
#include "net/coalesce.hpp"
#include "net/mtu.hpp"

namespace valenic {

using spec::DropReason;
using spec::PortCounter;

namespace {

/// Coarse, for what ages.
uint32_t now_s(const WorkerContext& context) noexcept {
    return static_cast<uint32_t>(context.now_ns / 1'000'000'000);
}

/// Whether all are equal. The library's compare looks at many at once.
bool all_same(std::span<const Action> actions) noexcept {
    return std::memcmp(actions.data(), actions.data() + 1, (actions.size() - 1) * sizeof(Action)) ==
           0;
}

/// One list for each slot, one for floods, one for drops and any other answer of a lookup.
constexpr size_t action_lists = 256;
constexpr uint8_t list_of(Action action) noexcept {
    if (action < ValeSwitch::ports_max) return static_cast<uint8_t>(action);
    return action == action_flood ? 0xfe : 0xff;
}
static_assert(ValeSwitch::ports_max <= 0xfe);

}  // namespace

ValeSwitch::ValeSwitch(std::string name, std::unique_ptr<Lookup> lookup, uint64_t flow_secret)
    : name_(std::move(name)), lookup_(std::move(lookup)), flow_seed_(FlowSeed::of(flow_secret)) {
    CHECK(lookup_->header_bytes() <= stage_frame_bytes);
}

bool ValeSwitch::attach(Parked, Port& port) {
    CHECK(port.home == nullptr);
    for (size_t slot = 0; slot < ports_max; ++slot) {
        if (ports_[slot] != nullptr) continue;
        ports_[slot] = &port;
        books_[slot] = &port.counters(0);
        port.slot = static_cast<uint8_t>(slot);
        port.generation = ++generations_[slot];
        port.home = this;
        if (port.queues().size() > 1) port.spread = std::make_unique<FlowSpread>();
        ++port_count_;
        if (slot >= slots_used_) slots_used_ = slot + 1;
        return true;
    }
    return false;
}

void ValeSwitch::detach(Parked parked, Port& port) {
    CHECK(port.home == this && ports_[port.slot] == &port);
    set_rules(parked, port, {});  // Forgets its addresses.
    ports_[port.slot] = nullptr;
    books_[port.slot] = nullptr;
    port.home = nullptr;
    --port_count_;
    while (slots_used_ > 0 && ports_[slots_used_ - 1] == nullptr) --slots_used_;
}

/// Hands frames to one port: to its one queue, or spread over its pairs by flow.
void ValeSwitch::send(const Batch& batch, std::span<const uint8_t> indices, Port& to, Pass& pass) {
    WorkerContext& context = pass.context;
    if (!to.settings().up.load(std::memory_order_relaxed)) [[unlikely]] {
        to.counters(context.worker).drop(DropReason::rx_port_down, indices.size());
        return;
    }
    uint8_t fitting[batch_frames];
    const uint32_t mtu = to.settings().mtu.load(std::memory_order_relaxed);
    if (mtu != 0) [[unlikely]] {
        const size_t offered = indices.size();
        indices = within_mtu(batch, indices, mtu, fitting);
        if (indices.size() < offered)
            to.counters(context.worker).drop(DropReason::rx_above_mtu, offered - indices.size());
        if (indices.empty()) return;
    }
    const std::span<Queue* const> queues = to.queues();
    pass.to = &to;
    if (to.active_pairs <= 1) {
        transmit(*queues[0], batch, indices, pass);
        return;
    }
    uint8_t lists[Port::queues_max][batch_frames];
    uint16_t counts[Port::queues_max] = {};
    if (!pass.hashed) hash_all(batch, pass);
    const unsigned pairs = to.active_pairs;
    const uint32_t asker = pass.asker;
    FlowSpread& spread = *to.spread;
    for (const uint8_t index : indices) {
        const unsigned pair = spread.pair_of(pass.flow_hashes[index], asker, pairs);
        lists[pair][counts[pair]++] = index;
    }
    for (unsigned pair = 0; pair < pairs; ++pair)
        if (counts[pair] > 0) transmit(*queues[pair], batch, {lists[pair], counts[pair]}, pass);
}

/// Once for a batch, however many receivers it is spread over.
void ValeSwitch::hash_all(const Batch& batch, Pass& pass) noexcept {
    hash_flows(batch, flow_seed_, pass.flow_hashes);
    pass.asker = FlowSpread::asker(pass.source.slot, now_s(pass.context));
    pass.hashed = true;
}

/// With `more` off every frame is its own transaction: copied, published and notified alone.
void ValeSwitch::transmit(Queue& queue, const Batch& batch, std::span<const uint8_t> indices,
                          Pass& pass) {
    if (batch.offloaded) [[unlikely]]
        return transmit_offloaded(queue, batch, indices, pass);
    if (batch.small_only && pass.more && transmit_coalesced(queue, batch, indices, pass)) return;
    if (pass.more) {
        queue.transmit(batch, indices, false, pass.context);
        return;
    }
    for (size_t i = 0; i < indices.size(); ++i)
        queue.transmit(batch, indices.subspan(i, 1), false, pass.context);
}

/// Each frame as its receiver takes it: decided here, for each receiver of a flood alike.
void ValeSwitch::transmit_offloaded(Queue& queue, const Batch& batch,
                                    std::span<const uint8_t> indices, Pass& pass) {
    WorkerContext& context = pass.context;
    const OffloadSet accepts = queue.accepts();
    const size_t step = pass.more ? indices.size() : 1;
    AdaptCounts counts;
    for (; !indices.empty(); indices = indices.subspan(step)) {
        const auto part = indices.first(step);
        if (!needs_adapting(batch, part, accepts)) {
            for (const uint8_t index : part) count_whole(batch, index, counts);
            queue.transmit(batch, part, false, context);
            continue;
        }
        counts += adapt(batch, part, accepts, context.rewritten,
                        [&](const Batch& made, std::span<const uint8_t> frames) {
                            queue.transmit(made, frames, false, context);
                        });
    }
    CounterBlock& counters = pass.to->counters(context.worker);
    counters.add(PortCounter::rx_big_whole, counts.whole);
    counters.add(PortCounter::rx_big_full, counts.full);
    counters.add(PortCounter::rx_big_cut, counts.cut);
    counters.add(PortCounter::rx_segments_made, counts.segments);
    counters.add(PortCounter::rx_checksums_made, counts.completed);
}

/// TCP segments that follow each other as one big frame, for a receiver that takes such. False:
/// there are none, and nothing was sent.
bool ValeSwitch::transmit_coalesced(Queue& queue, const Batch& batch,
                                    std::span<const uint8_t> indices, Pass& pass) {
    WorkerContext& context = pass.context;
    const Batch& made = context.rewritten.batch;
    context.rewritten.batch.clear();
    if (!coalesce(batch, indices, queue.accepts(), context.rewritten)) return false;
    CounterBlock& counters = pass.to->counters(context.worker);
    counters.add(PortCounter::rx_coalesced, indices.size() - made.count);
    queue.transmit(made, {every_index.data(), made.count}, false, context);
    return true;
}

/// The frames were fetched and looked up once; each further receiver costs its copy.
void ValeSwitch::flood(const Batch& batch, std::span<const uint8_t> indices, Pass& pass) {
    WorkerContext& context = pass.context;
    CounterBlock& counters = pass.source.counters(context.worker);
    if (port_count_ < 2) {
        counters.drop(DropReason::tx_no_destination, indices.size());
        return;
    }
    for (size_t slot = 0; slot < slots_used_; ++slot) {
        Port* port = ports_[slot];
        if (port == nullptr || port == &pass.source) continue;
        port->counters(context.worker).add(PortCounter::rx_flooded, indices.size());
        send(batch, indices, *port, pass);
    }
}

LookupSource ValeSwitch::lookup_source(Port& source, WorkerContext& context) const noexcept {
    return {source.slot,
            source.generation,
            source.settings().mac_limit.load(std::memory_order_relaxed),
            now_s(context),
            &source.counters(context.worker),
            nullptr,
            books_.data(),
            context.worker};
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

    if (rules_ != nullptr) [[unlikely]]
        return forward_ruled(batch, source, context);

    Action actions[batch_frames];
    lookup_->resolve(batch, lookup_source(source, context), {actions, batch.count});

    Pass pass(source, context);
    if (all_same({actions, batch.count})) [[likely]] {
        act(batch, {every_index.data(), batch.count}, actions[0], pass);
    } else {
        forward_mixed(batch, actions, pass);
    }
}

/// One action for all these frames.
void ValeSwitch::act(const Batch& batch, std::span<const uint8_t> indices, Action action,
                     Pass& pass) {
    if (pass.ruled != nullptr) [[unlikely]]
        return act_ruled(batch, indices, action, pass);
    if (action == action_flood) return flood(batch, indices, pass);
    CounterBlock& counters = pass.source.counters(pass.context.worker);
    Port* port = action < ports_max ? ports_[action] : nullptr;
    if (action == action_drop || port == nullptr) {
        counters.drop(DropReason::tx_no_destination, indices.size());
    } else if (port == &pass.source) {
        counters.drop(DropReason::tx_reflected, indices.size());
    } else {
        send(batch, indices, *port, pass);
    }
}

/// A list for each action, in the order of their first frames: counted, then dealt out. Two passes
/// over the batch, however many destinations it has.
void ValeSwitch::forward_mixed(const Batch& batch, const Action* actions, Pass& pass) {
    uint16_t counts[action_lists] = {};
    uint8_t lists[action_lists];  // Those that are not empty.
    size_t list_count = 0;
    for (size_t i = 0; i < batch.count; ++i) {
        const uint8_t list = list_of(actions[i]);
        if (counts[list]++ == 0) lists[list_count++] = list;
    }
    uint16_t ends[action_lists];  // Of each list that is not empty, in `indices`.
    uint16_t end = 0;
    for (size_t i = 0; i < list_count; ++i) {
        ends[lists[i]] = end;
        end = static_cast<uint16_t>(end + counts[lists[i]]);
    }
    uint8_t indices[batch_frames];
    for (size_t i = 0; i < batch.count; ++i)
        indices[ends[list_of(actions[i])]++] = static_cast<uint8_t>(i);
    for (size_t i = 0; i < list_count; ++i) {
        const uint8_t* first = indices + ends[lists[i]] - counts[lists[i]];
        act(batch, {first, counts[lists[i]]}, actions[*first], pass);
    }
}

}  // namespace valenic
