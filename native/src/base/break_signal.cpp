#include "base/break_signal.hpp"

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace valenic::break_signal {

namespace {

/// Ignored where nobody handles it, so that one that is late ends no process; Node, libuv and the
/// sanitizers leave it alone.
constexpr int number = SIGURG;

extern "C" void do_nothing(int) {}

}  // namespace

void install() noexcept {
    struct sigaction present {};
    if (sigaction(number, nullptr, &present) != 0) return;
    const bool handled = (present.sa_flags & SA_SIGINFO) != 0 ||
                         (present.sa_handler != SIG_DFL && present.sa_handler != SIG_IGN);
    if (handled && (present.sa_flags & SA_RESTART) == 0) return;
    struct sigaction ours {};
    ours.sa_handler = do_nothing;
    sigemptyset(&ours.sa_mask);
    sigaction(number, &ours, nullptr);
}

void admit() noexcept {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, number);
    pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

void send(int thread_id) noexcept { syscall(SYS_tgkill, getpid(), thread_id, number); }

}  // namespace valenic::break_signal
