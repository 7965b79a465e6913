#include "port/packet/xdp_rings.hpp"

#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>

namespace valenic {

template <typename Entry>
bool XdpRing<Entry>::map(int fd, uint64_t which, const xdp_ring_offset& offsets) noexcept {
    size_bytes_ = offsets.desc + xdp_slots * sizeof(Entry);
    void* bytes = mmap(nullptr, size_bytes_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd,
                       static_cast<off_t>(which));
    if (bytes == MAP_FAILED) return false;
    bytes_ = bytes;
    auto* const start = static_cast<uint8_t*>(bytes);
    producer_ = reinterpret_cast<uint32_t*>(start + offsets.producer);
    consumer_ = reinterpret_cast<uint32_t*>(start + offsets.consumer);
    flags_ = reinterpret_cast<const uint32_t*>(start + offsets.flags);
    entries_ = reinterpret_cast<Entry*>(start + offsets.desc);
    return true;
}

template <typename Entry>
XdpRing<Entry>::~XdpRing() {
    if (bytes_ != nullptr) munmap(bytes_, size_bytes_);
}

template class XdpRing<uint64_t>;
template class XdpRing<xdp_desc>;

std::unique_ptr<XdpRings> XdpRings::map(int fd, int memory, unsigned index) noexcept {
    const size_t start = xdp_queue_bytes * index;
    struct stat file {};
    if (fstat(memory, &file) != 0 || file.st_size < static_cast<off_t>(start + xdp_queue_bytes))
        return nullptr;
    void* bytes = mmap(nullptr, xdp_queue_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, memory,
                       static_cast<off_t>(start));
    if (bytes == MAP_FAILED) return nullptr;
    std::unique_ptr<XdpRings> rings(new XdpRings(static_cast<uint8_t*>(bytes), index));
    return rings->map_rings(fd) ? std::move(rings) : nullptr;
}

XdpRings::XdpRings(uint8_t* bytes, unsigned index) : bytes_(bytes), base_(xdp_queue_bytes * index) {
    for (uint32_t number = 0; number < xdp_slots; ++number) free_[free_count_++] = number;
}

XdpRings::~XdpRings() { munmap(bytes_, xdp_queue_bytes); }

bool XdpRings::map_rings(int fd) noexcept {
    xdp_mmap_offsets offsets{};
    socklen_t size = sizeof offsets;
    if (getsockopt(fd, SOL_XDP, XDP_MMAP_OFFSETS, &offsets, &size) != 0 || size != sizeof offsets)
        return false;
    if (!fill_.map(fd, XDP_UMEM_PGOFF_FILL_RING, offsets.fr) ||
        !completion_.map(fd, XDP_UMEM_PGOFF_COMPLETION_RING, offsets.cr) ||
        !receive_.map(fd, XDP_PGOFF_RX_RING, offsets.rx) ||
        !send_.map(fd, XDP_PGOFF_TX_RING, offsets.tx))
        return false;
    for (; filled_ < xdp_slots; ++filled_)
        fill_.at(filled_) = base_ + uint64_t{filled_} * xdp_chunk_bytes;
    fill_.produced(filled_);
    return true;
}

// ---- What comes.

std::span<const uint8_t> XdpRings::next() const noexcept {
    const xdp_desc entry = receive_.at(taken);
    const uint64_t at = entry.addr - base_;
    if (at >= xdp_direction_bytes || entry.len > xdp_chunk_bytes - at % xdp_chunk_bytes) return {};
    return {bytes_ + at, entry.len};
}

/// One that lies in no chunk of ours gives none back.
void XdpRings::take() noexcept {
    const uint64_t address = receive_.at(taken).addr;
    const uint64_t at = address - base_;
    if (at < xdp_direction_bytes && borrowed_count_ < xdp_slots)
        borrowed_[borrowed_count_++] = address - at % xdp_chunk_bytes;
    receive_.consumed(++taken);
}

/// The fill ring has room for all chunks that there are.
void XdpRings::give_back() noexcept {
    if (borrowed_count_ == 0) return;
    for (uint32_t i = 0; i < borrowed_count_; ++i) fill_.at(filled_++) = borrowed_[i];
    borrowed_count_ = 0;
    fill_.produced(filled_);
}

// ---- What goes.

size_t XdpRings::reserve(std::span<uint32_t> out) noexcept {
    const uint32_t until = completion_.producer();
    for (; completed_ != until; ++completed_) {
        const uint64_t at = completion_.at(completed_) - base_ - xdp_direction_bytes;
        if (at >= xdp_direction_bytes || free_count_ == xdp_slots) continue;
        free_[free_count_++] = static_cast<uint32_t>(at / xdp_chunk_bytes);
    }
    completion_.consumed(completed_);
    const size_t count = std::min<size_t>(out.size(), free_count_);
    for (size_t i = 0; i < count; ++i) out[i] = free_[--free_count_];
    return count;
}

/// The send ring has room for all chunks that there are.
void XdpRings::send(std::span<const Written> written, std::span<const uint32_t> unused) noexcept {
    for (const Written& one : written) {
        const uint64_t at = xdp_direction_bytes + uint64_t{one.chunk} * xdp_chunk_bytes;
        send_.at(shown_++) = {base_ + at, one.len_bytes, 0};
    }
    if (!written.empty()) send_.produced(shown_);
    for (const uint32_t number : unused) free_[free_count_++] = number;
}

}  // namespace valenic
