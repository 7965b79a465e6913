// What one thread has to do later, in the order in which it is due.
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace valenic {

/// A heap of fixed capacity. What is due at the same time comes in the order in which it was added.
///
/// @tparam Target  What an entry is about; entries do not own it.
template <typename Target>
class Timers {
 public:
    struct Entry {
        uint64_t due_ns;
        uint64_t number;  ///< Counts on: the order of those that are due at once.
        Target* target;
        uint32_t token;  ///< The target's own.
    };

    explicit Timers(size_t capacity) : capacity_(capacity), entries_(new Entry[capacity]) {}

    /// False when it is full.
    bool add(Target* target, uint64_t due_ns, uint32_t token = 0) noexcept {
        if (count_ == capacity_) return false;
        entries_[count_++] = {due_ns, next_number_++, target, token};
        std::push_heap(begin(), end(), later);
        return true;
    }
    size_t count() const noexcept { return count_; }
    /// Earliest due time, or UINT64_MAX.
    uint64_t next_due_ns() const noexcept { return count_ == 0 ? UINT64_MAX : entries_[0].due_ns; }
    /// Takes out every entry due at `now_ns` and hands it to `visit`, which may add others. Of
    /// those the ones that are due already wait for the next time.
    template <typename Visit>
    void take_due(uint64_t now_ns, Visit visit) noexcept {
        const uint64_t first_new = next_number_;
        while (count_ > 0 && entries_[0].due_ns <= now_ns && entries_[0].number < first_new) {
            const Entry entry = entries_[0];
            std::pop_heap(begin(), end(), later);
            --count_;
            visit(entry);
        }
    }
    /// Forgets those that `which` says of. Not within take_due().
    template <typename Which>
    void forget_if(Which which) noexcept {
        count_ = static_cast<size_t>(std::remove_if(begin(), end(), which) - begin());
        std::make_heap(begin(), end(), later);
    }
    void forget(const Target* target) noexcept {
        forget_if([target](const Entry& entry) { return entry.target == target; });
    }

 private:
    Entry* begin() noexcept { return entries_.get(); }
    Entry* end() noexcept { return entries_.get() + count_; }
    static bool later(const Entry& a, const Entry& b) noexcept {
        return a.due_ns != b.due_ns ? a.due_ns > b.due_ns : a.number > b.number;
    }

    size_t capacity_;
    size_t count_ = 0;
    uint64_t next_number_ = 0;
    std::unique_ptr<Entry[]> entries_;
};

}  // namespace valenic
