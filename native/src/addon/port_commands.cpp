// Commands about workers, switches and ports.
#include <cstring>

#include "addon/commands.hpp"
#include "io/placement.hpp"

namespace valenic::addon {

namespace {

spec::PollingMode polling_mode(const Reader& from) {
    const std::string name = from.text("polling");
    for (unsigned i = 0; i < static_cast<unsigned>(spec::PollingMode::count); ++i) {
        const auto mode = static_cast<spec::PollingMode>(i);
        if (name == spec::name_of(mode)) return mode;
    }
    throw from.wrong("polling");
}

spec::PortKind port_kind(const Reader& from) {
    const std::string name = from.text("kind");
    for (unsigned i = 0; i < static_cast<unsigned>(spec::PortKind::count); ++i) {
        const auto kind = static_cast<spec::PortKind>(i);
        if (name == spec::name_of(kind)) return kind;
    }
    throw from.wrong("kind");
}

spec::VlanMode vlan_mode(const Reader& from) {
    const std::string name = from.text("mode");
    for (unsigned i = 0; i < static_cast<unsigned>(spec::VlanMode::count); ++i) {
        const auto mode = static_cast<spec::VlanMode>(i);
        if (name == spec::name_of(mode)) return mode;
    }
    throw from.wrong("mode");
}

/// Ranges of first and last, both included.
void add_vlans(const Reader& from, PortVlan& vlan) {
    const Napi::Array ranges = from.array("vlans");
    for (uint32_t i = 0; i < ranges.Length(); ++i) {
        const Napi::Value value = ranges.Get(i);
        if (!value.IsArray()) throw from.wrong("vlans");
        const auto range = value.As<Napi::Array>();
        const uint32_t first = range.Get(0u).ToNumber().Uint32Value();
        const uint32_t last = range.Get(1u).ToNumber().Uint32Value();
        if (range.Length() != 2 || first < vlan_first || last > vlan_last || first > last)
            throw from.wrong("vlans");
        for (uint32_t number = first; number <= last; ++number) vlan.members.set(number);
    }
}

PortVlan vlan_of(const Reader& from) {
    PortVlan vlan;
    vlan.mode = vlan_mode(from);
    if (vlan.mode == spec::VlanMode::trunk) {
        add_vlans(from, vlan);
        if (!from.has("native")) return vlan;
        vlan.vlan = static_cast<uint16_t>(from.u32("native", vlan_last));
        vlan.members.set(vlan.vlan);
    } else if (vlan.mode != spec::VlanMode::none) {
        vlan.vlan = static_cast<uint16_t>(from.u32("vlan", vlan_last));
    }
    return vlan;
}

SettingsChange settings_of(const Reader& from) {
    SettingsChange change;
    const auto number = [&](const char* name, std::optional<uint32_t>& field) {
        if (from.has(name)) field = from.u32(name);
    };
    if (from.has("polling")) change.polling = polling_mode(from);
    if (from.is_text("spinUs")) {
        if (from.text("spinUs") != "auto") throw from.wrong("spinUs");
        change.spin_us = spin_us_auto;
    } else if (from.has("spinUs")) {
        change.spin_us = from.u32("spinUs", spin_us_auto - 1);
    }
    number("moderationFrames", change.moderation_frames);
    number("moderationUs", change.moderation_us);
    number("budget", change.budget);
    number("macLimit", change.mac_limit);
    number("maxFrameBytes", change.max_frame_bytes);
    number("mtu", change.mtu);
    if (from.has("more")) change.more = from.boolean("more");
    if (from.has("up")) change.up = from.boolean("up");
    if (from.has("linkLocal")) change.link_local = from.boolean("linkLocal");
    if (from.has("vlan")) change.vlan = vlan_of(from.object("vlan"));
    return change;
}

Work add_worker(const Reader& from) {
    std::optional<int> cpu;
    if (from.has("cpu")) cpu = static_cast<int>(from.u32("cpu", 1023));
    return [cpu](Engine& engine) {
        const auto added = engine.add_worker(cpu);
        if (!added) return refused(added.error());
        return answer([worker = added.value()](Napi::Env env) {
            Napi::Object object = Napi::Object::New(env);
            object.Set("worker", Napi::Number::New(env, worker.worker));
            object.Set("tid", Napi::Number::New(env, worker.thread_id));
            return object;
        });
    };
}

Work create_switch(const Reader& from) {
    LearningOptions options;
    if (from.has("ageingSeconds")) options.ageing_s = from.u32("ageingSeconds", 1'000'000);
    if (from.has("macTableSize")) options.table_entries = from.u32("macTableSize", 1 << 20);
    return [name = from.text("name"), options](Engine& engine) {
        const auto created = engine.create_switch(name, options);
        if (!created) return refused(created.error());
        return answer([id = created.value()](Napi::Env env) {
            Napi::Object object = Napi::Object::New(env);
            object.Set("switch", Napi::Number::New(env, id));
            return object;
        });
    };
}

Work remove_switch(const Reader& from) {
    return [id = from.u32("switch")](Engine& engine) { return done(engine.remove_switch(id)); };
}

Work create_port(const Reader& from) {
    Engine::NewPort wanted;
    wanted.switch_id = from.u32("switch");
    wanted.name = from.text("name");
    wanted.kind = port_kind(from);
    wanted.pairs = from.u32("queues", Port::queues_max);
    const Napi::Array workers = from.array("workers");
    for (uint32_t i = 0; i < workers.Length(); ++i)
        wanted.workers.push_back(workers.Get(i).ToNumber().Uint32Value());
    if (from.has("settings")) wanted.settings = settings_of(from.object("settings"));
    return [wanted](Engine& engine) {
        const auto created = engine.create_port(wanted);
        if (!created) return refused(created.error());
        return answer([port = created.value()](Napi::Env env) {
            Napi::Object object = Napi::Object::New(env);
            object.Set("port", Napi::Number::New(env, port.port));
            object.Set("slot", Napi::Number::New(env, port.slot));
            object.Set("statsBlock", Napi::Number::New(env, static_cast<double>(port.stats_block)));
            return object;
        });
    };
}

Work remove_port(const Reader& from) {
    return [id = from.u32("port")](Engine& engine) { return done(engine.remove_port(id)); };
}

Work set_port(const Reader& from) {
    return [id = from.u32("port"), change = settings_of(from.object("settings"))](Engine& engine) {
        return done(engine.set_port(id, change));
    };
}

Work move_queue(const Reader& from) {
    return [id = from.u32("port"), pair = from.u32("pair"), worker = from.u32("worker")](
               Engine& engine) { return done(engine.move_queue(id, pair, worker)); };
}

Work list_macs(const Reader& from) {
    return [id = from.u32("port")](Engine& engine) {
        auto macs = engine.macs_of(id);
        if (!macs) return refused(macs.error());
        return answer([list = std::move(macs.value())](Napi::Env env) {
            Napi::Array array = Napi::Array::New(env, list.size());
            for (uint32_t i = 0; i < list.size(); ++i) array.Set(i, mac_text(list[i]));
            Napi::Object object = Napi::Object::New(env);
            object.Set("macs", array);
            return object;
        });
    };
}

Work inject(const Reader& from) {
    const Napi::Value value = from.raw().Get("frame");
    if (!value.IsTypedArray()) throw from.wrong("frame");
    const auto bytes = value.As<Napi::Uint8Array>();
    std::vector<uint8_t> frame(bytes.Data(), bytes.Data() + bytes.ByteLength());
    return [id = from.u32("port"), frame = std::move(frame)](Engine& engine) {
        return done(engine.inject(id, frame));
    };
}

Work placement(const Reader& from) {
    const auto a = static_cast<int>(from.u32("cpuA", 1023));
    const auto b = static_cast<int>(from.u32("cpuB", 1023));
    return [a, b](Engine&) {
        const auto ns = probe_placement(a, b);
        if (!ns) return refused(Refusal(spec::CommandError::invalid_argument));
        return answer([value = *ns](Napi::Env env) {
            Napi::Object object = Napi::Object::New(env);
            object.Set("ns", Napi::Number::New(env, value));
            return object;
        });
    };
}

}  // namespace

void add_port_commands(std::unordered_map<std::string, Marshal>& table) {
    table["worker.add"] = add_worker;
    table["switch.create"] = create_switch;
    table["switch.remove"] = remove_switch;
    table["port.create"] = create_port;
    table["port.remove"] = remove_port;
    table["port.set"] = set_port;
    table["queue.move"] = move_queue;
    table["port.macs"] = list_macs;
    table["port.inject"] = inject;
    table["probe.placement"] = placement;
}

}  // namespace valenic::addon
