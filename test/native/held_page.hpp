// A page whose first user is held until the test lets go: a worker that lost its CPU in the middle
// of something, made on purpose.
#pragma once
#include <signal.h>
#include <sys/mman.h>

#include <atomic>
#include <thread>

#include "testing.hpp"

namespace valenic::test {

class HeldPage {
 public:
    static constexpr size_t bytes = 4096;

    /// A page of its own, which holds its first reader.
    HeldPage() : own_(true) {
        page_ = static_cast<uint8_t*>(
            mmap(nullptr, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
        REQUIRE(page_ != MAP_FAILED);
        hold();
    }
    /// Holds the first writer of the page of `at`. Readers pass.
    explicit HeldPage(uint8_t* at) : own_(false) {
        page_ = at - reinterpret_cast<uintptr_t>(at) % bytes;
        hold();
        REQUIRE(mprotect(page_, bytes, PROT_READ) == 0);
    }
    ~HeldPage() {
        release();
        if (own_) {
            munmap(page_, bytes);
        } else {
            mprotect(page_, bytes, PROT_READ | PROT_WRITE);
        }
        sigaction(SIGSEGV, &previous_, nullptr);
    }
    HeldPage(const HeldPage&) = delete;
    HeldPage& operator=(const HeldPage&) = delete;

    const uint8_t* data() const noexcept { return page_; }
    /// Until somebody is held.
    void wait_reached() const {
        while (!reached_.load()) std::this_thread::yield();
    }
    void release() noexcept { released_.store(true); }

 private:
    void hold() {
        reached_.store(false);
        released_.store(false);
        struct sigaction action {};
        action.sa_sigaction = on_fault;
        action.sa_flags = SA_SIGINFO | SA_NODEFER;
        REQUIRE(sigaction(SIGSEGV, &action, &previous_) == 0);
    }
    static void on_fault(int, siginfo_t* info, void*) {
        const auto at = reinterpret_cast<uintptr_t>(info->si_addr);
        const auto begin = reinterpret_cast<uintptr_t>(page_);
        if (at < begin || at >= begin + bytes) {  // A real fault: die of it.
            signal(SIGSEGV, SIG_DFL);
            return;
        }
        reached_.store(true);
        while (!released_.load()) sched_yield();
        mprotect(page_, bytes, PROT_READ | PROT_WRITE);
    }

    // One at a time: the handler finds it here.
    static inline uint8_t* page_ = nullptr;
    static inline std::atomic<bool> reached_{false};
    static inline std::atomic<bool> released_{false};
    struct sigaction previous_ {};
    bool own_;
};

}  // namespace valenic::test
