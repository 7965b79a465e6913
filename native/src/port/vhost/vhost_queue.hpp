// One queue pair of a guest: its TX ring (guest -> us) and its RX ring (us -> guest).
#pragma once
#include <atomic>
#include <cstdint>
#include <memory>

#include "base/fd.hpp"
#include "base/parked.hpp"
#include "base/whereabouts.hpp"
#include "ring/ring.hpp"
#include "switch/queue.hpp"

namespace valenic {

class VhostPort;

/// One direction of the pair: of RxRing or TxRing. Replaced by the control thread (VhostPort).
template <typename Direction>
struct Side {
    std::unique_ptr<Direction> ring;
    OwnedFd kick;  ///< Of RX only looked at to tell foreign memory: the driver added buffers.
    OwnedFd call;
    bool enabled = false;
    std::atomic<bool> fault_told{false};
};

/// Its first line is all that a batch reads of it, in either direction.
class alignas(64) VhostQueue final : public Queue {
    VhostPort& port_;
    const unsigned pair_;
    Spot spot_;  ///< As of begin().

 public:
    /// For the control thread, by VhostPort's functions that take a Parked.
    Side<RxRing> rx;
    Side<TxRing> tx;

    VhostQueue(VhostPort& port, unsigned pair) : port_(port), pair_(pair) {}

    size_t receive(Batch& batch, WorkerContext& context) override;
    void release(WorkerContext& context) override;
    void transmit(const Batch& batch, std::span<const uint8_t> indices,
                  WorkerContext& context) override;
    OffloadSet accepts() const noexcept override { return rx.ring ? rx.ring->accepts() : 0; }
    void flush_calls(WorkerContext& context) override;
    bool arm() override;
    void disarm() override;
    int wait_fd() const noexcept override;
    PollWord poll_word() const noexcept override;
    void acknowledge(WorkerContext& context) override;

    /// Housekeeping by the control thread about once a second, workers running: whether this driver
    /// kicks while its available indices stay 0, so that its memory is not the one we mapped.
    bool memory_looks_foreign() noexcept;
    /// A ring of it starts.
    void begin(const Parked&) noexcept;

 private:
    bool receiving() const noexcept;
    void charge(Share& share, WorkerContext& context) noexcept;
    void call(const OwnedFd& fd, WorkerContext& context) noexcept;
    void notify_receiver(size_t frames, WorkerContext& context) noexcept;
    void tell_fault(std::atomic<bool>& told, unsigned ring, spec::Fault fault,
                    WorkerContext& context) noexcept;

    std::atomic<uint64_t> tx_kicks_{0};        ///< Since the ring started.
    uint64_t rx_kicks_ = 0;                    ///< Control thread only.
    std::atomic<uint32_t> pending_frames_{0};  ///< Delivered since the last call, under moderation.
    std::atomic<bool> deferred_{false};        ///< In some worker's timers.
};

}  // namespace valenic
