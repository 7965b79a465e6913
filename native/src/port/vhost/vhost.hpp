// A guest's port: its memory, its features, its queue pairs.
#pragma once
#include <array>
#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/limits.hpp"
#include "base/parked.hpp"
#include "memory/memory_map.hpp"
#include "port/device.hpp"
#include "port/vhost/vhost_queue.hpp"

namespace valenic {

/// A ring that is ready to be put in: made while workers run, installed with a Parked.
struct PreparedRing {
    unsigned ring = 0;
    std::unique_ptr<RxRing> rx;
    std::unique_ptr<TxRing> tx;
    RingConfig config{};
    OwnedFd kick;
    OwnedFd call;
    bool enabled = false;
};

/// As native/boundary, RingState.
struct RingState {
    unsigned ring;
    bool running;
    bool enabled;
    uint16_t size;
    uint16_t avail_index;
    uint16_t used_index;
    spec::Fault fault;
};

class VhostPort final : public DevicePort {
 public:
    static constexpr CommandSet commands{};  ///< VhostCommands.

    explicit VhostPort(const PortParts& parts);

    bool memory_lost() const noexcept override { return memory_ && memory_->truncated(); }
    bool blame_memory() noexcept override {
        if (memory_) memory_->found_truncated();
        return memory_ != nullptr;
    }
    /// Closes a barred device and one whose memory was truncated. False: there was no need to.
    bool close_if_due(PortHost& host);
    /// That, and tells once of a driver that writes to other memory than ours.
    void look_after(PortHost& host, WorkerContext&) override;
    void give_up(spec::Fault fault, WorkerContext&) noexcept override { bar(fault); }

    /// From here on its memory and descriptors are left alone; the control thread closes the device
    /// when it can. The first reason counts. Any thread.
    void bar(spec::Fault fault) noexcept;
    /// Fault::none: it is not. A batch that began before may still be under way.
    spec::Fault barred() const noexcept { return barred_.load(std::memory_order_relaxed); }

    // From here on: control thread.

    unsigned ring_count() const noexcept { return static_cast<unsigned>(pairs_.size()) * 2; }
    bool ring_running(unsigned ring) const noexcept;
    bool any_ring_running() const noexcept;
    void set_features(uint64_t features) noexcept { features_ = features; }
    /// Makes a ring in the present memory. Errors are the front-end's.
    Result<PreparedRing, spec::Fault> prepare(unsigned ring, RingConfig config) const;

    /// Replaces the ring that ran there. Bars the device whose call descriptor holds us.
    void install(const Parked&, PreparedRing prepared);
    /// Returns the next available index not taken, or nothing when the ring did not run.
    std::optional<uint16_t> stop(const Parked&, unsigned ring);
    void enable(const Parked&, unsigned ring, bool enabled);
    /// Running rings are re-resolved; one that no longer fits gets a fault. No memory: as
    /// close_device().
    void set_memory(const Parked& parked, std::shared_ptr<const MemoryMap> memory);
    /// New addresses, same indices.
    spec::Fault move_ring(const Parked& parked, unsigned ring, RingConfig config);
    void set_call(const Parked&, unsigned ring, OwnedFd fd);
    void set_kick(const Parked&, unsigned ring, OwnedFd fd);
    /// Stops every ring, drops the memory, and begins afresh: no longer barred.
    void close_device(const Parked& parked);

    std::vector<RingState> ring_states() const;
    const MemoryMap* memory() const noexcept { return memory_.get(); }
    VhostQueue& pair(unsigned index) noexcept { return *pairs_[index]; }

 private:
    VhostQueue& pair_of(unsigned ring) const noexcept { return *pairs_[ring / 2]; }
    void count_active_pairs(const Parked& parked) noexcept;
    bool close_and_tell(PortHost& host, spec::Fault fault);
    std::optional<unsigned> foreign_memory_ring() noexcept;

    std::atomic<spec::Fault> barred_{spec::Fault::none};
    std::vector<std::unique_ptr<VhostQueue>> pairs_;
    std::vector<RingConfig> configs_;
    std::shared_ptr<const MemoryMap> memory_;
    uint64_t features_ = 0;
    bool foreign_memory_told_ = false;
    bool truncation_told_ = false;
};

}  // namespace valenic
