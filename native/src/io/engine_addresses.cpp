// What the engine knows and tells of the addresses behind its ports.
#include <algorithm>
#include <utility>

#include "io/engine.hpp"

namespace valenic {

using spec::CommandError;

Result<std::vector<MacAddress>, Refusal> Engine::macs_of(uint32_t id) {
    PortEntry* entry = find(id);
    if (entry == nullptr) return Refusal(CommandError::unknown_port);
    return entry->port->home->lookup().addresses_of(entry->port->slot);
}

Result<uint32_t, Refusal> Engine::forget_macs(uint32_t id) {
    PortEntry* entry = find(id);
    if (entry == nullptr) return Refusal(CommandError::unknown_port);
    // Workers run on: what they learn in between is forgotten and not counted.
    Lookup& lookup = entry->port->home->lookup();
    const size_t known = lookup.addresses_of(entry->port->slot).size();
    lookup.forget(entry->port->slot);
    return static_cast<uint32_t>(known);
}

/// Guests can bring either about as often as they like: a few ports in each turn, the next ones in
/// the next. Who makes much of the one holds up nothing of the other.
void Engine::tell_addresses(uint32_t now_s) {
    in_turn(moves_turn_, [&](uint32_t id, PortEntry& entry, const AddressNews& news) {
        return tell_moves(id, entry, news, now_s);
    });
    in_turn(evicted_turn_, [&](uint32_t id, PortEntry& entry, const AddressNews& news) {
        return tell_evicted(id, entry, news);
    });
    in_turn(refused_turn_, [&](uint32_t id, PortEntry& entry, const AddressNews&) {
        return tell_refused(id, entry, now_s);
    });
}

/// @param turn  The port that had its turn last.
/// @param tell  Returns whether it told anything.
void Engine::in_turn(uint32_t& turn,
                     const std::function<bool(uint32_t, PortEntry&, const AddressNews&)>& tell) {
    constexpr unsigned most = 3;
    unsigned told = 0;
    auto next = ports_.upper_bound(turn);
    for (size_t i = 0; i < ports_.size() && told < most; ++i, ++next) {
        if (next == ports_.end()) next = ports_.begin();
        auto& [id, entry] = *next;
        turn = id;
        told += tell(id, entry, entry.port->home->lookup().news_of(entry.port->slot));
    }
}

bool Engine::tell_moves(uint32_t id, PortEntry& entry, const AddressNews& news, uint32_t now_s) {
    const AddressMoves& moves = news.moves;
    const bool moving = moves.count > 0 && now_s <= moves.last_s + AddressMoves::pause_s;
    if (!news.whole || moving == entry.moves_told) return false;
    if (moving) {
        const auto other = id_at(entry.switch_id, moves.other);
        if (!other) return false;  // It was removed just now.
        tell(boundary::MacMovesEvent{
            id, *other, {moves.mac}, moves.vlan, moves.count, moves.seconds});
    } else {
        tell(boundary::MacRestsEvent{id});
    }
    entry.moves_told = moving;
    return true;
}

bool Engine::tell_evicted(uint32_t id, PortEntry& entry, const AddressNews& news) {
    const uint32_t before = std::exchange(entry.evicted_told, news.evicted);
    if (news.evicted <= before) return false;
    tell(boundary::MacsEvictedEvent{id, news.evicted - before});
    return true;
}

namespace {

uint64_t refused_by(Port& port) noexcept {
    uint64_t sum = 0;
    for (unsigned worker = 0; worker < workers_max; ++worker)
        for (const spec::DropReason reason : spec::refused_drops)
            sum += port.counters(worker).read(reason);
    return sum;
}

}  // namespace

/// Who is refused goes on for as long as it likes: once a minute is enough to know.
bool Engine::tell_refused(uint32_t id, PortEntry& entry, uint32_t now_s) {
    constexpr uint32_t pause_s = 60;
    const bool early = entry.refused_told != 0 && now_s - entry.refused_told_s < pause_s;
    const uint64_t now = early ? 0 : refused_by(*entry.port);
    if (now <= entry.refused_told) return false;
    const uint64_t frames = std::min<uint64_t>(now - entry.refused_told, UINT32_MAX);
    entry.refused_told = now;
    entry.refused_told_s = now_s;
    tell(boundary::FramesRefusedEvent{id, static_cast<uint32_t>(frames)});
    return true;
}

std::optional<uint32_t> Engine::id_at(uint32_t switch_id, uint16_t slot) const noexcept {
    for (const auto& [id, entry] : ports_)
        if (entry.switch_id == switch_id && entry.port->slot == slot) return id;
    return std::nullopt;
}

}  // namespace valenic
