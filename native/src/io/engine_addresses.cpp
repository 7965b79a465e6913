// What the engine knows and tells of the addresses behind its ports.
#include "io/engine.hpp"

namespace valenic {

using spec::CommandError;

Result<std::vector<MacAddress>, Refusal> Engine::macs_of(uint32_t id) {
    PortEntry* entry = find(id);
    if (entry == nullptr) return Refusal(CommandError::unknown_port);
    const Lookup& lookup = entry->port->home->lookup();
    std::vector<MacAddress> macs(lookup.addresses_of(entry->port->slot, {}));
    const size_t count = lookup.addresses_of(entry->port->slot, macs);
    if (count < macs.size()) macs.resize(count);
    return macs;
}

/// Guests can bring it about as often as they like: a few ports in each turn, the next ones in the
/// next.
void Engine::tell_addresses(uint32_t now_s) {
    constexpr unsigned most = 4;
    unsigned told = 0;
    auto next = ports_.upper_bound(addresses_told_);
    for (size_t i = 0; i < ports_.size() && told < most; ++i, ++next) {
        if (next == ports_.end()) next = ports_.begin();
        addresses_told_ = next->first;
        told += tell_addresses_of(next->first, next->second, now_s);
    }
}

/// How many events that was.
unsigned Engine::tell_addresses_of(uint32_t id, PortEntry& entry, uint32_t now_s) {
    const AddressNews news = entry.port->home->lookup().news_of(entry.port->slot);
    unsigned told = 0;
    if (news.evicted > entry.evicted_told) {
        EngineEvent event{EngineEvent::Kind::macs_evicted, id};
        event.evicted = news.evicted - entry.evicted_told;
        on_event_(event);
        ++told;
    }
    entry.evicted_told = news.evicted;
    if (!news.whole) return told;

    const AddressMoves& moves = news.moves;
    const bool moving = moves.count > 0 && now_s <= moves.last_s + AddressMoves::pause_s;
    if (moving == entry.moves_told) return told;
    EngineEvent event{moving ? EngineEvent::Kind::mac_moves : EngineEvent::Kind::mac_rests, id};
    if (moving) {
        const auto other = id_at(entry.switch_id, moves.other);
        if (!other) return told;  // It was removed just now.
        event.moves = moves;
        event.other = *other;
    }
    entry.moves_told = moving;
    on_event_(event);
    return told + 1;
}

std::optional<uint32_t> Engine::id_at(uint32_t switch_id, uint8_t slot) const noexcept {
    for (const auto& [id, entry] : ports_)
        if (entry.switch_id == switch_id && entry.port->slot == slot) return id;
    return std::nullopt;
}

}  // namespace valenic
