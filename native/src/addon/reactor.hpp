// The one thread of an environment that waits for descriptors and tells JavaScript.
#pragma once
#include <napi.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <vector>

#include "base/fd.hpp"

namespace valenic::addon {

/// Waits with epoll for one-shot interests and calls back on the JavaScript thread.
///
/// The thread, the epoll and the function through which it speaks exist from the first watch on, so
/// that an addon that is only loaded costs nothing. Whatever is awaited keeps the process alive,
/// and nothing else does.
///
/// Teardown: an environment hook registered after the thread-safe function (so it runs before Node
/// frees that) stops and joins the thread. Nothing of this addon runs once its code is unloaded.
class Reactor : public std::enable_shared_from_this<Reactor> {
 public:
    using Token = uint64_t;
    /// Called on the JavaScript thread with the epoll events that came. Must not throw.
    using Handler = std::function<void(Napi::Env, uint32_t events)>;

    Reactor() = default;
    Reactor(const Reactor&) = delete;
    Reactor& operator=(const Reactor&) = delete;

    /// Announces a descriptor. The caller keeps it open until forget(). JavaScript thread only.
    /// @returns its token, or 0 with errno set.
    Token add(Napi::Env env, int fd, Handler handler);
    /// Asks for one report of `events` (EPOLLIN, EPOLLOUT); EPOLLHUP and EPOLLERR always come too.
    /// 0 = await nothing. JavaScript thread only. @returns false with errno set.
    bool await(Napi::Env env, Token token, uint32_t events);
    /// After this no handler of the token runs. Call before closing the descriptor.
    void forget(Napi::Env env, Token token);

 private:
    struct Watch {
        int fd = -1;
        bool awaited = false;
        std::shared_ptr<Handler> handler;
    };
    struct Report {
        Token token;
        uint32_t events;
    };

    bool start(Napi::Env env);
    bool start_thread();
    void run();
    void stop();
    void deliver(Napi::Env env);
    void set_awaited(Napi::Env env, Watch& watch, bool awaited);
    static void call_js(napi_env env, napi_value, void* context, void*);

    std::shared_ptr<Reactor> self_;  // from start() until the environment's end
    bool started_ = false;           // JavaScript thread
    bool stopped_ = false;           // JavaScript thread
    OwnedFd epoll_;
    OwnedFd wake_;
    std::thread thread_;
    napi_threadsafe_function speak_ = nullptr;
    Token next_token_ = 1;  // 0 is wake_
    size_t awaited_count_ = 0;
    std::unordered_map<Token, Watch> watches_;  // JavaScript thread
    std::mutex mutex_;
    std::vector<Report> reports_;  // under mutex_; at most one for each armed watch
};

}  // namespace valenic::addon
