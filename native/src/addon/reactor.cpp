// The one thread of an environment that waits for descriptors and tells JavaScript.
#include "addon/reactor.hpp"

#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <system_error>
#include <utility>

#include "base/check.hpp"

namespace valenic::addon {

Reactor::Token Reactor::add(Napi::Env env, int fd, Handler handler) {
    if (!start(env)) return 0;
    const Token token = next_token_++;
    epoll_event event{};
    event.events = EPOLLONESHOT;  // Nothing is awaited yet; a hang-up alone disarms it.
    event.data.u64 = token;
    watches_.emplace(token, Watch{fd, false, std::make_shared<Handler>(std::move(handler))});
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0) return token;
    watches_.erase(token);
    return 0;
}

bool Reactor::await(Napi::Env env, Token token, uint32_t events) {
    const auto found = watches_.find(token);
    if (found == watches_.end() || stopped_) {
        errno = EBADF;
        return false;
    }
    epoll_event event{};
    event.events = events | EPOLLONESHOT;
    event.data.u64 = token;
    if (events != 0) {
        if (::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, found->second.fd, &event) != 0) return false;
    }
    set_awaited(env, found->second, events != 0);
    return true;
}

void Reactor::forget(Napi::Env env, Token token) {
    const auto found = watches_.find(token);
    if (found == watches_.end()) return;
    if (epoll_.valid()) ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, found->second.fd, nullptr);
    set_awaited(env, found->second, false);
    watches_.erase(found);
}

void Reactor::set_awaited(Napi::Env env, Watch& watch, bool awaited) {
    if (watch.awaited == awaited) return;
    watch.awaited = awaited;
    awaited_count_ += awaited ? 1 : size_t(-1);
    if (stopped_ || speak_ == nullptr) return;
    // Only what is awaited keeps Node's loop, and so the process, alive.
    if (awaited && awaited_count_ == 1) napi_ref_threadsafe_function(env, speak_);
    if (!awaited && awaited_count_ == 0) napi_unref_threadsafe_function(env, speak_);
}

bool Reactor::start(Napi::Env env) {
    if (started_) return !stopped_;
    epoll_.reset(::epoll_create1(EPOLL_CLOEXEC));
    wake_.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!epoll_.valid() || !wake_.valid()) return false;
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = 0;
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wake_.get(), &event) != 0) return false;

    // Queue of one: a wake-up that waits there finds every report that was put down before it.
    constexpr size_t queue = 1;
    const napi_value name = Napi::String::New(env, "valenic.reactor");
    if (napi_create_threadsafe_function(env, nullptr, nullptr, name, queue, 1, nullptr, nullptr,
                                        this, &Reactor::call_js, &speak_) != napi_ok) {
        errno = ENOMEM;
        return false;
    }
    napi_unref_threadsafe_function(env, speak_);
    if (!start_thread()) {
        napi_release_threadsafe_function(speak_, napi_tsfn_abort);
        speak_ = nullptr;
        errno = EAGAIN;
        return false;
    }
    self_ = shared_from_this();
    napi_add_env_cleanup_hook(
        env, [](void* self) { static_cast<Reactor*>(self)->stop(); }, this);
    started_ = true;
    return true;
}

bool Reactor::start_thread() {
    // Signals are for Node's own threads.
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    try {
        thread_ = std::thread([this] { run(); });
        pthread_setname_np(thread_.native_handle(), "valenic-fds");
    } catch (const std::system_error&) {
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return thread_.joinable();
}

void Reactor::run() {
    std::array<epoll_event, 64> events;
    for (;;) {
        const int count = ::epoll_wait(epoll_.get(), events.data(), int(events.size()), -1);
        if (count < 0 && errno != EINTR) return;
        bool stop = false;
        {
            const std::scoped_lock lock(mutex_);
            for (int i = 0; i < count; ++i) {
                if (events[size_t(i)].data.u64 == 0) stop = true;
                reports_.push_back({events[size_t(i)].data.u64, events[size_t(i)].events});
            }
        }
        if (stop) return;
        // napi_queue_full: an earlier wake-up still waits and will find these reports too.
        if (count > 0) napi_call_threadsafe_function(speak_, nullptr, napi_tsfn_nonblocking);
    }
}

void Reactor::stop() {
    if (!started_ || stopped_) return;
    stopped_ = true;
    const std::shared_ptr<Reactor> self = std::move(self_);
    const uint64_t one = 1;
    CHECK(::write(wake_.get(), &one, sizeof one) == sizeof one);  // The counter is ours alone.
    thread_.join();
    napi_release_threadsafe_function(speak_, napi_tsfn_abort);
    speak_ = nullptr;
}

void Reactor::call_js(napi_env env, napi_value, void* context, void*) {
    if (env == nullptr) return;  // The environment is going; nobody is left to tell.
    try {
        static_cast<Reactor*>(context)->deliver(env);
    } catch (const Napi::Error&) {
        // The environment is terminating: no call into JavaScript succeeds any more.
    }
}

void Reactor::deliver(Napi::Env env) {
    if (stopped_) return;
    std::vector<Report> reports;
    {
        const std::scoped_lock lock(mutex_);
        reports.swap(reports_);
    }
    for (const Report& report : reports) {
        const Napi::HandleScope scope(env);
        const auto found = watches_.find(report.token);
        if (found == watches_.end()) continue;  // Forgotten since.
        // A copy: the handler may forget its own watch.
        const std::shared_ptr<Handler> handler = found->second.handler;
        (*handler)(env, report.events);
    }
}

}  // namespace valenic::addon
