// GENERATED from native/boundary by `npm run spec`. Do not edit.
#include "boundary/messages.hpp"

// clang-format off
namespace valenic::boundary {

bool decode(Reader& in, VlanRange& out) {
    static constexpr FieldRule rules[] = {
        {1, "first", "1..4094", true},
        {2, "last", "1..4094", true},
    };
    Map map(in, rules);
    while (const FieldRule* field = map.next()) {
        switch (field->number) {
            case 1:
                in.number(out.first, {1, 4094});
                break;
            case 2:
                in.number(out.last, {1, 4094});
                break;
        }
    }
    return map.whole();
}
void encode(Writer& to, const VlanRange& value) {
    to.map(2u);
    put_field(to, 1, value.first);
    put_field(to, 2, value.last);
}

bool decode(Reader& in, PortVlan& out) {
    static constexpr FieldRule rules[] = {
        {1, "mode", "none, access, trunk or tunnel", true},
        {2, "vlan", "1..4094", false},
        {3, "vlans", "a list of 1..4094", false},
        {4, "native", "1..4094", false},
    };
    Map map(in, rules);
    while (const FieldRule* field = map.next()) {
        switch (field->number) {
            case 1:
                in.enumeration(out.mode);
                break;
            case 2:
                in.number(out.vlan.emplace(), {1, 4094});
                break;
            case 3:
                out.vlans.emplace();
                for (List items(in, 1, 4094,
                                "a pair"); items.next();)
                    decode(in, (*out.vlans).emplace_back());
                break;
            case 4:
                in.number(out.native.emplace(), {1, 4094});
                break;
        }
    }
    if (out.mode == spec::VlanMode::access) map.needs(rules[1]);
    if (out.mode == spec::VlanMode::tunnel) map.needs(rules[1]);
    if (out.mode == spec::VlanMode::trunk) map.needs(rules[2]);
    return map.whole();
}
void encode(Writer& to, const PortVlan& value) {
    to.map(1u +
           value.vlan.has_value() +
           value.vlans.has_value() +
           value.native.has_value());
    put_field(to, 1, value.mode);
    put_field(to, 2, value.vlan);
    put_field(to, 3, value.vlans);
    put_field(to, 4, value.native);
}

bool decode(Reader& in, AllowedStation& out) {
    static constexpr FieldRule rules[] = {
        {1, "mac", "six bytes like 52:54:00:00:00:01", true},
        {2, "ips", "a list of 0..64", false},
    };
    Map map(in, rules);
    while (const FieldRule* field = map.next()) {
        switch (field->number) {
            case 1:
                in.mac(out.mac);
                break;
            case 2:
                for (List items(in, 0, 64,
                                "text of 0..45 bytes"); items.next();)
                    in.text(out.ips.emplace_back(), 0, 45);
                break;
        }
    }
    return map.whole();
}
void encode(Writer& to, const AllowedStation& value) {
    to.map(2u);
    put_field(to, 1, value.mac);
    put_field(to, 2, value.ips);
}

bool decode(Reader& in, PortSettingsChange& out) {
    static constexpr FieldRule rules[] = {
        {1, "polling", "busy, adaptive or event", false},
        {2, "spinUs", "0..1000000 microseconds, or auto for what pays with its traffic", false},
        {3, "more", "true or false", false},
        {4, "moderationFrames", "1..1024 frames", false},
        {5, "moderationUs", "0..1000000 microseconds", false},
        {6, "budget", "1..256 frames", false},
        {7, "macLimit", "0..65536 addresses", false},
        {8, "maxFrameBytes", "60..65550 bytes", false},
        {9, "mtu", "68..65535 bytes, or 0 for any length", false},
        {10, "up", "true or false", false},
        {11, "vlan", "its fields", false},
        {12, "linkLocal", "true or false", false},
        {13, "allow", "a list of 0..64", false},
        {14, "stickyMacs", "true or false", false},
        {15, "raGuard", "true or false", false},
        {16, "isolate", "true or false", false},
        {17, "unknownUnicast", "true or false", false},
        {18, "stormBroadcast", "0..100000000 frames a second, or auto for a high limit", false},
        {19, "stormMulticast", "0..100000000 frames a second, or auto for a high limit", false},
        {20, "stormUnknownUnicast", 
         "0..100000000 frames a second, or auto for a high limit", false},
        {21, "coalesce", "true or false", false},
    };
    Map map(in, rules);
    while (const FieldRule* field = map.next()) {
        switch (field->number) {
            case 1:
                in.enumeration(out.polling.emplace());
                break;
            case 2:
                in.number(out.spin_us.emplace(), {0, 1000000, 4294967295});
                break;
            case 3:
                in.boolean(out.more.emplace());
                break;
            case 4:
                in.number(out.moderation_frames.emplace(), {1, 1024});
                break;
            case 5:
                in.number(out.moderation_us.emplace(), {0, 1000000});
                break;
            case 6:
                in.number(out.budget.emplace(), {1, 256});
                break;
            case 7:
                in.number(out.mac_limit.emplace(), {0, 65536});
                break;
            case 8:
                in.number(out.max_frame_bytes.emplace(), {60, 65550});
                break;
            case 9:
                in.number(out.mtu.emplace(), {68, 65535, 0});
                break;
            case 10:
                in.boolean(out.up.emplace());
                break;
            case 11:
                decode(in, out.vlan.emplace());
                break;
            case 12:
                in.boolean(out.link_local.emplace());
                break;
            case 13:
                out.allow.emplace();
                for (List items(in, 0, 64,
                                "its fields"); items.next();)
                    decode(in, (*out.allow).emplace_back());
                break;
            case 14:
                in.boolean(out.sticky_macs.emplace());
                break;
            case 15:
                in.boolean(out.ra_guard.emplace());
                break;
            case 16:
                in.boolean(out.isolate.emplace());
                break;
            case 17:
                in.boolean(out.unknown_unicast.emplace());
                break;
            case 18:
                in.number(out.storm_broadcast.emplace(), {0, 100000000, 4294967295});
                break;
            case 19:
                in.number(out.storm_multicast.emplace(), {0, 100000000, 4294967295});
                break;
            case 20:
                in.number(out.storm_unknown_unicast.emplace(), {0, 100000000, 4294967295});
                break;
            case 21:
                in.boolean(out.coalesce.emplace());
                break;
        }
    }
    return map.whole();
}
void encode(Writer& to, const PortSettingsChange& value) {
    to.map(value.polling.has_value() +
           value.spin_us.has_value() +
           value.more.has_value() +
           value.moderation_frames.has_value() +
           value.moderation_us.has_value() +
           value.budget.has_value() +
           value.mac_limit.has_value() +
           value.max_frame_bytes.has_value() +
           value.mtu.has_value() +
           value.up.has_value() +
           value.vlan.has_value() +
           value.link_local.has_value() +
           value.allow.has_value() +
           value.sticky_macs.has_value() +
           value.ra_guard.has_value() +
           value.isolate.has_value() +
           value.unknown_unicast.has_value() +
           value.storm_broadcast.has_value() +
           value.storm_multicast.has_value() +
           value.storm_unknown_unicast.has_value() +
           value.coalesce.has_value());
    put_field(to, 1, value.polling);
    put_field(to, 2, value.spin_us);
    put_field(to, 3, value.more);
    put_field(to, 4, value.moderation_frames);
    put_field(to, 5, value.moderation_us);
    put_field(to, 6, value.budget);
    put_field(to, 7, value.mac_limit);
    put_field(to, 8, value.max_frame_bytes);
    put_field(to, 9, value.mtu);
    put_field(to, 10, value.up);
    put_field(to, 11, value.vlan);
    put_field(to, 12, value.link_local);
    put_field(to, 13, value.allow);
    put_field(to, 14, value.sticky_macs);
    put_field(to, 15, value.ra_guard);
    put_field(to, 16, value.isolate);
    put_field(to, 17, value.unknown_unicast);
    put_field(to, 18, value.storm_broadcast);
    put_field(to, 19, value.storm_multicast);
    put_field(to, 20, value.storm_unknown_unicast);
    put_field(to, 21, value.coalesce);
}

bool decode(Reader& in, MemoryRegion& out) {
    static constexpr FieldRule rules[] = {
        {1, "guestAddr", "0..18446744073709551615", true},
        {2, "userAddr", "0..18446744073709551615", true},
        {3, "sizeBytes", "0..18446744073709551615", true},
        {4, "offsetBytes", "0..18446744073709551615", true},
        {5, "fd", "a descriptor, or -1 for none", true},
    };
    Map map(in, rules);
    while (const FieldRule* field = map.next()) {
        switch (field->number) {
            case 1:
                in.number(out.guest_addr, {0, 18446744073709551615u});
                break;
            case 2:
                in.number(out.user_addr, {0, 18446744073709551615u});
                break;
            case 3:
                in.number(out.size_bytes, {0, 18446744073709551615u});
                break;
            case 4:
                in.number(out.offset_bytes, {0, 18446744073709551615u});
                break;
            case 5:
                in.descriptor(out.fd);
                break;
        }
    }
    return map.whole();
}
void encode(Writer& to, const MemoryRegion& value) {
    to.map(5u);
    put_field(to, 1, value.guest_addr);
    put_field(to, 2, value.user_addr);
    put_field(to, 3, value.size_bytes);
    put_field(to, 4, value.offset_bytes);
    put_field(to, 5, value.fd);
}

bool decode(Reader& in, RingStart& out) {
    static constexpr FieldRule rules[] = {
        {1, "size", "0..65535", true},
        {2, "base", "0..65535", true},
        {3, "resumed", "true or false", true},
        {4, "descAddr", "0..18446744073709551615", true},
        {5, "availAddr", "0..18446744073709551615", true},
        {6, "usedAddr", "0..18446744073709551615", true},
    };
    Map map(in, rules);
    while (const FieldRule* field = map.next()) {
        switch (field->number) {
            case 1:
                in.number(out.size, {0, 65535});
                break;
            case 2:
                in.number(out.base, {0, 65535});
                break;
            case 3:
                in.boolean(out.resumed);
                break;
            case 4:
                in.number(out.desc_addr, {0, 18446744073709551615u});
                break;
            case 5:
                in.number(out.avail_addr, {0, 18446744073709551615u});
                break;
            case 6:
                in.number(out.used_addr, {0, 18446744073709551615u});
                break;
        }
    }
    return map.whole();
}
void encode(Writer& to, const RingStart& value) {
    to.map(6u);
    put_field(to, 1, value.size);
    put_field(to, 2, value.base);
    put_field(to, 3, value.resumed);
    put_field(to, 4, value.desc_addr);
    put_field(to, 5, value.avail_addr);
    put_field(to, 6, value.used_addr);
}

bool decode(Reader& in, RingState& out) {
    static constexpr FieldRule rules[] = {
        {1, "ring", "0..4294967295", true},
        {2, "running", "true or false", true},
        {3, "enabled", "true or false", true},
        {4, "size", "0..65535", true},
        {5, "availIndex", "0..65535", true},
        {6, "usedIndex", "0..65535", true},
        {7, "fault", "a name of Fault", true},
    };
    Map map(in, rules);
    while (const FieldRule* field = map.next()) {
        switch (field->number) {
            case 1:
                in.number(out.ring, {0, 4294967295});
                break;
            case 2:
                in.boolean(out.running);
                break;
            case 3:
                in.boolean(out.enabled);
                break;
            case 4:
                in.number(out.size, {0, 65535});
                break;
            case 5:
                in.number(out.avail_index, {0, 65535});
                break;
            case 6:
                in.number(out.used_index, {0, 65535});
                break;
            case 7:
                in.enumeration(out.fault);
                break;
        }
    }
    return map.whole();
}
void encode(Writer& to, const RingState& value) {
    to.map(7u);
    put_field(to, 1, value.ring);
    put_field(to, 2, value.running);
    put_field(to, 3, value.enabled);
    put_field(to, 4, value.size);
    put_field(to, 5, value.avail_index);
    put_field(to, 6, value.used_index);
    put_field(to, 7, value.fault);
}

bool decode(Reader& in, HostSource& out) {
    static constexpr FieldRule rules[] = {
        {1, "stream", "0..4294967295", true},
        {2, "frameBytes", "60..9014 bytes", true},
        {3, "ratePps", "0..4294967295", true},
        {4, "count", "0..18446744073709551615", true},
        {5, "destination", "six bytes like 52:54:00:00:00:01", true},
        {6, "source", "six bytes like 52:54:00:00:00:01", true},
    };
    Map map(in, rules);
    while (const FieldRule* field = map.next()) {
        switch (field->number) {
            case 1:
                in.number(out.stream, {0, 4294967295});
                break;
            case 2:
                in.number(out.frame_bytes, {60, 9014});
                break;
            case 3:
                in.number(out.rate_pps, {0, 4294967295});
                break;
            case 4:
                in.number(out.count, {0, 18446744073709551615u});
                break;
            case 5:
                in.mac(out.destination);
                break;
            case 6:
                in.mac(out.source);
                break;
        }
    }
    return map.whole();
}
void encode(Writer& to, const HostSource& value) {
    to.map(6u);
    put_field(to, 1, value.stream);
    put_field(to, 2, value.frame_bytes);
    put_field(to, 3, value.rate_pps);
    put_field(to, 4, value.count);
    put_field(to, 5, value.destination);
    put_field(to, 6, value.source);
}

bool decode(Reader& in, HostLatency& out) {
    static constexpr FieldRule rules[] = {
        {1, "p50", "0..9007199254740991", true},
        {2, "p99", "0..9007199254740991", true},
        {3, "p999", "0..9007199254740991", true},
    };
    Map map(in, rules);
    while (const FieldRule* field = map.next()) {
        switch (field->number) {
            case 1:
                in.number(out.p50, {0, 9007199254740991});
                break;
            case 2:
                in.number(out.p99, {0, 9007199254740991});
                break;
            case 3:
                in.number(out.p999, {0, 9007199254740991});
                break;
        }
    }
    return map.whole();
}
void encode(Writer& to, const HostLatency& value) {
    to.map(3u);
    put_field(to, 1, value.p50);
    put_field(to, 2, value.p99);
    put_field(to, 3, value.p999);
}

bool decode(Reader& in, HostSinkReport& out) {
    static constexpr FieldRule rules[] = {
        {1, "stream", "0..4294967295", true},
        {2, "frames", "0..18446744073709551615", true},
        {3, "bytes", "0..18446744073709551615", true},
        {4, "firstSequence", "0..18446744073709551615", true},
        {5, "nextSequence", "0..18446744073709551615", true},
        {6, "gaps", "0..18446744073709551615", true},
        {7, "reordered", "0..18446744073709551615", true},
        {8, "corrupt", "0..18446744073709551615", true},
        {9, "latencyNs", "its fields", true},
    };
    Map map(in, rules);
    while (const FieldRule* field = map.next()) {
        switch (field->number) {
            case 1:
                in.number(out.stream, {0, 4294967295});
                break;
            case 2:
                in.number(out.frames, {0, 18446744073709551615u});
                break;
            case 3:
                in.number(out.bytes, {0, 18446744073709551615u});
                break;
            case 4:
                in.number(out.first_sequence, {0, 18446744073709551615u});
                break;
            case 5:
                in.number(out.next_sequence, {0, 18446744073709551615u});
                break;
            case 6:
                in.number(out.gaps, {0, 18446744073709551615u});
                break;
            case 7:
                in.number(out.reordered, {0, 18446744073709551615u});
                break;
            case 8:
                in.number(out.corrupt, {0, 18446744073709551615u});
                break;
            case 9:
                decode(in, out.latency_ns);
                break;
        }
    }
    return map.whole();
}
void encode(Writer& to, const HostSinkReport& value) {
    to.map(9u);
    put_field(to, 1, value.stream);
    put_field(to, 2, value.frames);
    put_field(to, 3, value.bytes);
    put_field(to, 4, value.first_sequence);
    put_field(to, 5, value.next_sequence);
    put_field(to, 6, value.gaps);
    put_field(to, 7, value.reordered);
    put_field(to, 8, value.corrupt);
    put_field(to, 9, value.latency_ns);
}

bool decode(Reader& in, Failure& out) {
    static constexpr FieldRule rules[] = {
        {1, "code", "text of 0..64 bytes", true},
        {2, "text", "text of 0..1024 bytes", true},
        {3, "errno", "0..4294967295", false},
        {4, "doing", "text of 0..64 bytes", false},
    };
    Map map(in, rules);
    while (const FieldRule* field = map.next()) {
        switch (field->number) {
            case 1:
                in.text(out.code, 0, 64);
                break;
            case 2:
                in.text(out.text, 0, 1024);
                break;
            case 3:
                in.number(out.error_number, {0, 4294967295});
                break;
            case 4:
                in.text(out.doing, 0, 64);
                break;
        }
    }
    return map.whole();
}
void encode(Writer& to, const Failure& value) {
    to.map(4u);
    put_field(to, 1, value.code);
    put_field(to, 2, value.text);
    put_field(to, 3, value.error_number);
    put_field(to, 4, value.doing);
}

bool decode(Reader& in, WorkerAddAnswer& out) {
    static constexpr FieldRule rules[] = {
        {1, "worker", "0..4294967295", true},
        {2, "tid", "0..4294967295", true},
    };
    Map map(in, rules);
    while (const FieldRule* field = map.next()) {
        switch (field->number) {
            case 1:
                in.number(out.worker, {0, 4294967295});
                break;
            case 2:
                in.number(out.tid, {0, 4294967295});
                break;
        }
    }
    return map.whole();
}
void encode(Writer& to, const WorkerAddAnswer& value) {
    to.map(2u);
    put_field(to, 1, value.worker);
    put_field(to, 2, value.tid);
}

bool decode(Reader& in, WorkerAdd& out) {
    static constexpr FieldRule rules[] = {
        {1, "cpu", "0..1023", false},
    };
    Map map(in, rules);
    while (const FieldRule* field = map.next()) {
        switch (field->number) {
            case 1:
                in.number(out.cpu.emplace(), {0, 1023});
                break;
        }
    }
    return map.whole();
}
void encode(Writer& to, const WorkerAdd& value) {
    to.map(value.cpu.has_value());
    put_field(to, 1, value.cpu);
}

bool decode(Reader& in, SwitchCreateAnswer& out) {
    static constexpr FieldRule rules[] = {
        {1, "switch", "0..4294967295", true},
    };
    Map map(in, rules);
    while (const FieldRule* field = map.next()) {
        switch (field->number) {
            case 1:
                in.number(out.switch_id, {0, 4294967295});
                break;
        }
    }
    return map.whole();
}
void encode(Writer& to, const SwitchCreateAnswer& value) {
    to.map(1u);
    put_field(to, 1, value.switch_id);
}

bool decode(Reader& in, SwitchCreate& out) {
    static constexpr FieldRule rules[] = {
        {1, "name", "text of 0..255 bytes", true},
        {2, "ageingSeconds", "1..1000000 seconds", false},
        {3, "macTableSize", "64..1048576 addresses", false},
    };
    Map map(in, rules);
    while (const FieldRule* field = map.next()) {
        switch (field->number) {
            case 1:
                in.text(out.name, 0, 255);
                break;
            case 2:
                in.number(out.ageing_seconds, {1, 1000000});
                break;
            case 3:
                in.number(out.mac_table_size, {64, 1048576});
                break;
        }
    }
    return map.whole();
}
void encode(Writer& to, const SwitchCreate& value) {
    to.map(3u);
    put_field(to, 1, value.name);
    put_field(to, 2, value.ageing_seconds);
    put_field(to, 3, value.mac_table_size);
}

bool decode(Reader& in, SwitchRemoveAnswer&) {
    Map map(in, {});
    map.next();
    return map.whole();
}
void encode(Writer& to, const SwitchRemoveAnswer&) {
    to.map(0u);
}

bool decode(Reader& in, SwitchRemove& out) {
    static constexpr FieldRule rules[] = {
        {1, "switch", "0..4294967295", true},
    };
    Map map(in, rules);
    while (const FieldRule* field = map.next()) {
        switch (field->number) {
            case 1:
                in.number(out.switch_id, {0, 4294967295});
                break;
        }
    }
    return map.whole();
}
void encode(Writer& to, const SwitchRemove& value) {
    to.map(1u);
    put_field(to, 1, value.switch_id);
}

bool decode(Reader& in, PortCreateAnswer& out) {
    static constexpr FieldRule rules[] = {
        {1, "port", "0..4294967295", true},
        {2, "slot", "0..4294967295", true},
        {3, "statsBlock", "0..4294967295", true},
    };
    Map map(in, rules);
    while (const FieldRule* field = map.next()) {
        switch (field->number) {
            case 1:
                in.number(out.port, {0, 4294967295});
                break;
            case 2:
                in.number(out.slot, {0, 4294967295});
                break;
            case 3:
                in.number(out.stats_block, {0, 4294967295});
                break;
        }
    }
    return map.whole();
}
void encode(Writer& to, const PortCreateAnswer& value) {
    to.map(3u);
    put_field(to, 1, value.port);
    put_field(to, 2, value.slot);
    put_field(to, 3, value.stats_block);
}

bool decode(Reader& in, PortCreate& out) {
    static constexpr FieldRule rules[] = {
        {1, "switch", "0..4294967295", true},
        {2, "name", "text of 0..255 bytes", true},
        {3, "kind", "vhost, host, stream, dgram, tap or packet", true},
        {4, "queues", "1..16 queue pairs", true},
        {5, "workers", "a list of 1..16", true},
        {6, "settings", "its fields", false},
    };
    Map map(in, rules);
    while (const FieldRule* field = map.next()) {
        switch (field->number) {
            case 1:
                in.number(out.switch_id, {0, 4294967295});
                break;
            case 2:
                in.text(out.name, 0, 255);
                break;
            case 3:
                in.enumeration(out.kind);
                break;
            case 4:
                in.number(out.queues, {1, 16});
                break;
            case 5:
                for (List items(in, 1, 16,
                                "0..4294967295"); items.next();)
                    in.number(out.workers.emplace_back(), {0, 4294967295});
                break;
            case 6:
                decode(in, out.settings.emplace());
                break;
        }
    }
    return map.whole();
}
void encode(Writer& to, const PortCreate& value) {
    to.map(5u +
           value.settings.has_value());
    put_field(to, 1, value.switch_id);
    put_field(to, 2, value.name);
    put_field(to, 3, value.kind);
    put_field(to, 4, value.queues);
    put_field(to, 5, value.workers);
    put_field(to, 6, value.settings);
}

bool decode(Reader& in, PortRemoveAnswer&) {
    Map map(in, {});
    map.next();
    return map.whole();
}
void encode(Writer& to, const PortRemoveAnswer&) {
    to.map(0u);
}

bool decode(Reader& in, PortRemove& out) {
    static constexpr FieldRule rules[] = {
        {1, "port", "0..4294967295", true},
    };
    Map map(in, rules);
    while (const FieldRule* field = map.next()) {
        switch (field->number) {
            case 1:
                in.number(out.port, {0, 4294967295});
                break;
        }
    }
    return map.whole();
}
void encode(Writer& to, const PortRemove& value) {
    to.map(1u);
    put_field(to, 1, value.port);
}

bool decode(Reader& in, PortSetAnswer&) {
    Map map(in, {});
    map.next();
    return map.whole();
}
void encode(Writer& to, const PortSetAnswer&) {
    to.map(0u);
}

bool decode(Reader& in, PortSet& out) {
    static constexpr FieldRule rules[] = {
        {1, "port", "0..4294967295", true},
        {2, "settings", "its fields", true},
    };
    Map map(in, rules);
    while (const FieldRule* field = map.next()) {
        switch (field->number) {
            case 1:
                in.number(out.port, {0, 4294967295});
                break;
            case 2:
                decode(in, out.settings);
                break;
        }
    }
    return map.whole();
}
void encode(Writer& to, const PortSet& value) {
    to.map(2u);
    put_field(to, 1, value.port);
    put_field(to, 2, value.settings);
}

bool decode(Reader& in, QueueMoveAnswer&) {
    Map map(in, {});
    map.next();
    return map.whole();
}
void encode(Writer& to, const QueueMoveAnswer&) {
    to.map(0u);
}

bool decode(Reader& in, QueueMove& out) {
    static constexpr FieldRule rules[] = {
        {1, "port", "0..4294967295", true},
        {2, "pair", "0..4294967295", true},
        {3, "worker", "0..4294967295", true},
    };
    Map map(in, rules);
    while (const FieldRule* field = map.next()) {
        switch (field->number) {
            case 1:
                in.number(out.port, {0, 4294967295});
                break;
            case 2:
                in.number(out.pair, {0, 4294967295});
                break;
            case 3:
                in.number(out.worker, {0, 4294967295});
                break;
        }
    }
    return map.whole();
}
void encode(Writer& to, const QueueMove& value) {
    to.map(3u);
    put_field(to, 1, value.port);
    put_field(to, 2, value.pair);
    put_field(to, 3, value.worker);
}

bool decode(Reader& in, PortMacsAnswer& out) {
    static constexpr FieldRule rules[] = {
        {1, "macs", "a list of 0..131072", true},
    };
    Map map(in, rules);
    while (const FieldRule* field = map.next()) {
        switch (field->number) {
            case 1:
                for (List items(in, 0, 131072,
                                "six bytes like 52:54:00:00:00:01"); items.next();)
                    in.mac(out.macs.emplace_back());
                break;
        }
    }
    return map.whole();
}
void encode(Writer& to, const PortMacsAnswer& value) {
    to.map(1u);
    put_field(to, 1, value.macs);
}

bool decode(Reader& in, PortMacs& out) {
    static constexpr FieldRule rules[] = {
        {1, "port", "0..4294967295", true},
    };
    Map map(in, rules);
    while (const FieldRule* field = map.next()) {
        switch (field->number) {
            case 1:
                in.number(out.port, {0, 4294967295});
                break;
        }
    }
    return map.whole();
}
void encode(Writer& to, const PortMacs& value) {
    to.map(1u);
    put_field(to, 1, value.port);
}

bool decode(Reader& in, VhostMemoryAnswer&) {
    Map map(in, {});
    map.next();
    return map.whole();
}
void encode(Writer& to, const VhostMemoryAnswer&) {
    to.map(0u);
}

bool decode(Reader& in, VhostMemory& out) {
    static constexpr FieldRule rules[] = {
        {1, "port", "0..4294967295", true},
        {2, "regions", "a list of 0..512", true},
    };
    Map map(in, rules);
    while (const FieldRule* field = map.next()) {
        switch (field->number) {
            case 1:
                in.number(out.port, {0, 4294967295});
                break;
            case 2:
                for (List items(in, 0, 512,
                                "its fields"); items.next();)
                    decode(in, out.regions.emplace_back());
                break;
        }
    }
    return map.whole();
}
void encode(Writer& to, const VhostMemory& value) {
    to.map(2u);
    put_field(to, 1, value.port);
    put_field(to, 2, value.regions);
}

bool decode(Reader& in, VhostFeaturesAnswer&) {
    Map map(in, {});
    map.next();
    return map.whole();
}
void encode(Writer& to, const VhostFeaturesAnswer&) {
    to.map(0u);
}

bool decode(Reader& in, VhostFeatures& out) {
    static constexpr FieldRule rules[] = {
        {1, "port", "0..4294967295", true},
        {2, "features", "0..18446744073709551615", true},
    };
    Map map(in, rules);
    while (const FieldRule* field = map.next()) {
        switch (field->number) {
            case 1:
                in.number(out.port, {0, 4294967295});
                break;
            case 2:
                in.number(out.features, {0, 18446744073709551615u});
                break;
        }
    }
    return map.whole();
}
void encode(Writer& to, const VhostFeatures& value) {
    to.map(2u);
    put_field(to, 1, value.port);
    put_field(to, 2, value.features);
}

bool decode(Reader& in, VhostRingStartAnswer& out) {
    static constexpr FieldRule rules[] = {
        {1, "base", "0..65535", true},
    };
    Map map(in, rules);
    while (const FieldRule* field = map.next()) {
        switch (field->number) {
            case 1:
                in.number(out.base, {0, 65535});
                break;
        }
    }
    return map.whole();
}
void encode(Writer& to, const VhostRingStartAnswer& value) {
    to.map(1u);
    put_field(to, 1, value.base);
}

bool decode(Reader& in, VhostRingStart& out) {
    static constexpr FieldRule rules[] = {
        {1, "port", "0..4294967295", true},
        {2, "ring", "0..4294967295", true},
        {3, "start", "its fields", true},
        {4, "kickFd", "a descriptor, or -1 for none", true},
        {5, "callFd", "a descriptor, or -1 for none", true},
        {6, "enabled", "true or false", true},
    };
    Map map(in, rules);
    while (const FieldRule* field = map.next()) {
        switch (field->number) {
            case 1:
                in.number(out.port, {0, 4294967295});
                break;
            case 2:
                in.number(out.ring, {0, 4294967295});
                break;
            case 3:
                decode(in, out.start);
                break;
            case 4:
                in.descriptor(out.kick_fd);
                break;
            case 5:
                in.descriptor(out.call_fd);
                break;
            case 6:
                in.boolean(out.enabled);
                break;
        }
    }
    return map.whole();
}
void encode(Writer& to, const VhostRingStart& value) {
    to.map(6u);
    put_field(to, 1, value.port);
    put_field(to, 2, value.ring);
    put_field(to, 3, value.start);
    put_field(to, 4, value.kick_fd);
    put_field(to, 5, value.call_fd);
    put_field(to, 6, value.enabled);
}

bool decode(Reader& in, VhostRingStopAnswer& out) {
    static constexpr FieldRule rules[] = {
        {1, "base", "0..65535", true},
    };
    Map map(in, rules);
    while (const FieldRule* field = map.next()) {
        switch (field->number) {
            case 1:
                in.number(out.base, {0, 65535});
                break;
        }
    }
    return map.whole();
}
void encode(Writer& to, const VhostRingStopAnswer& value) {
    to.map(1u);
    put_field(to, 1, value.base);
}

bool decode(Reader& in, VhostRingStop& out) {
    static constexpr FieldRule rules[] = {
        {1, "port", "0..4294967295", true},
        {2, "ring", "0..4294967295", true},
    };
    Map map(in, rules);
    while (const FieldRule* field = map.next()) {
        switch (field->number) {
            case 1:
                in.number(out.port, {0, 4294967295});
                break;
            case 2:
                in.number(out.ring, {0, 4294967295});
                break;
        }
    }
    return map.whole();
}
void encode(Writer& to, const VhostRingStop& value) {
    to.map(2u);
    put_field(to, 1, value.port);
    put_field(to, 2, value.ring);
}

bool decode(Reader& in, VhostRingEnableAnswer&) {
    Map map(in, {});
    map.next();
    return map.whole();
}
void encode(Writer& to, const VhostRingEnableAnswer&) {
    to.map(0u);
}

bool decode(Reader& in, VhostRingEnable& out) {
    static constexpr FieldRule rules[] = {
        {1, "port", "0..4294967295", true},
        {2, "ring", "0..4294967295", true},
        {3, "enabled", "true or false", true},
    };
    Map map(in, rules);
    while (const FieldRule* field = map.next()) {
        switch (field->number) {
            case 1:
                in.number(out.port, {0, 4294967295});
                break;
            case 2:
                in.number(out.ring, {0, 4294967295});
                break;
            case 3:
                in.boolean(out.enabled);
                break;
        }
    }
    return map.whole();
}
void encode(Writer& to, const VhostRingEnable& value) {
    to.map(3u);
    put_field(to, 1, value.port);
    put_field(to, 2, value.ring);
    put_field(to, 3, value.enabled);
}

bool decode(Reader& in, VhostRingCallAnswer&) {
    Map map(in, {});
    map.next();
    return map.whole();
}
void encode(Writer& to, const VhostRingCallAnswer&) {
    to.map(0u);
}

bool decode(Reader& in, VhostRingCall& out) {
    static constexpr FieldRule rules[] = {
        {1, "port", "0..4294967295", true},
        {2, "ring", "0..4294967295", true},
        {3, "callFd", "a descriptor, or -1 for none", true},
    };
    Map map(in, rules);
    while (const FieldRule* field = map.next()) {
        switch (field->number) {
            case 1:
                in.number(out.port, {0, 4294967295});
                break;
            case 2:
                in.number(out.ring, {0, 4294967295});
                break;
            case 3:
                in.descriptor(out.call_fd);
                break;
        }
    }
    return map.whole();
}
void encode(Writer& to, const VhostRingCall& value) {
    to.map(3u);
    put_field(to, 1, value.port);
    put_field(to, 2, value.ring);
    put_field(to, 3, value.call_fd);
}

bool decode(Reader& in, VhostRingKickAnswer&) {
    Map map(in, {});
    map.next();
    return map.whole();
}
void encode(Writer& to, const VhostRingKickAnswer&) {
    to.map(0u);
}

bool decode(Reader& in, VhostRingKick& out) {
    static constexpr FieldRule rules[] = {
        {1, "port", "0..4294967295", true},
        {2, "ring", "0..4294967295", true},
        {3, "kickFd", "a descriptor, or -1 for none", true},
    };
    Map map(in, rules);
    while (const FieldRule* field = map.next()) {
        switch (field->number) {
            case 1:
                in.number(out.port, {0, 4294967295});
                break;
            case 2:
                in.number(out.ring, {0, 4294967295});
                break;
            case 3:
                in.descriptor(out.kick_fd);
                break;
        }
    }
    return map.whole();
}
void encode(Writer& to, const VhostRingKick& value) {
    to.map(3u);
    put_field(to, 1, value.port);
    put_field(to, 2, value.ring);
    put_field(to, 3, value.kick_fd);
}

bool decode(Reader& in, VhostRingAddressesAnswer&) {
    Map map(in, {});
    map.next();
    return map.whole();
}
void encode(Writer& to, const VhostRingAddressesAnswer&) {
    to.map(0u);
}

bool decode(Reader& in, VhostRingAddresses& out) {
    static constexpr FieldRule rules[] = {
        {1, "port", "0..4294967295", true},
        {2, "ring", "0..4294967295", true},
        {3, "start", "its fields", true},
    };
    Map map(in, rules);
    while (const FieldRule* field = map.next()) {
        switch (field->number) {
            case 1:
                in.number(out.port, {0, 4294967295});
                break;
            case 2:
                in.number(out.ring, {0, 4294967295});
                break;
            case 3:
                decode(in, out.start);
                break;
        }
    }
    return map.whole();
}
void encode(Writer& to, const VhostRingAddresses& value) {
    to.map(3u);
    put_field(to, 1, value.port);
    put_field(to, 2, value.ring);
    put_field(to, 3, value.start);
}

bool decode(Reader& in, VhostRingsAnswer& out) {
    static constexpr FieldRule rules[] = {
        {1, "rings", "a list of 0..64", true},
    };
    Map map(in, rules);
    while (const FieldRule* field = map.next()) {
        switch (field->number) {
            case 1:
                for (List items(in, 0, 64,
                                "its fields"); items.next();)
                    decode(in, out.rings.emplace_back());
                break;
        }
    }
    return map.whole();
}
void encode(Writer& to, const VhostRingsAnswer& value) {
    to.map(1u);
    put_field(to, 1, value.rings);
}

bool decode(Reader& in, VhostRings& out) {
    static constexpr FieldRule rules[] = {
        {1, "port", "0..4294967295", true},
    };
    Map map(in, rules);
    while (const FieldRule* field = map.next()) {
        switch (field->number) {
            case 1:
                in.number(out.port, {0, 4294967295});
                break;
        }
    }
    return map.whole();
}
void encode(Writer& to, const VhostRings& value) {
    to.map(1u);
    put_field(to, 1, value.port);
}

bool decode(Reader& in, PortInjectAnswer&) {
    Map map(in, {});
    map.next();
    return map.whole();
}
void encode(Writer& to, const PortInjectAnswer&) {
    to.map(0u);
}

bool decode(Reader& in, PortInject& out) {
    static constexpr FieldRule rules[] = {
        {1, "port", "0..4294967295", true},
        {2, "frame", "14..65550 bytes", true},
    };
    Map map(in, rules);
    while (const FieldRule* field = map.next()) {
        switch (field->number) {
            case 1:
                in.number(out.port, {0, 4294967295});
                break;
            case 2:
                in.bytes(out.frame, 14, 65550);
                break;
        }
    }
    return map.whole();
}
void encode(Writer& to, const PortInject& value) {
    to.map(2u);
    put_field(to, 1, value.port);
    put_field(to, 2, value.frame);
}

bool decode(Reader& in, HostStartAnswer&) {
    Map map(in, {});
    map.next();
    return map.whole();
}
void encode(Writer& to, const HostStartAnswer&) {
    to.map(0u);
}

bool decode(Reader& in, HostStart& out) {
    static constexpr FieldRule rules[] = {
        {1, "port", "0..4294967295", true},
        {2, "source", "its fields", true},
    };
    Map map(in, rules);
    while (const FieldRule* field = map.next()) {
        switch (field->number) {
            case 1:
                in.number(out.port, {0, 4294967295});
                break;
            case 2:
                decode(in, out.source);
                break;
        }
    }
    return map.whole();
}
void encode(Writer& to, const HostStart& value) {
    to.map(2u);
    put_field(to, 1, value.port);
    put_field(to, 2, value.source);
}

bool decode(Reader& in, HostStopAnswer& out) {
    static constexpr FieldRule rules[] = {
        {1, "sent", "0..18446744073709551615", true},
        {2, "attempts", "0..18446744073709551615", true},
    };
    Map map(in, rules);
    while (const FieldRule* field = map.next()) {
        switch (field->number) {
            case 1:
                in.number(out.sent, {0, 18446744073709551615u});
                break;
            case 2:
                in.number(out.attempts, {0, 18446744073709551615u});
                break;
        }
    }
    return map.whole();
}
void encode(Writer& to, const HostStopAnswer& value) {
    to.map(2u);
    put_field(to, 1, value.sent);
    put_field(to, 2, value.attempts);
}

bool decode(Reader& in, HostStop& out) {
    static constexpr FieldRule rules[] = {
        {1, "port", "0..4294967295", true},
    };
    Map map(in, rules);
    while (const FieldRule* field = map.next()) {
        switch (field->number) {
            case 1:
                in.number(out.port, {0, 4294967295});
                break;
        }
    }
    return map.whole();
}
void encode(Writer& to, const HostStop& value) {
    to.map(1u);
    put_field(to, 1, value.port);
}

bool decode(Reader& in, HostReportAnswer& out) {
    static constexpr FieldRule rules[] = {
        {1, "sent", "0..18446744073709551615", true},
        {2, "streams", "a list of 0..512", true},
    };
    Map map(in, rules);
    while (const FieldRule* field = map.next()) {
        switch (field->number) {
            case 1:
                in.number(out.sent, {0, 18446744073709551615u});
                break;
            case 2:
                for (List items(in, 0, 512,
                                "its fields"); items.next();)
                    decode(in, out.streams.emplace_back());
                break;
        }
    }
    return map.whole();
}
void encode(Writer& to, const HostReportAnswer& value) {
    to.map(2u);
    put_field(to, 1, value.sent);
    put_field(to, 2, value.streams);
}

bool decode(Reader& in, HostReport& out) {
    static constexpr FieldRule rules[] = {
        {1, "port", "0..4294967295", true},
        {2, "reset", "true or false", false},
    };
    Map map(in, rules);
    while (const FieldRule* field = map.next()) {
        switch (field->number) {
            case 1:
                in.number(out.port, {0, 4294967295});
                break;
            case 2:
                in.boolean(out.reset);
                break;
        }
    }
    return map.whole();
}
void encode(Writer& to, const HostReport& value) {
    to.map(2u);
    put_field(to, 1, value.port);
    put_field(to, 2, value.reset);
}

bool decode(Reader& in, LinkAttachAnswer&) {
    Map map(in, {});
    map.next();
    return map.whole();
}
void encode(Writer& to, const LinkAttachAnswer&) {
    to.map(0u);
}

bool decode(Reader& in, LinkAttach& out) {
    static constexpr FieldRule rules[] = {
        {1, "port", "0..4294967295", true},
        {2, "fds", "a list of 0..16", true},
        {3, "peer", "text of 0..107 bytes", false},
        {4, "netHeader", "none, plain, tso or uso", false},
        {5, "sharedFds", "a list of 0..16", false},
    };
    Map map(in, rules);
    while (const FieldRule* field = map.next()) {
        switch (field->number) {
            case 1:
                in.number(out.port, {0, 4294967295});
                break;
            case 2:
                for (List items(in, 0, 16,
                                "a descriptor, or -1 for none"); items.next();)
                    in.descriptor(out.fds.emplace_back());
                break;
            case 3:
                in.text(out.peer, 0, 107);
                break;
            case 4:
                in.enumeration(out.net_header);
                break;
            case 5:
                for (List items(in, 0, 16,
                                "a descriptor, or -1 for none"); items.next();)
                    in.descriptor(out.shared_fds.emplace_back());
                break;
        }
    }
    return map.whole();
}
void encode(Writer& to, const LinkAttach& value) {
    to.map(5u);
    put_field(to, 1, value.port);
    put_field(to, 2, value.fds);
    put_field(to, 3, value.peer);
    put_field(to, 4, value.net_header);
    put_field(to, 5, value.shared_fds);
}

bool decode(Reader& in, LinkDetachAnswer&) {
    Map map(in, {});
    map.next();
    return map.whole();
}
void encode(Writer& to, const LinkDetachAnswer&) {
    to.map(0u);
}

bool decode(Reader& in, LinkDetach& out) {
    static constexpr FieldRule rules[] = {
        {1, "port", "0..4294967295", true},
    };
    Map map(in, rules);
    while (const FieldRule* field = map.next()) {
        switch (field->number) {
            case 1:
                in.number(out.port, {0, 4294967295});
                break;
        }
    }
    return map.whole();
}
void encode(Writer& to, const LinkDetach& value) {
    to.map(1u);
    put_field(to, 1, value.port);
}

bool decode(Reader& in, ProbePlacementAnswer& out) {
    static constexpr FieldRule rules[] = {
        {1, "ns", "a number", true},
    };
    Map map(in, rules);
    while (const FieldRule* field = map.next()) {
        switch (field->number) {
            case 1:
                in.real(out.ns);
                break;
        }
    }
    return map.whole();
}
void encode(Writer& to, const ProbePlacementAnswer& value) {
    to.map(1u);
    put_field(to, 1, value.ns);
}

bool decode(Reader& in, ProbePlacement& out) {
    static constexpr FieldRule rules[] = {
        {1, "cpuA", "0..1023", true},
        {2, "cpuB", "0..1023", true},
    };
    Map map(in, rules);
    while (const FieldRule* field = map.next()) {
        switch (field->number) {
            case 1:
                in.number(out.cpu_a, {0, 1023});
                break;
            case 2:
                in.number(out.cpu_b, {0, 1023});
                break;
        }
    }
    return map.whole();
}
void encode(Writer& to, const ProbePlacement& value) {
    to.map(2u);
    put_field(to, 1, value.cpu_a);
    put_field(to, 2, value.cpu_b);
}

bool decode(Reader& in, PortForgetAnswer& out) {
    static constexpr FieldRule rules[] = {
        {1, "forgotten", "0..4294967295", true},
    };
    Map map(in, rules);
    while (const FieldRule* field = map.next()) {
        switch (field->number) {
            case 1:
                in.number(out.forgotten, {0, 4294967295});
                break;
        }
    }
    return map.whole();
}
void encode(Writer& to, const PortForgetAnswer& value) {
    to.map(1u);
    put_field(to, 1, value.forgotten);
}

bool decode(Reader& in, PortForget& out) {
    static constexpr FieldRule rules[] = {
        {1, "port", "0..4294967295", true},
    };
    Map map(in, rules);
    while (const FieldRule* field = map.next()) {
        switch (field->number) {
            case 1:
                in.number(out.port, {0, 4294967295});
                break;
        }
    }
    return map.whole();
}
void encode(Writer& to, const PortForget& value) {
    to.map(1u);
    put_field(to, 1, value.port);
}

bool decode(Reader& in, RingFaultEvent& out) {
    static constexpr FieldRule rules[] = {
        {1, "port", "0..4294967295", true},
        {2, "ring", "0..4294967295", true},
        {3, "fault", "a name of Fault", true},
    };
    Map map(in, rules);
    while (const FieldRule* field = map.next()) {
        switch (field->number) {
            case 1:
                in.number(out.port, {0, 4294967295});
                break;
            case 2:
                in.number(out.ring, {0, 4294967295});
                break;
            case 3:
                in.enumeration(out.fault);
                break;
        }
    }
    return map.whole();
}
void encode(Writer& to, const RingFaultEvent& value) {
    to.map(3u);
    put_field(to, 1, value.port);
    put_field(to, 2, value.ring);
    put_field(to, 3, value.fault);
}

bool decode(Reader& in, DeviceFaultEvent& out) {
    static constexpr FieldRule rules[] = {
        {1, "port", "0..4294967295", true},
        {3, "fault", "a name of Fault", true},
    };
    Map map(in, rules);
    while (const FieldRule* field = map.next()) {
        switch (field->number) {
            case 1:
                in.number(out.port, {0, 4294967295});
                break;
            case 3:
                in.enumeration(out.fault);
                break;
        }
    }
    return map.whole();
}
void encode(Writer& to, const DeviceFaultEvent& value) {
    to.map(2u);
    put_field(to, 1, value.port);
    put_field(to, 3, value.fault);
}

bool decode(Reader& in, WorkerLateEvent& out) {
    static constexpr FieldRule rules[] = {
        {1, "port", "0..4294967295", true},
        {2, "worker", "0..4294967295", true},
        {3, "queue", "0..4294967295", true},
        {4, "act", "nothing, receive, transmit, release, notify or acknowledge", true},
        {5, "asleepMs", "0..4294967295 milliseconds", true},
    };
    Map map(in, rules);
    while (const FieldRule* field = map.next()) {
        switch (field->number) {
            case 1:
                in.number(out.port, {0, 4294967295});
                break;
            case 2:
                in.number(out.worker, {0, 4294967295});
                break;
            case 3:
                in.number(out.queue, {0, 4294967295});
                break;
            case 4:
                in.enumeration(out.act);
                break;
            case 5:
                in.number(out.asleep_ms, {0, 4294967295});
                break;
        }
    }
    return map.whole();
}
void encode(Writer& to, const WorkerLateEvent& value) {
    to.map(5u);
    put_field(to, 1, value.port);
    put_field(to, 2, value.worker);
    put_field(to, 3, value.queue);
    put_field(to, 4, value.act);
    put_field(to, 5, value.asleep_ms);
}

bool decode(Reader& in, LinkDownEvent& out) {
    static constexpr FieldRule rules[] = {
        {1, "port", "0..4294967295", true},
        {2, "queue", "0..4294967295", true},
        {3, "fault", "a name of Fault", true},
    };
    Map map(in, rules);
    while (const FieldRule* field = map.next()) {
        switch (field->number) {
            case 1:
                in.number(out.port, {0, 4294967295});
                break;
            case 2:
                in.number(out.queue, {0, 4294967295});
                break;
            case 3:
                in.enumeration(out.fault);
                break;
        }
    }
    return map.whole();
}
void encode(Writer& to, const LinkDownEvent& value) {
    to.map(3u);
    put_field(to, 1, value.port);
    put_field(to, 2, value.queue);
    put_field(to, 3, value.fault);
}

bool decode(Reader& in, MemoryNotSharedEvent& out) {
    static constexpr FieldRule rules[] = {
        {1, "port", "0..4294967295", true},
        {2, "ring", "0..4294967295", true},
    };
    Map map(in, rules);
    while (const FieldRule* field = map.next()) {
        switch (field->number) {
            case 1:
                in.number(out.port, {0, 4294967295});
                break;
            case 2:
                in.number(out.ring, {0, 4294967295});
                break;
        }
    }
    return map.whole();
}
void encode(Writer& to, const MemoryNotSharedEvent& value) {
    to.map(2u);
    put_field(to, 1, value.port);
    put_field(to, 2, value.ring);
}

bool decode(Reader& in, MacMovesEvent& out) {
    static constexpr FieldRule rules[] = {
        {1, "port", "0..4294967295", true},
        {2, "other", "0..4294967295", true},
        {3, "mac", "six bytes like 52:54:00:00:00:01", true},
        {4, "vlan", "0..4294967295", true},
        {5, "moves", "0..4294967295", true},
        {6, "seconds", "0..4294967295 seconds", true},
    };
    Map map(in, rules);
    while (const FieldRule* field = map.next()) {
        switch (field->number) {
            case 1:
                in.number(out.port, {0, 4294967295});
                break;
            case 2:
                in.number(out.other, {0, 4294967295});
                break;
            case 3:
                in.mac(out.mac);
                break;
            case 4:
                in.number(out.vlan, {0, 4294967295});
                break;
            case 5:
                in.number(out.moves, {0, 4294967295});
                break;
            case 6:
                in.number(out.seconds, {0, 4294967295});
                break;
        }
    }
    return map.whole();
}
void encode(Writer& to, const MacMovesEvent& value) {
    to.map(6u);
    put_field(to, 1, value.port);
    put_field(to, 2, value.other);
    put_field(to, 3, value.mac);
    put_field(to, 4, value.vlan);
    put_field(to, 5, value.moves);
    put_field(to, 6, value.seconds);
}

bool decode(Reader& in, MacRestsEvent& out) {
    static constexpr FieldRule rules[] = {
        {1, "port", "0..4294967295", true},
    };
    Map map(in, rules);
    while (const FieldRule* field = map.next()) {
        switch (field->number) {
            case 1:
                in.number(out.port, {0, 4294967295});
                break;
        }
    }
    return map.whole();
}
void encode(Writer& to, const MacRestsEvent& value) {
    to.map(1u);
    put_field(to, 1, value.port);
}

bool decode(Reader& in, MacsEvictedEvent& out) {
    static constexpr FieldRule rules[] = {
        {1, "port", "0..4294967295", true},
        {2, "evicted", "0..4294967295", true},
    };
    Map map(in, rules);
    while (const FieldRule* field = map.next()) {
        switch (field->number) {
            case 1:
                in.number(out.port, {0, 4294967295});
                break;
            case 2:
                in.number(out.evicted, {0, 4294967295});
                break;
        }
    }
    return map.whole();
}
void encode(Writer& to, const MacsEvictedEvent& value) {
    to.map(2u);
    put_field(to, 1, value.port);
    put_field(to, 2, value.evicted);
}

bool decode(Reader& in, ReadyEvent& out) {
    static constexpr FieldRule rules[] = {
        {1, "statsBytes", "0..9007199254740991 bytes", true},
        {2, "stats", "a descriptor, or -1 for none", true},
    };
    Map map(in, rules);
    while (const FieldRule* field = map.next()) {
        switch (field->number) {
            case 1:
                in.number(out.stats_bytes, {0, 9007199254740991});
                break;
            case 2:
                in.descriptor(out.stats);
                break;
        }
    }
    return map.whole();
}
void encode(Writer& to, const ReadyEvent& value) {
    to.map(2u);
    put_field(to, 1, value.stats_bytes);
    put_field(to, 2, value.stats);
}

bool decode(Reader& in, FramesRefusedEvent& out) {
    static constexpr FieldRule rules[] = {
        {1, "port", "0..4294967295", true},
        {2, "frames", "0..4294967295", true},
    };
    Map map(in, rules);
    while (const FieldRule* field = map.next()) {
        switch (field->number) {
            case 1:
                in.number(out.port, {0, 4294967295});
                break;
            case 2:
                in.number(out.frames, {0, 4294967295});
                break;
        }
    }
    return map.whole();
}
void encode(Writer& to, const FramesRefusedEvent& value) {
    to.map(2u);
    put_field(to, 1, value.port);
    put_field(to, 2, value.frames);
}

}  // namespace valenic::boundary
