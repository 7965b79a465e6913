// The memory a front-end shares with us, as an immutable snapshot.
//
// A new table from the front-end makes a new map; rings are re-bound to it while workers are
// parked, then the old map goes. Nothing outside a region is ever reached.
#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/fd.hpp"
#include "base/result.hpp"
#include "spec/boundary.hpp"

namespace valenic {

/// One region as the front-end described it. Untrusted but for the descriptor's ownership.
struct RegionSpec {
    uint64_t guest_addr;
    uint64_t user_addr;
    uint64_t size_bytes;
    uint64_t offset_bytes;
    OwnedFd fd;
};

struct MappedRegion {
    uint64_t guest_addr;
    uint64_t user_addr;
    uint64_t size_bytes;
    uint8_t* host;  ///< First byte of the region in our address space.
    bool writable;
};

/// The region last used, so that the common case is one comparison.
struct RegionCache {
    uint64_t guest_addr = 0;
    uint64_t size_bytes = 0;  ///< 0 = empty.
    uint8_t* host = nullptr;
    bool writable = false;
};

class MemoryMap {
 public:
    /// More would make SET_MEM_TABLE a denial of service. vhost-user itself allows 8, or as many as
    /// GET_MAX_MEM_SLOTS says.
    static constexpr size_t regions_max = 512;

    /// Maps every region, shared. Refuses overlaps (guest or user addresses), overflows, empty
    /// regions and what cannot be mapped. Blocks for mmap. `fd`s are closed in every case.
    static Result<std::shared_ptr<const MemoryMap>, spec::CommandError> create(
        std::vector<RegionSpec> specs);
    ~MemoryMap();
    MemoryMap(const MemoryMap&) = delete;
    MemoryMap& operator=(const MemoryMap&) = delete;

    /// Host view of guest-physical [addr, addr + len) when it lies in one region, else nullptr.
    /// `cache` belongs to the caller and must have been filled by this map (clear it on rebind).
    uint8_t* translate(uint64_t addr, uint64_t len, bool for_write,
                       RegionCache& cache) const noexcept {
        const uint64_t at = addr - cache.guest_addr;
        if (at < cache.size_bytes && len <= cache.size_bytes - at && (cache.writable || !for_write))
            [[likely]]
            return cache.host + at;
        return translate_slow(addr, len, for_write, cache);
    }
    /// As translate(), for a buffer that adjacent regions may split: views the longest first piece.
    /// Empty when `addr` is in no (suitable) region.
    std::span<uint8_t> translate_part(uint64_t addr, uint64_t len, bool for_write) const noexcept;
    /// Host view of the front-end's user address range (rings are given that way).
    uint8_t* translate_user(uint64_t user_addr, uint64_t len, bool for_write) const noexcept;

    std::span<const MappedRegion> regions() const noexcept { return regions_; }
    /// True once the file behind a region was found truncated: the device must be closed.
    bool truncated() const noexcept { return truncated_.load(std::memory_order_relaxed); }

 private:
    MemoryMap() = default;
    uint8_t* translate_slow(uint64_t addr, uint64_t len, bool for_write,
                            RegionCache& cache) const noexcept;

    /// What mmap gave for one region: whole pages around it.
    struct Mapping {
        void* base;
        size_t bytes;
    };
    std::optional<spec::CommandError> map_region(const RegionSpec& region);

    std::vector<MappedRegion> regions_;  ///< Sorted by guest address; never changed after create().
    std::vector<Mapping> mappings_;
    /// Set by the SIGBUS handler (memory/bus_guard.hpp).
    mutable std::atomic<bool> truncated_{false};
};

}  // namespace valenic
