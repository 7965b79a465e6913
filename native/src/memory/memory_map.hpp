// The memory a front-end shares with us, as an immutable snapshot.
//
// A new table from the front-end makes a new map; rings are re-bound to it while workers are
// parked, then the old map goes. Nothing outside a region is ever reached.
#pragma once
#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <type_traits>
#include <vector>

#include "base/fd.hpp"
#include "base/result.hpp"
#include "boundary/messages.hpp"

namespace valenic {

/// One region as the front-end described it. Untrusted, except that we own the descriptor.
struct RegionSpec {
    uint64_t guest_addr;
    uint64_t user_addr;
    uint64_t size_bytes;
    uint64_t offset_bytes;
    OwnedFd fd;
};

/// Why a map cannot be had.
struct MapFailure {
    spec::CommandError code;
    int error_number = 0;    ///< What the operating system said; 0: it was not asked.
    const char* doing = "";  ///< The call that said it.

    explicit MapFailure(spec::CommandError reason) : code(reason) {}
    MapFailure(spec::CommandError reason, int number, const char* call)
        : code(reason), error_number(number), doing(call) {}
};

struct MappedRegion {
    uint64_t guest_addr;
    uint64_t user_addr;
    uint64_t size_bytes;
    uint8_t* host;  ///< First byte of the region in our address space.
    bool writable;
};

enum class Access : bool { read, write };

/// The region last used, so that the common case is two comparisons. One for each kind of access:
/// what may be read may not be written.
template <Access>
struct RegionCache {
    uint64_t guest_addr = 0;
    uint64_t size_bytes = 0;  ///< 0 = empty.
    uint8_t* host = nullptr;
};

class MemoryMap {
 public:
    /// More would make SET_MEM_TABLE a denial of service. vhost-user itself allows 8, or as many as
    /// GET_MAX_MEM_SLOTS says.
    static constexpr size_t regions_max = boundary::VhostMemory::regions_max;

    /// Maps every region, shared. Refuses overlaps (guest or user addresses), overflows, empty
    /// regions and what cannot be mapped. Blocks for mmap. `fd`s are closed in every case.
    static Result<std::shared_ptr<const MemoryMap>, MapFailure> create(
        std::vector<RegionSpec> specs);
    ~MemoryMap();
    MemoryMap(const MemoryMap&) = delete;
    MemoryMap& operator=(const MemoryMap&) = delete;

    /// Host view of guest-physical [addr, addr + len) when it lies in one region, else nullptr.
    /// `cache` belongs to the caller and must have been filled by this map (clear it on rebind).
    template <Access access>
    std::conditional_t<access == Access::read, const uint8_t, uint8_t>* translate(
        uint64_t addr, uint64_t len, RegionCache<access>& cache) const noexcept {
        const uint64_t at = addr - cache.guest_addr;
        if (at < cache.size_bytes && len <= cache.size_bytes - at) [[likely]]
            return cache.host + at;
        // Not a reference to the cache: a caller's may stay in registers.
        const MappedRegion* const region = region_of(addr, len, access);
        if (region == nullptr) return nullptr;
        cache = {region->guest_addr, region->size_bytes, region->host};
        return region->host + (addr - region->guest_addr);
    }
    /// As translate(), for a buffer that adjacent regions may split: views the longest first piece.
    /// Empty when `addr` is in no (suitable) region.
    template <Access access>
    std::span<uint8_t> translate_part(uint64_t addr, uint64_t len,
                                      RegionCache<access>& cache) const noexcept {
        if (addr - cache.guest_addr >= cache.size_bytes) [[unlikely]] {
            const MappedRegion* const region = region_of(addr, 1, access);
            if (region == nullptr) return {};
            cache = {region->guest_addr, region->size_bytes, region->host};
        }
        const uint64_t at = addr - cache.guest_addr;
        return {cache.host + at, static_cast<size_t>(std::min(len, cache.size_bytes - at))};
    }
    /// Host view of the front-end's user address range (rings are given that way).
    uint8_t* translate_user(uint64_t user_addr, uint64_t len, Access access) const noexcept;

    std::span<const MappedRegion> regions() const noexcept { return regions_; }
    /// True once the file behind a region was found truncated: the device must be closed.
    bool truncated() const noexcept { return truncated_.load(std::memory_order_relaxed); }
    /// The kernel, which gets no SIGBUS, could not read it. Any thread.
    void found_truncated() const noexcept { truncated_.store(true, std::memory_order_relaxed); }

 private:
    MemoryMap() = default;
    /// The region that all of [addr, addr + len) lies in, or nullptr.
    const MappedRegion* region_of(uint64_t addr, uint64_t len, Access access) const noexcept;

    /// What mmap gave for one region: whole pages around it.
    struct Mapping {
        void* base;
        size_t bytes;
    };
    std::optional<MapFailure> map_region(const RegionSpec& region);

    std::vector<MappedRegion> regions_;  ///< Sorted by guest address; never changed after create().
    std::vector<Mapping> mappings_;
    /// Set by the SIGBUS handler (memory/bus_guard.hpp).
    mutable std::atomic<bool> truncated_{false};
};

}  // namespace valenic
