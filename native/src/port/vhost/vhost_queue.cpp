#include "port/vhost/vhost_queue.hpp"

#include <algorithm>

#include "base/eventfd.hpp"
#include "base/simd.hpp"
#include "port/vhost/vhost.hpp"

namespace valenic {

using spec::DropReason;
using spec::PortCounter;

namespace {

/// Bounds the walked chains of a turn, and so its cost for any kind of frames.
constexpr size_t turn_descriptors_max = 256;

}  // namespace

VALENIC_INLINE bool VhostQueue::receiving() const noexcept {
    return tx.ring && tx.enabled && port_.barred() == spec::Fault::none;
}

size_t VhostQueue::receive(Batch& batch, WorkerContext& context) {
    if (!receiving()) return 0;
    context.whereabouts.go(spot_, Act::receive);
    const PortSettings& settings = port_.settings();
    const bool more = settings.more.load(std::memory_order_relaxed);
    const size_t budget = settings.budget.load(std::memory_order_relaxed);
    const FetchLimits limits{more ? std::min(budget, context.turn_frames) : 1,
                             settings.max_frame_bytes.load(std::memory_order_relaxed),
                             turn_descriptors_max};
    const size_t taken = tx.ring->fetch(batch, limits, port_.counters(context.worker));
    const spec::Fault fault = tx.ring->fault();
    if (fault != spec::Fault::none) [[unlikely]]
        tell_fault(tx.fault_told, pair_ * 2 + 1, fault, context);
    return taken;
}

void VhostQueue::release(WorkerContext& context) {
    if (!tx.ring) return;
    context.whereabouts.go(spot_, Act::release);
    tx.ring->release();
    if (tx.call.valid() && tx.ring->call_wanted()) call(tx.call, context);
}

void VhostQueue::transmit(const Batch& batch, std::span<const uint8_t> indices,
                          WorkerContext& context) {
    CounterBlock& counters = port_.counters(context.worker);
    if (!rx.ring || !rx.enabled || port_.barred() != spec::Fault::none) {
        counters.drop(DropReason::rx_ring_stopped, indices.size());
        return;
    }
    const Whereabouts::Visit visit(context.whereabouts, spot_, Act::transmit);
    Share& share = port_.share(context.worker);
    context.expense.paid_to = &share.paid_to;
    const Delivery delivery = rx.ring->deliver(batch, indices, counters, context.expense);
    if (context.expense.used()) [[unlikely]]
        charge(share, context);
    counters.add(PortCounter::rx_frames, delivery.frames);
    counters.add(PortCounter::rx_bytes, delivery.bytes);
    counters.add(PortCounter::rx_batches, 1);
    const spec::Fault fault = rx.ring->fault();
    if (fault != spec::Fault::none) [[unlikely]]
        tell_fault(rx.fault_told, pair_ * 2, fault, context);
    if (delivery.published) notify_receiver(delivery.frames, context);
}

/// For buffers that cost more than plain ones.
void VhostQueue::charge(Share& share, WorkerContext& context) noexcept {
    RxExpense& expense = context.expense;
    if (expense.spent != 0) {
        context.shares.charge_receiver(share, expense.spent);
        port_.counters(context.worker).add(PortCounter::turn_ns, expense.spent);
    }
    if (expense.refused) context.shares.refuse_receiver(share);
    expense.settled();
}

/// Calls now, or leaves it to a later frame or a timer when the port moderates its notifications.
void VhostQueue::notify_receiver(size_t frames, WorkerContext& context) noexcept {
    if (!rx.call.valid()) return;
    const PortSettings& settings = port_.settings();
    const uint64_t delay_us = settings.moderation_us.load(std::memory_order_relaxed);
    const uint32_t threshold = settings.moderation_frames.load(std::memory_order_relaxed);
    if (delay_us != 0 && threshold > 1) {
        const uint32_t pending =
            pending_frames_.fetch_add(static_cast<uint32_t>(frames), std::memory_order_relaxed) +
            static_cast<uint32_t>(frames);
        if (pending < threshold) {
            port_.counters(context.worker).add(PortCounter::calls_moderated, 1);
            if (deferred_.exchange(true, std::memory_order_acq_rel)) return;
            if (context.timers.add(this, context.now_ns + delay_us * 1000)) return;
            // Nobody holds it back, then. An exchange, as below: others may have relied on us.
            deferred_.exchange(false, std::memory_order_acq_rel);
        }
        pending_frames_.store(0, std::memory_order_relaxed);
    }
    if (rx.ring->call_wanted()) {
        call(rx.call, context);
    } else {
        port_.counters(context.worker).add(PortCounter::calls_suppressed, 1);
    }
}

void VhostQueue::flush_calls(WorkerContext& context) {
    // An exchange, so that what a worker published before it left its call to us is seen here.
    deferred_.exchange(false, std::memory_order_acq_rel);
    pending_frames_.store(0, std::memory_order_relaxed);
    if (port_.barred() != spec::Fault::none) return;
    const Whereabouts::Visit visit(context.whereabouts, spot_, Act::notify);
    if (rx.ring && rx.call.valid() && rx.ring->call_wanted()) call(rx.call, context);
}

void VhostQueue::call(const OwnedFd& fd, WorkerContext& context) noexcept {
    if (!call_peer(fd.get())) [[unlikely]]
        port_.bar(spec::Fault::notification_blocked);
    port_.counters(context.worker).add(PortCounter::calls, 1);
}

bool VhostQueue::arm() {
    if (!receiving() || tx.ring->fault() != spec::Fault::none) return false;
    if (!tx.kick.valid()) return true;  // Without a kick fd the ring is polled for ever.
    return tx.ring->arm();
}

void VhostQueue::disarm() {
    if (receiving()) tx.ring->disarm();
}

int VhostQueue::wait_fd() const noexcept {
    return receiving() && tx.ring->fault() == spec::Fault::none ? tx.kick.get() : -1;
}

PollWord VhostQueue::poll_word() const noexcept {
    return receiving() ? tx.ring->poll_word() : PollWord{};
}

void VhostQueue::acknowledge(WorkerContext& context) {
    if (!tx.kick.valid()) return;
    const uint64_t kicks = take_kicks(tx.kick.get());
    tx_kicks_.fetch_add(kicks, std::memory_order_relaxed);
    port_.counters(context.worker).add(PortCounter::kicks, kicks);
}

void VhostQueue::tell_fault(std::atomic<bool>& told, unsigned ring, spec::Fault fault,
                            WorkerContext& context) noexcept {
    if (told.exchange(true, std::memory_order_relaxed)) return;
    port_.counters(context.worker).add(PortCounter::queue_faults, 1);
    if (fault == spec::Fault::memory_truncated)
        port_.tell_housekeeping_due();
    else
        port_.tell(boundary::RingFaultEvent{port_.id, ring, fault});
}

// QEMU kicks once itself when it starts a device, so one kick proves nothing; a driver kicks only
// after it moved the index.
bool VhostQueue::memory_looks_foreign() noexcept {
    constexpr uint64_t spurious_kicks = 1;
    if (rx.ring && rx.kick.valid() && rx.ring->untouched()) {
        rx_kicks_ += take_kicks(rx.kick.get());
        if (rx_kicks_ > spurious_kicks) return rx.ring->untouched();
    }
    if (tx.ring && tx_kicks_.load(std::memory_order_relaxed) > spurious_kicks)
        return tx.ring->untouched();
    return false;
}

void VhostQueue::begin(const Parked&) noexcept {
    spot_ = {port_.id, pair_};
    rx_kicks_ = 0;  // Earlier suspicion is forgotten.
    tx_kicks_.store(0, std::memory_order_relaxed);
}

}  // namespace valenic
