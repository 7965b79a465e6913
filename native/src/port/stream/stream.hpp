// A port in the framing of QEMU's `-netdev stream` and `socket`, over a UNIX or TCP socket.
#pragma once
#include "net/stream_framing.hpp"
#include "port/link.hpp"
#include "port/stream/stream_sender.hpp"

namespace valenic {

class StreamQueue final : public LinkQueue {
 public:
    using LinkQueue::LinkQueue;

    size_t receive(Batch& batch, WorkerContext& context) override;
    void transmit(const Batch& batch, std::span<const uint8_t> indices,
                  WorkerContext& context) override;
    bool arm() override;
    int wait_fd() const noexcept override { return sender_.wait_fd(); }

    bool prepare(int fd, std::span<const OwnedFd>) override { return sender_.prepare(fd); }
    void attach(const Parked& parked, OwnedFd fd) override;
    void detach(const Parked& parked) override;

 private:
    bool fill(WorkerContext& context) noexcept;

    StreamFramer framer_;
    StreamSender sender_;
};

}  // namespace valenic
