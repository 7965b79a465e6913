#include "lookup/mac_table.hpp"

#include "base/check.hpp"

namespace valenic {

namespace {

constexpr size_t buckets_for(size_t room) noexcept {
    size_t buckets = 16;
    while (buckets * MacBucket::ways < room * 2) buckets *= 2;
    return buckets;
}

}  // namespace

MacTable::MacTable(size_t room, uint32_t ageing_s, uint64_t seed)
    : ageing_s_(ageing_s),
      mask_(buckets_for(room) - 1),
      seed_(seed | 1),  // A multiplier must be odd to lose nothing.
      buckets_(std::make_unique<MacBucket[]>(mask_ + 1)),
      room_(room),
      links_(std::make_unique<Link[]>(places() + slots_max)) {
    for (size_t slot = 0; slot < slots_max; ++slot) {
        const Place own = head(static_cast<uint8_t>(slot));
        links_[own] = {own, own, {}};
        swept_s_[slot].store(UINT32_MAX, std::memory_order_relaxed);
    }
}

MacBucket& MacTable::second_of_two(uint64_t hash) const noexcept {
    const uint64_t mixed = (hash ^ hash >> 29) * 0x9e37'79b9'7f4a'7c15u;
    const size_t first = (hash >> 32) & mask_;
    const size_t second = (mixed >> 32) & mask_;
    return buckets_[second == first ? first ^ 1 : second];
}

[[gnu::noinline]] uint64_t MacTable::find_second(uint64_t hash, Station station,
                                                 uint32_t now_s) const noexcept {
    return match(second_of_two(hash), station, now_s);
}

[[gnu::noinline]] bool MacTable::renew_second(uint64_t hash, Station station, uint64_t key,
                                              uint64_t now) noexcept {
    return renew_in(second_of_two(hash), station, key, now);
}

// ---- Under the lock.

MacTable::Place MacTable::place_in(const MacBucket& bucket, Station station) const noexcept {
    for (size_t way = 0; way < MacBucket::ways; ++way)
        if (!bucket.entries[way].free() && bucket.entries[way].station() == station)
            return first_place(bucket) + static_cast<Place>(way);
    return nowhere;
}

MacTable::Place MacTable::place_of(Station station) const noexcept {
    const uint64_t hash = hash_of(station);
    const Place place = place_in(first_of(hash), station);
    return place != nowhere ? place : place_in(second_of_two(hash), station);
}

MacTable::Moves MacTable::count_move(Place place, uint32_t now_s, uint32_t pause_s) noexcept {
    Moves& moves = links_[place].moves;
    const uint32_t pause = now_s > moves.last_s ? now_s - moves.last_s : 0;
    const bool first = moves.count == 0 || pause > pause_s;
    const auto bounded = [](uint32_t value) {
        return static_cast<uint16_t>(value < UINT16_MAX ? value : UINT16_MAX);
    };
    moves = {first ? uint16_t{1} : bounded(moves.count + 1u),
             first ? uint16_t{0} : bounded(moves.seconds + pause), now_s};
    return moves;
}

void MacTable::move(Place place, Seat seat, uint32_t now_s) noexcept {
    const Station station = entry(place).station();
    unlink(place);
    writable(place).move(key_of(station.mac, seat), seen_of(station.vlan, now_s));
    link(place, seat.slot);
}

MacTable::Outcome MacTable::insert(Station station, Seat seat, uint32_t now_s) noexcept {
    Outcome outcome;
    const Place place = place_for(hash_of(station), now_s);
    if (place == nowhere) return outcome;
    if (total_ >= room_ && !make_room(seat.slot, now_s, outcome)) return outcome;
    writable(place).write(key_of(station.mac, seat), seen_of(station.vlan, now_s));
    links_[place].moves = {};
    link(place, seat.slot);
    outcome.learned = true;
    return outcome;
}

void MacTable::remove(Place place) noexcept {
    unlink(place);
    writable(place).write(0, 0);
}

bool MacTable::remove_some(uint8_t slot, size_t most) noexcept {
    for (size_t count = 0; count < most; ++count) {
        if (links_[head(slot)].next == head(slot)) return false;
        remove(links_[head(slot)].next);
    }
    return true;
}

void MacTable::drop_expired_of(uint8_t slot, uint32_t now_s) noexcept {
    constexpr size_t steps = 16;
    if (swept_s_[slot].load(std::memory_order_relaxed) == now_s) return;
    if (pass_left_[slot] == 0) pass_left_[slot] = held(slot);
    for (size_t step = 0; step < steps && pass_left_[slot] > 0; ++step) {
        const Place place = links_[head(slot)].next;
        if (place == head(slot)) {  // Those that it began with moved away.
            pass_left_[slot] = 0;
            break;
        }
        --pass_left_[slot];
        if (expired(place, now_s)) {
            remove(place);
        } else {
            unlink(place);
            link(place, slot);
        }
    }
    if (pass_left_[slot] == 0) swept_s_[slot].store(now_s, std::memory_order_relaxed);
}

// ---- Where a new one goes.

MacTable::Place MacTable::place_for(uint64_t hash, uint32_t now_s) noexcept {
    const MacBucket* const both[] = {&first_of(hash), &second_of_two(hash)};
    for (const MacBucket* bucket : both)
        if (const Place place = free_place(*bucket, now_s); place != nowhere) return place;
    for (const MacBucket* bucket : both)
        if (const Place place = displaced_from(*bucket, now_s); place != nowhere) return place;
    return nowhere;
}

MacTable::Place MacTable::free_place(const MacBucket& bucket, uint32_t now_s) noexcept {
    const Place first = first_place(bucket);
    for (Place place = first; place < first + MacBucket::ways; ++place) {
        if (!entry(place).free() && !expired(place, now_s)) continue;
        if (!entry(place).free()) remove(place);
        return place;
    }
    return nowhere;
}

/// A place in a full bucket that one of its addresses leaves for its other bucket. It is there
/// before it is gone here: a reader that comes in between floods one frame at worst.
MacTable::Place MacTable::displaced_from(const MacBucket& bucket, uint32_t now_s) noexcept {
    const Place first = first_place(bucket);
    for (Place from = first; from < first + MacBucket::ways; ++from) {
        MacEntry& old = writable(from);
        const Place to = free_place(other_of_two(hash_of(old.station()), bucket), now_s);
        if (to == nowhere) continue;
        writable(to).write(old.key.load(std::memory_order_relaxed),
                           old.seen.load(std::memory_order_relaxed));
        old.write(0, 0);
        links_[to] = links_[from];
        links_[links_[to].next].before = to;
        links_[links_[to].before].next = to;
        return from;
    }
    return nowhere;
}

/// Makes room for one more address of this port. False: it may not take any place.
bool MacTable::make_room(uint8_t slot, uint32_t now_s, Outcome& outcome) noexcept {
    sweep(now_s);
    if (total_ < room_) return true;
    const uint8_t most = largest();
    const uint8_t giver = held(most) >= held(slot) + 2 ? most : slot;
    if (held(giver) == 0) return false;
    const Place victim = stalest_of(giver);
    if (!expired(victim, now_s)) outcome.loser = giver;
    remove(victim);
    return true;
}

uint8_t MacTable::largest() const noexcept {
    size_t most = 0;
    for (size_t slot = 1; slot < slots_seen_; ++slot)
        if (held(static_cast<uint8_t>(slot)) > held(static_cast<uint8_t>(most))) most = slot;
    return static_cast<uint8_t>(most);
}

/// Of the next few of a port, the one that was silent longest; of those, the one that has been
/// there longest. What was looked at goes to the end of the port's list.
MacTable::Place MacTable::stalest_of(uint8_t slot) noexcept {
    constexpr size_t steps = 8;
    CHECK(held(slot) > 0);
    Place stalest = nowhere;
    for (size_t step = 0; step < steps && step < held(slot); ++step) {
        const Place place = links_[head(slot)].next;
        if (stalest == nowhere || entry(place).second() < entry(stalest).second()) stalest = place;
        unlink(place);
        link(place, slot);
    }
    return stalest;
}

/// Frees expired places in the next few buckets, so that silent addresses do not fill the table for
/// ever. One pass over the table a second, a few buckets for each who asks.
void MacTable::sweep(uint32_t now_s) noexcept {
    constexpr size_t buckets_each = 16;
    if (sweep_left_ == 0) {
        if (sweep_began_s_ == now_s) return;
        sweep_began_s_ = now_s;
        sweep_left_ = mask_ + 1;
    }
    for (size_t i = 0; i < buckets_each && sweep_left_ > 0; ++i) {
        const Place first = static_cast<Place>(--sweep_left_ * MacBucket::ways);
        for (Place place = first; place < first + MacBucket::ways; ++place)
            if (!entry(place).free() && expired(place, now_s)) remove(place);
    }
}

// ---- The lists and their books.

/// At the end of the port's list: it is looked at last.
void MacTable::link(Place place, uint8_t slot) noexcept {
    const Place end = head(slot);
    const Place last = links_[end].before;
    links_[place].next = end;
    links_[place].before = last;
    links_[last].next = place;
    links_[end].before = place;
    set_held(slot, held(slot) + 1);
    ++total_;
    if (slot >= slots_seen_) slots_seen_ = size_t{slot} + 1;
}

/// Its entry still says whose it is.
void MacTable::unlink(Place place) noexcept {
    const Link& gone = links_[place];
    links_[gone.before].next = gone.next;
    links_[gone.next].before = gone.before;
    const uint8_t slot = entry(place).slot();
    set_held(slot, held(slot) - 1);
    --total_;
}

}  // namespace valenic
