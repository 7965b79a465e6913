#include "driver/dma_memory.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace valenic::driver {

namespace {

constexpr size_t page_bytes = 4096;
// Linux, Documentation/admin-guide/mm/pagemap.rst: bits 0-54 the frame, bit 63 present.
constexpr uint64_t pagemap_frame_mask = (uint64_t{1} << 55) - 1;
constexpr uint64_t pagemap_present = uint64_t{1} << 63;

std::string errno_sentence(const char* what) {
    return std::string(what) + ": " + std::strerror(errno);
}

}  // namespace

Result<DmaMemory, std::string> DmaMemory::create(size_t bytes) {
    const int pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    if (pagemap < 0) return errno_sentence("/proc/self/pagemap");
    void* data = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE | MAP_LOCKED, -1, 0);
    if (data == MAP_FAILED) {
        std::string error = errno_sentence("memory for the device");
        close(pagemap);
        return error;
    }
    std::memset(data, 0, bytes);  // Private pages are ours only once they were written.
    DmaMemory memory(static_cast<uint8_t*>(data), bytes, pagemap);
    if (memory.physical(data) == 0)
        return std::string("the kernel does not tell physical addresses: root is needed");
    return memory;
}

DmaMemory::DmaMemory(DmaMemory&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      bytes_(other.bytes_),
      pagemap_(std::exchange(other.pagemap_, -1)),
      taken_(other.taken_) {}

DmaMemory::~DmaMemory() {
    if (data_ != nullptr) munmap(data_, bytes_);
    if (pagemap_ >= 0) close(pagemap_);
}

uint64_t DmaMemory::physical(const void* host) const noexcept {
    const auto address = reinterpret_cast<uintptr_t>(host);
    uint64_t entry = 0;
    const auto offset = static_cast<off_t>(address / page_bytes * sizeof entry);
    if (pread(pagemap_, &entry, sizeof entry, offset) != sizeof entry) return 0;
    if ((entry & pagemap_present) == 0) return 0;
    const uint64_t frame = entry & pagemap_frame_mask;
    return frame == 0 ? 0 : frame * page_bytes + address % page_bytes;
}

uint8_t* DmaMemory::take(size_t bytes) noexcept {
    const size_t rounded = (bytes + page_bytes - 1) / page_bytes * page_bytes;
    if (rounded > bytes_ - taken_) return nullptr;
    uint8_t* part = data_ + taken_;
    taken_ += rounded;
    return part;
}

}  // namespace valenic::driver
