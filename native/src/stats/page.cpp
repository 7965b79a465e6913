#include "stats/page.hpp"

#include <sys/mman.h>

#include "base/check.hpp"

namespace valenic {

StatsPage::StatsPage(size_t ports_max) {
    const size_t count = first_block_of(ports_max);
    void* memory = mmap(nullptr, count * sizeof(CounterBlock), PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    CHECK(memory != MAP_FAILED);
    blocks_ = {static_cast<CounterBlock*>(memory), count};
    uint64_t* header = blocks_[0].words;
    header[0] = spec::stats_page_magic;
    header[1] = spec::stats_page_version;
    header[2] = spec::stats_words_per_block;
    header[3] = count;
    header[4] = workers_max;
    header[5] = first_block_of(0);
}

StatsPage::~StatsPage() { munmap(blocks_.data(), blocks_.size_bytes()); }

std::span<CounterBlock> StatsPage::fresh_port_blocks(size_t place) noexcept {
    const auto blocks = blocks_.subspan(first_block_of(place), workers_max);
    for (CounterBlock& block : blocks)
        for (uint64_t& word : block.words) store_once(word, uint64_t{0});
    return blocks;
}

}  // namespace valenic
