// Commands about one device: a guest's memory and rings, a host port's source and sink.
#include "addon/commands.hpp"

namespace valenic::addon {

namespace {

Work set_memory(const Reader& from) {
    // Shared, since queued work must be copyable; the specs move on when it runs.
    auto specs = std::make_shared<std::vector<RegionSpec>>();
    const Napi::Array rows = from.array("regions");
    for (uint32_t i = 0; i < rows.Length(); ++i) {
        const Reader row = from.element(rows, i);
        specs->push_back({row.u64("guestAddr"), row.u64("userAddr"), row.u64("sizeBytes"),
                          row.u64("offsetBytes"), std::move(*row.fd("fd"))});
    }
    return [id = from.u32("port"), specs](Engine& engine) {
        return done(engine.set_memory(id, std::move(*specs)));
    };
}

Work set_features(const Reader& from) {
    return [id = from.u32("port"), features = from.u64("features")](Engine& engine) {
        return done(engine.set_features(id, features));
    };
}

RingConfig ring_config(const Reader& from) {
    return {static_cast<uint16_t>(from.u32("size", 65'535)),
            static_cast<uint16_t>(from.u32("base", 65'535)),
            0,
            from.u64("descAddr"),
            from.u64("availAddr"),
            from.u64("usedAddr"),
            from.boolean("resumed")};
}

Outcome base_answer(uint16_t base) {
    return answer([base](Napi::Env env) {
        Napi::Object object = Napi::Object::New(env);
        object.Set("base", Napi::Number::New(env, base));
        return object;
    });
}

Work start_ring(const Reader& from) {
    // Descriptors first: they are ours even if the rest is wrong.
    const auto kick = from.fd("kickFd");
    const auto call = from.fd("callFd");
    return
        [id = from.u32("port"), ring = from.u32("ring"), config = ring_config(from.object("start")),
         kick, call, enabled = from.boolean("enabled")](Engine& engine) {
            const auto base =
                engine.start_ring(id, ring, config, std::move(*kick), std::move(*call), enabled);
            return base ? base_answer(base.value()) : refused(base.error());
        };
}

Work stop_ring(const Reader& from) {
    return [id = from.u32("port"), ring = from.u32("ring")](Engine& engine) {
        const auto base = engine.stop_ring(id, ring);
        return base ? base_answer(base.value()) : refused(base.error());
    };
}

Work enable_ring(const Reader& from) {
    return [id = from.u32("port"), ring = from.u32("ring"), enabled = from.boolean("enabled")](
               Engine& engine) { return done(engine.enable_ring(id, ring, enabled)); };
}

Work set_call(const Reader& from) {
    const auto fd = from.fd("callFd");
    return [id = from.u32("port"), ring = from.u32("ring"), fd](Engine& engine) {
        return done(engine.set_call(id, ring, std::move(*fd)));
    };
}

Work set_kick(const Reader& from) {
    const auto fd = from.fd("kickFd");
    return [id = from.u32("port"), ring = from.u32("ring"), fd](Engine& engine) {
        return done(engine.set_kick(id, ring, std::move(*fd)));
    };
}

Work move_ring(const Reader& from) {
    return [id = from.u32("port"), ring = from.u32("ring"),
            config = ring_config(from.object("start"))](Engine& engine) {
        return done(engine.move_ring(id, ring, config));
    };
}

Napi::Object ring_object(Napi::Env env, const RingState& state) {
    Napi::Object object = Napi::Object::New(env);
    object.Set("ring", Napi::Number::New(env, state.ring));
    object.Set("running", Napi::Boolean::New(env, state.running));
    object.Set("enabled", Napi::Boolean::New(env, state.enabled));
    object.Set("size", Napi::Number::New(env, state.size));
    object.Set("availIndex", Napi::Number::New(env, state.avail_index));
    object.Set("usedIndex", Napi::Number::New(env, state.used_index));
    object.Set("fault", spec::name_of(state.fault));
    return object;
}

Work ring_states(const Reader& from) {
    return [id = from.u32("port")](Engine& engine) {
        auto states = engine.ring_states(id);
        if (!states) return refused(states.error());
        return answer([list = std::move(states.value())](Napi::Env env) {
            Napi::Array rings = Napi::Array::New(env, list.size());
            for (uint32_t i = 0; i < list.size(); ++i) rings.Set(i, ring_object(env, list[i]));
            Napi::Object object = Napi::Object::New(env);
            object.Set("rings", rings);
            return object;
        });
    };
}

Work start_source(const Reader& from) {
    const Reader row = from.object("source");
    HostSource source;
    source.stream = row.u32("stream");
    source.frame_bytes = row.u32("frameBytes");
    source.rate_pps = row.u32("ratePps");
    source.count = row.u64("count");
    source.destination = row.mac("destination");
    source.source = row.mac("source");
    return [id = from.u32("port"), source](Engine& engine) {
        return done(engine.start_source(id, source));
    };
}

Work stop_source(const Reader& from) {
    return [id = from.u32("port")](Engine& engine) {
        const auto sent = engine.stop_source(id);
        if (!sent) return refused(sent.error());
        return answer([frames = sent.value()](Napi::Env env) {
            Napi::Object object = Napi::Object::New(env);
            object.Set("sent", Napi::BigInt::New(env, frames));
            object.Set("attempts", Napi::BigInt::New(env, frames));
            return object;
        });
    };
}

/// What of a report goes to JavaScript: the histogram stays here.
struct StreamRow {
    uint32_t stream;
    uint64_t frames, bytes, first, next, gaps, reordered, corrupt;
    uint64_t p50, p99, p999;
};

StreamRow row_of(const StreamReport& report) {
    const LatencyHistogram& latency = report.latency_ns;
    return {report.stream,           report.frames,           report.bytes,
            report.first_sequence,   report.next_sequence,    report.gaps,
            report.reordered,        report.corrupt,          latency.percentile(.5),
            latency.percentile(.99), latency.percentile(.999)};
}

Napi::Object stream_object(Napi::Env env, const StreamRow& row) {
    Napi::Object latency = Napi::Object::New(env);
    latency.Set("p50", Napi::Number::New(env, static_cast<double>(row.p50)));
    latency.Set("p99", Napi::Number::New(env, static_cast<double>(row.p99)));
    latency.Set("p999", Napi::Number::New(env, static_cast<double>(row.p999)));
    Napi::Object object = Napi::Object::New(env);
    object.Set("stream", Napi::Number::New(env, row.stream));
    object.Set("frames", Napi::BigInt::New(env, row.frames));
    object.Set("bytes", Napi::BigInt::New(env, row.bytes));
    object.Set("firstSequence", Napi::BigInt::New(env, row.first));
    object.Set("nextSequence", Napi::BigInt::New(env, row.next));
    object.Set("gaps", Napi::BigInt::New(env, row.gaps));
    object.Set("reordered", Napi::BigInt::New(env, row.reordered));
    object.Set("corrupt", Napi::BigInt::New(env, row.corrupt));
    object.Set("latencyNs", latency);
    return object;
}

Work host_report(const Reader& from) {
    const bool reset = from.has("reset") && from.boolean("reset");
    return [id = from.u32("port"), reset](Engine& engine) {
        const auto report = engine.host_report(id, reset);
        if (!report) return refused(report.error());
        std::vector<StreamRow> rows;
        for (const StreamReport& stream : report.value().streams) rows.push_back(row_of(stream));
        return answer([rows, sent = report.value().sent](Napi::Env env) {
            Napi::Array streams = Napi::Array::New(env, rows.size());
            for (uint32_t i = 0; i < rows.size(); ++i) streams.Set(i, stream_object(env, rows[i]));
            Napi::Object object = Napi::Object::New(env);
            object.Set("sent", Napi::BigInt::New(env, sent));
            object.Set("streams", streams);
            return object;
        });
    };
}

spec::NetHeaderUse net_header_use(const Reader& from) {
    if (!from.has("netHeader")) return spec::NetHeaderUse::none;
    const std::string word = from.text("netHeader");
    for (unsigned i = 0; i < static_cast<unsigned>(spec::NetHeaderUse::count); ++i) {
        const auto use = static_cast<spec::NetHeaderUse>(i);
        if (word == spec::name_of(use)) return use;
    }
    throw from.wrong("netHeader");
}

std::shared_ptr<std::vector<OwnedFd>> taken_fds(const Reader& from, const char* name) {
    auto fds = std::make_shared<std::vector<OwnedFd>>();
    const Napi::Array numbers = from.array(name);
    for (uint32_t i = 0; i < numbers.Length(); ++i) {
        const Napi::Value number = numbers.Get(i);
        if (!number.IsNumber()) throw from.wrong(name);
        fds->emplace_back(number.As<Napi::Number>().Int32Value());
    }
    return fds;
}

Work attach_link(const Reader& from) {
    // Descriptors first: they are ours even if the rest is wrong.
    const auto fds = taken_fds(from, "fds");
    const auto shared = from.has("sharedFds") ? taken_fds(from, "sharedFds")
                                              : std::make_shared<std::vector<OwnedFd>>();
    const std::string peer = from.has("peer") ? from.text("peer") : std::string();
    return [id = from.u32("port"), fds, shared, peer, use = net_header_use(from)](Engine& engine) {
        return done(engine.attach_link(id, std::move(*fds), std::move(*shared), peer, use));
    };
}

Work detach_link(const Reader& from) {
    return [id = from.u32("port")](Engine& engine) { return done(engine.detach_link(id)); };
}

}  // namespace

void add_device_commands(std::unordered_map<std::string, Marshal>& table) {
    table["vhost.memory"] = set_memory;
    table["vhost.features"] = set_features;
    table["vhost.ring.start"] = start_ring;
    table["vhost.ring.stop"] = stop_ring;
    table["vhost.ring.enable"] = enable_ring;
    table["vhost.ring.call"] = set_call;
    table["vhost.ring.kick"] = set_kick;
    table["vhost.ring.addresses"] = move_ring;
    table["vhost.rings"] = ring_states;
    table["link.attach"] = attach_link;
    table["link.detach"] = detach_link;
    table["host.start"] = start_source;
    table["host.stop"] = stop_source;
    table["host.report"] = host_report;
}

}  // namespace valenic::addon
