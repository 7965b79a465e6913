#include "addon/foreign_fds.hpp"

#include <dlfcn.h>
#include <linux/magic.h>
#include <pthread.h>
#include <signal.h>
#include <sys/vfs.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>

#include "addon/errno_error.hpp"

namespace valenic::addon {
namespace {

/// Jobs of one owner at the same time: a second one passes the first that is slow, and no more.
constexpr unsigned lanes_per_owner = 2;
/// Threads at most. A stuck one costs only its stack.
constexpr unsigned lanes_max = 256;
/// A thread without work ends after so long.
constexpr auto idle_for = std::chrono::seconds(2);

struct Job {
    FdOwner owner;
    std::function<void()> work;
};

/// A pool that grows as far as its jobs wait for something. Of the process and never freed, since
/// a thread of it may be stuck when all else has ended.
class Lanes {
 public:
    static Lanes& get() {
        static auto* const only = new Lanes();
        return *only;
    }
    void add(FdOwner owner, std::function<void()> work) {
        const std::scoped_lock lock(mutex_);
        jobs_.push_back({owner, std::move(work)});
        ++waiting_[owner];
        if (idle_ > 0) {
            work_waits_.notify_one();
        } else if (lanes_ < lanes_max) {
            start_lane();
        }
    }
    /// Jobs that are not done.
    size_t waiting() {
        const std::scoped_lock lock(mutex_);
        size_t sum = 0;
        for (const auto& [owner, count] : waiting_) sum += count;
        return sum;
    }
    /// Those of this owner.
    size_t waiting(FdOwner owner) {
        const std::scoped_lock lock(mutex_);
        const auto found = waiting_.find(owner);
        return found == waiting_.end() ? 0 : found->second;
    }

 private:
    Lanes() {
        // The code of a thread that may never end must not be unloaded with its environment.
        Dl_info info{};
        if (dladdr(reinterpret_cast<void*>(&register_foreign_fds), &info) != 0)
            dlopen(info.dli_fname, RTLD_NOW | RTLD_NOLOAD | RTLD_NODELETE);
    }
    void start_lane() {
        sigset_t all;
        sigset_t before;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        try {
            std::thread thread([this] { run(); });
            pthread_setname_np(thread.native_handle(), "valenic-fds");
            thread.detach();
            ++lanes_;
        } catch (const std::system_error&) {
            // The jobs wait for the lanes there are, or for the next job.
        }
        pthread_sigmask(SIG_SETMASK, &before, nullptr);
    }
    std::deque<Job>::iterator next() {
        return std::find_if(jobs_.begin(), jobs_.end(),
                            [&](const Job& job) { return running_[job.owner] < lanes_per_owner; });
    }
    void run() {
        std::unique_lock lock(mutex_);
        for (;;) {
            const auto found = next();
            if (found == jobs_.end()) {
                ++idle_;
                const auto woken = work_waits_.wait_for(lock, idle_for);
                --idle_;
                if (woken == std::cv_status::timeout && next() == jobs_.end()) break;
                continue;
            }
            Job job = std::move(*found);
            jobs_.erase(found);
            ++running_[job.owner];
            lock.unlock();
            job.work();
            lock.lock();
            if (--running_[job.owner] == 0) running_.erase(job.owner);
            if (--waiting_[job.owner] == 0) waiting_.erase(job.owner);
        }
        --lanes_;
    }

    std::mutex mutex_;
    std::condition_variable work_waits_;
    std::deque<Job> jobs_;               // all under mutex_
    std::map<FdOwner, size_t> waiting_;  // queued and running
    std::map<FdOwner, unsigned> running_;
    unsigned lanes_ = 0;
    unsigned idle_ = 0;
};

/// By the magic numbers of statfs(2).
const char* file_system_name(long type) noexcept {
    switch (static_cast<unsigned long>(type)) {
        case TMPFS_MAGIC:
            return "tmpfs";
        case HUGETLBFS_MAGIC:
            return "hugetlbfs";
        case RAMFS_MAGIC:
            return "ramfs";
        case EXT4_SUPER_MAGIC:
            return "ext4";
        case XFS_SUPER_MAGIC:
            return "xfs";
        case BTRFS_SUPER_MAGIC:
            return "btrfs";
        case F2FS_SUPER_MAGIC:
            return "f2fs";
        case FUSE_SUPER_MAGIC:
            return "fuse";
        case NFS_SUPER_MAGIC:
            return "nfs";
        case OVERLAYFS_SUPER_MAGIC:
            return "overlayfs";
        default:
            return nullptr;
    }
}

std::string file_system_of(int fd) {
    struct statfs facts {};
    if (::fstatfs(fd, &facts) != 0) return "none";
    const char* const name = file_system_name(facts.f_type);
    if (name != nullptr) return name;
    char number[32];
    std::snprintf(number, sizeof number, "0x%lx", static_cast<unsigned long>(facts.f_type));
    return number;
}

/// A promise that a lane settles. Freed on the JavaScript thread, or not at all once that has gone.
struct Answer {
    Napi::Promise::Deferred deferred;
    std::string text;
};

void settle(napi_env env, napi_value, void*, void* data) {
    if (env == nullptr) return;
    const std::unique_ptr<Answer> answer(static_cast<Answer*>(data));
    const Napi::HandleScope scope(env);
    answer->deferred.Resolve(Napi::String::New(env, answer->text));
}

uint32_t number_argument(const Napi::CallbackInfo& info, size_t index) {
    if (info.Length() <= index || !info[index].IsNumber())
        throw Napi::TypeError::New(info.Env(), "a descriptor and its owner: numbers");
    return info[index].As<Napi::Number>().Uint32Value();
}

Napi::Value file_system(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    const auto fd = static_cast<int>(number_argument(info, 0));
    const FdOwner owner = number_argument(info, 1);
    napi_threadsafe_function speak = nullptr;
    const napi_value name = Napi::String::New(env, "valenic.fds");
    if (napi_create_threadsafe_function(env, nullptr, nullptr, name, 0, 1, nullptr, nullptr,
                                        nullptr, settle, &speak) != napi_ok)
        throw errno_error(env, "thread-safe function", EAGAIN);
    napi_unref_threadsafe_function(env, speak);  // One that never comes keeps no process alive.
    auto* answer = new Answer{Napi::Promise::Deferred::New(env), {}};
    const Napi::Promise promise = answer->deferred.Promise();
    Lanes::get().add(owner, [fd, answer, speak] {
        answer->text = file_system_of(fd);
        napi_call_threadsafe_function(speak, answer, napi_tsfn_nonblocking);
        napi_release_threadsafe_function(speak, napi_tsfn_release);
    });
    return promise;
}

void close_foreign_fd(const Napi::CallbackInfo& info) {
    close_elsewhere(OwnedFd(static_cast<int>(number_argument(info, 0))), number_argument(info, 1));
}

Napi::Value foreign_fds_waiting(const Napi::CallbackInfo& info) {
    const size_t count = info.Length() == 0 ? Lanes::get().waiting()
                                            : Lanes::get().waiting(number_argument(info, 0));
    return Napi::Number::New(info.Env(), static_cast<double>(count));
}

}  // namespace

void close_elsewhere(OwnedFd fd, FdOwner owner) {
    if (!fd.valid()) return;
    Lanes::get().add(owner, [number = fd.release()] { ::close(number); });
}

void register_foreign_fds(Napi::Env env, Napi::Object exports) {
    exports.Set("closeForeignFd", Napi::Function::New<close_foreign_fd>(env, "closeForeignFd"));
    exports.Set("foreignFdsWaiting",
                Napi::Function::New<foreign_fds_waiting>(env, "foreignFdsWaiting"));
    exports.Set("fileSystemOf", Napi::Function::New<file_system>(env, "fileSystemOf"));
}

}  // namespace valenic::addon
