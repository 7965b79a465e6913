#include "lookup/learning.hpp"

#include <mutex>

#include "base/clock.hpp"
#include "base/secret.hpp"

namespace valenic {

using spec::PortCounter;

namespace {

constexpr Action nowhere = Action::drop(spec::DropReason::tx_no_destination);
constexpr Action claimed = Action::drop(spec::DropReason::tx_mac_claimed);

/// A switch has no more ports with this lookup: Lookup::ports_max().
uint8_t narrow(uint16_t slot) noexcept { return static_cast<uint8_t>(slot); }
Seat seat_of(const LookupSource& source) noexcept {
    return {narrow(source.slot), source.generation};
}

/// Both addresses of a frame, as they lie there: compared in two steps.
struct AddressBytes {
    uint64_t first;
    uint32_t rest;

    explicit AddressBytes(const uint8_t* frame) noexcept {
        __builtin_memcpy(&first, frame, sizeof first);
        __builtin_memcpy(&rest, frame + sizeof first, sizeof rest);
    }
    AddressBytes another() const noexcept {
        AddressBytes other = *this;
        other.rest = ~rest;
        return other;
    }
    bool operator==(const AddressBytes& other) const noexcept {
        return ((first ^ other.first) | (rest ^ other.rest)) == 0;
    }
};

}  // namespace

LearningLookup::LearningLookup(const LearningOptions& options)
    : table_(options.table_entries, options.ageing_s, options.seed.value_or(secret_number())) {}

[[gnu::always_inline]] inline Action LearningLookup::find(
    Station station, const LookupSource& source) const noexcept {
    const uint64_t key = table_.find(station, source.now_s);
    if (key == 0) return Action::flood_unknown();
    const uint8_t slot = slot_of(key);
    const uint8_t now = generations_[slot].load(std::memory_order_relaxed);
    return generation_of(key) == now ? Action::output(slot) : Action::flood_unknown();
}

/// False: the address belongs to another port, and stays there.
[[gnu::always_inline]] inline bool LearningLookup::learn(Station station,
                                                         const LookupSource& source) noexcept {
    const uint64_t key = key_of(station.mac, seat_of(source));
    return table_.renew(station, key, source.now_s) || learn_slowly(station, source);
}

void LearningLookup::resolve(const Batch& batch, const LookupSource& source,
                             std::span<Action> actions) noexcept {
    if (source.vlans != nullptr) [[unlikely]]
        return resolve_in_vlans(batch, source, actions);
    // Bursts share their addresses: the last answer is good for a frame with the same ones.
    uint64_t last_source = UINT64_MAX;
    uint64_t last_destination = UINT64_MAX;
    Action last_action = nowhere;
    Action answer = nowhere;  // The last one, unless it was refused for its source.
    bool own = true;
    AddressBytes last = AddressBytes(batch.stages[0].bytes).another();
    for (size_t i = 0; i < batch.count; ++i) {
        const AddressBytes now(batch.stages[i].bytes);
        if (now != last) [[unlikely]] {
            last = now;
            const MacAddress from = batch.source(i);
            const MacAddress to = batch.destination(i);
            if (from != last_source) {
                last_source = from;
                own = is_group(from) || from == 0 || learn({from, vlan_none}, source);
            }
            if (to != last_destination) {
                last_destination = to;
                answer = is_group(to) ? Action::flood() : find({to, vlan_none}, source);
            }
            last_action = own ? answer : claimed;
        }
        actions[i] = last_action;
    }
}

/// As resolve(), with the VLAN as a part of every address.
void LearningLookup::resolve_in_vlans(const Batch& batch, const LookupSource& source,
                                      std::span<Action> actions) noexcept {
    Station last_source{0, vlan_refused};
    Station last_destination{0, vlan_refused};
    Action answer = nowhere;
    bool own = true;
    for (size_t i = 0; i < batch.count; ++i) {
        const uint16_t vlan = source.vlans[i];
        actions[i] = nowhere;
        if (vlan == vlan_refused) continue;
        const Station from{batch.source(i), vlan};
        const Station to{batch.destination(i), vlan};
        if (from != last_source) {
            last_source = from;
            own = is_group(from.mac) || from.mac == 0 || learn(from, source);
        }
        if (to != last_destination) {
            last_destination = to;
            answer = is_group(to.mac) ? Action::flood() : find(to, source);
        }
        actions[i] = own ? answer : claimed;
    }
}

/// New here, or moved. A port that is full does not come as far as the lock with new ones, nor who
/// claims what is a sticky port's.
[[gnu::noinline]] bool LearningLookup::learn_slowly(Station station,
                                                    const LookupSource& source) noexcept {
    const uint64_t known = table_.find(station, source.now_s);
    if (known != 0 && table_.is_sticky(slot_of(known)) && slot_of(known) != source.slot)
        return false;
    if (table_.is_full(narrow(source.slot), source.mac_limit, source.now_s) && known == 0) {
        source.counters->add(PortCounter::macs_refused, 1);
        return true;
    }
    const std::lock_guard guard(lock_);
    std::atomic<uint8_t>& generation = generations_[source.slot];
    if (generation.load(std::memory_order_relaxed) != source.generation)
        generation.store(source.generation, std::memory_order_relaxed);
    const MacTable::Place place = table_.place_of(station);
    if (place == MacTable::nowhere) {
        learn_new(station, source);
        return true;
    }
    const MacEntry& entry = table_.entry(place);
    const uint64_t key = key_of(station.mac, seat_of(source));
    const uint64_t there = entry.key.load(std::memory_order_relaxed);
    if (there == key) return true;
    if (table_.expired(there, entry.seen.load(std::memory_order_relaxed), source.now_s)) {
        table_.remove(place);
        learn_new(station, source);
        return true;
    }
    if (table_.is_sticky(slot_of(there)) && slot_of(there) != source.slot) return false;
    learn_moved(place, source);
    return true;
}

void LearningLookup::learn_new(Station station, const LookupSource& source) noexcept {
    if (!has_room(source)) return;
    const MacTable::Outcome outcome = table_.insert(station, seat_of(source), source.now_s);
    if (outcome.loser) {
        board_.count_evicted(*outcome.loser);
        source.books_of(*outcome.loser).add(PortCounter::macs_evicted, 1);
    }
    source.counters->add(outcome.learned ? PortCounter::macs_learned : PortCounter::macs_refused,
                         1);
}

/// The last one who spoke has it, but for one that has as many as it may. Either way somebody may
/// want to know.
void LearningLookup::learn_moved(MacTable::Place place, const LookupSource& source) noexcept {
    const Station station = table_.entry(place).station();
    const uint8_t before = table_.entry(place).slot();
    if (before != source.slot) {
        const MacTable::Moves moves = table_.count_move(place, source.now_s, AddressMoves::pause_s);
        if (moves.count >= AddressMoves::many) {
            AddressMoves told{station.mac, station.vlan,  before,
                              moves.count, moves.seconds, moves.last_s};
            board_.write(narrow(source.slot), told);
            told.other = source.slot;
            board_.write(before, told);
        }
    }
    if (!has_room(source)) return;
    table_.move(place, seat_of(source), source.now_s);
    source.counters->add(PortCounter::macs_moved, 1);
}

/// Counts addresses that there is no room for.
bool LearningLookup::has_room(const LookupSource& source) noexcept {
    if (table_.held(narrow(source.slot)) >= source.mac_limit)
        table_.drop_expired_of(narrow(source.slot), source.now_s);
    if (table_.held(narrow(source.slot)) < source.mac_limit) return true;
    source.counters->add(PortCounter::macs_refused, 1);
    return false;
}

void LearningLookup::forget(uint16_t slot) noexcept {
    // A few at a time: workers that learn wait for the lock. Who learns meanwhile is not chased.
    constexpr size_t step = 32;
    for (size_t begun = 0, held = table_.held(narrow(slot)); begun <= held; begun += step) {
        const std::lock_guard guard(lock_);
        if (!table_.remove_some(narrow(slot), step)) break;
    }
    const std::lock_guard guard(lock_);
    board_.clear(narrow(slot));
}

std::vector<MacAddress> LearningLookup::addresses_of(uint16_t slot) const {
    const auto now_s = static_cast<uint32_t>(monotonic_ns() / 1'000'000'000);
    std::vector<MacAddress> found;
    found.reserve(table_.held(narrow(slot)));
    for (size_t place = 0; place < table_.places(); ++place) {
        const MacEntry& entry = table_.entry(static_cast<MacTable::Place>(place));
        const uint64_t key = entry.key.load(std::memory_order_relaxed);
        const uint64_t seen = entry.seen.load(std::memory_order_relaxed);
        if (key == 0 || slot_of(key) != slot || table_.expired(key, seen, now_s)) continue;
        found.push_back(mac_of(key));
    }
    return found;
}

}  // namespace valenic
