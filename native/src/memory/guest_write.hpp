// The one way bytes get into guest memory. A dirty log for migration hooks in here.
#pragma once
#include <cstddef>
#include <cstdint>

#include "base/atomic.hpp"
#include "base/machine.hpp"

namespace valenic {

/// Stores one field that the guest reads when it likes.
template <typename T>
inline void guest_store(T& field, T value) noexcept {
    store_once(field, value);
}
/// As guest_store(); what was written before is visible to a guest that sees the field.
template <typename T>
inline void guest_publish(T& field, T value) noexcept {
    store_release(field, value);
}
/// Stores two 32-bit fields side by side, aligned as one of them, which the guest does not read
/// before something else is published.
template <typename Entry>
inline void guest_store_pair(Entry* to, uint64_t fields) noexcept {
    static_assert(sizeof(Entry) == sizeof fields);
    store_whole(to, fields);
}
/// Copies bytes with the given function (`copy(to, from, bytes)`), which the caller chose for
/// speed.
template <typename Copy>
inline __attribute__((always_inline)) void guest_fill(uint8_t* to, const uint8_t* from,
                                                      size_t bytes, Copy copy) noexcept {
    copy(to, from, bytes);
}

}  // namespace valenic
