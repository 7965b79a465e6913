// A queue of a packet port: over a packet socket or over AF_XDP, as its descriptor is.
#pragma once
#include "port/packet/packet.hpp"
#include "port/packet/xdp.hpp"

namespace valenic {

/// Which of both it is changes with the descriptor, as LinkQueue::attach() has it.
class WireQueue final : public LinkQueue {
 public:
    WireQueue(LinkPort& port, unsigned index)
        : LinkQueue(port, index), packet_(port, index), xdp_(port, index, *this) {}

    size_t receive(Batch& batch, WorkerContext& context) override {
        return now_->receive(batch, context);
    }
    void release(WorkerContext& context) override { now_->release(context); }
    void transmit(const Batch& batch, std::span<const uint8_t> indices,
                  WorkerContext& context) override {
        now_->transmit(batch, indices, context);
    }
    OffloadSet accepts() const noexcept override { return now_->accepts(); }
    void flush_calls(WorkerContext& context) override { now_->flush_calls(context); }
    bool arm() override { return now_->arm(); }
    int wait_fd() const noexcept override { return now_->wait_fd(); }
    PollWord poll_word() const noexcept override { return now_->poll_word(); }
    void acknowledge(WorkerContext& context) override { now_->acknowledge(context); }

    bool prepare(int fd, std::span<const OwnedFd> shared) override;
    bool may_have_net_header() const noexcept override { return true; }
    void attach(const Parked& parked, OwnedFd fd) override;
    void detach(const Parked& parked) override { now_->detach(parked); }
    void look_after(WorkerContext& context) noexcept override { now_->look_after(context); }

 private:
    PacketQueue packet_;
    XdpQueue xdp_;
    LinkQueue* now_ = &packet_;
    LinkQueue* next_ = &packet_;
};

}  // namespace valenic
