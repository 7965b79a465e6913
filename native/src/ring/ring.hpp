// The device's half of a virtqueue, as the rest of the datapath sees it: split and packed alike.
//
// A TxRing is what the guest sends with (odd virtqueues): one worker owns it. An RxRing is what the
// guest receives with (even virtqueues): any worker may deliver into it.
#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "base/parked.hpp"
#include "base/poll_word.hpp"
#include "base/result.hpp"
#include "base/tick_clock.hpp"
#include "boundary/names.hpp"
#include "memory/memory_map.hpp"
#include "net/batch.hpp"
#include "spec/virtio_features.hpp"
#include "stats/counters.hpp"

namespace valenic {

/// Where a ring lies and what was negotiated. Addresses are the front-end's user addresses.
struct RingConfig {
    uint16_t size;      ///< Slots: 1..32768; of a split ring a power of two. Untrusted.
    uint16_t base;      ///< Position of the next chain to take, see below. Untrusted.
    uint64_t features;  ///< Acknowledged virtio feature bits.
    uint64_t desc_addr;
    uint64_t avail_addr;   ///< Packed: the driver's event suppression structure.
    uint64_t used_addr;    ///< Packed: the device's.
    bool resumed = false;  ///< The base is where a ring of ours stopped, not a front-end's word.
};
constexpr bool negotiated(uint64_t features, unsigned bit) noexcept {
    return (features & spec::feature_mask(bit)) != 0;
}

// A position is 16 bits. Split: an index that counts on modulo 2^16. Packed: the index in the ring,
// and the wrap counter in bit 15. Between batches what was taken was also handed back, so one
// position says where both sides of a ring are.

/// A fetch ends with the frame that reaches batch_bytes_max or one of these limits.

struct FetchLimits {
    size_t frames;                  ///< 1..batch_frames.
    uint32_t max_frame_bytes;       ///< Longer ones are dropped as tx_too_long.
    size_t descriptors = SIZE_MAX;  ///< Of chains that are walked.
};

/// What the rings of both directions have. For the control thread, but for fault() and
/// call_wanted().
class RingBase {
 public:
    virtual ~RingBase() = default;
    /// Whether the driver wants an interrupt for what was published since this was last asked.
    /// Fences first. virtio 1.2, 2.7.7 "Used Buffer Notification Suppression".
    virtual bool call_wanted() noexcept = 0;
    virtual uint16_t next_avail() const noexcept = 0;  ///< Position of the first chain not taken.
    virtual uint16_t used_index() const noexcept = 0;  ///< Position up to which all is published.
    /// Whether no driver ever offered anything here, as far as the memory shows. With kicks that
    /// means that its memory is not the one we mapped.
    virtual bool untouched() const noexcept = 0;
    /// Other addresses or another memory map, same indices; nothing is borrowed. A fault is
    /// remembered as if the guest had caused it.
    virtual spec::Fault rebind(const Parked&, const RingConfig& config,
                               std::shared_ptr<const MemoryMap> memory) noexcept = 0;
    /// A broken rule stops the ring: it says which. No call: each batch asks.
    spec::Fault fault() const noexcept { return fault_.load(std::memory_order_relaxed); }

 protected:
    void break_with(spec::Fault fault) noexcept { fault_.store(fault, std::memory_order_relaxed); }

 private:
    std::atomic<spec::Fault> fault_{spec::Fault::none};  ///< Workers write, all read.
};

/// Guest -> us. Everything but `fault()` is called by the owning worker alone, or by whoever
/// has a Parked.
///
/// Between fetch() and release() the borrowed segments stay readable. After release() used ==
/// taken: a crash loses or repeats nothing.
class TxRing : public RingBase {
 public:
    /// Borrows waiting frames into `batch` (appending), drops and counts the ones that may not
    /// enter the switch. Returns how many chains were taken, dropped ones included: 0 = nothing
    /// waits. Once a broken rule stopped the ring, it returns 0.
    virtual size_t fetch(Batch& batch, const FetchLimits& limits,
                         CounterBlock& counters) noexcept = 0;
    /// Hands back, in order, every chain taken so far and publishes the used index once.
    virtual void release() noexcept = 0;
    /// Asks for kicks, fences and looks again. True when frames wait already (do not sleep).
    virtual bool arm() noexcept = 0;
    /// Asks for no kicks: we poll.
    virtual void disarm() noexcept = 0;
    /// Where to look for the next frame. Good until the next fetch() or rebind().
    virtual PollWord poll_word() const noexcept = 0;
};

/// What a receiver's buffers cost above one plain buffer a frame: it is charged to the receiver,
/// and one that has used up its share loses the frames for which a chain would have to be walked.
struct RxExpense {
    /// Some drivers offer a buffer for each KiB: that is plain.
    static constexpr uint32_t plain_bytes = 1024;
    /// Of a chain or piece more than that, to take it and to copy into it.
    static constexpr uint64_t part_ns = 16;

    const uint64_t* paid_to = nullptr;  ///< The receiver's account; nullptr: nobody counts.
    uint64_t limit = UINT64_MAX;        ///< What it may have reached.
    TickClock clock = {};
    uint64_t spent = 0;    ///< Nanoseconds, by this delivery.
    bool refused = false;  ///< It was overdrawn.

    bool used() const noexcept { return spent != 0 || refused; }
    /// It was paid.
    void settled() noexcept {
        spent = 0;
        refused = false;
    }
    bool overdrawn() const noexcept { return paid_to != nullptr && *paid_to + spent > limit; }
    void charge_parts(size_t parts, uint32_t bytes) noexcept {
        const size_t plain = 2 * (1 + size_t{bytes} / plain_bytes);
        if (parts > plain) spent += (parts - plain) * part_ns;
    }
};

/// As small as two registers.
struct Delivery {
    uint64_t bytes = 0;
    uint32_t frames = 0;
    bool published = false;  ///< The used index moved (perhaps for other workers' frames as well).
};

/// Us -> guest. Several workers may call deliver() and call_wanted() at the same time.
class RxRing : public RingBase {
 public:
    /// Copies the frames `batch.frames[indices[i]]`, in that order, into the guest's buffers:
    /// reserves under the ring's lock, copies outside it; the one that completes the contiguous
    /// prefix publishes. Frames that do not fit are counted in `counters` by reason. Never blocks
    /// on another's copy. `expense` bounds what its buffers may cost, and says what they did.
    virtual Delivery deliver(const Batch& batch, std::span<const uint8_t> indices,
                             CounterBlock& counters, RxExpense& expense) noexcept = 0;
    Delivery deliver(const Batch& batch, std::span<const uint8_t> indices,
                     CounterBlock& counters) noexcept {
        RxExpense nobody_counts;
        return deliver(batch, indices, counters, nobody_counts);
    }
    /// What deliver() may be given as it is: what the driver negotiated.
    virtual OffloadSet accepts() const noexcept = 0;
};

/// Check size, base, alignment and extents; disable kicks (we poll until arm()). Packed or split by
/// feature_ring_packed. The start of a ring is read from guest memory if it is there: a split
/// ring starts at its used index, whatever the base.
Result<std::unique_ptr<TxRing>, spec::Fault> make_tx_ring(const RingConfig& config,
                                                          std::shared_ptr<const MemoryMap> memory);
Result<std::unique_ptr<RxRing>, spec::Fault> make_rx_ring(const RingConfig& config,
                                                          std::shared_ptr<const MemoryMap> memory);

}  // namespace valenic
