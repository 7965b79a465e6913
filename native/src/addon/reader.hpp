// Reads the options of the tools for sockets and interfaces. Commands are messages: control/ reads
// those.
#pragma once
#include <napi.h>

#include <cstdint>
#include <string>

#include "addon/errno_error.hpp"

namespace valenic::addon {

/// One object. Every method throws an Error with `code` `invalid_argument` that names the field.
class Reader {
 public:
    Reader(Napi::Env env, Napi::Object object) : env_(env), object_(object) {}

    bool has(const char* name) const { return !object_.Get(name).IsUndefined(); }
    uint32_t u32(const char* name, uint32_t highest = UINT32_MAX) const {
        const Napi::Value value = object_.Get(name);
        if (!value.IsNumber()) throw wrong(name);
        const double number = value.As<Napi::Number>().DoubleValue();
        if (!(number >= 0 && number <= highest) || number != static_cast<uint32_t>(number))
            throw wrong(name);
        return static_cast<uint32_t>(number);
    }
    bool boolean(const char* name) const {
        const Napi::Value value = object_.Get(name);
        if (!value.IsBoolean()) throw wrong(name);
        return value.As<Napi::Boolean>().Value();
    }
    std::string text(const char* name) const {
        const Napi::Value value = object_.Get(name);
        if (!value.IsString()) throw wrong(name);
        return value.As<Napi::String>().Utf8Value();
    }
    Napi::Error wrong(const char* name) const {
        return coded_error(
            env_, "invalid_argument",
            (std::string("the field '") + name + "' is missing or out of range").c_str());
    }

 private:
    Napi::Env env_;
    Napi::Object object_;
};

}  // namespace valenic::addon
