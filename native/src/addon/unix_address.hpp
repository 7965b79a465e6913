// The address of a UNIX socket.
#pragma once
#include <napi.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "addon/errno_error.hpp"

namespace valenic::addon {

/// @throws an errno's error: EINVAL, ENAMETOOLONG.
inline sockaddr_un unix_address(Napi::Env env, const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.empty() || path.find('\0') != std::string::npos)
        throw errno_error(env, "path", EINVAL);
    if (path.size() >= sizeof address.sun_path) throw errno_error(env, "path", ENAMETOOLONG);
    std::memcpy(address.sun_path, path.data(), path.size());
    return address;
}

}  // namespace valenic::addon
