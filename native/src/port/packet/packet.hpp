// A port that is the wire of an interface of the host: a queue is one packet socket with a ring.
#pragma once
#include <linux/if_packet.h>

#include <memory>

#include "port/link.hpp"
#include "port/packet/packet_arrival.hpp"
#include "port/packet/packet_socket.hpp"

namespace valenic {

/// The slots that the kernel fills, mapped.
class PacketRing {
 public:
    /// Null: the kernel refused.
    static std::unique_ptr<PacketRing> map(int fd) noexcept;
    ~PacketRing();
    PacketRing(const PacketRing&) = delete;
    PacketRing& operator=(const PacketRing&) = delete;

    /// Slot number `position` of all that ever were filled.
    uint8_t* slot(uint64_t position) const noexcept {
        return bytes_ + (position % packet_slots) * packet_slot_bytes;
    }
    tpacket2_hdr& header(uint64_t position) const noexcept {
        return *reinterpret_cast<tpacket2_hdr*>(slot(position));
    }
    /// Slots up to `taken` are borrowed; those up to `released` are the kernel's again.
    uint64_t taken = 0;
    uint64_t released = 0;

 private:
    explicit PacketRing(uint8_t* bytes) : bytes_(bytes) {}
    uint8_t* const bytes_;
};

class PacketQueue final : public LinkQueue {
 public:
    using LinkQueue::LinkQueue;

    size_t receive(Batch& batch, WorkerContext& context) override;
    void release(WorkerContext& context) override;
    void transmit(const Batch& batch, std::span<const uint8_t> indices,
                  WorkerContext& context) override;
    OffloadSet accepts() const noexcept override { return offloads_; }
    bool arm() override;
    PollWord poll_word() const noexcept override;
    void acknowledge(WorkerContext& context) override;

    bool prepare(int fd, std::span<const OwnedFd> shared) override;
    void attach(const Parked& parked, OwnedFd fd) override;
    void detach(const Parked& parked) override;
    void look_after(WorkerContext& context) noexcept override;

 private:
    bool take(uint32_t status, Batch& batch, CounterBlock& counters) noexcept;
    bool receive_whole(PacketArrival& arrival, uint8_t* into) noexcept;
    void count_overflow(CounterBlock& counters) noexcept;

    const OffloadSet offloads_ = packet_offloads();
    std::unique_ptr<PacketRing> ring_;
    std::unique_ptr<PacketRing> next_ring_;  ///< Of the descriptor to be attached.
    FrameBuffers buffers_;                   ///< Of frames that are longer than a slot.
};

}  // namespace valenic
