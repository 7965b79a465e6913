// A port that is an interface of the host: a queue is one descriptor of a tap device.
#pragma once
#include "port/link.hpp"

namespace valenic {

class TapQueue final : public LinkQueue {
 public:
    using LinkQueue::LinkQueue;

    size_t receive(Batch& batch, WorkerContext& context) override;
    void transmit(const Batch& batch, std::span<const uint8_t> indices, bool more,
                  WorkerContext& context) override;

 private:
    FrameBuffers buffers_;
};

}  // namespace valenic
