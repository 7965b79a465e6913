#include "memory/memory_map.hpp"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "memory/bus_guard.hpp"

namespace valenic {

using spec::CommandError;

namespace {

bool overflows(uint64_t start, uint64_t size) noexcept { return size > UINT64_MAX - start; }

bool overlap(uint64_t a, uint64_t a_size, uint64_t b, uint64_t b_size) noexcept {
    return a < b + b_size && b < a + a_size;
}

/// The rules that can be checked without a system call, in the order of native/boundary.
std::optional<CommandError> check_numbers(std::span<const RegionSpec> specs) {
    for (size_t i = 0; i < specs.size(); ++i) {
        const RegionSpec& one = specs[i];
        if (one.size_bytes == 0) return CommandError::region_invalid;
        if (overflows(one.guest_addr, one.size_bytes) || overflows(one.user_addr, one.size_bytes) ||
            overflows(one.offset_bytes, one.size_bytes))
            return CommandError::region_overflows;
        for (const RegionSpec& other : specs.first(i)) {
            if (overlap(one.guest_addr, one.size_bytes, other.guest_addr, other.size_bytes) ||
                overlap(one.user_addr, one.size_bytes, other.user_addr, other.size_bytes))
                return CommandError::region_overlaps;
        }
    }
    return std::nullopt;
}

/// mmap wants offsets and lengths in pages of the file's own size: hugetlbfs has larger ones.
uint64_t page_bytes_of(int fd) noexcept {
    struct statfs facts {};
    if (fstatfs(fd, &facts) == 0 && facts.f_type == HUGETLBFS_MAGIC && facts.f_bsize > 0)
        return static_cast<uint64_t>(facts.f_bsize);
    return static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

}  // namespace

Result<std::shared_ptr<const MemoryMap>, MapFailure> MemoryMap::create(
    std::vector<RegionSpec> specs) {
    if (specs.size() > regions_max) return MapFailure(CommandError::limit_reached);
    if (const auto refusal = check_numbers(specs)) return MapFailure(*refusal);
    std::shared_ptr<MemoryMap> map(new MemoryMap());
    for (const RegionSpec& region : specs)
        if (const auto refusal = map->map_region(region)) return *refusal;
    std::sort(
        map->regions_.begin(), map->regions_.end(),
        [](const MappedRegion& a, const MappedRegion& b) { return a.guest_addr < b.guest_addr; });
    return std::shared_ptr<const MemoryMap>(std::move(map));
}

std::optional<MapFailure> MemoryMap::map_region(const RegionSpec& region) {
    struct stat facts {};
    if (fstat(region.fd.get(), &facts) != 0)
        return MapFailure(CommandError::region_invalid, errno, "fstat");
    // A device (/dev/zero, DAX) has no size to hold against; everything else does.
    if (S_ISREG(facts.st_mode) &&
        region.offset_bytes + region.size_bytes > static_cast<uint64_t>(facts.st_size))
        return MapFailure(CommandError::region_overflows);
    const int access = fcntl(region.fd.get(), F_GETFL) & O_ACCMODE;
    if (access == O_WRONLY) return MapFailure(CommandError::region_invalid);
    const bool writable = access == O_RDWR;

    const uint64_t page = page_bytes_of(region.fd.get());
    const uint64_t slack = region.offset_bytes % page;
    if (region.size_bytes > UINT64_MAX - slack - page)
        return MapFailure(CommandError::region_overflows);
    const uint64_t bytes = (slack + region.size_bytes + page - 1) / page * page;
    void* base = mmap(nullptr, bytes, writable ? PROT_READ | PROT_WRITE : PROT_READ,
                      MAP_SHARED | MAP_NORESERVE, region.fd.get(),
                      static_cast<off_t>(region.offset_bytes - slack));
    if (base == MAP_FAILED) return MapFailure(CommandError::region_invalid, errno, "mmap");
    if (!bus_guard::protect(base, bytes, truncated_)) {
        munmap(base, bytes);
        return MapFailure(CommandError::limit_reached);
    }
    madvise(base, bytes, MADV_DONTDUMP);  // A core dump of ours must not carry guests' memory.
    mappings_.push_back({base, bytes});
    regions_.push_back({region.guest_addr, region.user_addr, region.size_bytes,
                        static_cast<uint8_t*>(base) + slack, writable});
    return std::nullopt;
}

MemoryMap::~MemoryMap() {
    for (const Mapping& mapping : mappings_) {
        bus_guard::release(mapping.base);
        munmap(mapping.base, mapping.bytes);
    }
}

const MappedRegion* MemoryMap::region_of(uint64_t addr, uint64_t len,
                                         Access access) const noexcept {
    const auto after =
        std::upper_bound(regions_.begin(), regions_.end(), addr,
                         [](uint64_t at, const MappedRegion& r) { return at < r.guest_addr; });
    if (after == regions_.begin()) return nullptr;
    const MappedRegion& region = *std::prev(after);
    const uint64_t at = addr - region.guest_addr;
    if (at >= region.size_bytes || len > region.size_bytes - at) return nullptr;
    if (access == Access::write && !region.writable) return nullptr;
    return &region;
}

uint8_t* MemoryMap::translate_user(uint64_t user_addr, uint64_t len, Access access) const noexcept {
    for (const MappedRegion& region : regions_) {
        const uint64_t at = user_addr - region.user_addr;
        if (user_addr < region.user_addr || at >= region.size_bytes) continue;
        if (len > region.size_bytes - at || (access == Access::write && !region.writable))
            return nullptr;
        return region.host + at;
    }
    return nullptr;
}

}  // namespace valenic
