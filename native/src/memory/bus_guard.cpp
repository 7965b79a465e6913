#include "memory/bus_guard.hpp"

#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <mutex>

namespace valenic::bus_guard {

namespace {

/// Control threads write under the mutex, `begin` last; the handler reads `begin` first and last,
/// so that it never takes one mapping's begin with another's end.
struct Entry {
    std::atomic<uintptr_t> begin{0};  ///< 0 = free.
    std::atomic<uintptr_t> end{0};
    std::atomic<std::atomic<bool>*> truncated{nullptr};
};

Entry entries[mappings_max];
std::atomic<size_t> entries_used{0};  ///< Entries ever used, from the first.
std::mutex table_mutex;
struct sigaction previous_action;
uintptr_t page_bytes = 4096;

/// What lies in pieces of one file: many pieces would use up the mappings that a process may have.
constexpr uintptr_t lost_parts = 64;

/// mmap() past the C library: nothing between the kernel and a signal handler.
bool put_zeros(uintptr_t begin, uintptr_t end) noexcept {
    return syscall(SYS_mmap, begin, end - begin, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0) != -1;
}

/// Puts pages of one small file in the place of zero pages, again and again, so that writes to all
/// of it take no more memory than that file. Where the kernel refuses, the zero pages stay.
///
/// Each mapping has a file of its own: what is written for one guest is read by no other.
void bound_memory(uintptr_t begin, uintptr_t end) noexcept {
    const uintptr_t bytes = end - begin;
    if (bytes <= lost_bytes_max) return;
    const uintptr_t share = (bytes / lost_parts + lost_bytes_max) / lost_bytes_max * lost_bytes_max;
    const auto fd = static_cast<int>(syscall(SYS_memfd_create, "valenic-lost", MFD_CLOEXEC));
    if (fd < 0) return;
    if (syscall(SYS_ftruncate, fd, share) == 0) {
        for (uintptr_t at = begin; at < end; at += share) {
            const uintptr_t part = end - at < share ? end - at : share;
            if (syscall(SYS_mmap, at, part, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_FIXED | MAP_NORESERVE, fd, 0) == -1)
                break;
            syscall(SYS_madvise, at, part, MADV_DONTDUMP);
        }
    }
    syscall(SYS_close, fd);
}

/// Async-signal-safe: atomics and system calls only. True when the fault was in a guarded mapping.
bool mend(uintptr_t fault) noexcept {
    const size_t used = entries_used.load(std::memory_order_acquire);
    for (size_t i = 0; i < used; ++i) {
        Entry& entry = entries[i];
        const uintptr_t begin = entry.begin.load(std::memory_order_acquire);
        const uintptr_t end = entry.end.load(std::memory_order_acquire);
        std::atomic<bool>* truncated = entry.truncated.load(std::memory_order_acquire);
        if (begin == 0 || fault < begin || fault >= end) continue;
        if (entry.begin.load(std::memory_order_relaxed) != begin) continue;
        const uintptr_t page = fault & ~(page_bytes - 1);
        // Huge pages cannot be replaced in part: then the whole mapping goes.
        if (put_zeros(page, end)) {
            bound_memory(page, end);
        } else if (put_zeros(begin, end)) {
            bound_memory(begin, end);
        } else {
            return false;
        }
        truncated->store(true, std::memory_order_release);
        return true;
    }
    return false;
}

void chain(int signal, siginfo_t* info, void* context) noexcept {
    if ((previous_action.sa_flags & SA_SIGINFO) != 0 && previous_action.sa_sigaction != nullptr) {
        previous_action.sa_sigaction(signal, info, context);
        return;
    }
    if (previous_action.sa_handler != SIG_DFL && previous_action.sa_handler != SIG_IGN) {
        previous_action.sa_handler(signal);
        return;
    }
    const bool sent = info->si_code <= 0;  // By kill(): no access comes again.
    if (sent && previous_action.sa_handler == SIG_IGN) return;
    // Nobody handles it: the access is repeated and ends the process, as without this handler.
    struct sigaction fallback {};
    fallback.sa_handler = SIG_DFL;
    sigaction(SIGBUS, &fallback, nullptr);
    if (sent) raise(signal);
}

void on_bus_error(int signal, siginfo_t* info, void* context) {
    const int saved_errno = errno;
    const bool fault = info->si_code > 0;
    if (!fault || !mend(reinterpret_cast<uintptr_t>(info->si_addr))) chain(signal, info, context);
    errno = saved_errno;
}

void install() noexcept {
    page_bytes = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
    struct sigaction action {};
    action.sa_sigaction = on_bus_error;
    // ONSTACK: Node may give its threads a signal stack. NODEFER: a second thread's fault is its
    // own.
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
    sigemptyset(&action.sa_mask);
    sigaction(SIGBUS, &action, &previous_action);
}

}  // namespace

bool protect(void* base, size_t bytes, std::atomic<bool>& truncated) noexcept {
    static std::once_flag installed;
    std::call_once(installed, install);
    const std::lock_guard lock(table_mutex);
    for (size_t i = 0; i < mappings_max; ++i) {
        Entry& entry = entries[i];
        if (entry.begin.load(std::memory_order_relaxed) != 0) continue;
        const auto begin = reinterpret_cast<uintptr_t>(base);
        // Release each, so that a handler which sees one of them sees that `begin` was 0 before.
        entry.end.store(begin + bytes, std::memory_order_release);
        entry.truncated.store(&truncated, std::memory_order_release);
        entry.begin.store(begin, std::memory_order_release);  // Pairs with the acquire in mend().
        if (i >= entries_used.load(std::memory_order_relaxed))
            entries_used.store(i + 1, std::memory_order_release);
        return true;
    }
    return false;
}

void release(void* base) noexcept {
    const std::lock_guard lock(table_mutex);
    const auto begin = reinterpret_cast<uintptr_t>(base);
    for (Entry& entry : entries) {
        if (entry.begin.load(std::memory_order_relaxed) != begin) continue;
        entry.begin.store(0, std::memory_order_release);
        return;
    }
}

}  // namespace valenic::bus_guard
