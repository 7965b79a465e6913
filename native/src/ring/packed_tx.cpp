#include "ring/packed_tx.hpp"

#include "ring/copy.hpp"
#include "ring/rebind.hpp"

namespace valenic {

using spec::Fault;

PackedTxRing::PackedTxRing(const PackedLayout& layout, const RingConfig& config,
                           std::shared_ptr<const MemoryMap> memory) noexcept
    : BasicTxRing(config.features, std::move(memory)),
      layout_(layout),
      next_{config.base},
      used_{config.base},
      used_place_(layout.place_of(used_)),
      // A device before us may have published and died before it called: at worst a call too many.
      signalled_place_(used_place_ - layout.size) {
    layout_.ask_for_no_kicks();
}

Fault PackedTxRing::rebind(const Parked&, const RingConfig& config,
                           std::shared_ptr<const MemoryMap> memory) noexcept {
    const Fault fault = rebind_parts(config, std::move(memory), layout_, memory_, cache_);
    if (fault != Fault::none) break_with(fault);
    return fault;
}

/// Up to and including the first chain that may be of more than one slot. What is borrowed has not
/// come back: the slots behind it are not looked at again.
size_t PackedTxRing::load_heads(const TxHeads& found) noexcept {
    const size_t count = std::min<size_t>(found.size(), layout_.size - borrowed_slots_);
    if (count == 0 || !layout_.available(next_)) return 0;
    layout_.own_slots(next_, std::min(count, ahead_));
    PackedPosition at = next_;
    bool tables = false;
    size_t loaded = 0;
    for (bool more = true; more && loaded < count;) {
        const size_t run = std::min<size_t>(count - loaded, layout_.size - at.index());
        const Loaded part = load_run(found.from(loaded).first(run), at);
        loaded += part.count;
        tables |= part.tables;
        more = !part.ended;
        at.advance(static_cast<uint32_t>(part.count), layout_.size);
    }
    if (tables) read_tables<spec::PackedDesc>(found.first(loaded), header_bytes_, *memory_, cache_);
    ahead_ = loaded;
    return loaded;
}

/// Slots side by side: the flags that say "available" are the same in all of them.
PackedTxRing::Loaded PackedTxRing::load_run(const TxHeads& found, PackedPosition at) noexcept {
    // Copies: what is written below might alias the members.
    const MemoryMap& memory = *memory_;
    RegionCache<Access::read> cache = cache_;
    const PackedSlot* const slots = layout_.slots + at.index();
    const uint16_t available = at.available_flags();
    TxHead* const heads = found.heads.data();
    Loaded done;
    while (done.count < found.size()) {
        const size_t i = done.count;
        const uint64_t rest = load_acquire(slots[i].rest);
        const auto state = static_cast<uint16_t>(packed_flags(rest) ^ available);
        done.ended = (state & packed_state_flags) != 0;
        if (done.ended) break;
        const uint64_t addr = load_once(slots[i].addr);
        const uint8_t* data = nullptr;
        if (state == 0) [[likely]]
            data = memory.translate(addr, packed_len(rest), cache);
        set_one_slot(heads[i], packed_id(rest), packed_len(rest));
        heads[i].data = data;
        ++done.count;
        if (data != nullptr) [[likely]] {
            fetch_line(data);
            fetch_line(data + line_bytes);
            continue;
        }
        found.pairs[i] = {};
        done.ended = state != spec::desc_f_indirect || !layout_.indirect;
        if (done.ended) break;
        done.tables |= expect_pair(found.pairs[i], addr, packed_len(rest), memory, cache);
    }
    cache_ = cache;
    return done;
}

/// The chains before it in this load are of one slot each.
ChainResult PackedTxRing::walk(TxHead& head, size_t index, std::span<Piece> pieces) noexcept {
    PackedPosition at = next_;
    at.advance(static_cast<uint32_t>(index), layout_.size);
    const auto slots_max = static_cast<uint32_t>(layout_.size - borrowed_slots_ - index);
    const ChainResult chain =
        walk_chain<ChainUse::send>(layout_, *memory_, cache_, at, slots_max, pieces);
    head.id = chain.id;
    head.slots = chain.slots;
    return chain;
}

void PackedTxRing::note_taken(std::span<const TxHead> heads) noexcept {
    if (heads.empty()) return;
    // Behind a chain of more slots than one nothing is taken.
    const auto slots = static_cast<uint32_t>(heads.size() - 1 + heads.back().slots);
    if (layout_.in_order) {
        borrowed_[0].id = heads.back().id;
    } else {
        Borrowed* const out = borrowed_.data() + taken_;
        for (size_t i = 0; i < heads.size(); ++i) out[i] = {heads[i].id, heads[i].slots};
    }
    borrowed_slots_ += slots;
    PackedPosition next = next_;
    next.advance(slots, layout_.size);
    store_once(next_.off_wrap, next.off_wrap);
}

/// Nothing was written into what was sent: length 0, and no WRITE flag.
void PackedTxRing::show_used(PackedPosition at, uint16_t id) noexcept {
    guest_publish(layout_.slots[at.index()].rest, packed_rest(0, id, at.used_flags()));
}

/// The driver takes used descriptors in their order, so the first is written last: until then it
/// sees none, and its line is not pulled back and forth.
void PackedTxRing::release() noexcept {
    if (taken_ == 0) return;
    PackedPosition at = used_;
    if (layout_.in_order) {
        // @spec virtio 1.2, 2.8.9: one descriptor for the batch, with the id of its last buffer.
        at.advance(borrowed_slots_, layout_.size);
    } else if (borrowed_slots_ == taken_) {
        at.advance(1, layout_.size);
        layout_.mark_used_run(at, taken_ - 1u,
                              [this](size_t i) { return packed_rest(0, borrowed_[i + 1].id, 0); });
        at.advance(taken_ - 1u, layout_.size);
    } else {
        at.advance(borrowed_[0].slots, layout_.size);
        for (size_t i = 1; i < taken_; ++i) {
            show_used(at, borrowed_[i].id);
            at.advance(borrowed_[i].slots, layout_.size);
        }
    }
    show_used(used_, borrowed_[0].id);
    store_once(used_.off_wrap, at.off_wrap);
    used_place_ += borrowed_slots_;
    borrowed_slots_ = 0;
    taken_ = 0;
}

bool PackedTxRing::call_wanted() noexcept {
    if (used_place_ == signalled_place_) return false;
    full_fence();  // Our used descriptors before their wish. virtio 1.2, 2.8.21.3.
    const uint64_t count = used_place_ - signalled_place_;
    signalled_place_ = used_place_;
    return layout_.wants_call(used_, count);
}

bool PackedTxRing::arm() noexcept {
    if (broken()) return false;
    layout_.ask_for_kicks(next_);
    full_fence();  // Our wish before their descriptor.
    return layout_.available(next_);
}

}  // namespace valenic
