// Reads the plain data of a command's argument; what does not fit is refused before it is queued.
#pragma once
#include <napi.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "addon/errno_error.hpp"
#include "base/fd.hpp"
#include "net/ethernet.hpp"

namespace valenic::addon {

/// One object. Every method throws an Error with `code` `invalid_argument` that names the field.
class Reader {
 public:
    Reader(Napi::Env env, Napi::Object object) : env_(env), object_(object) {}

    bool has(const char* name) const { return !object_.Get(name).IsUndefined(); }
    bool is_text(const char* name) const { return object_.Get(name).IsString(); }
    uint32_t u32(const char* name, uint32_t highest = UINT32_MAX) const {
        const Napi::Value value = object_.Get(name);
        if (!value.IsNumber()) throw wrong(name);
        const double number = value.As<Napi::Number>().DoubleValue();
        if (!(number >= 0 && number <= highest) || number != static_cast<uint32_t>(number))
            throw wrong(name);
        return static_cast<uint32_t>(number);
    }
    uint64_t u64(const char* name) const {
        const Napi::Value value = object_.Get(name);
        if (!value.IsBigInt()) throw wrong(name);
        bool lossless = false;
        const uint64_t number = value.As<Napi::BigInt>().Uint64Value(&lossless);
        if (!lossless) throw wrong(name);
        return number;
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
    /// Takes a descriptor over; -1 = none. Shared, since queued work must be copyable.
    std::shared_ptr<OwnedFd> fd(const char* name) const {
        const Napi::Value value = object_.Get(name);
        if (!value.IsNumber()) throw wrong(name);
        return std::make_shared<OwnedFd>(value.As<Napi::Number>().Int32Value());
    }
    Napi::Array array(const char* name) const {
        const Napi::Value value = object_.Get(name);
        if (!value.IsArray()) throw wrong(name);
        return value.As<Napi::Array>();
    }
    Reader object(const char* name) const {
        const Napi::Value value = object_.Get(name);
        if (!value.IsObject()) throw wrong(name);
        return {env_, value.As<Napi::Object>()};
    }
    Reader element(const Napi::Array& array, uint32_t index) const {
        const Napi::Value value = array.Get(index);
        if (!value.IsObject()) throw wrong("an element");
        return {env_, value.As<Napi::Object>()};
    }
    /// "52:54:00:00:00:01"
    MacAddress mac(const char* name) const {
        const std::string value = text(name);
        unsigned part[6];
        char end = 0;
        if (std::sscanf(value.c_str(), "%2x:%2x:%2x:%2x:%2x:%2x%c", &part[0], &part[1], &part[2],
                        &part[3], &part[4], &part[5], &end) != 6)
            throw wrong(name);
        MacAddress mac = 0;
        for (int i = 5; i >= 0; --i) mac = mac << 8 | part[i];
        return mac;
    }
    Napi::Object raw() const { return object_; }
    Napi::Error wrong(const char* name) const {
        return coded_error(
            env_, "invalid_argument",
            (std::string("the field '") + name + "' is missing or out of range").c_str());
    }

 private:
    Napi::Env env_;
    Napi::Object object_;
};

inline std::string mac_text(MacAddress mac) {
    char text[18];
    std::snprintf(text, sizeof text, "%02x:%02x:%02x:%02x:%02x:%02x",
                  static_cast<unsigned>(mac & 0xff), static_cast<unsigned>(mac >> 8 & 0xff),
                  static_cast<unsigned>(mac >> 16 & 0xff), static_cast<unsigned>(mac >> 24 & 0xff),
                  static_cast<unsigned>(mac >> 32 & 0xff), static_cast<unsigned>(mac >> 40 & 0xff));
    return text;
}

}  // namespace valenic::addon
