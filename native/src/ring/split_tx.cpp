#include "ring/split_tx.hpp"

#include "ring/copy.hpp"
#include "ring/rebind.hpp"

namespace valenic {

using spec::Fault;

SplitTxRing::SplitTxRing(const SplitLayout& layout, const RingConfig& config,
                         std::shared_ptr<const MemoryMap> memory) noexcept
    : BasicTxRing(config.features, std::move(memory)),
      layout_(layout),
      next_avail_(config.base),
      known_avail_(config.base),
      used_index_(config.base),
      // A device before us may have published and died before it called: at worst a call too many.
      signalled_(static_cast<uint16_t>(config.base - config.size)) {
    // What the last device took it also returned: the guest's used index is both.
    layout_.ask_for_no_kicks();
}

Fault SplitTxRing::rebind(const Parked&, const RingConfig& config,
                          std::shared_ptr<const MemoryMap> memory) noexcept {
    const Fault fault = rebind_parts(config, std::move(memory), layout_, memory_, cache_);
    if (fault != Fault::none) break_with(fault);
    known_avail_ = next_avail_;
    return fault;
}

/// Chains that wait, reading the guest's index only when fewer than wanted are known to wait.
size_t SplitTxRing::waiting(size_t wanted) noexcept {
    size_t known = static_cast<uint16_t>(known_avail_ - next_avail_);
    if (known >= wanted) return known;
    const uint16_t avail = layout_.avail_index();
    known = static_cast<uint16_t>(avail - next_avail_);
    // The driver does not have back what we borrow, so it cannot offer it again.
    if (known + taken_ > layout_.size) [[unlikely]] {
        break_with(Fault::avail_index_jumped);
        return 0;
    }
    known_avail_ = avail;
    return known;
}

/// Fewer than wait when a rule was broken, and then the ring is broken.
size_t SplitTxRing::load_heads(const TxHeads& found) noexcept {
    // Copies: what is written below might alias the members.
    const uint16_t* const ring = layout_.avail_ring();
    const spec::SplitDesc* const table = layout_.table;
    const uint16_t mask = layout_.mask;
    const MemoryMap& memory = *memory_;
    RegionCache<Access::read> cache = cache_;
    TxHead* const heads = found.heads.data();
    const size_t count = std::min(found.size(), waiting(found.size()));
    const size_t next = next_avail_;
    bool tables = false;
    size_t loaded = 0;
    for (; loaded < count; ++loaded) {
        const uint16_t index = load_once(ring[(next + loaded) & mask]);
        if (index > mask) [[unlikely]] {
            break_with(Fault::index_outside_table);
            break;
        }
        const spec::SplitDesc desc = load_descriptor(table[index]);
        const uint8_t* data = nullptr;
        if (desc.flags == 0) [[likely]]
            data = memory.translate(desc.addr, desc.len, cache);
        set_one_slot(heads[loaded], index, desc.len);
        heads[loaded].data = data;
        if (data != nullptr) [[likely]] {
            fetch_line(data);
            fetch_line(data + line_bytes);
        } else {
            found.pairs[loaded] = {};
            if (desc.flags == spec::desc_f_indirect && layout_.indirect)
                tables |= expect_pair(found.pairs[loaded], desc.addr, desc.len, memory, cache);
        }
    }
    if (tables) read_tables<spec::SplitDesc>(found.first(loaded), header_bytes_, memory, cache);
    cache_ = cache;
    return loaded;
}

/// The used entries of what was taken; release() publishes them.
void SplitTxRing::note_taken(std::span<const TxHead> heads) noexcept {
    if (heads.empty()) return;
    if (layout_.in_order) {
        last_head_ = heads.back().id;
    } else {
        layout_.write_used_run(static_cast<uint16_t>(used_index_ + taken_), heads.size(),
                               [&heads](size_t i) { return split_used(heads[i].id, 0); });
    }
    store_once(next_avail_, static_cast<uint16_t>(next_avail_ + heads.size()));
}

void SplitTxRing::release() noexcept {
    if (taken_ == 0) return;
    if (layout_.in_order) {
        // @spec virtio 1.2, 2.7.9: one entry for the batch, at its start, with the last one's head.
        spec::SplitUsedElem& element = layout_.used_ring()[used_index_ & layout_.mask];
        guest_store(element.id, uint32_t{last_head_});
        guest_store(element.len, uint32_t{0});
    }
    store_once(used_index_, static_cast<uint16_t>(used_index_ + taken_));
    taken_ = 0;
    guest_publish(layout_.used->idx, used_index_);
}

bool SplitTxRing::call_wanted() noexcept {
    if (used_index_ == signalled_) return false;
    full_fence();  // Our used index before their flag or event. virtio 1.2, 2.7.7.2.
    const uint16_t before = signalled_;
    signalled_ = used_index_;
    if (layout_.wants_call(before, used_index_)) return true;
    // @spec virtio 1.2, 6.3 "Legacy Interface: Reserved Feature Bits", NOTIFY_ON_EMPTY.
    return layout_.notify_on_empty && layout_.avail_index() == next_avail_;
}

bool SplitTxRing::arm() noexcept {
    if (broken()) return false;
    layout_.ask_for_kicks(next_avail_);
    full_fence();  // Our wish before their index. virtio 1.2, 2.7.10.
    return layout_.avail_index() != next_avail_;
}

}  // namespace valenic
