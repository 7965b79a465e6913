// The stats page: all counter blocks side by side, so that a reader makes no call.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/fd.hpp"
#include "base/limits.hpp"
#include "stats/counters.hpp"

namespace valenic {

/// Block 0 is the header (magic, version, words per block, blocks, workers, first port block); then
/// one block for each worker there can be; then `workers_max` blocks for each port.
class StatsPage {
 public:
    /// Takes address space for all the ports there may be, and memory only for those there are.
    ///
    /// @param in_file  Another process can map it: fd().
    StatsPage(size_t ports_max, bool in_file);
    ~StatsPage();
    StatsPage(const StatsPage&) = delete;
    StatsPage& operator=(const StatsPage&) = delete;

    std::span<const uint64_t> words() const noexcept {
        return {blocks_[0].words, blocks_.size() * spec::stats_words_per_block};
    }
    /// A memory file that another process can map; -1 where there is none. Stays the page's.
    int fd() const noexcept { return file_.get(); }
    CounterBlock& worker_block(size_t worker) noexcept { return blocks_[1 + worker]; }
    /// Index of the first block of a port's place.
    static size_t first_block_of(size_t place) noexcept {
        return 1 + workers_max + place * workers_max;
    }
    /// A port's blocks, zeroed. Nobody may be writing them.
    std::span<CounterBlock> fresh_port_blocks(size_t place) noexcept;

 private:
    OwnedFd file_;
    std::span<CounterBlock> blocks_;
};

}  // namespace valenic
