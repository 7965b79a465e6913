// Random region tables: what is accepted does not overlap, and every address it answers for lies in
// the region that says so.
#include "memory/memory_map.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <vector>

#include "base/check.hpp"

using namespace valenic;

namespace {

constexpr size_t file_bytes = 1 << 20;
constexpr size_t row_bytes = 4 * sizeof(uint64_t);
constexpr size_t rows_max = 16;

int memory_file() {
    static const int fd = [] {
        const int made = memfd_create("fuzz", MFD_CLOEXEC);
        CHECK(made >= 0 && ftruncate(made, file_bytes) == 0);
        return made;
    }();
    return fd;
}

void check_edges(const MemoryMap& map, const MappedRegion& region) {
    RegionCache<Access::write> cache;
    RegionCache<Access::read> reading;
    const uint64_t last = region.guest_addr + region.size_bytes - 1;
    CHECK(map.translate(region.guest_addr, region.size_bytes, cache) == region.host);
    CHECK(map.translate(last, 1, cache) == region.host + region.size_bytes - 1);
    CHECK(map.translate(last, 2, cache) == nullptr);
    CHECK(map.translate_user(region.user_addr, 1, Access::read) == region.host);
    CHECK(map.translate_part(last, 4096, reading).data() == region.host + region.size_bytes - 1);
    // The last byte of the region may be read: it is mapped.
    asm volatile("" ::"r"(*static_cast<volatile uint8_t*>(region.host + region.size_bytes - 1)));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size == 0) return 0;
    const bool near = (data[0] & 1) != 0;  // Small numbers meet each other more often.
    std::vector<RegionSpec> specs;
    for (size_t at = 1; at + row_bytes <= size && specs.size() < rows_max; at += row_bytes) {
        uint64_t row[4];
        std::memcpy(row, data + at, sizeof row);
        if (near)
            for (uint64_t& number : row) number %= 2 * file_bytes;
        specs.push_back({row[0], row[1], row[2], row[3], OwnedFd(dup(memory_file()))});
    }
    const auto created = MemoryMap::create(std::move(specs));
    if (!created) return 0;
    for (const MappedRegion& region : created.value()->regions())
        check_edges(*created.value(), region);
    return 0;
}
