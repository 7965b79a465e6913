// A port with one frame a datagram, as QEMU's `-netdev dgram`: a UNIX or UDP socket.
#pragma once
#include "port/link.hpp"

namespace valenic {

class DgramQueue final : public LinkQueue {
 public:
    using LinkQueue::LinkQueue;

    size_t receive(Batch& batch, WorkerContext& context) override;
    void transmit(const Batch& batch, std::span<const uint8_t> indices,
                  WorkerContext& context) override;

 private:
    FrameBuffers buffers_;
};

}  // namespace valenic
