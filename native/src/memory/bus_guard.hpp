// Survives a memory file that its owner truncates after we mapped it.
//
// The kernel answers an access beyond the new end with SIGBUS. The handler puts zero pages in place
// of the rest of that mapping and raises its flag; rings stop at their next batch, and the control
// thread then closes the one device. Until then a guest makes us write where nobody will read: that
// takes at most lost_bytes_max, or a 64th of the mapping where that is more.
// A SIGBUS elsewhere goes to the handler that was installed before ours.
#pragma once
#include <atomic>
#include <cstddef>

namespace valenic::bus_guard {

/// Mappings guarded at the same time, in the whole process.
inline constexpr size_t mappings_max = 8192;

/// Memory of ours that a truncated mapping may take, as far as it has no more than 64 times that.
inline constexpr size_t lost_bytes_max = size_t{2} << 20;

/// Guards [base, base + bytes), page-aligned. `truncated` must outlive the guard. The first call
/// installs the handler. False when the table is full.
bool protect(void* base, size_t bytes, std::atomic<bool>& truncated) noexcept;

/// Before munmap(). No thread may be touching the mapping any more.
void release(void* base) noexcept;

}  // namespace valenic::bus_guard
