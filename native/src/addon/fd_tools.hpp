// Descriptor helpers for TypeScript: sockets that pass descriptors, locks, kinds, eventfds, memfds.
#pragma once
#include <napi.h>

/// Adds the descriptor functions of `NativeAddon` (native/boundary) to `exports`.
void register_fd_tools(Napi::Env env, Napi::Object exports);
