#include "addon/commands.hpp"

namespace valenic::addon {

Outcome done(const Done& refusal) {
    if (refusal) return refused(*refusal);
    return answer([](Napi::Env env) { return Napi::Object::New(env); });
}

const std::unordered_map<std::string, Marshal>& commands() {
    static const auto table = [] {
        std::unordered_map<std::string, Marshal> rows;
        add_port_commands(rows);
        add_device_commands(rows);
        return rows;
    }();
    return table;
}

}  // namespace valenic::addon
