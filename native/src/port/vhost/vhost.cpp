#include "port/vhost/vhost.hpp"

#include "base/check.hpp"
#include "base/eventfd.hpp"
#include "spec/virtio_ring.hpp"

namespace valenic {

namespace {

constexpr bool is_rx(unsigned ring) noexcept { return ring % 2 == 0; }

/// Whether a ring begins where a driver begins.
bool fresh(const RingConfig& config) noexcept {
    constexpr uint16_t first_packed = uint16_t{1} << spec::packed_event_wrap_bit;
    const bool packed = negotiated(config.features, spec::feature_ring_packed);
    return config.base == (packed ? first_packed : 0);
}

template <typename Side>
RingState state_of(unsigned ring, const Side& side, uint16_t size) {
    if (!side.ring) return {ring, false, side.enabled, 0, 0, 0, spec::Fault::none};
    return {ring,
            true,
            side.enabled,
            size,
            side.ring->next_avail(),
            side.ring->used_index(),
            side.ring->fault()};
}

template <typename Side, typename Ring>
void put(Side& side, std::unique_ptr<Ring> ring, PreparedRing& prepared) {
    side.ring = std::move(ring);
    side.kick = std::move(prepared.kick);
    side.call = std::move(prepared.call);
    side.enabled = prepared.enabled;
    side.fault_told.store(false, std::memory_order_relaxed);
}

template <typename Side>
std::optional<uint16_t> take_out(Side& side) {
    if (!side.ring) return std::nullopt;
    const uint16_t base = side.ring->next_avail();
    side.ring.reset();
    side.kick.reset();
    side.call.reset();
    side.enabled = false;
    return base;
}

}  // namespace

VhostPort::VhostPort(std::string name, std::span<CounterBlock> blocks, unsigned pairs,
                     PortEvents& events)
    : Port(std::move(name), blocks), events_(events) {
    CHECK(pairs >= 1 && pairs <= queues_max);
    for (unsigned pair = 0; pair < pairs; ++pair) {
        pairs_.push_back(std::make_unique<VhostQueue>(*this, pair));
        queues_.push_back(pairs_.back().get());
    }
    configs_.resize(ring_count());
}

bool VhostPort::ring_running(unsigned ring) const noexcept {
    const VhostQueue& queue = *pairs_[ring / 2];
    return is_rx(ring) ? queue.rx.ring != nullptr : queue.tx.ring != nullptr;
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

void VhostPort::install(PreparedRing prepared) {
    VhostQueue& queue = *pairs_[prepared.ring / 2];
    configs_[prepared.ring] = prepared.config;
    // A backend before us may have published and died before it called. One call too many is
    // nothing to a driver; one too few is a guest that sleeps for ever.
    if (!fresh(prepared.config) && prepared.call.valid() && !call_peer(prepared.call.get()))
        bar(spec::Fault::notification_blocked);
    if (is_rx(prepared.ring)) {
        put(queue.rx, std::move(prepared.rx), prepared);
    } else {
        put(queue.tx, std::move(prepared.tx), prepared);
    }
    queue.begin();
    foreign_memory_told = false;
    count_active_pairs();
}

std::optional<uint16_t> VhostPort::stop(unsigned ring) {
    VhostQueue& queue = *pairs_[ring / 2];
    const auto base = is_rx(ring) ? take_out(queue.rx) : take_out(queue.tx);
    count_active_pairs();
    return base;
}

void VhostPort::enable(unsigned ring, bool enabled) {
    VhostQueue& queue = *pairs_[ring / 2];
    if (is_rx(ring)) {
        queue.rx.enabled = enabled;
    } else {
        queue.tx.enabled = enabled;
    }
    count_active_pairs();
}

void VhostPort::set_memory(std::shared_ptr<const MemoryMap> memory) {
    if (!memory) return close_device();
    memory_ = std::move(memory);
    truncation_told = false;
    for (unsigned ring = 0; ring < ring_count(); ++ring)
        if (ring_running(ring)) move_ring(ring, configs_[ring]);
}

spec::Fault VhostPort::move_ring(unsigned ring, RingConfig config) {
    VhostQueue& queue = *pairs_[ring / 2];
    config.features = features_;
    configs_[ring] = config;
    const spec::Fault fault = is_rx(ring) ? queue.rx.ring->rebind(config, memory_)
                                          : queue.tx.ring->rebind(config, memory_);
    std::atomic<bool>& told = is_rx(ring) ? queue.rx.fault_told : queue.tx.fault_told;
    if (fault != spec::Fault::none && !told.exchange(true, std::memory_order_relaxed)) {
        counters(control_worker).add(spec::PortCounter::queue_faults, 1);
        events_.ring_fault(*this, ring, fault);
    }
    return fault;
}

void VhostPort::set_call(unsigned ring, OwnedFd fd) {
    VhostQueue& queue = *pairs_[ring / 2];
    (is_rx(ring) ? queue.rx.call : queue.tx.call) = std::move(fd);
}

void VhostPort::set_kick(unsigned ring, OwnedFd fd) {
    VhostQueue& queue = *pairs_[ring / 2];
    (is_rx(ring) ? queue.rx.kick : queue.tx.kick) = std::move(fd);
}

void VhostPort::close_device() {
    for (unsigned ring = 0; ring < ring_count(); ++ring) stop(ring);
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
        const VhostQueue& queue = *pairs_[ring / 2];
        const uint16_t size = configs_[ring].size;
        states.push_back(is_rx(ring) ? state_of(ring, queue.rx, size)
                                     : state_of(ring, queue.tx, size));
    }
    return states;
}

std::optional<unsigned> VhostPort::foreign_memory_ring() noexcept {
    for (unsigned index = 0; index < pairs_.size(); ++index)
        if (pairs_[index]->memory_looks_foreign()) return index * 2;
    return std::nullopt;
}

/// Pairs count from the first: a front-end enables them in order.
void VhostPort::count_active_pairs() noexcept {
    uint8_t active = 0;
    for (const auto& queue : pairs_) {
        if (!queue->rx.ring || !queue->rx.enabled) break;
        ++active;
    }
    active_pairs = active;
}

}  // namespace valenic
