// How a batch is fetched from a ring of either kind: CRTP, so that split and packed share this
// loop without a call for each frame.
#pragma once
#include <algorithm>
#include <memory>
#include <utility>

#include "net/net_header.hpp"
#include "ring/tx_stage.hpp"

namespace valenic {

/// `Ring` supplies, all for the owning worker:
/// - `load_heads(heads)`: loads the chains that wait, in order, and asks for their first lines;
/// - `walk(head, index, pieces)`: of chain `index` of those;
/// - `note_taken(span)`: these were taken, and wait for release();
/// - `slots_vary`: whether a walk may find that a chain has another number of slots than one; then
///   nothing behind it may be taken before load_heads() is asked again.
template <typename Ring>
class BasicTxRing : public TxRing {
 public:
    size_t fetch(Batch& batch, const FetchLimits& limits, CounterBlock& counters) noexcept final {
        if (broken()) [[unlikely]]
            return 0;
        if (memory_->truncated()) [[unlikely]] {  // At once: nothing of it enters a batch again.
            break_with(spec::Fault::memory_truncated);
            return 0;
        }
        const size_t room =
            std::min(limits.frames, batch_frames - std::max<size_t>(batch.count, taken_));
        TxHead heads[batch_frames];
        TxPair pairs[batch_frames];
        size_t total = 0;
        walked_ = 0;
        while (total < room) {
            const size_t wanted = room - total;
            const size_t loaded = ring().load_heads({{heads, wanted}, pairs});
            batch.drained = loaded < wanted;
            if (loaded == 0) break;
            const TxHeads found{{heads, loaded}, pairs};
            const size_t done = take(found, batch, limits, counters);
            ring().note_taken(std::span<const TxHead>{heads, done});
            taken_ = static_cast<uint16_t>(taken_ + done);
            total += done;
            const bool ended_by_chain =
                Ring::slots_vary && done > 0 && found.to_be_walked(done - 1);
            if (!ended_by_chain || stopped_ || costs_enough(batch, limits)) {
                if (ended_by_chain || done < loaded) batch.drained = false;
                break;
            }
        }
        if (memory_->truncated()) [[unlikely]]  // We found out: nobody has to come again for it.
            break_with(spec::Fault::memory_truncated);
        return total;
    }

 protected:
    BasicTxRing(uint64_t features, std::shared_ptr<const MemoryMap> memory) noexcept
        : memory_(std::move(memory)),
          header_bytes_(net_header_bytes_for(features)),
          offloads_(offloads_of_sender(features)) {}

    bool broken() const noexcept { return fault() != spec::Fault::none; }

    std::shared_ptr<const MemoryMap> memory_;
    RegionCache<Access::read> cache_;
    const uint32_t header_bytes_;
    const OffloadSet offloads_;
    uint16_t taken_ = 0;  ///< Chains taken since the last release.

 private:
    Ring& ring() noexcept { return static_cast<Ring&>(*this); }

    /// Takes from the start of `heads`. Returns how many.
    size_t take(const TxHeads& heads, Batch& batch, const FetchLimits& limits,
                CounterBlock& counters) noexcept {
        size_t done = 0;
        stopped_ = false;
        while (done < heads.size()) {
            const size_t run = take_simple(heads.from(done), batch, limits);
            done += run;
            if (run == 0) {
                heads.walk(done);
                stopped_ =
                    take_chain(heads.heads[done], done, batch, limits, counters) != TxTaken::yes;
                if (stopped_) break;
                ++done;
            }
            if (done == heads.size() || costs_enough(batch, limits)) break;
            if (Ring::slots_vary && run == 0 && heads.heads[done - 1].slots != 1) break;
        }
        return done;
    }
    bool costs_enough(const Batch& batch, const FetchLimits& limits) const noexcept {
        return walked_ >= limits.descriptors || batch.bytes >= batch_bytes_max;
    }
    /// The frames that it begins with, of one buffer each or of two.
    size_t take_simple(const TxHeads& heads, Batch& batch, const FetchLimits& limits) noexcept {
        return take_run(heads, {header_bytes_, limits.max_frame_bytes, offloads_}, batch);
    }
    TxTaken take_chain(TxHead& head, size_t index, Batch& batch, const FetchLimits& limits,
                       CounterBlock& counters) noexcept {
        Piece pieces[chain_pieces_max];
        const ChainResult chain = ring().walk(head, index, pieces);
        walked_ += chain.descriptors;
        if (chain.fault != spec::Fault::none || chain.bytes < header_bytes_) {
            break_with(chain.fault != spec::Fault::none ? chain.fault
                                                        : spec::Fault::header_incomplete);
            return TxTaken::broken;
        }
        const TxRules rules{header_bytes_, limits.max_frame_bytes, offloads_};
        return stage_chain(chain, pieces, rules, batch, counters);
    }

    size_t walked_ = 0;  ///< Descriptors, in this fetch.
    /// The batch is full, or the ring is broken: no more in this fetch.
    bool stopped_ = false;
};

}  // namespace valenic
