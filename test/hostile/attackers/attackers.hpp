// What hostile_attackers can be asked for, as a table.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

struct Order {
    std::string word;
    std::vector<uint64_t> numbers;
    std::vector<int> fds;  ///< Came with it; whoever needs them keeps them open.

    uint64_t number(size_t index) const { return index < numbers.size() ? numbers[index] : 0; }
};

struct Attacker {
    const char* word;
    /// Puts what it made into `made`, closed when it was sent. False, with errno: it could not.
    bool (*run)(const Order& order, std::vector<int>& made);
};

/// Descriptors (descriptors.cpp).
bool make_blocking(const Order& order, std::vector<int>& made);
bool fill_eventfd(const Order& order, std::vector<int>& made);
bool make_lingering(const Order& order, std::vector<int>& made);
bool fight_for_kicks(const Order& order, std::vector<int>& made);
bool send_crowd(const Order& order, std::vector<int>& made);
/// A file of a silent FUSE (silent_fuse.cpp).
bool make_silent_file(const Order& order, std::vector<int>& made);
/// Memory that moves (memory.cpp).
bool flip_word(const Order& order, std::vector<int>& made);
bool pound_word(const Order& order, std::vector<int>& made);

inline constexpr Attacker attackers[] = {
    {"blocking", make_blocking},  // fd: its open file waits again where it would say EAGAIN.
    {"fill", fill_eventfd},       // fd: an eventfd that takes no more.
    {"fight", fight_for_kicks},   // fd: an eventfd, written and drained for ever; blocking.
    {"linger", make_lingering},   // seconds: a TCP socket whose close() waits for so long.
    {"crowd", send_crowd},        // request count, socket fd last: a message with so many.
    {"fuse", make_silent_file},   // thread: a file whose server is silent but to that thread.
    {"flip", flip_word},          // offset a b bytes, fd: a word of shared memory, a and b in turn.
    {"pound", pound_word},        // offset step, fd: a 16-bit word that grows by step, for ever.
};
