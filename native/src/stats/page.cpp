#include "stats/page.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/check.hpp"

namespace valenic {

namespace {

/// Nobody can make it shorter under who maps it.
OwnedFd memory_file(size_t bytes) {
    OwnedFd file(memfd_create("valenic-stats", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    const int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
    if (file.valid() && (ftruncate(file.get(), static_cast<off_t>(bytes)) != 0 ||
                         fcntl(file.get(), F_ADD_SEALS, seals) != 0))
        file.reset();
    return file;
}

}  // namespace

StatsPage::StatsPage(size_t ports_max, bool in_file) {
    const size_t count = first_block_of(ports_max);
    const size_t bytes = count * sizeof(CounterBlock);
    if (in_file) file_ = memory_file(bytes);
    const int kind = file_.valid() ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS;
    void* memory =
        mmap(nullptr, bytes, PROT_READ | PROT_WRITE, kind | MAP_NORESERVE, file_.get(), 0);
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
