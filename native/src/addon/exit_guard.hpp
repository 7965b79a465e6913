// Ends the process when it was told to stop and does not.
#pragma once
#include <napi.h>

namespace valenic::addon {

/// Adds endAfterSignal, removeAtExit and keepAtExit of `NativeAddon` (native/boundary/addon.ts).
void register_exit_guard(Napi::Env env, Napi::Object exports);

}  // namespace valenic::addon
