// Memory that a PCI device may read and write, in a guest's user space without a kernel module.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/result.hpp"

namespace valenic::driver {

/// Locked pages whose guest-physical addresses are known from /proc/self/pagemap. Needs root. The
/// kernel does not move them while they are locked and this guest has neither compaction nor
/// hotplug at work: good for a measurement, not for a product.
class DmaMemory {
 public:
    static Result<DmaMemory, std::string> create(size_t bytes);
    DmaMemory(DmaMemory&& other) noexcept;
    DmaMemory(const DmaMemory&) = delete;
    DmaMemory& operator=(const DmaMemory&) = delete;
    ~DmaMemory();

    uint8_t* data() const noexcept { return data_; }
    size_t bytes() const noexcept { return bytes_; }
    /// Guest-physical address of a byte; pages follow each other only by chance. 0 = unknown.
    uint64_t physical(const void* host) const noexcept;
    /// Allocates a part, page-aligned; nullptr if there is no room.
    uint8_t* take(size_t bytes) noexcept;

 private:
    DmaMemory(uint8_t* data, size_t bytes, int pagemap)
        : data_(data), bytes_(bytes), pagemap_(pagemap) {}
    uint8_t* data_;
    size_t bytes_;
    int pagemap_;
    size_t taken_ = 0;
};

}  // namespace valenic::driver
