// Survives a memory file that its owner truncates after we mapped it.
//
// The kernel answers an access beyond the new end with SIGBUS. The handler puts zero pages in place
// of the rest of that mapping and raises its flag; the control thread then closes the one device.
// A SIGBUS elsewhere goes to the handler that was installed before ours.
#pragma once
#include <atomic>
#include <cstddef>

namespace valenic::bus_guard {

/// Mappings guarded at once, in the whole process.
inline constexpr size_t mappings_max = 8192;

/// Guards [base, base + bytes), page-aligned. `truncated` must outlive the guard. The first call
/// installs the handler. False when the table is full.
bool protect(void* base, size_t bytes, std::atomic<bool>& truncated) noexcept;

/// Before munmap(). No thread may be touching the mapping any more.
void release(void* base) noexcept;

}  // namespace valenic::bus_guard
