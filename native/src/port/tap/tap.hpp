// A port that is an interface of the host: a queue is one descriptor of a tap device.
#pragma once
#include <array>
#include <numeric>

#include "port/link.hpp"

namespace valenic {

/// Frames carry a virtio-net header where the interface has one (LinkPort::net_header): then the
/// host's stack leaves checksums and segmentation to others as a guest does, and takes what guests
/// leave. Its headers are checked against its frames, as a guest's are.
class TapQueue final : public LinkQueue {
 public:
    TapQueue(LinkPort& port, unsigned index) noexcept;

    size_t receive(Batch& batch, WorkerContext& context) override;
    void transmit(const Batch& batch, std::span<const uint8_t> indices,
                  WorkerContext& context) override;
    OffloadSet accepts() const noexcept override;
    bool may_have_net_header() const noexcept override { return true; }
    bool arm() override { return (usable() && held_bytes_ > 0) || LinkQueue::arm(); }
    void attach(const Parked& parked, OwnedFd fd) override;
    void detach(const Parked& parked) override;

 private:
    bool has_header() const noexcept { return port_.net_header() != spec::NetHeaderUse::none; }
    bool take(Batch& batch, std::span<const uint8_t> bytes, CounterBlock& counters) noexcept;
    bool take_asking(Batch& batch, const uint8_t* header, std::span<const uint8_t> frame,
                     CounterBlock& counters) noexcept;

    FrameBuffers buffers_;
    /// Which buffer is filled first, second and so on.
    std::array<uint8_t, link_batch_frames> order_;
    /// Of the first of them: a frame that the last batch had no room for. 0: there is none.
    size_t held_bytes_ = 0;
};

}  // namespace valenic
