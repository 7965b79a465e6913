// What the engine knows and tells of the addresses behind its ports.
#include <utility>

#include "io/engine.hpp"

namespace valenic {

using spec::CommandError;

Result<std::vector<MacAddress>, Refusal> Engine::macs_of(uint32_t id) {
    PortEntry* entry = find(id);
    if (entry == nullptr) return Refusal(CommandError::unknown_port);
    return entry->port->home->lookup().addresses_of(entry->port->slot);
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
    EngineEvent event{moving ? EngineEvent::Kind::mac_moves : EngineEvent::Kind::mac_rests, id};
    if (moving) {
        const auto other = id_at(entry.switch_id, moves.other);
        if (!other) return false;  // It was removed just now.
        event.moves = moves;
        event.other = *other;
    }
    entry.moves_told = moving;
    on_event_(event);
    return true;
}

bool Engine::tell_evicted(uint32_t id, PortEntry& entry, const AddressNews& news) {
    const uint32_t before = std::exchange(entry.evicted_told, news.evicted);
    if (news.evicted <= before) return false;
    EngineEvent event{EngineEvent::Kind::macs_evicted, id};
    event.evicted = news.evicted - before;
    on_event_(event);
    return true;
}

std::optional<uint32_t> Engine::id_at(uint32_t switch_id, uint16_t slot) const noexcept {
    for (const auto& [id, entry] : ports_)
        if (entry.switch_id == switch_id && entry.port->slot == slot) return id;
    return std::nullopt;
}

}  // namespace valenic
