// What an AF_XDP socket shares with the kernel: four rings, and its part of the memory.
#pragma once
#include <linux/if_xdp.h>

#include <array>
#include <memory>
#include <span>

#include "base/atomic.hpp"
#include "port/packet/xdp_socket.hpp"

namespace valenic {

/// One ring, mapped. One side adds entries and stores the producer, the other takes them and stores
/// the consumer; both count up for ever.
template <typename Entry>
class XdpRing {
 public:
    XdpRing() = default;
    ~XdpRing();
    XdpRing(const XdpRing&) = delete;
    XdpRing& operator=(const XdpRing&) = delete;
    /// False: the kernel refused.
    bool map(int fd, uint64_t which, const xdp_ring_offset& offsets) noexcept;

    /// Entry number `position` of all that ever were.
    Entry& at(uint32_t position) const noexcept { return entries_[position % xdp_slots]; }
    uint32_t producer() const noexcept { return load_acquire(*producer_); }
    uint32_t consumer() const noexcept { return load_acquire(*consumer_); }
    const uint32_t* producer_word() const noexcept { return producer_; }
    void produced(uint32_t position) noexcept { store_release(*producer_, position); }
    void consumed(uint32_t position) noexcept { store_release(*consumer_, position); }
    /// The kernel does not look at the ring on its own: it needs a system call.
    bool wants_call() const noexcept { return (load_once(*flags_) & XDP_RING_NEED_WAKEUP) != 0; }

 private:
    void* bytes_ = nullptr;
    size_t size_bytes_ = 0;
    uint32_t* producer_ = nullptr;     // Of fill and send rings we write, release; else the kernel.
    uint32_t* consumer_ = nullptr;     // The other way round.
    const uint32_t* flags_ = nullptr;  // Kernel writes, we read, relaxed.
    Entry* entries_ = nullptr;
};

/// A queue's chunks and rings. Those that come: in the fill ring (the kernel's), in the receive
/// ring, or borrowed. Those that go: free, being written, in the send ring, or in the completion
/// ring.
class XdpRings {
 public:
    /// @param memory  Holds the parts of all queues; `index`: which this one's is.
    /// Null: the kernel refused, or the memory is too short.
    static std::unique_ptr<XdpRings> map(int fd, int memory, unsigned index) noexcept;
    ~XdpRings();
    XdpRings(const XdpRings&) = delete;
    XdpRings& operator=(const XdpRings&) = delete;

    /// Frames that wait, from `taken`.
    uint32_t arrived() const noexcept { return receive_.producer() - taken; }
    /// The next frame; empty: it does not lie in a chunk of ours.
    std::span<const uint8_t> next() const noexcept;
    const uint32_t* arrival_word() const noexcept { return receive_.producer_word(); }
    /// The next frame's entry is the kernel's again; its chunk goes back with give_back().
    void take() noexcept;
    void give_back() noexcept;
    bool fill_wants_call() const noexcept { return fill_.wants_call(); }

    /// At most `out.size()` free chunks; returns how many. Under the caller's lock.
    size_t reserve(std::span<uint32_t> out) noexcept;
    /// Where a reserved chunk begins.
    uint8_t* chunk(uint32_t number) const noexcept {
        return bytes_ + xdp_direction_bytes + size_t{number} * xdp_chunk_bytes;
    }
    struct Written {
        uint32_t chunk;
        uint32_t len_bytes;
    };
    /// Shows frames to the kernel, and takes chunks back that were not used. Under the lock.
    void send(std::span<const Written> written, std::span<const uint32_t> unused) noexcept;
    bool all_sent() const noexcept { return send_.consumer() == send_.producer(); }
    uint32_t sent() const noexcept { return send_.consumer(); }
    bool send_wants_call() const noexcept { return send_.wants_call(); }

    uint32_t taken = 0;          ///< Position in the receive ring.
    int interface_fd = -1;       ///< The port's: it closes it when the queue is detached.
    bool from_software = false;  ///< Frames may have left their checksums.

 private:
    XdpRings(uint8_t* bytes, unsigned index);
    bool map_rings(int fd) noexcept;

    uint8_t* const bytes_;
    const uint64_t base_;  ///< Where `bytes_` is in the memory of all: what addresses count from.
    XdpRing<uint64_t> fill_;
    XdpRing<uint64_t> completion_;
    XdpRing<xdp_desc> receive_;
    XdpRing<xdp_desc> send_;
    uint32_t filled_ = 0;
    uint32_t completed_ = 0;
    uint32_t shown_ = 0;
    uint32_t borrowed_count_ = 0;
    uint32_t free_count_ = 0;
    std::array<uint64_t, xdp_slots> borrowed_;
    std::array<uint32_t, xdp_slots> free_;
};

}  // namespace valenic
