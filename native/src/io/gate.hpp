// Stops every worker between two batches, so that the topology never changes under one.
#pragma once
#include <atomic>
#include <cstdint>
#include <span>

#include "base/atomic.hpp"
#include "base/check.hpp"
#include "base/parked.hpp"

namespace valenic {

/// Workers pass the gate once a round. The control thread closes it, waits until all of them are
/// outside (asleep counts), changes what it likes, and opens it again.
///
/// Closing pairs with entering as in Dekker's algorithm: each side writes its own flag, fences,
/// reads the other's. While the gate is open a worker pays one read of a shared, unchanging line a
/// round.
class Gate {
 public:
    /// Worker: true when it must leave() and enter() again.
    bool closing() const noexcept { return closed_.load(std::memory_order_relaxed) != 0; }
    /// Control thread: from here on nobody enters.
    void close() noexcept { closed_.store(1, std::memory_order_seq_cst); }
    void open() noexcept {
        closed_.store(0, std::memory_order_release);  // Pairs with the acquire load in may_enter().
        closed_.notify_all();
    }
    bool may_enter() const noexcept { return closed_.load(std::memory_order_seq_cst) == 0; }
    /// Control thread, gate closed, and every worker was seen outside since. They are not looked at
    /// again: one that tries to enter says for a moment that it is inside.
    Parked parked() const noexcept {
        CHECK(!may_enter());
        return Parked();
    }
    /// Blocks while the gate is closed (futex).
    void wait_open() const noexcept { closed_.wait(1, std::memory_order_acquire); }

 private:
    alignas(64) std::atomic<uint32_t> closed_{0};
};

/// One worker's place at the gate.
class GatePass {
 public:
    explicit GatePass(Gate& gate) noexcept : gate_(gate) {}
    /// Worker: returns inside the gate; blocks while it is closed.
    void enter() noexcept {
        for (;;) {
            inside_.store(true, std::memory_order_seq_cst);
            if (gate_.may_enter()) return;
            inside_.store(false, std::memory_order_release);
            gate_.wait_open();
        }
    }
    /// Worker: what it did inside is visible to the control thread (release; pairs with outside()).
    void leave() noexcept { inside_.store(false, std::memory_order_release); }
    /// Control thread, gate closed.
    bool outside() const noexcept { return !inside_.load(std::memory_order_seq_cst); }

 private:
    Gate& gate_;
    alignas(64) std::atomic<bool> inside_{false};
};

}  // namespace valenic
