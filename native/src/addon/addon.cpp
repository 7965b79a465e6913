// What `require('valenic.node')` gives: the datapath and the descriptor functions. The types are in
// native/boundary, NativeAddon.
#include <napi.h>

#include "addon/control_thread.hpp"
#include "addon/errno_error.hpp"
#include "addon/exit_guard.hpp"
#include "addon/fd_tools.hpp"
#include "addon/foreign_fds.hpp"
#include "base/simd.hpp"
#include "boundary/reencode.hpp"

namespace valenic::addon {
namespace {

/// A copy: JavaScript may change its bytes meanwhile.
Message message_argument(const Napi::CallbackInfo& info) {
    if (info.Length() != 2 || !info[0].IsTypedArray() ||
        info[0].As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array)
        throw Napi::TypeError::New(info.Env(), "give a message, and what is beside it");
    const auto bytes = info[0].As<Napi::Uint8Array>();
    return {bytes.Data(), bytes.Data() + bytes.ByteLength()};
}

uint32_t ports_max_of(Napi::Env env, const Napi::Value& value) {
    if (value.IsUndefined()) return boundary::DatapathLimits::ports_default;
    const double number = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : -1;
    constexpr uint32_t most = boundary::DatapathLimits::ports_most;
    if (!(number >= 0 && number <= most))
        throw coded_error(env, "invalid_argument",
                          ("maxPorts is out of range: give 0.." + std::to_string(most)).c_str());
    return static_cast<uint32_t>(number);
}

/// JavaScript class Datapath; `Carrier` in native/boundary/addon.ts says what it does.
class Datapath final : public Napi::ObjectWrap<Datapath> {
 public:
    static Napi::Function define(Napi::Env env) {
        return DefineClass(
            env, "Datapath",
            {InstanceMethod<&Datapath::send>("send"), InstanceMethod<&Datapath::close>("close"),
             InstanceAccessor<&Datapath::stats>("stats")});
    }

    explicit Datapath(const Napi::CallbackInfo& info) : Napi::ObjectWrap<Datapath>(info) {
        const Napi::Env env = info.Env();
        if (info.Length() < 1 || !info[0].IsObject())
            throw Napi::TypeError::New(env, "new Datapath({ maxPorts?, onMessage })");
        const auto options = info[0].As<Napi::Object>();
        const Napi::Value on_message = options.Get("onMessage");
        if (!on_message.IsFunction())
            throw Napi::TypeError::New(env, "new Datapath({ maxPorts?, onMessage })");
        control_ = std::make_shared<ControlThread>(ports_max_of(env, options.Get("maxPorts")));
        if (!control_->start(env, on_message.As<Napi::Function>()))
            throw errno_error(env, "thread", EAGAIN);
    }

 private:
    Napi::Value send(const Napi::CallbackInfo& info) {
        const Napi::Env env = info.Env();
        // Descriptors first: they are ours even if the rest is wrong.
        std::vector<OwnedFd> descriptors;
        if (info.Length() > 1 && info[1].IsArray()) {
            const auto numbers = info[1].As<Napi::Array>();
            for (uint32_t i = 0; i < numbers.Length(); ++i)
                descriptors.emplace_back(numbers.Get(i).ToNumber().Int32Value());
        }
        return control_->send(env, message_argument(info), std::move(descriptors));
    }

    Napi::Value close(const Napi::CallbackInfo& info) { return control_->close(info.Env()); }

    Napi::Value stats(const Napi::CallbackInfo& info) {
        const Napi::Env env = info.Env();
        if (stats_.IsEmpty()) {
            const auto words = control_->stats();
            // The page lives as long as anyone can look at it.
            auto* keep = new std::shared_ptr<ControlThread>(control_);
            auto* memory = const_cast<uint64_t*>(words.data());
            const auto buffer = Napi::ArrayBuffer::New(
                env, memory, words.size_bytes(),
                [](Napi::Env, void*, std::shared_ptr<ControlThread>* kept) { delete kept; }, keep);
            const auto view = Napi::BigUint64Array::New(env, words.size(), buffer, 0);
            stats_ = Napi::Persistent(view.As<Napi::Object>());
        }
        return stats_.Value();
    }

    std::shared_ptr<ControlThread> control_;
    Napi::ObjectReference stats_;
};

Napi::Value reencode(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    const Message message = message_argument(info);
    const auto result = boundary::reencode(message, info[1].ToNumber().Uint32Value());
    if (const auto* refused = std::get_if<boundary::Refused>(&result))
        throw coded_error(env, spec::name_of(refused->code), refused->text.c_str());
    const Message& again = std::get<Message>(result);
    return Napi::Buffer<uint8_t>::Copy(env, again.data(), again.size());
}

/// `simd()` of native/boundary.
Napi::Value simd_state(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    auto versions = Napi::Array::New(env, simd_count);
    for (uint32_t i = 0; i < simd_count; ++i) {
        auto version = Napi::Object::New(env);
        version.Set("name", name_of(static_cast<Simd>(i)));
        version.Set("available", simd_available(static_cast<Simd>(i)));
        versions.Set(i, version);
    }
    auto state = Napi::Object::New(env);
    state.Set("chosen", name_of(simd()));
    state.Set("versions", versions);
    return state;
}

Napi::Object init(Napi::Env env, Napi::Object exports) {
    exports.Set("Datapath", Datapath::define(env));
    exports.Set("reencode", Napi::Function::New<reencode>(env, "reencode"));
    exports.Set("simd", Napi::Function::New<simd_state>(env, "simd"));
    register_fd_tools(env, exports);
    register_foreign_fds(env, exports);
    register_exit_guard(env, exports);
    return exports;
}

}  // namespace
}  // namespace valenic::addon

static Napi::Object init_addon(Napi::Env env, Napi::Object exports) {
    return valenic::addon::init(env, exports);
}
NODE_API_MODULE(valenic, init_addon)
