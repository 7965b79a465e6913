// Memory of a guest that is played without a VM: one memfd, mapped here and by the backend.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/fd.hpp"

namespace valenic::driver {

class GuestMemory {
 public:
    /// Guest-physical address of the first byte; not 0, so that a mix-up with offsets shows.
    static constexpr uint64_t guest_base = 0x1'0000'0000;

    enum class Pages : uint8_t { normal, huge };
    /// Of the pages of the system's default huge size, for `Pages::huge`; x86 has 2 MiB.
    static constexpr size_t huge_page_bytes = size_t{2} << 20;

    /// Nothing when the system refuses: it has too few free huge pages, for instance.
    static std::optional<GuestMemory> create(size_t bytes, Pages pages = Pages::normal);
    GuestMemory(GuestMemory&& other) noexcept;
    GuestMemory& operator=(GuestMemory&&) = delete;
    GuestMemory(const GuestMemory&) = delete;
    ~GuestMemory();

    int fd() const noexcept { return fd_.get(); }
    uint8_t* data() const noexcept { return data_; }
    size_t bytes() const noexcept { return bytes_; }
    uint64_t user_base() const noexcept { return reinterpret_cast<uint64_t>(data_); }
    uint64_t guest_addr(const void* host) const noexcept {
        return guest_base + static_cast<uint64_t>(static_cast<const uint8_t*>(host) - data_);
    }
    /// Allocates a part, 4096-aligned and zeroed; nullptr if there is no room.
    uint8_t* take(size_t bytes) noexcept;

 private:
    GuestMemory(OwnedFd fd, uint8_t* data, size_t bytes)
        : fd_(std::move(fd)), data_(data), bytes_(bytes) {}
    OwnedFd fd_;
    uint8_t* data_;
    size_t bytes_;
    size_t taken_ = 0;
};

}  // namespace valenic::driver
