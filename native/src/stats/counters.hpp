// Counters that cost the datapath nothing to be read: plain words, one writer per block.
#pragma once
#include <cstdint>

#include "base/atomic.hpp"
#include "boundary/names.hpp"

namespace valenic {

/// One block of the stats page. One thread writes it; any thread may read it.
///
/// A block of a port holds spec::PortCounter, then spec::DropReason; a block of a worker holds
/// spec::WorkerCounter. No read-modify-write: the single writer loads and stores.
struct alignas(64) CounterBlock {
    uint64_t words[spec::stats_words_per_block];

    void add(spec::PortCounter counter, uint64_t amount) noexcept {
        bump(static_cast<unsigned>(counter), amount);
    }
    void add(spec::WorkerCounter counter, uint64_t amount) noexcept {
        bump(static_cast<unsigned>(counter), amount);
    }
    void drop(spec::DropReason reason, uint64_t frames) noexcept {
        bump(spec::first_drop_word + static_cast<unsigned>(reason), frames);
    }
    uint64_t read(spec::PortCounter counter) const noexcept {
        return load_once(words[static_cast<unsigned>(counter)]);
    }
    uint64_t read(spec::WorkerCounter counter) const noexcept {
        return load_once(words[static_cast<unsigned>(counter)]);
    }
    uint64_t read(spec::DropReason reason) const noexcept {
        return load_once(words[spec::first_drop_word + static_cast<unsigned>(reason)]);
    }

 private:
    void bump(unsigned word, uint64_t amount) noexcept {
        store_once(words[word], load_once(words[word]) + amount);
    }
};

}  // namespace valenic
