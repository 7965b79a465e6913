#include "addon/exit_guard.hpp"

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "addon/errno_error.hpp"

namespace valenic::addon {
namespace {

/// What ends a service: systemd, a shell, a terminal that goes.
constexpr std::array<int, 3> stop_signals{SIGTERM, SIGINT, SIGHUP};
/// Removing files and printing may block too: on a file system, or on the reader of stderr.
constexpr time_t last_words_s = 2;
constexpr uint32_t grace_most_ms = 600'000;

/// A socket file of ours, by what it is and not only by its name.
struct File {
    std::string path;
    dev_t device;
    ino_t inode;
};

/// Of the process, for as long as it lives: its thread is never joined.
struct Guard {
    std::mutex mutex;
    std::vector<File> files;  // under mutex
    std::string line;         // before the thread starts
    uint32_t grace_ms = 0;    // before the thread starts
    sem_t told{};
    timer_t last_resort{};
    std::array<struct sigaction, stop_signals.size()> before{};
};

Guard& guard() {
    static auto* const only = new Guard();
    return *only;
}

/// Tells the guard, and then the previous handler: Node's own.
void on_signal(int number, siginfo_t* info, void* context) {
    const int error = errno;
    sem_post(&guard().told);
    for (size_t i = 0; i < stop_signals.size(); ++i) {
        if (stop_signals[i] != number) continue;
        const struct sigaction& before = guard().before[i];
        if ((before.sa_flags & SA_SIGINFO) != 0) {
            before.sa_sigaction(number, info, context);
        } else {
            before.sa_handler(number);
        }
    }
    errno = error;
}

bool names_file(const File& file) {
    struct stat facts {};
    return ::lstat(file.path.c_str(), &facts) == 0 && facts.st_dev == file.device &&
           facts.st_ino == file.inode;
}

[[noreturn]] void end_process(Guard& self) {
    const itimerspec soon{{}, {last_words_s, 0}};
    timer_settime(self.last_resort, 0, &soon, nullptr);
    // Whoever holds the mutex is in the midst of two lines; the timer ends that as well.
    const std::scoped_lock lock(self.mutex);
    for (const File& file : self.files)
        if (names_file(file)) ::unlink(file.path.c_str());
    [[maybe_unused]] const ssize_t said =
        ::write(STDERR_FILENO, self.line.data(), self.line.size());
    ::_exit(1);
}

void wait_for_the_end() {
    Guard& self = guard();
    while (sem_wait(&self.told) != 0) {
    }
    timespec left{static_cast<time_t>(self.grace_ms / 1000),
                  static_cast<long>(self.grace_ms % 1000) * 1'000'000};
    while (nanosleep(&left, &left) != 0) {
    }
    end_process(self);
}

bool start_thread() {
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool started = true;
    try {
        std::thread thread(wait_for_the_end);
        pthread_setname_np(thread.native_handle(), "valenic-exit");
        thread.detach();
    } catch (const std::system_error&) {
        started = false;
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return started;
}

/// Signals that nobody handles end the process by themselves.
void take_signals(Guard& self) {
    for (size_t i = 0; i < stop_signals.size(); ++i) {
        struct sigaction& before = self.before[i];
        if (::sigaction(stop_signals[i], nullptr, &before) != 0) continue;
        const bool handled = (before.sa_flags & SA_SIGINFO) != 0 ||
                             (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN);
        if (!handled) continue;
        struct sigaction ours = before;
        ours.sa_sigaction = on_signal;
        ours.sa_flags |= SA_SIGINFO;
        ::sigaction(stop_signals[i], &ours, nullptr);
    }
}

Napi::Value end_after_signal(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    if (info.Length() != 2 || !info[0].IsNumber() || !info[1].IsString())
        throw Napi::TypeError::New(env, "graceMs: a number, line: a string");
    Guard& self = guard();
    if (!self.line.empty()) throw coded_error(env, "wrong_state", "once for each process");
    self.grace_ms = std::min(info[0].As<Napi::Number>().Uint32Value(), grace_most_ms);
    self.line = info[1].As<Napi::String>().Utf8Value();
    sigevent kill{};
    kill.sigev_notify = SIGEV_SIGNAL;
    kill.sigev_signo = SIGKILL;
    if (sem_init(&self.told, 0, 0) != 0 ||
        timer_create(CLOCK_MONOTONIC, &kill, &self.last_resort) != 0)
        throw errno_error(env, "timer_create", errno);
    if (!start_thread()) throw errno_error(env, "thread", EAGAIN);
    take_signals(self);
    return env.Undefined();
}

std::string path_of(const Napi::CallbackInfo& info) {
    if (info.Length() != 1 || !info[0].IsString())
        throw Napi::TypeError::New(info.Env(), "path: a string");
    return info[0].As<Napi::String>().Utf8Value();
}

Napi::Value remove_at_exit(const Napi::CallbackInfo& info) {
    const std::string path = path_of(info);
    struct stat facts {};
    if (::lstat(path.c_str(), &facts) != 0) throw errno_error(info.Env(), "lstat", errno);
    Guard& self = guard();
    const std::scoped_lock lock(self.mutex);
    self.files.push_back({path, facts.st_dev, facts.st_ino});
    return info.Env().Undefined();
}

Napi::Value keep_at_exit(const Napi::CallbackInfo& info) {
    const std::string path = path_of(info);
    Guard& self = guard();
    const std::scoped_lock lock(self.mutex);
    std::erase_if(self.files, [&](const File& file) { return file.path == path; });
    return info.Env().Undefined();
}

}  // namespace

void register_exit_guard(Napi::Env env, Napi::Object exports) {
    exports.Set("endAfterSignal", Napi::Function::New<end_after_signal>(env, "endAfterSignal"));
    exports.Set("removeAtExit", Napi::Function::New<remove_at_exit>(env, "removeAtExit"));
    exports.Set("keepAtExit", Napi::Function::New<keep_at_exit>(env, "keepAtExit"));
}

}  // namespace valenic::addon
