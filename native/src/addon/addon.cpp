// What `require('valenic.node')` gives: the datapath and the descriptor functions. The types are in
// native/boundary.ts, NativeAddon.
#include <napi.h>

#include "addon/commands.hpp"
#include "addon/control_thread.hpp"
#include "addon/exit_guard.hpp"
#include "addon/fd_tools.hpp"
#include "addon/foreign_fds.hpp"
#include "base/simd.hpp"

namespace valenic::addon {
namespace {

constexpr uint32_t ports_max_default = 256;
constexpr uint32_t ports_max_highest = 4096;

/// JavaScript class Datapath; `NativeDatapath` in native/boundary.ts says what it does.
class Datapath final : public Napi::ObjectWrap<Datapath> {
 public:
    static Napi::Function define(Napi::Env env) {
        return DefineClass(env, "Datapath",
                           {InstanceMethod<&Datapath::command>("command"),
                            InstanceMethod<&Datapath::close>("close"),
                            InstanceAccessor<&Datapath::stats>("stats")});
    }

    explicit Datapath(const Napi::CallbackInfo& info) : Napi::ObjectWrap<Datapath>(info) {
        const Napi::Env env = info.Env();
        if (info.Length() < 1 || !info[0].IsObject())
            throw Napi::TypeError::New(env, "new Datapath({ maxPorts?, onEvent })");
        const Reader options(env, info[0].As<Napi::Object>());
        const Napi::Value on_event = options.raw().Get("onEvent");
        if (!on_event.IsFunction()) throw options.wrong("onEvent");
        const uint32_t ports_max = options.has("maxPorts")
                                       ? options.u32("maxPorts", ports_max_highest)
                                       : ports_max_default;
        control_ = std::make_shared<ControlThread>(ports_max);
        if (!control_->start(env, on_event.As<Napi::Function>()))
            throw errno_error(env, "thread", EAGAIN);
    }

 private:
    Napi::Value command(const Napi::CallbackInfo& info) {
        const Napi::Env env = info.Env();
        if (info.Length() != 2 || !info[0].IsString() || !info[1].IsObject())
            throw Napi::TypeError::New(env, "command(name, argument)");
        const auto row = commands().find(info[0].As<Napi::String>().Utf8Value());
        if (row == commands().end())
            return rejected(env, coded_error(env, "invalid_argument", "no such command"));
        try {
            return control_->run(env, row->second(Reader(env, info[1].As<Napi::Object>())));
        } catch (const Napi::Error& error) {
            return rejected(env, error);
        }
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

/// `simd()` of native/boundary.ts.
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
