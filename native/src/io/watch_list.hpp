// The queues a worker polls, laid out to be looked at by the hundred.
#pragma once
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "base/poll_word.hpp"
#include "io/spin_tuner.hpp"
#include "switch/port.hpp"

namespace valenic {

/// One queue that a worker owns.
struct Entry {
    static constexpr uint32_t not_watched = UINT32_MAX;

    Port* port = nullptr;
    Queue* queue = nullptr;
    uint32_t watch = not_watched;  ///< Its place in the list; else it is armed and waited for.
    uint32_t slot = 0;         ///< Its place in the worker's table, and how often that was used:
    uint32_t generation = 0;   ///< an event of a former entry is not taken for one of this.
    int registered_fd = -1;    ///< In epoll.
    unsigned pair = 0;         ///< Of the port's queues, which.
    bool quiet = false;        ///< Found empty since it last had work...
    uint64_t quiet_round = 0;  ///< ...in this round.
    uint64_t last_work_ns = 0;
    uint64_t quiet_since_ns = 0;  ///< From when its patience counts: its last work, or its waking.
    SpinTuner spin;
};

/// What an event in epoll says.
constexpr uint64_t tag_of(const Entry& entry) noexcept {
    return uint64_t{entry.generation} << 32 | entry.slot;
}

/// What a round reads of a polled queue without work: half a cache line, and the peer's word.
struct Watch {
    PollWord word;             ///< Empty while it has work: then receive() is asked.
    Entry* entry = nullptr;    ///< Untouched until there is work or a deadline.
    uint64_t deadline_ns = 0;  ///< When its polling mode decides again; 0 while it has work.
};
static_assert(sizeof(Watch) == 32);

/// Hot watches first, then cold ones. Hot: looked at in every round. Cold: quiet for long, in busy
/// mode; looked at in every round without other work, and in one of `cold_share` with. Order within
/// each part is of no meaning; every change is a swap or two.
class WatchList {
 public:
    size_t size() const noexcept { return watches_.size(); }
    size_t hot() const noexcept { return hot_; }
    size_t cold() const noexcept { return watches_.size() - hot_; }
    Watch& at(size_t index) noexcept { return watches_[index]; }

    /// Room for so many, so that nothing is allocated while packets go.
    void reserve(size_t count) { watches_.reserve(count); }
    /// Adds a hot one.
    void add(Entry& entry) noexcept {
        entry.watch = static_cast<uint32_t>(watches_.size());
        watches_.push_back({{}, &entry, 0});
        warm(entry.watch);
    }
    void remove(size_t index) noexcept {
        if (index < hot_) {
            --hot_;
            swap(index, hot_);
            index = hot_;
        }
        swap(index, watches_.size() - 1);
        watches_.back().entry->watch = Entry::not_watched;
        watches_.pop_back();
    }
    /// Makes a cold one the last of the hot ones.
    void warm(size_t index) noexcept { swap(index, hot_++); }
    /// Makes a hot one the first of the cold ones. The last hot one takes its place.
    void cool(size_t index) noexcept { swap(index, --hot_); }
    /// The next cold one in turn.
    size_t next_cold() noexcept {
        if (turn_ < hot_ || turn_ >= watches_.size()) turn_ = hot_;
        return turn_++;
    }

 private:
    void swap(size_t a, size_t b) noexcept {
        if (a == b) return;
        std::swap(watches_[a], watches_[b]);
        watches_[a].entry->watch = static_cast<uint32_t>(a);
        watches_[b].entry->watch = static_cast<uint32_t>(b);
    }

    std::vector<Watch> watches_;
    size_t hot_ = 0;
    size_t turn_ = 0;
};

}  // namespace valenic
