#include "addon/net_tools.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

#include "addon/errno_error.hpp"
#include "addon/reader.hpp"
#include "addon/unix_address.hpp"
#include "boundary/names.hpp"
#include "port/packet/packet_socket.hpp"
#include "port/packet/xdp_socket.hpp"
#include "port/tap/tap_socket.hpp"
#include "switch/port.hpp"

namespace valenic::addon {
namespace {

struct InetAddress {
    sockaddr_storage storage{};
    socklen_t size = 0;
    const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
    int family() const { return storage.ss_family; }
};

/// An IPv4 or IPv6 address in numbers: names are looked up before they come here.
InetAddress inet_address(Napi::Env env, const std::string& host, uint32_t port) {
    InetAddress address;
    if (port > 65'535) throw errno_error(env, "port", EINVAL);
    auto* four = reinterpret_cast<sockaddr_in*>(&address.storage);
    auto* six = reinterpret_cast<sockaddr_in6*>(&address.storage);
    if (inet_pton(AF_INET, host.c_str(), &four->sin_addr) == 1) {
        four->sin_family = AF_INET;
        four->sin_port = htons(static_cast<uint16_t>(port));
        address.size = sizeof *four;
    } else if (inet_pton(AF_INET6, host.c_str(), &six->sin6_addr) == 1) {
        six->sin6_family = AF_INET6;
        six->sin6_port = htons(static_cast<uint16_t>(port));
        address.size = sizeof *six;
    } else {
        throw errno_error(env, "host", EINVAL);
    }
    return address;
}

InetAddress inet_argument(const Napi::CallbackInfo& info) {
    if (info.Length() < 2 || !info[0].IsString() || !info[1].IsNumber())
        throw Napi::TypeError::New(info.Env(), "host, port");
    return inet_address(info.Env(), info[0].As<Napi::String>().Utf8Value(),
                        info[1].As<Napi::Number>().Uint32Value());
}

FdClasses& classes_of(const Napi::CallbackInfo& info) {
    return *static_cast<FdClasses*>(info.Data());
}

OwnedFd socket_or_throw(Napi::Env env, int family, int type) {
    OwnedFd fd(::socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd.valid()) throw errno_error(env, "socket", errno);
    return fd;
}

void set_option(int fd, int level, int name) {
    const int on = 1;
    ::setsockopt(fd, level, name, &on, sizeof on);
}

Napi::Value listen_tcp(const Napi::CallbackInfo& info) {
    const InetAddress address = inet_argument(info);
    const int backlog = info.Length() > 2 ? info[2].ToNumber().Int32Value() : 1;
    OwnedFd fd = socket_or_throw(info.Env(), address.family(), SOCK_STREAM);
    set_option(fd.get(), SOL_SOCKET, SO_REUSEADDR);
    if (::bind(fd.get(), address.get(), address.size) != 0)
        throw errno_error(info.Env(), "bind", errno);
    if (::listen(fd.get(), backlog) != 0) throw errno_error(info.Env(), "listen", errno);
    // Accepted sockets take it over: frames are small, and wait for no acknowledgement.
    set_option(fd.get(), IPPROTO_TCP, TCP_NODELAY);
    return FdListener::wrap(info.Env(), classes_of(info), std::move(fd));
}

Napi::Value connect_tcp(const Napi::CallbackInfo& info) {
    const InetAddress address = inet_argument(info);
    OwnedFd fd = socket_or_throw(info.Env(), address.family(), SOCK_STREAM);
    set_option(fd.get(), IPPROTO_TCP, TCP_NODELAY);
    if (::connect(fd.get(), address.get(), address.size) != 0 && errno != EINPROGRESS)
        throw errno_error(info.Env(), "connect", errno);
    return FdSocket::wrap(info.Env(), classes_of(info), std::move(fd));
}

int fd_argument(const Napi::CallbackInfo& info) {
    if (info.Length() < 1 || !info[0].IsNumber())
        throw Napi::TypeError::New(info.Env(), "fd: a number");
    return info[0].As<Napi::Number>().Int32Value();
}

/// So is a UDP socket whose peer is where it is bound. And TCP connects a socket to itself when the
/// kernel chooses the port it asks for as its own (RFC 9293, 3.5: simultaneous open), which happens
/// to who retries where nobody listens.
bool is_its_own_peer(int fd) {
    sockaddr_storage local{};
    sockaddr_storage peer{};
    socklen_t local_size = sizeof local;
    socklen_t peer_size = sizeof peer;
    if (::getsockname(fd, reinterpret_cast<sockaddr*>(&local), &local_size) != 0) return false;
    if (::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &peer_size) != 0) return false;
    const bool inet = local.ss_family == AF_INET || local.ss_family == AF_INET6;
    return inet && local_size == peer_size && std::memcmp(&local, &peer, local_size) == 0;
}

Napi::Value socket_error(const Napi::CallbackInfo& info) {
    const int fd = fd_argument(info);
    int number = 0;
    socklen_t size = sizeof number;
    if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &number, &size) != 0) number = errno;
    if (number == 0 && is_its_own_peer(fd)) number = ECONNREFUSED;
    if (number == 0) return info.Env().Null();
    const char* name = ::strerrorname_np(number);
    return Napi::String::New(info.Env(), name != nullptr ? name : "EIO");
}

Napi::Value local_port(const Napi::CallbackInfo& info) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    if (::getsockname(fd_argument(info), reinterpret_cast<sockaddr*>(&address), &size) != 0)
        throw errno_error(info.Env(), "getsockname", errno);
    const uint16_t port = address.ss_family == AF_INET6
                              ? reinterpret_cast<const sockaddr_in6&>(address).sin6_port
                              : reinterpret_cast<const sockaddr_in&>(address).sin_port;
    return Napi::Number::New(info.Env(), ntohs(port));
}

Napi::Value bind_unix_datagram(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    if (info.Length() < 2 || !info[0].IsString())
        throw Napi::TypeError::New(env, "path: a string, mode: a number");
    const std::string path = info[0].As<Napi::String>().Utf8Value();
    const mode_t mode = info[1].ToNumber().Uint32Value() & 0777;
    const sockaddr_un address = unix_address(env, path);
    OwnedFd fd = socket_or_throw(env, AF_UNIX, SOCK_DGRAM);
    // As in listen_unix: at no moment the file has wider rights than these.
    if (::fchmod(fd.get(), mode) != 0) throw errno_error(env, "fchmod", errno);
    if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        throw errno_error(env, "bind", errno);
    if (::chmod(path.c_str(), mode) != 0) {
        const int number = errno;
        ::unlink(path.c_str());
        throw errno_error(env, "chmod", number);
    }
    return Napi::Number::New(env, fd.release());
}

Napi::Value open_udp(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    if (info.Length() < 2 || !info[0].IsObject() || !info[1].IsObject())
        throw Napi::TypeError::New(env, "local and peer: { host, port }");
    const Reader local(env, info[0].As<Napi::Object>());
    const Reader peer(env, info[1].As<Napi::Object>());
    const InetAddress from = inet_address(env, local.text("host"), local.u32("port", 65'535));
    const InetAddress to = inet_address(env, peer.text("host"), peer.u32("port", 65'535));
    OwnedFd fd = socket_or_throw(env, from.family(), SOCK_DGRAM);
    if (::bind(fd.get(), from.get(), from.size) != 0) throw errno_error(env, "bind", errno);
    // Connected: the kernel drops what anybody else sends.
    if (::connect(fd.get(), to.get(), to.size) != 0) throw errno_error(env, "connect", errno);
    // Bound to any address, it has one since it is connected.
    if (is_its_own_peer(fd.get())) throw errno_error(env, "connect", ELOOP);
    return Napi::Number::New(env, fd.release());
}

/// As numbers; JavaScript owns them from here on.
Napi::Array given_away(Napi::Env env, std::vector<OwnedFd>& fds) {
    Napi::Array numbers = Napi::Array::New(env, fds.size());
    for (uint32_t i = 0; i < fds.size(); ++i) numbers.Set(i, Napi::Number::New(env, fds[i].get()));
    for (OwnedFd& fd : fds) (void)fd.release();
    return numbers;
}

// ---- Interfaces: native/src/port opens them.

Napi::Value open_tap(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    if (info.Length() < 2 || !info[0].IsString() || !info[1].IsObject())
        throw Napi::TypeError::New(env, "name: a string, options: an object");
    const Reader options(env, info[1].As<Napi::Object>());
    TapWanted wanted;
    wanted.queues = options.u32("queues", Port::queues_max);
    wanted.offloads = options.boolean("offloads");
    if (options.has("mtu")) wanted.mtu = options.u32("mtu", 65'535);
    wanted.persist = options.has("persist") && options.boolean("persist");
    auto opened = valenic::open_tap(info[0].As<Napi::String>().Utf8Value(), wanted);
    if (!opened) throw errno_error(env, opened.error().call, opened.error().number);
    Napi::Object result = Napi::Object::New(env);
    result.Set("fds", given_away(env, opened.value().fds));
    result.Set("created", Napi::Boolean::New(env, opened.value().created));
    result.Set("netHeader", spec::name_of(opened.value().net_header));
    return result;
}

Napi::Value open_packet(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    if (info.Length() < 2 || !info[0].IsString() || !info[1].IsObject())
        throw Napi::TypeError::New(env, "name: a string, options: an object");
    const Reader options(env, info[1].As<Napi::Object>());
    auto fds = open_packet_sockets(info[0].As<Napi::String>().Utf8Value(),
                                   options.u32("queues", Port::queues_max));
    if (!fds) throw errno_error(env, fds.error().call, fds.error().number);
    Napi::Object result = Napi::Object::New(env);
    result.Set("fds", given_away(env, fds.value()));
    const bool uso = (packet_offloads() & offload_uso4) != 0;
    result.Set("netHeader", spec::name_of(uso ? spec::NetHeaderUse::uso : spec::NetHeaderUse::tso));
    return result;
}

Napi::Value open_xdp(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    if (info.Length() < 2 || !info[0].IsString() || !info[1].IsObject())
        throw Napi::TypeError::New(env, "name: a string, options: an object");
    const Reader options(env, info[1].As<Napi::Object>());
    auto opened =
        open_xdp_sockets(info[0].As<Napi::String>().Utf8Value(),
                         options.u32("queues", Port::queues_max), options.boolean("zeroCopyOnly"));
    if (!opened) throw errno_error(env, opened.error().call, opened.error().number);
    XdpSockets& made = opened.value();
    std::vector<OwnedFd> shared(xdp_shared_count);
    shared[xdp_memory] = std::move(made.memory);
    shared[xdp_interface] = std::move(made.interface);
    shared[xdp_program] = std::move(made.program);
    Napi::Object result = Napi::Object::New(env);
    result.Set("fds", given_away(env, made.fds));
    result.Set("sharedFds", given_away(env, shared));
    result.Set("zeroCopy", Napi::Boolean::New(env, made.zero_copy));
    result.Set("native", Napi::Boolean::New(env, made.native));
    result.Set("losesTags", Napi::Boolean::New(env, made.loses_tags));
    return result;
}

}  // namespace

void register_net_tools(Napi::Env env, Napi::Object exports, FdClasses* classes) {
    exports.Set("listenTcp", Napi::Function::New<listen_tcp>(env, "listenTcp", classes));
    exports.Set("connectTcp", Napi::Function::New<connect_tcp>(env, "connectTcp", classes));
    exports.Set("socketError", Napi::Function::New<socket_error>(env, "socketError"));
    exports.Set("localPort", Napi::Function::New<local_port>(env, "localPort"));
    exports.Set("bindUnixDatagram",
                Napi::Function::New<bind_unix_datagram>(env, "bindUnixDatagram"));
    exports.Set("openUdp", Napi::Function::New<open_udp>(env, "openUdp"));
    exports.Set("openTap", Napi::Function::New<open_tap>(env, "openTap"));
    exports.Set("openPacket", Napi::Function::New<open_packet>(env, "openPacket"));
    exports.Set("openXdp", Napi::Function::New<open_xdp>(env, "openXdp"));
}

}  // namespace valenic::addon
