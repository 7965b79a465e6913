// Guest memory that changes while the backend looks at it.
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <thread>

#include "attackers.hpp"

namespace {

/// All of the file that `fd` is, for as long as we live.
uint8_t* map_whole(int fd) {
    struct stat facts {};
    if (fstat(fd, &facts) != 0) return nullptr;
    void* const at = mmap(nullptr, static_cast<size_t>(facts.st_size), PROT_READ | PROT_WRITE,
                          MAP_SHARED, fd, 0);
    close(fd);
    return at == MAP_FAILED ? nullptr : static_cast<uint8_t*>(at);
}

template <typename Word>
void flip(uint8_t* at, uint64_t a, uint64_t b) {
    std::thread([word = reinterpret_cast<Word*>(at), a, b] {
        for (;;) {
            __atomic_store_n(word, static_cast<Word>(a), __ATOMIC_RELAXED);
            __atomic_store_n(word, static_cast<Word>(b), __ATOMIC_RELAXED);
        }
    }).detach();
}

}  // namespace

bool flip_word(const Order& order, std::vector<int>&) {
    uint8_t* const memory = map_whole(order.fds.at(0));
    if (memory == nullptr) return false;
    uint8_t* const at = memory + order.number(0);
    switch (order.number(3)) {
        case 2:
            flip<uint16_t>(at, order.number(1), order.number(2));
            return true;
        case 4:
            flip<uint32_t>(at, order.number(1), order.number(2));
            return true;
        default:
            flip<uint64_t>(at, order.number(1), order.number(2));
            return true;
    }
}

bool pound_word(const Order& order, std::vector<int>&) {
    uint8_t* const memory = map_whole(order.fds.at(0));
    if (memory == nullptr) return false;
    const auto step = static_cast<uint16_t>(order.number(1));
    std::thread([word = reinterpret_cast<uint16_t*>(memory + order.number(0)), step] {
        for (uint16_t value = 0;; value = static_cast<uint16_t>(value + step)) {
            __atomic_store_n(word, value, __ATOMIC_RELEASE);
            for (int i = 0; i < 100; ++i) asm volatile("" ::: "memory");
        }
    }).detach();
    return true;
}
