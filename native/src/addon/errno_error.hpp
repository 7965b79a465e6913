// Errors of the operating system as JavaScript errors with a `code`.
#pragma once
#include <napi.h>

#include <cerrno>
#include <cstring>
#include <string>

namespace valenic::addon {

/// An Error like Node's own: `code` is the errno's name (`ECONNREFUSED`), `syscall` what was tried.
inline Napi::Error errno_error(Napi::Env env, const char* what, int number) {
    const char* name = ::strerrorname_np(number);
    const std::string code = name != nullptr ? name : "E" + std::to_string(number);
    const char* text = ::strerrordesc_np(number);
    Napi::Error error =
        Napi::Error::New(env, std::string(what) + ": " + (text != nullptr ? text : code));
    error.Set("code", Napi::String::New(env, code));
    error.Set("errno", Napi::Number::New(env, number));
    error.Set("syscall", Napi::String::New(env, what));
    return error;
}

/// An Error whose `code` is one of ours.
inline Napi::Error coded_error(Napi::Env env, const char* code, const char* text) {
    Napi::Error error = Napi::Error::New(env, text);
    error.Set("code", Napi::String::New(env, code));
    return error;
}

/// A promise that is rejected already. A Deferred is held until it is settled, so none is made
/// before it is known who settles it.
inline Napi::Promise rejected(Napi::Env env, const Napi::Error& error) {
    const auto deferred = Napi::Promise::Deferred::New(env);
    deferred.Reject(error.Value());
    return deferred.Promise();
}

}  // namespace valenic::addon
