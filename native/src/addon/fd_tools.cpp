// Descriptor helpers for TypeScript: sockets that pass descriptors, locks, kinds, eventfds, memfds.
#include "addon/fd_tools.hpp"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <string>
#include <string_view>

#include "addon/errno_error.hpp"
#include "addon/fd_socket.hpp"
#include "addon/net_tools.hpp"
#include "base/fd.hpp"

namespace valenic::addon {
namespace {

int fd_argument(const Napi::CallbackInfo& info) {
    if (info.Length() < 1 || !info[0].IsNumber()) {
        throw Napi::TypeError::New(info.Env(), "fd: a number");
    }
    const int fd = info[0].As<Napi::Number>().Int32Value();
    if (fd < 0) throw errno_error(info.Env(), "fd", EBADF);
    return fd;
}

std::string path_argument(const Napi::CallbackInfo& info) {
    if (info.Length() < 1 || !info[0].IsString()) {
        throw Napi::TypeError::New(info.Env(), "path: a string");
    }
    return info[0].As<Napi::String>().Utf8Value();
}

/// `classes` as each function gets it: Napi::Function::New stores one pointer beside the function.
FdClasses& classes_of(const Napi::CallbackInfo& info) {
    return *static_cast<FdClasses*>(info.Data());
}

Napi::Value connect_fd_socket(const Napi::CallbackInfo& info) {
    return FdSocket::wrap(info.Env(), classes_of(info),
                          connect_unix(info.Env(), path_argument(info)));
}

Napi::Value adopt_fd_socket(const Napi::CallbackInfo& info) {
    const int fd = fd_argument(info);
    struct stat facts {};
    if (::fstat(fd, &facts) != 0) throw errno_error(info.Env(), "fstat", errno);
    if (!S_ISSOCK(facts.st_mode)) throw errno_error(info.Env(), "adopt", ENOTSOCK);
    return FdSocket::wrap(info.Env(), classes_of(info), OwnedFd(fd));
}

Napi::Value listen_fd_socket(const Napi::CallbackInfo& info) {
    const std::string path = path_argument(info);
    if (info.Length() < 3) throw Napi::TypeError::New(info.Env(), "path, backlog, mode");
    const int backlog = info[1].ToNumber().Int32Value();
    const uint32_t mode = info[2].ToNumber().Uint32Value() & 0777;
    return FdListener::wrap(info.Env(), classes_of(info),
                            listen_unix(info.Env(), path, backlog, mode));
}

Napi::Value socket_pair(const Napi::CallbackInfo& info) {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()) != 0) {
        throw errno_error(info.Env(), "socketpair", errno);
    }
    OwnedFd first(ends[0]);
    OwnedFd second(ends[1]);
    Napi::Array result = Napi::Array::New(info.Env(), 2);
    result.Set(0u, Napi::Number::New(info.Env(), first.get()));
    result.Set(1u, Napi::Number::New(info.Env(), second.get()));
    (void)first.release();
    (void)second.release();
    return result;
}

Napi::Value try_lock_file(const Napi::CallbackInfo& info) {
    if (::flock(fd_argument(info), LOCK_EX | LOCK_NB) == 0) {
        return Napi::Boolean::New(info.Env(), true);
    }
    if (errno == EWOULDBLOCK) return Napi::Boolean::New(info.Env(), false);
    throw errno_error(info.Env(), "flock", errno);
}

/// What a descriptor is, by what the kernel calls it; names are part of the boundary.
const char* kind_of(mode_t mode, std::string_view link) {
    if (S_ISSOCK(mode)) return "socket";
    if (S_ISREG(mode)) return link.starts_with("/memfd:") ? "memfd" : "file";
    if (S_ISFIFO(mode)) return "pipe";
    if (S_ISDIR(mode)) return "directory";
    if (S_ISCHR(mode) || S_ISBLK(mode)) return "device";
    if (link == "anon_inode:[eventfd]") return "eventfd";
    return "other";
}

Napi::Value fd_kind(const Napi::CallbackInfo& info) {
    const int fd = fd_argument(info);
    // The kernel's own copy: the server of a file system is not asked, and may be silent.
    struct statx facts {};
    if (::statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE, &facts) != 0)
        throw errno_error(info.Env(), "statx", errno);
    const std::string path = "/proc/self/fd/" + std::to_string(fd);
    std::array<char, 256> link{};
    const ssize_t length = ::readlink(path.c_str(), link.data(), link.size());
    const std::string_view name(link.data(), length > 0 ? size_t(length) : 0);
    return Napi::String::New(info.Env(), kind_of(facts.stx_mode, name));
}

Napi::Value create_event_fd(const Napi::CallbackInfo& info) {
    const int fd = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (fd < 0) throw errno_error(info.Env(), "eventfd", errno);
    return Napi::Number::New(info.Env(), fd);
}

/// The descriptor stays the caller's. The mapping goes with the array, and can only be read.
Napi::Value map_words(const Napi::CallbackInfo& info) {
    const int fd = fd_argument(info);
    const auto bytes = static_cast<size_t>(info[1].ToNumber().Int64Value());
    struct stat facts {};
    if (::fstat(fd, &facts) != 0) throw errno_error(info.Env(), "fstat", errno);
    const int seals = ::fcntl(fd, F_GET_SEALS);
    if (bytes == 0 || bytes % sizeof(uint64_t) != 0 || facts.st_size < static_cast<off_t>(bytes) ||
        seals < 0 || (seals & F_SEAL_SHRINK) == 0)  // Else its end could go, and a read would trap.
        throw errno_error(info.Env(), "mmap", EINVAL);
    void* const memory = ::mmap(nullptr, bytes, PROT_READ, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED) throw errno_error(info.Env(), "mmap", errno);
    const auto unmap = [](Napi::Env, void* data, size_t* length) {
        ::munmap(data, *length);
        delete length;
    };
    const auto buffer = Napi::ArrayBuffer::New(info.Env(), memory, bytes, unmap, new size_t(bytes));
    return Napi::BigUint64Array::New(info.Env(), bytes / sizeof(uint64_t), buffer, 0);
}

Napi::Value create_mem_fd(const Napi::CallbackInfo& info) {
    const std::string name = path_argument(info);
    const int64_t size = info.Length() > 1 ? info[1].ToNumber().Int64Value() : -1;
    if (size < 0) throw Napi::RangeError::New(info.Env(), "sizeBytes: 0 or more");
    OwnedFd fd(::memfd_create(name.c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (!fd.valid()) throw errno_error(info.Env(), "memfd_create", errno);
    if (::ftruncate(fd.get(), size) != 0) throw errno_error(info.Env(), "ftruncate", errno);
    return Napi::Number::New(info.Env(), fd.release());
}

Napi::Value duplicate_fd(const Napi::CallbackInfo& info) {
    const int fd = ::fcntl(fd_argument(info), F_DUPFD_CLOEXEC, 0);
    if (fd < 0) throw errno_error(info.Env(), "dup", errno);
    return Napi::Number::New(info.Env(), fd);
}

void close_fd(const Napi::CallbackInfo& info) {
    if (::close(fd_argument(info)) != 0) throw errno_error(info.Env(), "close", errno);
}

Napi::Value peer_credentials(const Napi::CallbackInfo& info) {
    ucred peer{};
    socklen_t size = sizeof peer;
    if (::getsockopt(fd_argument(info), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) {
        throw errno_error(info.Env(), "getsockopt", errno);
    }
    Napi::Object result = Napi::Object::New(info.Env());
    result.Set("pid", Napi::Number::New(info.Env(), peer.pid));
    result.Set("uid", Napi::Number::New(info.Env(), peer.uid));
    result.Set("gid", Napi::Number::New(info.Env(), peer.gid));
    return result;
}

}  // namespace
}  // namespace valenic::addon

void register_fd_tools(Napi::Env env, Napi::Object exports) {
    using namespace valenic::addon;
    // Lives as long as the environment: its functions and objects point at it, and Node still
    // finalises objects after the hooks. One small leak for each worker thread of the process.
    auto* classes = new FdClasses();
    classes->socket = Napi::Persistent(FdSocket::define(env, classes));
    classes->listener = Napi::Persistent(FdListener::define(env, classes));
    classes->socket.SuppressDestruct();
    classes->listener.SuppressDestruct();

    exports.Set("connectFdSocket",
                Napi::Function::New<connect_fd_socket>(env, "connectFdSocket", classes));
    exports.Set("adoptFdSocket",
                Napi::Function::New<adopt_fd_socket>(env, "adoptFdSocket", classes));
    exports.Set("listenFdSocket",
                Napi::Function::New<listen_fd_socket>(env, "listenFdSocket", classes));
    exports.Set("socketPair", Napi::Function::New<socket_pair>(env, "socketPair"));
    exports.Set("tryLockFile", Napi::Function::New<try_lock_file>(env, "tryLockFile"));
    exports.Set("fdKind", Napi::Function::New<fd_kind>(env, "fdKind"));
    exports.Set("createEventFd", Napi::Function::New<create_event_fd>(env, "createEventFd"));
    exports.Set("createMemFd", Napi::Function::New<create_mem_fd>(env, "createMemFd"));
    exports.Set("mapWords", Napi::Function::New<map_words>(env, "mapWords"));
    exports.Set("duplicateFd", Napi::Function::New<duplicate_fd>(env, "duplicateFd"));
    exports.Set("closeFd", Napi::Function::New<close_fd>(env, "closeFd"));
    register_net_tools(env, exports, classes);
    exports.Set("peerCredentials", Napi::Function::New<peer_credentials>(env, "peerCredentials"));
}
