// A queue of a packet port over AF_XDP: an interface's receive queue, its frames before any stack
// has them.
#pragma once
#include <atomic>

#include "base/spinlock.hpp"
#include "port/link.hpp"
#include "port/packet/xdp_rings.hpp"

namespace valenic {

class XdpQueue final : public LinkQueue {
 public:
    /// @param face  What the switch knows this queue by.
    XdpQueue(LinkPort& port, unsigned index, Queue& face) : LinkQueue(port, index), face_(face) {}

    size_t receive(Batch& batch, WorkerContext& context) override;
    void release(WorkerContext& context) override;
    void transmit(const Batch& batch, std::span<const uint8_t> indices,
                  WorkerContext& context) override;
    void flush_calls(WorkerContext& context) override;
    bool arm() override;
    PollWord poll_word() const noexcept override;
    void acknowledge(WorkerContext& context) override;

    bool prepare(int fd, std::span<const OwnedFd> shared) override;
    void attach(const Parked& parked, OwnedFd fd) override;
    void detach(const Parked& parked) override;
    void look_after(WorkerContext& context) noexcept override;

 private:
    /// What the control thread finds out and what it was told before: it alone.
    struct Losses {
        uint64_t ring_full = 0;
        uint64_t too_long = 0;
    };
    void take(Batch& batch, CounterBlock& counters) noexcept;
    bool link_is_back(WorkerContext& context) noexcept;
    void make_kernel_send(WorkerContext& context) noexcept;
    void send_all(WorkerContext& context) noexcept;
    void try_later(WorkerContext& context) noexcept;
    Losses losses() const noexcept;
    void look_at_interface() noexcept;

    Queue& face_;
    std::unique_ptr<XdpRings> rings_;
    std::unique_ptr<XdpRings> next_rings_;  ///< Of the descriptor to be attached.
    Losses counted_;
    std::atomic<uint32_t> longest_bytes_{0};  ///< That the interface takes, without a VLAN tag.
    std::atomic<bool> interface_down_{false};
    std::atomic<bool> deferred_{false};  ///< A worker will try again.
    std::atomic<uint32_t> callers_{0};   ///< Workers whose frames the kernel does not know of yet.
    Spinlock lock_;                      ///< Of the free chunks and the rings that go.
};

}  // namespace valenic
