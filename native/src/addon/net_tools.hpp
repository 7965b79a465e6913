// Sockets and interfaces for ports whose peer is behind a descriptor, for TypeScript.
#pragma once
#include <napi.h>

#include "addon/fd_socket.hpp"

namespace valenic::addon {

/// Adds listenTcp … openTap of `NativeAddon` (native/boundary) to `exports`.
void register_net_tools(Napi::Env env, Napi::Object exports, FdClasses* classes);

}  // namespace valenic::addon
