// The commands of native/boundary.ts, by name: how each argument becomes work for the engine.
#pragma once
#include <string>
#include <unordered_map>

#include "addon/control_thread.hpp"
#include "addon/reader.hpp"

namespace valenic::addon {

using Marshal = Work (*)(const Reader& argument);

/// Every command there is.
const std::unordered_map<std::string, Marshal>& commands();

// The rows of commands(), by what they are about.
void add_port_commands(std::unordered_map<std::string, Marshal>& table);
void add_device_commands(std::unordered_map<std::string, Marshal>& table);

/// The answer `{}`.
Outcome done(const Done& refusal);
/// An answer made by `make(env)`.
template <typename Make>
Outcome answer(Make make) {
    return {std::nullopt, [make](Napi::Env env) -> Napi::Value { return make(env); }};
}
inline Outcome refused(const Refusal& refusal) { return {refusal, nullptr}; }

}  // namespace valenic::addon
