// UNIX stream sockets that carry descriptors, and the listener that accepts them.
#include "addon/fd_socket.hpp"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "addon/errno_error.hpp"
#include "addon/unix_address.hpp"

#ifndef NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS
#error \
    "Without it a worker thread's terminate() aborts the process: no exception can be thrown then."
#endif

namespace valenic::addon {
namespace {

/// Every descriptor that came with one recvmsg; owned from the first moment.
void take_fds(msghdr& message, ForeignFds& fds) {
    for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr;
         part = CMSG_NXTHDR(&message, part)) {
        if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
        const size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < count; ++i) {
            int fd = -1;
            std::memcpy(&fd, CMSG_DATA(part) + i * sizeof(int), sizeof fd);
            fds.add(fd);
        }
    }
}

std::vector<int> fds_argument(Napi::Env env, Napi::Value value) {
    if (!value.IsArray()) throw Napi::TypeError::New(env, "fds: an array of descriptors");
    const auto array = value.As<Napi::Array>();
    if (array.Length() > max_fds) throw coded_error(env, "too_many_fds", "at most 64 descriptors");
    std::vector<int> fds;
    for (uint32_t i = 0; i < array.Length(); ++i) {
        fds.push_back(array.Get(i).ToNumber().Int32Value());
    }
    return fds;
}

void set_flags(int fd) {
    ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
    ::fcntl(fd, F_SETFD, FD_CLOEXEC);
}

OwnedFd fd_of(const Napi::CallbackInfo& info) {
    if (info.Length() != 1 || !info[0].IsExternal()) {
        throw Napi::TypeError::New(info.Env(), "made by connectFdSocket, adoptFdSocket, accept");
    }
    return std::move(*info[0].As<Napi::External<OwnedFd>>().Data());
}

Napi::Object construct(Napi::Env env, const Napi::FunctionReference& constructor, OwnedFd& fd) {
    return constructor.New({Napi::External<OwnedFd>::New(env, &fd)});
}

FdClasses& classes_of(const Napi::CallbackInfo& info) {
    return *static_cast<FdClasses*>(info.Data());
}

}  // namespace

int Waiting::fd_or_throw(Napi::Env env) const {
    if (!fd_.valid()) throw errno_error(env, "closed socket", EBADF);
    return fd_.get();
}

void Waiting::once(const Napi::CallbackInfo& info, Napi::FunctionReference& slot) {
    const Napi::Env env = info.Env();
    const int fd = fd_or_throw(env);
    if (info.Length() < 1 || !info[0].IsFunction()) {
        throw Napi::TypeError::New(env, "callback: a function");
    }
    if (token_ == 0) {
        token_ =
            reactor_->add(env, fd, [this](Napi::Env at, uint32_t events) { ready(at, events); });
        if (token_ == 0) throw errno_error(env, "epoll", errno);
    }
    slot = Napi::Persistent(info[0].As<Napi::Function>());
    update(env);
}

/// Tells the reactor what the two callbacks await, and holds the object while there is any.
void Waiting::update(Napi::Env env) {
    const uint32_t events =
        (readable_.IsEmpty() ? 0u : EPOLLIN) | (writable_.IsEmpty() ? 0u : EPOLLOUT);
    if (token_ != 0) reactor_->await(env, token_, events);
    if ((events != 0) == held_) return;
    held_ = events != 0;
    if (held_) {
        hold();
    } else {
        let_go();
    }
}

void Waiting::ready(Napi::Env env, uint32_t events) {
    std::array<Napi::FunctionReference, 2> due;
    // A hang-up or an error wakes the waiter: its next receive() or send() says which it is.
    const uint32_t always = EPOLLHUP | EPOLLERR | EPOLLRDHUP;
    if ((events & (EPOLLIN | always)) != 0) due[0] = std::move(readable_);
    if ((events & (EPOLLOUT | always)) != 0) due[1] = std::move(writable_);
    // The object may be collected or closed from here on; only `due` is used below.
    update(env);
    for (Napi::FunctionReference& reference : due) {
        if (reference.IsEmpty()) continue;
        napi_value callback = reference.Value();
        napi_value receiver = nullptr;
        if (napi_get_undefined(env, &receiver) != napi_ok) return;
        if (napi_call_function(env, receiver, callback, 0, nullptr, nullptr) == napi_ok) continue;
        napi_value thrown = nullptr;
        if (napi_get_and_clear_last_exception(env, &thrown) != napi_ok) return;
        napi_fatal_exception(env, thrown);  // 'uncaughtException', as from any other callback.
    }
}

void Waiting::close_fd(Napi::Env env) {
    readable_.Reset();
    writable_.Reset();
    update(env);
    if (token_ != 0) reactor_->forget(env, std::exchange(token_, 0));
    end_fd();
}

/// Unread messages of a UNIX socket may hold descriptors, and closing those may wait. Of a socket
/// that has an owner the peer sees the end at once.
void Waiting::end_fd() {
    if (!fd_.valid()) return;
    int domain = 0;
    socklen_t size = sizeof domain;
    const bool known = ::getsockopt(fd_.get(), SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0;
    if (known && domain != AF_UNIX) return fd_.reset();
    if (owner_ != 0) ::shutdown(fd_.get(), SHUT_RDWR);
    close_elsewhere(std::move(fd_), owner_);
}

void Waiting::finalize(Napi::Env env) {
    readable_.Reset();
    writable_.Reset();
    if (token_ != 0) reactor_->forget(env, std::exchange(token_, 0));
    end_fd();
}

Napi::Function FdSocket::define(Napi::Env env, FdClasses* classes) {
    return DefineClass(
        env, "FdSocket",
        {InstanceMethod<&FdSocket::receive>("receive"), InstanceMethod<&FdSocket::send>("send"),
         InstanceMethod<&FdSocket::once_readable>("onceReadable"),
         InstanceMethod<&FdSocket::once_writable>("onceWritable"),
         InstanceMethod<&FdSocket::close>("close"), InstanceAccessor<&FdSocket::fd>("fd"),
         InstanceAccessor<&FdSocket::owner, &FdSocket::set_owner>("owner")},
        classes);
}

Napi::Object FdSocket::wrap(Napi::Env env, FdClasses& classes, OwnedFd fd) {
    set_flags(fd.get());
    return construct(env, classes.socket, fd);
}

FdSocket::FdSocket(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<FdSocket>(info), Waiting(classes_of(info).reactor, fd_of(info)) {}

void FdSocket::Finalize(Napi::Env env) { finalize(env); }

Napi::Value FdSocket::receive(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    const int fd = fd_or_throw(env);
    const int64_t wanted = info.Length() > 0 ? info[0].ToNumber().Int64Value() : 0;
    if (wanted < 1) throw Napi::RangeError::New(env, "maxBytes: at least 1");

    std::array<char, max_receive_bytes> bytes;
    alignas(cmsghdr) std::array<char, CMSG_SPACE(max_fds_of_kernel * sizeof(int))> control;
    iovec part{bytes.data(), std::min(size_t(wanted), bytes.size())};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    ssize_t count = 0;
    do {
        count = ::recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    } while (count < 0 && errno == EINTR);
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return env.Null();
    if (count < 0) throw errno_error(env, "recvmsg", errno);

    // Closes them again when anything below throws.
    ForeignFds fds(owner_);
    fds.reserve(max_fds_of_kernel);  // The control buffer holds no more, so add() cannot throw.
    take_fds(message, fds);
    // What the kernel cut off had room here: this process can open no more.
    if ((message.msg_flags & MSG_CTRUNC) != 0 && fds.size() < max_fds)
        throw errno_error(env, "recvmsg", EMFILE);
    if ((message.msg_flags & MSG_CTRUNC) != 0 || fds.size() > max_fds) {
        throw coded_error(env, "truncated", "more descriptors than one message may carry");
    }
    Napi::Object result = Napi::Object::New(env);
    Napi::Array numbers = Napi::Array::New(env, fds.size());
    for (uint32_t i = 0; i < fds.size(); ++i) numbers.Set(i, Napi::Number::New(env, fds.at(i)));
    result.Set("bytes", Napi::Buffer<char>::Copy(env, bytes.data(), size_t(count)));
    result.Set("fds", numbers);
    fds.release_all();  // JavaScript owns them now.
    return result;
}

Napi::Value FdSocket::send(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    const int fd = fd_or_throw(env);
    if (info.Length() < 1 || !info[0].IsTypedArray()) {
        throw Napi::TypeError::New(env, "bytes: a Uint8Array");
    }
    const auto bytes = info[0].As<Napi::Uint8Array>();
    if (bytes.ByteLength() == 0) throw Napi::RangeError::New(env, "bytes: at least one");
    const std::vector<int> fds =
        info.Length() > 1 ? fds_argument(env, info[1]) : std::vector<int>();

    alignas(cmsghdr) std::array<char, CMSG_SPACE(max_fds * sizeof(int))> control{};
    iovec part{const_cast<void*>(static_cast<const void*>(bytes.Data())), bytes.ByteLength()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    if (!fds.empty()) {
        message.msg_control = control.data();
        message.msg_controllen = CMSG_SPACE(fds.size() * sizeof(int));
        cmsghdr* header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(fds.size() * sizeof(int));
        std::memcpy(CMSG_DATA(header), fds.data(), fds.size() * sizeof(int));
    }
    ssize_t count = 0;
    do {
        count = ::sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    } while (count < 0 && errno == EINTR);
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) count = 0;
    if (count < 0) throw errno_error(env, "sendmsg", errno);
    return Napi::Number::New(env, double(count));
}

Napi::Function FdListener::define(Napi::Env env, FdClasses* classes) {
    return DefineClass(
        env, "FdListener",
        {InstanceMethod<&FdListener::accept>("accept"),
         InstanceMethod<&FdListener::once_readable>("onceReadable"),
         InstanceMethod<&FdListener::close>("close"), InstanceAccessor<&FdListener::fd>("fd")},
        classes);
}

Napi::Object FdListener::wrap(Napi::Env env, FdClasses& classes, OwnedFd fd) {
    return construct(env, classes.listener, fd);
}

FdListener::FdListener(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<FdListener>(info),
      Waiting(classes_of(info).reactor, fd_of(info)),
      classes_(&classes_of(info)) {}

void FdListener::Finalize(Napi::Env env) { finalize(env); }

Napi::Value FdListener::accept(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    const int fd = fd_or_throw(env);
    OwnedFd accepted;
    do {
        accepted.reset(::accept4(fd, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
        // ECONNABORTED: that one left again before we looked; take the next.
    } while (!accepted.valid() && (errno == EINTR || errno == ECONNABORTED));
    if (!accepted.valid() && (errno == EAGAIN || errno == EWOULDBLOCK)) return env.Null();
    if (!accepted.valid()) throw errno_error(env, "accept", errno);
    return FdSocket::wrap(env, *classes_, std::move(accepted));
}

OwnedFd connect_unix(Napi::Env env, const std::string& path) {
    const sockaddr_un address = unix_address(env, path);
    OwnedFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd.valid()) throw errno_error(env, "socket", errno);
    if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        throw errno_error(env, "connect", errno);
    }
    return fd;
}

OwnedFd listen_unix(Napi::Env env, const std::string& path, int backlog, uint32_t mode) {
    const sockaddr_un address = unix_address(env, path);
    OwnedFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd.valid()) throw errno_error(env, "socket", errno);
    // Linux makes the file with the socket's own mode less the umask: set before bind, there is no
    // moment with wider rights, and the process's umask (shared by all threads) stays as it is.
    if (::fchmod(fd.get(), mode) != 0) throw errno_error(env, "fchmod", errno);
    if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        throw errno_error(env, "bind", errno);
    }
    if (::chmod(path.c_str(), mode) == 0 && ::listen(fd.get(), backlog) == 0) return fd;
    const int number = errno;
    ::unlink(path.c_str());  // It is ours: bind made it.
    throw errno_error(env, "listen", number);
}

}  // namespace valenic::addon
