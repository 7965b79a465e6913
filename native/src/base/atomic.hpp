// Loads and stores of memory that another party changes: guests, front-ends, other workers.
#pragma once
#include <atomic>
#include <cstdint>

namespace valenic {

/// Reads a field that a guest may change at any time: exactly one load, no ordering.
template <typename T>
inline T load_once(const T& field) noexcept {
    return std::atomic_ref<T>(const_cast<T&>(field)).load(std::memory_order_relaxed);
}
/// One load; what the peer wrote before it published the field is visible after it.
template <typename T>
inline T load_acquire(const T& field) noexcept {
    return std::atomic_ref<T>(const_cast<T&>(field)).load(std::memory_order_acquire);
}
/// One store; everything we wrote before is visible to a peer that sees it.
template <typename T>
inline void store_release(T& field, T value) noexcept {
    std::atomic_ref<T>(field).store(value, std::memory_order_release);
}
template <typename T>
inline void store_once(T& field, T value) noexcept {
    std::atomic_ref<T>(field).store(value, std::memory_order_relaxed);
}
/// Orders an earlier store against a later load (store-load), as both virtio suppression schemes
/// need.
inline void full_fence() noexcept { std::atomic_thread_fence(std::memory_order_seq_cst); }

}  // namespace valenic
