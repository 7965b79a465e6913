#include "driver/guest_memory.hpp"

#include <sys/mman.h>
#include <unistd.h>

namespace valenic::driver {

std::optional<GuestMemory> GuestMemory::create(size_t bytes, Pages pages) {
    const bool huge = pages == Pages::huge;
    if (huge) bytes = (bytes + huge_page_bytes - 1) / huge_page_bytes * huge_page_bytes;
    OwnedFd fd(memfd_create("valenic-guest", MFD_CLOEXEC | (huge ? MFD_HUGETLB : 0u)));
    if (!fd.valid() || ftruncate(fd.get(), static_cast<off_t>(bytes)) != 0) return std::nullopt;
    void* data =
        mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd.get(), 0);
    if (data == MAP_FAILED) return std::nullopt;
    return GuestMemory(std::move(fd), static_cast<uint8_t*>(data), bytes);
}

GuestMemory::GuestMemory(GuestMemory&& other) noexcept
    : fd_(std::move(other.fd_)),
      data_(std::exchange(other.data_, nullptr)),
      bytes_(other.bytes_),
      taken_(other.taken_) {}

GuestMemory::~GuestMemory() {
    if (data_ != nullptr) munmap(data_, bytes_);
}

uint8_t* GuestMemory::take(size_t bytes) noexcept {
    const size_t rounded = (bytes + 4095) / 4096 * 4096;
    if (rounded > bytes_ - taken_) return nullptr;
    uint8_t* part = data_ + taken_;
    taken_ += rounded;
    return part;
}

}  // namespace valenic::driver
