// Who may use how much of a worker's time: counted in what work costs, not in frames.
//
// Start-time fair queueing, which gives the shares of deficit round robin without a pass over the
// ports that are idle. Every port has an account with each worker, up to which it has paid in
// virtual time; it goes when the worker's virtual time has reached that. Virtual time goes on by
// what was charged, divided by the ports that wanted a part, and with the clock while there is no
// such contest; and when all are ahead of it, to the first of them: the worker never waits while
// there is work.
#pragma once
#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "base/tick_clock.hpp"
#include "net/batch.hpp"

namespace valenic {

/// One port's account with one worker. That worker alone reads and writes it.
struct alignas(64) Share {
    uint64_t paid_to = 0;            ///< In virtual time.
    uint64_t counted_in = 0;         ///< The round in which it was last counted as active.
    uint64_t blocked_in = 0;         ///< The round in which a queue first gave way to another.
    uint16_t frames = batch_frames;  ///< Most that its next turn takes while others wait.
    uint16_t waiting = 0;  ///< Queue pairs, a bit each, that were refused a turn since their last.
    uint16_t last_pair = 0;  ///< Who had the last turn: the waiting one behind it has the next.
};

class Shares {
 public:
    /// What a turn may cost: about four batches of 64 short frames. What costs more a frame gets
    /// fewer frames in its next turn.
    static constexpr uint64_t turn_target_ns = 10'000;
    /// Of a turn, what it costs whatever it brings. A budget is no weight of that: else who is to
    /// take few frames at a time would pay more for each.
    static constexpr uint64_t turn_fixed_ns = 200;
    /// What a turn is charged at the most: beyond that the thread was off its CPU.
    static constexpr uint64_t turn_max_ns = 250'000;
    /// How far behind a port may stay that wants a turn in every round: somebody else's long turn
    /// costs it nothing. Who was idle in between has no credit.
    static constexpr uint64_t credit_max_ns = 100'000;

    explicit Shares(TickClock clock = TickClock::of_cpu()) noexcept
        : clock_(clock), turn_target_(clock.from_ns(turn_target_ns)) {}

    const TickClock& clock() const noexcept { return clock_; }
    uint64_t turn_target() const noexcept { return turn_target_; }  ///< In ticks.
    uint64_t round() const noexcept { return round_; }

    /// Once in every round of the worker, before any turn.
    void begin_round(uint64_t now_ns) noexcept {
        const uint64_t elapsed = now_ns - round_began_;
        round_began_ = now_ns;
        contended_ = active_ > 1;
        virtual_now_ += contended_ ? charged_ / active_ : elapsed;
        if (earliest_ != nobody && earliest_ > virtual_now_) virtual_now_ = earliest_;
        active_ = 0;
        charged_ = 0;
        earliest_ = nobody;
        ++round_;
    }
    /// Whether a queue of the port may have a turn in this round. Asked of queues that have work.
    bool may_go(Share& share, unsigned pair) noexcept {
        if (!contended_) return true;
        if (share.paid_to <= virtual_now_ && !gives_way(share, pair)) return true;
        share.waiting = static_cast<uint16_t>(share.waiting | 1u << pair);
        count(share);
        earliest_ = std::min(earliest_, share.paid_to);
        return false;
    }
    /// Most frames that a turn takes. If nobody else waits: all that its budget allows.
    size_t frames_of(const Share& share, size_t budget) const noexcept {
        return contended_ ? std::min<size_t>(budget, share.frames) : budget;
    }
    /// Charges a turn. Returns the nanoseconds that the port itself used: without what receivers
    /// pay for.
    ///
    /// @param cost    Ticks from its beginning to its end.
    /// @param frames  That it took, at least one.
    /// @param budget  Of the port: its weight beside others.
    uint64_t end_turn(Share& share, unsigned pair, size_t budget, size_t frames,
                      uint64_t cost) noexcept {
        const uint64_t whole = clock_.to_ns(cost);
        const uint64_t used =
            std::min(whole - std::min(whole, std::exchange(paid_by_receivers_, 0)), turn_max_ns);
        adapt(share, frames, used);
        if (!contended_) {  // Nobody has to be kept waiting, so nothing has to be paid.
            count(share);
            return used;
        }
        uint64_t charge = used;
        if (budget != batch_frames_default && used > turn_fixed_ns)
            charge = turn_fixed_ns + (used - turn_fixed_ns) * batch_frames_default / budget;
        pay(share, charge);
        earliest_ = std::min(earliest_, share.paid_to);
        share.blocked_in = 0;
        share.waiting = static_cast<uint16_t>(share.waiting & ~(1u << pair));
        share.last_pair = static_cast<uint16_t>(pair);
        return used;
    }

    /// Whether a receiver with costly buffers has used more than it may. Ports that are alone
    /// with a worker may use what they like.
    uint64_t receivers_limit() const noexcept {
        return contended_ ? virtual_now_ + credit_max_ns : UINT64_MAX;
    }
    /// Charges a receiver, within somebody's turn.
    void charge_receiver(Share& share, uint64_t cost_ns) noexcept {
        paid_by_receivers_ += cost_ns;
        pay(share, std::min(cost_ns, turn_max_ns));
    }
    /// A receiver wanted more than it may use.
    void refuse_receiver(Share& share) noexcept { count(share); }

 private:
    static constexpr uint64_t nobody = UINT64_MAX;

    void count(Share& share) noexcept {
        if (share.counted_in == round_) return;
        share.counted_in = round_;
        ++active_;
    }
    void pay(Share& share, uint64_t charge) noexcept {
        const uint64_t credit = share.counted_in + 1 >= round_ ? credit_max_ns : 0;
        share.paid_to = std::max(share.paid_to, virtual_now_ - credit) + charge;
        charged_ += charge;
        count(share);
    }
    /// A port has one share, however many queues: they take turns.
    bool gives_way(Share& share, unsigned pair) noexcept {
        const int next = share.last_pair + 1;
        const uint16_t in_order = std::rotr(share.waiting, next);
        const uint16_t before =
            static_cast<uint16_t>(std::rotr(static_cast<uint16_t>(1u << pair), next) - 1);
        if ((in_order & before) == 0) return false;
        if (share.blocked_in == 0) share.blocked_in = round_;
        if (round_ - share.blocked_in < 2) return true;  // Each was asked in one of two rounds.
        share.waiting = 0;  // Whose turn it was has gone: its ring stopped, or moved away.
        return false;
    }
    /// The next turn takes as many frames as this one's price allows; more only little by little.
    void adapt(Share& share, size_t frames, uint64_t used) noexcept {
        if (used > turn_target_ns) {
            const uint64_t fit = frames * turn_target_ns / used;
            share.frames = static_cast<uint16_t>(std::clamp<uint64_t>(fit, 1, batch_frames));
        } else if (share.frames < batch_frames) {
            share.frames = static_cast<uint16_t>(share.frames + share.frames / 8 + 1);
        }
    }

    TickClock clock_;
    uint64_t turn_target_;  ///< In ticks.
    uint64_t virtual_now_ = credit_max_ns;
    uint64_t round_began_ = 0;
    uint64_t round_ = 1;
    uint64_t earliest_ = nobody;      ///< Up to where the least of the active ports has paid.
    uint64_t charged_ = 0;            ///< In this round, to all.
    uint64_t paid_by_receivers_ = 0;  ///< In this turn.
    uint32_t active_ = 0;             ///< Ports that wanted time in this round.
    bool contended_ = false;          ///< In the last round more than one did.
};

}  // namespace valenic
