#include "port/vhost/vhost.hpp"

#include "base/check.hpp"
#include "base/eventfd.hpp"
#include "spec/virtio_ring.hpp"

namespace valenic {

namespace {

/// Even rings carry frames to the guest, odd ones from it: virtio 1.2, 5.1.2.
constexpr bool is_rx(unsigned ring) noexcept { return ring % 2 == 0; }

/// Visits the side of a queue pair that the ring is.
template <typename Queue, typename Visit>
auto visit_side(Queue& queue, unsigned ring, Visit visit) {
    return is_rx(ring) ? visit(queue.rx) : visit(queue.tx);
}

/// Whether a ring begins where a driver begins.
bool fresh(const RingConfig& config) noexcept {
    constexpr uint16_t first_packed = uint16_t{1} << spec::packed_event_wrap_bit;
    const bool packed = negotiated(config.features, spec::feature_ring_packed);
    return config.base == (packed ? first_packed : 0);
}

template <typename Direction>
RingState state_of(unsigned ring, const Side<Direction>& side, uint16_t size) {
    if (!side.ring) return {ring, false, side.enabled, 0, 0, 0, spec::Fault::none};
    return {ring,
            true,
            side.enabled,
            size,
            side.ring->next_avail(),
            side.ring->used_index(),
            side.ring->fault()};
}

void put_ring(Side<RxRing>& side, PreparedRing& prepared) { side.ring = std::move(prepared.rx); }
void put_ring(Side<TxRing>& side, PreparedRing& prepared) { side.ring = std::move(prepared.tx); }

template <typename Direction>
void put(Side<Direction>& side, PreparedRing& prepared) {
    put_ring(side, prepared);
    side.kick = std::move(prepared.kick);
    side.call = std::move(prepared.call);
    side.enabled = prepared.enabled;
    side.fault_told.store(false, std::memory_order_relaxed);
}

template <typename Direction>
std::optional<uint16_t> take_out(Side<Direction>& side) {
    if (!side.ring) return std::nullopt;
    const uint16_t base = side.ring->next_avail();
    side.ring.reset();
    side.kick.reset();
    side.call.reset();
    side.enabled = false;
    return base;
}

}  // namespace

VhostPort::VhostPort(const PortParts& parts) : DevicePort(parts, commands) {
    CHECK(parts.pairs >= 1 && parts.pairs <= queues_max);
    for (unsigned pair = 0; pair < parts.pairs; ++pair) {
        pairs_.push_back(std::make_unique<VhostQueue>(*this, pair));
        add_queue(*pairs_.back());
    }
    configs_.resize(ring_count());
}

bool VhostPort::ring_running(unsigned ring) const noexcept {
    return visit_side(pair_of(ring), ring, [](auto& side) { return side.ring != nullptr; });
}

bool VhostPort::any_ring_running() const noexcept {
    for (unsigned ring = 0; ring < ring_count(); ++ring)
        if (ring_running(ring)) return true;
    return false;
}

Result<PreparedRing, spec::Fault> VhostPort::prepare(unsigned ring, RingConfig config) const {
    if (!memory_) return spec::Fault::ring_address_unmapped;
    config.features = features_;
    PreparedRing prepared;
    prepared.ring = ring;
    prepared.config = config;
    if (is_rx(ring)) {
        auto made = make_rx_ring(config, memory_);
        if (!made) return made.error();
        prepared.rx = std::move(made.value());
    } else {
        auto made = make_tx_ring(config, memory_);
        if (!made) return made.error();
        prepared.tx = std::move(made.value());
    }
    // Where it really begins, which is where it has to be when the memory changes under it.
    prepared.config.base = prepared.rx ? prepared.rx->next_avail() : prepared.tx->next_avail();
    return prepared;
}

void VhostPort::install(const Parked& parked, PreparedRing prepared) {
    VhostQueue& queue = pair_of(prepared.ring);
    configs_[prepared.ring] = prepared.config;
    // A backend before us may have published and died before it called. One call too many is
    // nothing to a driver; one too few is a guest that sleeps for ever.
    if (!fresh(prepared.config) && prepared.call.valid() && !call_peer(prepared.call.get()))
        bar(spec::Fault::notification_blocked);
    visit_side(queue, prepared.ring, [&](auto& side) { put(side, prepared); });
    queue.begin(parked);
    foreign_memory_told_ = false;
    count_active_pairs(parked);
}

std::optional<uint16_t> VhostPort::stop(const Parked& parked, unsigned ring) {
    const auto base = visit_side(pair_of(ring), ring, [](auto& side) { return take_out(side); });
    count_active_pairs(parked);
    return base;
}

void VhostPort::enable(const Parked& parked, unsigned ring, bool enabled) {
    visit_side(pair_of(ring), ring, [&](auto& side) { side.enabled = enabled; });
    count_active_pairs(parked);
}

void VhostPort::set_memory(const Parked& parked, std::shared_ptr<const MemoryMap> memory) {
    if (!memory) return close_device(parked);
    memory_ = std::move(memory);
    truncation_told_ = false;
    for (unsigned ring = 0; ring < ring_count(); ++ring)
        if (ring_running(ring)) move_ring(parked, ring, configs_[ring]);
}

spec::Fault VhostPort::move_ring(const Parked& parked, unsigned ring, RingConfig config) {
    config.features = features_;
    configs_[ring] = config;
    return visit_side(pair_of(ring), ring, [&](auto& side) {
        const spec::Fault fault = side.ring->rebind(parked, config, memory_);
        if (fault != spec::Fault::none &&
            !side.fault_told.exchange(true, std::memory_order_relaxed)) {
            counters(control_worker).add(spec::PortCounter::queue_faults, 1);
            tell(boundary::RingFaultEvent{id, ring, fault});
        }
        return fault;
    });
}

void VhostPort::set_call(const Parked&, unsigned ring, OwnedFd fd) {
    visit_side(pair_of(ring), ring, [&](auto& side) { side.call = std::move(fd); });
}

void VhostPort::set_kick(const Parked&, unsigned ring, OwnedFd fd) {
    visit_side(pair_of(ring), ring, [&](auto& side) { side.kick = std::move(fd); });
}

void VhostPort::close_device(const Parked& parked) {
    for (unsigned ring = 0; ring < ring_count(); ++ring) stop(parked, ring);
    memory_.reset();
    barred_.store(spec::Fault::none, std::memory_order_relaxed);
}

void VhostPort::bar(spec::Fault fault) noexcept {
    spec::Fault none = spec::Fault::none;
    barred_.compare_exchange_strong(none, fault, std::memory_order_relaxed);
}

std::vector<RingState> VhostPort::ring_states() const {
    std::vector<RingState> states;
    for (unsigned ring = 0; ring < ring_count(); ++ring) {
        states.push_back(visit_side(pair_of(ring), ring, [&](auto& side) {
            return state_of(ring, side, configs_[ring].size);
        }));
    }
    return states;
}

bool VhostPort::close_if_due(PortHost& host) {
    if (const spec::Fault fault = barred(); fault != spec::Fault::none) {
        close_and_tell(host, fault);
        return true;
    }
    if (!memory_lost() || truncation_told_) return false;
    truncation_told_ = close_and_tell(host, spec::Fault::memory_truncated);
    return true;
}

void VhostPort::look_after(PortHost& host, WorkerContext&) {
    if (close_if_due(host) || foreign_memory_told_) return;
    if (const auto ring = foreign_memory_ring()) {
        foreign_memory_told_ = true;
        tell(boundary::MemoryNotSharedEvent{id, *ring});
    }
}

/// False: not now, since a worker does not come out of its batch.
bool VhostPort::close_and_tell(PortHost& host, spec::Fault fault) {
    if (host.change_port(*this, [&](const Parked& parked) { close_device(parked); })) return false;
    tell(boundary::DeviceFaultEvent{id, fault});
    return true;
}

/// Workers run: the first ring whose driver writes to other memory than ours.
std::optional<unsigned> VhostPort::foreign_memory_ring() noexcept {
    for (unsigned index = 0; index < pairs_.size(); ++index)
        if (pairs_[index]->memory_looks_foreign()) return index * 2;
    return std::nullopt;
}

/// Pairs count from the first: a front-end enables them in order.
void VhostPort::count_active_pairs(const Parked& parked) noexcept {
    unsigned active = 0;
    for (const auto& queue : pairs_) {
        if (!queue->rx.ring || !queue->rx.enabled) break;
        ++active;
    }
    set_active_pairs(parked, active);
}

}  // namespace valenic
