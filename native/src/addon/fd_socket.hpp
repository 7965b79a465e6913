// UNIX stream sockets that carry descriptors, and the listener that accepts them.
#pragma once
#include <napi.h>

#include <cstdint>
#include <memory>
#include <string>

#include "addon/foreign_fds.hpp"
#include "addon/reactor.hpp"
#include "base/fd.hpp"

namespace valenic::addon {

/// Most descriptors one message may carry, either way. vhost-user needs 8, vfio-user 16.
inline constexpr size_t max_fds = 64;
/// Most that Linux lets through in one (SCM_MAX_FD). There is room for them all, since the kernel
/// lets go of what has none, and closing may wait.
inline constexpr size_t max_fds_of_kernel = 253;
/// Most bytes one receive() takes.
inline constexpr size_t max_receive_bytes = 65536;

/// What all sockets of one environment share: the reactor and the two JavaScript classes.
struct FdClasses {
    std::shared_ptr<Reactor> reactor = std::make_shared<Reactor>();
    Napi::FunctionReference socket;
    Napi::FunctionReference listener;
};

/// A descriptor with up to two pending one-shot callbacks. Base of the two classes below.
///
/// While a callback is pending the JavaScript object is kept alive; collected without close(), it
/// closes its descriptor.
class Waiting {
 public:
    Waiting(std::shared_ptr<Reactor> reactor, OwnedFd fd)
        : reactor_(std::move(reactor)), fd_(std::move(fd)) {}
    virtual ~Waiting() = default;

 protected:
    virtual void hold() = 0;    // Keep the JavaScript object,
    virtual void let_go() = 0;  // or no longer.
    int fd_or_throw(Napi::Env env) const;
    void once(const Napi::CallbackInfo& info, Napi::FunctionReference& slot);
    void close_fd(Napi::Env env);
    /// close_fd() without touching the JavaScript object, which is gone.
    void finalize(Napi::Env env);

    std::shared_ptr<Reactor> reactor_;
    /// What it closes, it closes elsewhere: unread messages may hold descriptors.
    FdOwner owner_ = 0;
    OwnedFd fd_;
    Napi::FunctionReference readable_;
    Napi::FunctionReference writable_;

 private:
    void end_fd();
    void update(Napi::Env env);
    void ready(Napi::Env env, uint32_t events);

    Reactor::Token token_ = 0;
    bool held_ = false;
};

/// JavaScript class FdSocket; `NativeFdSocket` in native/boundary says what it does.
class FdSocket final : public Napi::ObjectWrap<FdSocket>, private Waiting {
 public:
    static Napi::Function define(Napi::Env env, FdClasses* classes);
    /// Wraps a connected socket; makes it non-blocking and close-on-exec.
    static Napi::Object wrap(Napi::Env env, FdClasses& classes, OwnedFd fd);

    explicit FdSocket(const Napi::CallbackInfo& info);
    void Finalize(Napi::Env env) override;

 private:
    Napi::Value receive(const Napi::CallbackInfo& info);
    Napi::Value send(const Napi::CallbackInfo& info);
    Napi::Value fd(const Napi::CallbackInfo& info) {
        return Napi::Number::New(info.Env(), fd_.get());
    }
    void once_readable(const Napi::CallbackInfo& info) { once(info, readable_); }
    void once_writable(const Napi::CallbackInfo& info) { once(info, writable_); }
    Napi::Value owner(const Napi::CallbackInfo& info) {
        return Napi::Number::New(info.Env(), owner_);
    }
    void set_owner(const Napi::CallbackInfo&, const Napi::Value& value) {
        owner_ = value.ToNumber().Uint32Value();
    }
    void close(const Napi::CallbackInfo& info) { close_fd(info.Env()); }
    void hold() override { Ref(); }
    void let_go() override { Unref(); }
};

/// JavaScript class FdListener; `NativeFdListener` in native/boundary says what it does.
class FdListener final : public Napi::ObjectWrap<FdListener>, private Waiting {
 public:
    static Napi::Function define(Napi::Env env, FdClasses* classes);
    static Napi::Object wrap(Napi::Env env, FdClasses& classes, OwnedFd fd);

    explicit FdListener(const Napi::CallbackInfo& info);
    void Finalize(Napi::Env env) override;

 private:
    Napi::Value accept(const Napi::CallbackInfo& info);
    Napi::Value fd(const Napi::CallbackInfo& info) {
        return Napi::Number::New(info.Env(), fd_.get());
    }
    void once_readable(const Napi::CallbackInfo& info) { once(info, readable_); }
    void close(const Napi::CallbackInfo& info) { close_fd(info.Env()); }
    void hold() override { Ref(); }
    void let_go() override { Unref(); }

    FdClasses* classes_;
};

/// Connects to a listening socket; never blocks (a full backlog is EAGAIN). Throws with `code`.
OwnedFd connect_unix(Napi::Env env, const std::string& path);
/// Binds and listens. The file never has wider rights than `mode`, not even for a moment.
OwnedFd listen_unix(Napi::Env env, const std::string& path, int backlog, uint32_t mode);

}  // namespace valenic::addon
