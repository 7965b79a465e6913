// The map of a guest's memory: what a front-end may describe, and what an address may reach.
#include "memory/memory_map.hpp"

#include <sys/socket.h>

#include <random>

#include "rig.hpp"

using namespace valenic;
using namespace valenic::test;
using spec::CommandError;

namespace {

OwnedFd file_of(size_t bytes) {
    OwnedFd fd(memfd_create("region", MFD_CLOEXEC));
    REQUIRE(ftruncate(fd.get(), static_cast<off_t>(bytes)) == 0);
    return fd;
}

OwnedFd reopen(const OwnedFd& fd, int flags) {
    return OwnedFd(open(("/proc/self/fd/" + std::to_string(fd.get())).c_str(), flags | O_CLOEXEC));
}

/// One description; a fresh file behind it unless the test brings its own.
struct Described {
    uint64_t guest;
    uint64_t user;
    uint64_t size;
    uint64_t offset = 0;
};

auto create(const std::vector<Described>& regions, const OwnedFd& file) {
    std::vector<RegionSpec> specs;
    for (const Described& one : regions)
        specs.push_back({one.guest, one.user, one.size, one.offset, duplicate(file.get())});
    return MemoryMap::create(std::move(specs));
}

/// The refusal, or `count` when there was none.
CommandError refusal(const std::vector<Described>& regions, const OwnedFd& file) {
    auto map = create(regions, file);
    return map ? CommandError::count : map.error().code;
}

std::shared_ptr<const MemoryMap> good(const std::vector<Described>& regions, const OwnedFd& file) {
    auto map = create(regions, file);
    REQUIRE(map.ok());
    return map.value();
}

size_t open_descriptors() {
    size_t count = 0;
    for (int fd = 0; fd < 1024; ++fd) count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

constexpr CommandError none = CommandError::count;
constexpr uint64_t page = 4096;

}  // namespace

TEST_SUITE("memory map: descriptions") {
    TEST_CASE("regions side by side, in any order, any number up to the limit") {
        const OwnedFd file = file_of(page);
        CHECK(refusal({{0, 0x1000, page}}, file) == none);
        CHECK(refusal({{page, 0x9000, page}, {0, 0x8000, page}, {2 * page, 0x2000, page}}, file) ==
              none);
        std::vector<Described> many;
        for (uint64_t i = 0; i < MemoryMap::regions_max; ++i)
            many.push_back({i * 2 * page, 0x10'0000 + i * page, page});
        CHECK(refusal(many, file) == none);
        many.push_back({1ull << 40, 1ull << 40, page});
        CHECK(refusal(many, file) == CommandError::limit_reached);
    }
    TEST_CASE("region_overlaps: in guest addresses or in user addresses, by one byte") {
        const OwnedFd file = file_of(4 * page);
        CHECK(refusal({{0, 0, 2 * page}, {2 * page, 2 * page, page}}, file) == none);
        CHECK(refusal({{0, 0, 2 * page}, {2 * page - 1, 0x100000, page}}, file) ==
              CommandError::region_overlaps);
        CHECK(refusal({{0, 0, 2 * page}, {0x100000, 2 * page - 1, page}}, file) ==
              CommandError::region_overlaps);
        CHECK(refusal({{page, 0, page}, {0, page, 4 * page}}, file) ==
              CommandError::region_overlaps);
        CHECK(refusal({{0, 0, page}, {0, 0, page}}, file) == CommandError::region_overlaps);
    }
    TEST_CASE("region_overflows: beyond 2^64, or beyond the file") {
        const OwnedFd file = file_of(4 * page);
        const uint64_t top = UINT64_MAX - page;
        CHECK(refusal({{top, 0, page}}, file) == none);
        CHECK(refusal({{top + 1, 0, page}}, file) == CommandError::region_overflows);
        CHECK(refusal({{0, top + 1, page}}, file) == CommandError::region_overflows);
        CHECK(refusal({{0, 0, page, top + 1}}, file) == CommandError::region_overflows);
        CHECK(refusal({{0, 0, UINT64_MAX}}, file) == CommandError::region_overflows);
        CHECK(refusal({{0, 0, 4 * page}}, file) == none);
        CHECK(refusal({{0, 0, 4 * page + 1}}, file) == CommandError::region_overflows);
        CHECK(refusal({{0, 0, page, 3 * page}}, file) == none);
        CHECK(refusal({{0, 0, page, 3 * page + 1}}, file) == CommandError::region_overflows);
        CHECK(refusal({{0, 0, 1, UINT64_MAX - 5}}, file) == CommandError::region_overflows);
    }
    TEST_CASE("region_invalid: empty, or no file that can be mapped") {
        const OwnedFd file = file_of(page);
        CHECK(refusal({{0, 0, 0}}, file) == CommandError::region_invalid);
        int pair[2];
        REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
        CHECK(refusal({{0, 0, page}}, OwnedFd(pair[0])) == CommandError::region_invalid);
        close(pair[1]);
        REQUIRE(pipe(pair) == 0);
        CHECK(refusal({{0, 0, page}}, OwnedFd(pair[0])) == CommandError::region_invalid);
        close(pair[1]);
        CHECK(refusal({{0, 0, page}}, OwnedFd(open("/", O_RDONLY | O_DIRECTORY))) ==
              CommandError::region_invalid);
        CHECK(refusal({{0, 0, page}}, OwnedFd()) == CommandError::region_invalid);
        CHECK(refusal({{0, 0, page}}, reopen(file, O_WRONLY)) == CommandError::region_invalid);
    }
    TEST_CASE("a refused table leaves nothing open or mapped, an accepted one only its mappings") {
        const OwnedFd file = file_of(4 * page);
        const size_t before = open_descriptors();
        CHECK(refusal({{0, 0, page}, {page, page, 9 * page}}, file) ==
              CommandError::region_overflows);
        CHECK(refusal({{0, 0, page}, {0, 0, page}}, file) == CommandError::region_overlaps);
        const auto map = good({{0, 0, page}, {page, page, page}}, file);
        CHECK(open_descriptors() == before);
    }
    TEST_CASE("maps come and go without using up the guard's table") {
        const OwnedFd file = file_of(page);
        for (int i = 0; i < 100; ++i) {
            std::vector<Described> many;
            for (uint64_t region = 0; region < 300; ++region)
                many.push_back({region * page, 0x10'0000 + region * page, page});
            REQUIRE(refusal(many, file) == none);
        }
    }
}

TEST_SUITE("memory map: guest addresses") {
    TEST_CASE("a range is reached when it lies in one region, with and without a warm cache") {
        const OwnedFd file = file_of(8 * page);
        const auto map = good({{0x10000, 0, 2 * page}, {0x20000, 0x10000, page, 4 * page}}, file);
        const uint8_t* first = map->regions()[0].host;
        const uint8_t* second = map->regions()[1].host;
        RegionCache<Access::write> cache;
        for (int round = 0; round < 2; ++round) {
            CHECK(map->translate(0x10000, 1, cache) == first);
            CHECK(map->translate(0x10000, 2 * page, cache) == first);
            CHECK(map->translate(0x10000 + 2 * page - 1, 1, cache) == first + 2 * page - 1);
            CHECK(map->translate(0x10000, 2 * page + 1, cache) == nullptr);
            CHECK(map->translate(0x10001, 2 * page, cache) == nullptr);
            CHECK(map->translate(0x10000 + 2 * page, 1, cache) == nullptr);
            CHECK(map->translate(0xffff, 1, cache) == nullptr);
            CHECK(map->translate(0xffff, 2, cache) == nullptr);
            CHECK(map->translate(0x10000, UINT64_MAX, cache) == nullptr);
            CHECK(map->translate(UINT64_MAX, 1, cache) == nullptr);
            CHECK(map->translate(UINT64_MAX, UINT64_MAX, cache) == nullptr);
            CHECK(map->translate(0, 1, cache) == nullptr);
            CHECK(map->translate(0x20000, page, cache) == second);
            CHECK(map->translate(0x20000 + page, 1, cache) == nullptr);
        }
        RegionCache<Access::read> empty;  // Answers nothing by itself.
        CHECK(map->translate(0, 0, empty) == nullptr);
    }
    TEST_CASE("many regions: every address answers as the table says") {
        const OwnedFd file = file_of(page);
        std::vector<Described> many;
        std::mt19937_64 random(3);
        uint64_t at = 0;
        for (int i = 0; i < 200; ++i) {
            at += random() % 3 * page;
            const uint64_t size = 1 + random() % page;
            many.push_back({at, 0x100'0000 + uint64_t(i) * 2 * page, size});
            at += size;
        }
        std::shuffle(many.begin(), many.end(), random);
        const auto map = good(many, file);
        RegionCache<Access::write> cache;
        for (int i = 0; i < 20'000; ++i) {
            const uint64_t addr = random() % (at + page);
            const uint64_t len = 1 + random() % 64;
            const auto holds = [&](const MappedRegion& region) {
                return addr >= region.guest_addr &&
                       addr + len <= region.guest_addr + region.size_bytes;
            };
            const auto found = std::find_if(map->regions().begin(), map->regions().end(), holds);
            const uint8_t* expected =
                found == map->regions().end() ? nullptr : found->host + (addr - found->guest_addr);
            REQUIRE(map->translate(addr, len, cache) == expected);
        }
    }
    TEST_CASE("a buffer that adjacent regions split comes in parts") {
        const OwnedFd file = file_of(8 * page);
        const auto map =
            good({{0, 0, page, 4 * page}, {page, 0x10000, page}, {3 * page, 0x20000, page}}, file);
        RegionCache<Access::write> cache;
        for (int round = 0; round < 2; ++round) {  // Wherever the part before was found.
            const auto first = map->translate_part(page - 100, 300, cache);
            CHECK(first.size() == 100);
            CHECK(first.data() == map->regions()[0].host + page - 100);
            const auto second = map->translate_part(page, 200, cache);
            CHECK(second.size() == 200);
            CHECK(second.data() == map->regions()[1].host);
            CHECK(map->translate_part(2 * page, 1, cache).empty());  // The hole.
            CHECK(map->translate_part(2 * page - 1, UINT64_MAX, cache).size() == 1);
        }
    }
    TEST_CASE("what we write there is what the file holds: offsets, not page-aligned too") {
        const OwnedFd file = file_of(8 * page);
        for (const uint64_t offset : {uint64_t{0}, uint64_t{16}, page, page + 100, 3 * page - 1}) {
            const auto map = good({{0x5000, 0x7000, 2 * page, offset}}, file);
            RegionCache<Access::write> cache;
            uint8_t* host = map->translate(0x5000, 2 * page, cache);
            REQUIRE(host != nullptr);
            host[0] = 0xab;
            host[2 * page - 1] = 0xcd;
            uint8_t byte = 0;
            CHECK(pread(file.get(), &byte, 1, static_cast<off_t>(offset)) == 1);
            CHECK(byte == 0xab);
            CHECK(pread(file.get(), &byte, 1, static_cast<off_t>(offset + 2 * page - 1)) == 1);
            CHECK(byte == 0xcd);
        }
    }
    TEST_CASE("read-only files are mapped for reading only") {
        const OwnedFd file = file_of(2 * page);
        std::vector<RegionSpec> specs;
        specs.push_back({0, 0, page, 0, reopen(file, O_RDONLY)});
        specs.push_back({page, page, page, page, duplicate(file.get())});
        auto created = MemoryMap::create(std::move(specs));
        REQUIRE(created.ok());
        const auto& map = created.value();
        CHECK_FALSE(map->regions()[0].writable);
        CHECK(map->regions()[1].writable);
        RegionCache<Access::write> cache;
        RegionCache<Access::read> reading;
        CHECK(map->translate(0, 8, reading) != nullptr);
        CHECK(map->translate(0, 8, cache) == nullptr);
        CHECK(map->translate_part(0, 8, cache).empty());
        CHECK(map->translate_part(0, 8, reading).data() == map->regions()[0].host);
        CHECK(map->translate_user(0, 8, Access::write) == nullptr);
        CHECK(map->translate_user(0, 8, Access::read) != nullptr);
        CHECK(map->translate(page, 8, cache) != nullptr);
        CHECK(map->translate_part(0, 8, cache).empty());  // Whatever was found before.
    }
}

TEST_SUITE("memory map: user addresses") {
    TEST_CASE("found by the front-end's own addresses, never across regions") {
        const OwnedFd file = file_of(4 * page);
        const auto map = good(
            {{0x10000, 0x7f00'0000'0000, page}, {0x20000, 0x7f00'0000'1000, page, page}}, file);
        CHECK(map->translate_user(0x7f00'0000'0000, page, Access::write) == map->regions()[0].host);
        CHECK(map->translate_user(0x7f00'0000'1010, 16, Access::write) ==
              map->regions()[1].host + 16);
        CHECK(map->translate_user(0x7f00'0000'0000, page + 1, Access::write) == nullptr);
        CHECK(map->translate_user(0x7f00'0000'0fff, 2, Access::write) == nullptr);
        CHECK(map->translate_user(0x7f00'0000'2000, 1, Access::write) == nullptr);
        CHECK(map->translate_user(0x7eff'ffff'ffff, 1, Access::write) == nullptr);
        CHECK(map->translate_user(0x10000, 1, Access::write) ==
              nullptr);  // That is a guest address.
        CHECK(map->translate_user(0x7f00'0000'0000, UINT64_MAX, Access::write) == nullptr);
    }
}
