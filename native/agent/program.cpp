// Programs of the guest image: started with arguments of their own, read to their end.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <thread>
#include <vector>

#include "base/fd.hpp"
#include "ops.hpp"

extern char** environ;

namespace valenic::agent {
namespace {

/// More is read, so that the program does not wait, and forgotten.
constexpr size_t kept_bytes = 256 << 10;
constexpr size_t most_words = 64;

struct Child {
    pid_t pid;
    OwnedFd output;
};

/// Both output streams of the program go into one pipe.
Child start_program(std::vector<std::string> words) {
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0) fail_errno("making a pipe");
    OwnedFd from(ends[0]);
    const OwnedFd into(ends[1]);
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, into.get(), 1);
    posix_spawn_file_actions_adddup2(&actions, into.get(), 2);
    pid_t pid = 0;
    const int error = posix_spawnp(&pid, argv[0], &actions, nullptr, argv.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    if (error != 0) fail_errno("starting " + words[0], error);
    return {pid, std::move(from)};
}

class Program final : public Job {
 public:
    explicit Program(Child child) : pid_(child.pid), output_(std::move(child.output)) {
        thread_ = std::thread([this] { run(); });
    }
    ~Program() override { stop(); }

    bool done() const override { return done_.load(std::memory_order_acquire); }
    /// Kills what still runs.
    void stop() override {
        stopping_.store(true, std::memory_order_relaxed);
        if (thread_.joinable()) thread_.join();
    }
    Json report(bool) override {
        const std::lock_guard lock(mutex_);
        return {{"running", !done()}, {"status", status_}, {"output", text_}};
    }

 private:
    const pid_t pid_;
    OwnedFd output_;
    std::atomic<bool> stopping_{false};
    std::atomic<bool> done_{false};
    std::mutex mutex_;
    std::string text_;
    int status_ = 0;
    std::thread thread_;

    void run() {
        read_output();
        int status = 0;
        while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
        }
        const std::lock_guard lock(mutex_);
        // As a shell says it: what a signal ended is above 128.
        status_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        done_.store(true, std::memory_order_release);
    }

    /// Until both streams are closed, which the program's end does at the latest.
    void read_output() {
        std::array<char, 4096> piece{};
        for (bool killed = false;;) {
            if (!killed && stopping_.load(std::memory_order_relaxed)) {
                kill(pid_, SIGKILL);
                killed = true;
            }
            pollfd wanted{output_.get(), POLLIN, 0};
            if (poll(&wanted, 1, 50) <= 0) continue;
            const ssize_t got = read(output_.get(), piece.data(), piece.size());
            if (got <= 0) return;
            const std::lock_guard lock(mutex_);
            const size_t room = kept_bytes - text_.size();
            text_.append(piece.data(), std::min<size_t>(static_cast<size_t>(got), room));
        }
    }
};

}  // namespace

/// {words: [program, argument …]} -> {job}; its report is {running, status, output}.
Json op_program_start(const Args& args, OpContext& context) {
    std::vector<std::string> words = args.texts("words", most_words);
    return context.jobs.add(std::make_unique<Program>(start_program(std::move(words))));
}

}  // namespace valenic::agent
