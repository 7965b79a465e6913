// Ports whose peer is behind descriptors: a byte stream, datagrams, an interface of the host.
#pragma once
#include <sys/un.h>

#include <atomic>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/fd.hpp"
#include "base/parked.hpp"
#include "port/device.hpp"

namespace valenic {

class LinkPort;

/// What all of them share: a descriptor that the control thread gives and takes with a Parked, and
/// that any worker finds to be of no more use, once.
class LinkQueue : public Queue {
 public:
    LinkQueue(LinkPort& port, unsigned index) : port_(port), index_(index) {}

    void release(WorkerContext&) override {}
    void flush_calls(WorkerContext&) override {}
    bool arm() override;
    void disarm() override {}
    int wait_fd() const noexcept override { return fd_.get(); }
    void acknowledge(WorkerContext& context) override;

    /// What takes time or may fail before `fd` is attached, while workers run. False: it cannot be.
    /// `shared`: what the port keeps open for all its queues until they are detached.
    virtual bool prepare(int, std::span<const OwnedFd>) { return true; }
    /// Whether a header can stand before its frames: LinkPort::net_header().
    virtual bool may_have_net_header() const noexcept { return false; }
    /// The descriptor that was there before is closed.
    virtual void attach(const Parked&, OwnedFd fd);
    virtual void detach(const Parked&);
    /// By the control thread: the descriptor is used no more.
    void give_up(spec::Fault fault, WorkerContext& context) noexcept { lost(fault, context); }
    /// By the control thread, about once a second, with its own context.
    virtual void look_after(WorkerContext&) noexcept {}

 protected:
    bool usable() const noexcept { return fd_.valid() && !down_.load(std::memory_order_relaxed); }
    /// Frames that receive() may take now.
    size_t wanted(const WorkerContext& context) const noexcept;
    /// Puts a frame that outlives the batch into it, or counts why not.
    void admit(Batch& batch, std::span<const uint8_t> frame, CounterBlock& counters) noexcept;
    /// The descriptor is of no more use: told once.
    void lost(spec::Fault fault, WorkerContext& context) noexcept;
    /// Counts frames that are not sent: at their source where the reason is its own.
    void drop(spec::DropReason reason, size_t frames, WorkerContext& context) noexcept;
    /// Whether transmit() has nothing to do: nobody is there, or the frames cannot be read any
    /// more. Then all of them were counted.
    bool nothing_to_send(size_t frames, WorkerContext& context) noexcept;
    /// Counts the result of transmit(); the rest of `given` is dropped under `reason`.
    void count_sent(size_t given, size_t sent, uint64_t bytes, spec::DropReason reason,
                    WorkerContext& context) noexcept;

    LinkPort& port_;
    const unsigned index_;
    OwnedFd fd_;
    std::atomic<bool> down_{
        false};  ///< Workers write and read; the control thread clears with a Parked.
};

/// Makes a queue of one kind.
using MakeLinkQueue = std::unique_ptr<LinkQueue> (*)(LinkPort& port, unsigned index);
template <typename Kind>
std::unique_ptr<LinkQueue> make_link_queue(LinkPort& port, unsigned index) {
    return std::make_unique<Kind>(port, index);
}

class LinkPort final : public DevicePort {
 public:
    static constexpr CommandSet commands{};  ///< LinkCommands.

    LinkPort(const PortParts& parts, MakeLinkQueue make_queue);

    size_t queue_count() const noexcept { return queues_.size(); }
    void look_after(PortHost& host, WorkerContext& context) override;
    void give_up(spec::Fault fault, WorkerContext& context) noexcept override;

    /// Before attach(), with the same descriptors. False: one of them cannot be used.
    bool prepare(std::span<const OwnedFd> fds, std::span<const OwnedFd> shared = {});
    /// One descriptor for each queue, and what they share.
    void attach(const Parked& parked, std::vector<OwnedFd> fds,
                spec::NetHeaderUse net_header = spec::NetHeaderUse::none,
                std::vector<OwnedFd> shared = {});
    void detach(const Parked& parked);
    /// Where a datagram socket without a connection sends to. False: too long for a path.
    bool set_peer(const Parked&, const std::string& path) noexcept;
    /// Null: the socket is connected.
    const sockaddr_un* peer() const noexcept { return peer_ ? &*peer_ : nullptr; }
    /// As LinkQueue has it.
    bool may_have_net_header() const noexcept { return queues_.front()->may_have_net_header(); }
    /// The header before each frame.
    spec::NetHeaderUse net_header() const noexcept { return net_header_; }

 private:
    spec::NetHeaderUse net_header_ = spec::NetHeaderUse::none;  ///< Changes with a Parked.
    std::vector<std::unique_ptr<LinkQueue>> queues_;
    std::optional<sockaddr_un> peer_;
    std::vector<OwnedFd> shared_;
};

/// Frames that a queue takes in one go: a system call costs so much that more gain nothing.
inline constexpr size_t link_batch_frames = batch_frames_default;

/// Memory for the frames of one batch, each of any length; pages that no frame reaches cost
/// nothing.
class FrameBuffers {
 public:
    /// One byte more than the largest frame tells one that was cut.
    static constexpr size_t slot_bytes = 65'600;
    static_assert(slot_bytes > largest_frame_bytes);

    FrameBuffers() : bytes_(new uint8_t[link_batch_frames * slot_bytes]) {}
    uint8_t* slot(size_t index) noexcept { return bytes_.get() + index * slot_bytes; }

 private:
    std::unique_ptr<uint8_t[]> bytes_;  // Not a vector: that would write, and so take, every page.
};

}  // namespace valenic
