// A guest without a VM for one ring: its memory, the backend's map of it, and the driver's half of
// the virtqueue. The guest's view and the map's view of the memory are two mappings of one file.
#pragma once
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <memory>
#include <numeric>
#include <vector>

#include "driver/guest_memory.hpp"
#include "driver/packed_queue.hpp"
#include "driver/split_queue.hpp"
#include "memory/memory_map.hpp"
#include "ring/ring.hpp"
#include "spec/virtio_features.hpp"
#include "spec/virtio_net.hpp"
#include "testing.hpp"

namespace valenic::test {

inline constexpr size_t page_bytes = 4096;

template <typename... Bits>
constexpr uint64_t features_of(Bits... bits) noexcept {
    return (uint64_t{0} | ... | spec::feature_mask(bits));
}
inline constexpr uint64_t modern = features_of(spec::feature_version_1);
inline constexpr uint64_t mergeable = modern | features_of(spec::net_feature_mrg_rxbuf);
inline constexpr uint64_t with_events = modern | features_of(spec::feature_ring_event_idx);
inline constexpr uint64_t with_indirect = modern | features_of(spec::feature_ring_indirect_desc);

using Bytes = std::vector<uint8_t>;

inline OwnedFd duplicate(int fd) { return OwnedFd(fcntl(fd, F_DUPFD_CLOEXEC, 0)); }

/// A frame in which every byte depends on its place and the seed; unicast by default.
inline Bytes frame_of(size_t bytes, unsigned seed = 0) {
    Bytes frame(bytes);
    for (size_t i = 0; i < bytes; ++i) frame[i] = static_cast<uint8_t>(i * 7 + seed * 13 + 1);
    const uint8_t addresses[12] = {2, 0, 0, 0, 1, static_cast<uint8_t>(seed),
                                   2, 0, 0, 0, 2, static_cast<uint8_t>(seed)};
    std::copy_n(addresses, std::min<size_t>(bytes, sizeof addresses), frame.begin());
    return frame;
}

/// A frame of a batch as a receiver would see it: stage, then segments.
inline Bytes bytes_of(const Batch& batch, size_t index) {
    const Frame& frame = batch.frames[index];
    Bytes bytes(batch.stages[index].bytes, batch.stages[index].bytes + frame.stage_len);
    for (const Segment& segment : batch.segments_of(frame))
        bytes.insert(bytes.end(), segment.data, segment.data + segment.len_bytes);
    return bytes;
}

/// The numbers 0..count-1, as lists of frames are given to a receiver.
inline std::vector<uint8_t> first_indices(size_t count) {
    std::vector<uint8_t> indices(count);
    std::iota(indices.begin(), indices.end(), uint8_t{0});
    return indices;
}

/// Guest memory and the backend's map of it.
class GuestSpace {
 public:
    explicit GuestSpace(size_t bytes = 4 << 20)
        : memory_(std::move(*driver::GuestMemory::create(bytes))), map_(map_again()) {}

    driver::GuestMemory& memory() noexcept { return memory_; }
    const driver::GuestMemory& memory() const noexcept { return memory_; }
    const std::shared_ptr<const MemoryMap>& map() const noexcept { return map_; }
    /// One region over the whole file, as a new SET_MEM_TABLE would bring it.
    std::vector<RegionSpec> regions() const {
        std::vector<RegionSpec> specs;
        specs.push_back({driver::GuestMemory::guest_base, memory_.user_base(), memory_.bytes(), 0,
                         duplicate(memory_.fd())});
        return specs;
    }
    std::shared_ptr<const MemoryMap> map_again() const {
        auto created = MemoryMap::create(regions());
        REQUIRE(created.ok());
        return created.value();
    }
    uint8_t* take(size_t bytes) {
        uint8_t* part = memory_.take(bytes);
        REQUIRE(part != nullptr);
        return part;
    }
    uint64_t addr(const void* host) const noexcept { return memory_.guest_addr(host); }
    /// The same byte in the backend's mapping.
    uint8_t* device_view(const void* host) const noexcept {
        return map_->regions()[0].host + (static_cast<const uint8_t*>(host) - memory_.data());
    }
    /// A buffer of the guest that ends where the backend's mapping may not be touched any more: a
    /// read or write beyond it ends the test program.
    uint8_t* take_before_guard(size_t bytes) {
        const size_t rounded = (bytes + page_bytes - 1) / page_bytes * page_bytes;
        uint8_t* part = take(rounded + page_bytes);
        REQUIRE(mprotect(device_view(part + rounded), page_bytes, PROT_NONE) == 0);
        return part + rounded - bytes;
    }
    /// The same for what lies in front of it.
    uint8_t* take_after_guard(size_t bytes) {
        uint8_t* part = take(page_bytes + bytes);
        REQUIRE(mprotect(device_view(part), page_bytes, PROT_NONE) == 0);
        return part + page_bytes;
    }

 private:
    driver::GuestMemory memory_;
    std::shared_ptr<const MemoryMap> map_;
};

struct RingOptions {
    uint16_t size = 8;
    uint64_t features = modern;
    uint16_t base = 0;  ///< Slots that went through the ring before.
    size_t memory_bytes = 4 << 20;
};

inline bool has_feature(uint64_t features, unsigned bit) noexcept {
    return (features & spec::feature_mask(bit)) != 0;
}

/// The two kinds of ring, for suites that hold of both.
struct Split {
    using Queue = driver::SplitQueue;
    static constexpr uint64_t features = 0;
    static Queue make(uint8_t* memory, const RingOptions& options) {
        Queue queue(memory, options.size,
                    has_feature(options.features, spec::feature_ring_event_idx),
                    has_feature(options.features, spec::feature_in_order), options.base);
        // As the device before us left it.
        queue.avail()->idx = queue.used()->idx = options.base;
        return queue;
    }
    /// Where a ring stands after this many slots.
    static uint16_t position(uint64_t slots, uint16_t /*size*/) {
        return static_cast<uint16_t>(slots);
    }
    /// An entry of an indirect table.
    static spec::SplitDesc entry(uint64_t addr, uint32_t len, int flags, size_t next) {
        return {addr, len, static_cast<uint16_t>(flags), static_cast<uint16_t>(next)};
    }
};
struct Packed {
    using Queue = driver::PackedQueue;
    static constexpr uint64_t features = features_of(spec::feature_ring_packed);
    static Queue make(uint8_t* memory, const RingOptions& options) {
        return Queue(memory, options.size,
                     has_feature(options.features, spec::feature_ring_event_idx),
                     has_feature(options.features, spec::feature_in_order),
                     position(options.base, options.size));
    }
    static uint16_t position(uint64_t slots, uint16_t size) {
        const bool wrap = slots / size % 2 == 0;
        return static_cast<uint16_t>(slots % size | (wrap ? 0x8000u : 0u));
    }
    static spec::PackedDesc entry(uint64_t addr, uint32_t len, int flags, size_t /*next*/) {
        // Only the direction counts here; id and the other flags are to be ignored.
        const int ignored = spec::desc_f_next | spec::desc_f_indirect;
        return {addr, len, 0x5a5a, static_cast<uint16_t>(flags | ignored)};
    }
};

/// Guest space with the driver's half of one queue; what TX and RX rigs share.
template <typename Kind>
class BasicQueueRig {
 public:
    explicit BasicQueueRig(const RingOptions& options)
        : options_(options),
          space(options.memory_bytes),
          ring_memory_(space.take(Kind::Queue::parts_of(options.size).bytes)),
          queue(Kind::make(ring_memory_, options)) {}

    RingConfig config() const noexcept {
        const auto parts = Kind::Queue::parts_of(options_.size);
        const auto at = reinterpret_cast<uint64_t>(ring_memory_);
        return {options_.size,
                Kind::position(options_.base, options_.size),
                options_.features | Kind::features,
                at + parts.desc,
                at + parts.avail,
                at + parts.used,
                true};
    }
    uint32_t header_bytes() const noexcept {
        const bool longer = has_feature(options_.features, spec::feature_version_1) ||
                            has_feature(options_.features, spec::net_feature_mrg_rxbuf);
        return longer ? 12 : 10;
    }
    /// Puts bytes into fresh guest memory.
    uint8_t* place(const Bytes& bytes) {
        uint8_t* at = space.take(std::max<size_t>(bytes.size(), 1));
        std::copy(bytes.begin(), bytes.end(), at);
        return at;
    }
    /// Writes descriptor `index` as it stands, past the driver's own books.
    void write_descriptor(uint16_t index, uint64_t addr, uint32_t len, uint16_t flags,
                          uint16_t next = 0) {
        queue.table()[index] = {addr, len, flags, next};
    }
    /// Makes `head` available past the driver's own books.
    void offer_raw(uint16_t head) {
        const uint16_t at = queue.avail()->idx;
        queue.avail_ring()[at % options_.size] = head;
        store_release(queue.avail()->idx, static_cast<uint16_t>(at + 1));
    }

 protected:
    RingOptions options_;

 public:
    GuestSpace space;

 protected:
    uint8_t* ring_memory_;

 public:
    typename Kind::Queue queue;
    CounterBlock counters{};
};

/// A guest that sends, and the ring that takes from it.
template <typename Kind>
class BasicTxRig : public BasicQueueRig<Kind> {
 public:
    using Base = BasicQueueRig<Kind>;
    using Base::config, Base::counters, Base::header_bytes, Base::place, Base::queue, Base::space;

    explicit BasicTxRig(const RingOptions& options = {})
        : Base(options), batch(std::make_unique<Batch>()) {
        auto made = make_tx_ring(config(), space.map());
        REQUIRE(made.ok());
        ring = std::move(made.value());
    }

    Bytes header() const { return Bytes(header_bytes(), 0); }
    /// Header and frame as one byte string.
    Bytes packet(const Bytes& frame) const {
        Bytes packet = header();
        packet.insert(packet.end(), frame.begin(), frame.end());
        return packet;
    }
    /// Cuts a packet into buffers of these lengths (the last takes the rest), each at its own
    /// place.
    std::vector<driver::Buffer> scatter(const Bytes& packet, std::vector<size_t> lengths) {
        std::vector<driver::Buffer> chain;
        size_t at = 0;
        lengths.push_back(packet.size());
        for (const size_t length : lengths) {
            const size_t part = std::min(length, packet.size() - at);
            const Bytes bytes(packet.begin() + static_cast<long>(at),
                              packet.begin() + static_cast<long>(at + part));
            chain.push_back({space.addr(place(bytes)), static_cast<uint32_t>(part), false});
            at += part;
            if (at == packet.size()) break;
        }
        return chain;
    }
    /// One frame in one buffer, published.
    void send(const Bytes& frame) {
        const Bytes bytes = packet(frame);
        queue.add_one(space.addr(place(bytes)), static_cast<uint32_t>(bytes.size()), false);
        queue.publish();
    }
    void send_chain(const std::vector<driver::Buffer>& chain) {
        queue.add(chain);
        queue.publish();
    }
    /// One indirect descriptor; the table lies at `misalign` bytes past an aligned address.
    void send_indirect(const std::vector<driver::Buffer>& chain, size_t misalign = 0) {
        uint8_t* table = space.take(chain.size() * sizeof(spec::SplitDesc) + misalign) + misalign;
        for (size_t i = 0; i < chain.size(); ++i) {
            const bool last = i + 1 == chain.size();
            const auto entry = Kind::entry(
                chain[i].addr, chain[i].len_bytes,
                (last ? 0 : spec::desc_f_next) | (chain[i].device_writes ? spec::desc_f_write : 0),
                i + 1);
            std::memcpy(table + i * sizeof entry, &entry, sizeof entry);
        }
        queue.add_indirect(space.addr(table),
                           static_cast<uint32_t>(chain.size() * sizeof(spec::SplitDesc)));
        queue.publish();
    }
    size_t fetch(size_t frames = batch_frames, uint32_t max_frame = largest_frame_bytes) {
        batch->clear();
        return ring->fetch(*batch, {frames, max_frame}, counters);
    }
    /// Fetches, checks that exactly this frame came, releases.
    void expect_frame(const Bytes& frame) {
        CHECK(fetch() == 1);
        REQUIRE(batch->count == 1);
        CHECK((bytes_of(*batch, 0) == frame));
        ring->release();
    }
    /// Fetches once and says which rule was broken.
    spec::Fault fault_after_fetch() {
        fetch();
        ring->release();
        return ring->fault();
    }
    void reclaim() {
        while (queue.used_waiting() > 0) queue.free_chain(queue.take_used().head);
    }

    std::unique_ptr<TxRing> ring;
    std::unique_ptr<Batch> batch;
};

/// A guest that receives, and the ring that delivers to it.
template <typename Kind>
class BasicRxRig : public BasicQueueRig<Kind> {
 public:
    using Base = BasicQueueRig<Kind>;
    using Base::config, Base::counters, Base::queue, Base::space;

    explicit BasicRxRig(const RingOptions& options = {})
        : Base(options), batch(std::make_unique<Batch>()) {
        auto made = make_rx_ring(config(), space.map());
        REQUIRE(made.ok());
        ring = std::move(made.value());
    }

    /// Fresh memory, filled with `pattern`.
    uint8_t* patterned(size_t bytes, uint8_t pattern = 0xee) {
        uint8_t* at = space.take(std::max<size_t>(bytes, 1));
        std::memset(at, pattern, (bytes + page_bytes - 1) / page_bytes * page_bytes);
        return at;
    }
    /// Offers one buffer of patterned memory, published. Returns it.
    uint8_t* offer(uint32_t bytes, uint8_t pattern = 0xee) {
        uint8_t* at = patterned(bytes, pattern);
        queue.add_one(space.addr(at), bytes, true);
        queue.publish();
        return at;
    }
    /// Appends a frame to the batch; its bytes live as long as the rig.
    void stage(const Bytes& frame) {
        kept_.push_back(std::make_unique<Bytes>(frame));
        REQUIRE(append_frame(*batch, *kept_.back()));
    }
    Delivery deliver_all() { return ring->deliver(*batch, first_indices(batch->count), counters); }
    Delivery deliver(const std::vector<Bytes>& frames) {
        batch->clear();
        for (const Bytes& frame : frames) stage(frame);
        return deliver_all();
    }
    uint64_t dropped(spec::DropReason reason) const { return counters.read(reason); }

    std::unique_ptr<RxRing> ring;
    std::unique_ptr<Batch> batch;

 private:
    std::vector<std::unique_ptr<Bytes>> kept_;
};

using QueueRig = BasicQueueRig<Split>;
using TxRig = BasicTxRig<Split>;
using RxRig = BasicRxRig<Split>;

}  // namespace valenic::test
