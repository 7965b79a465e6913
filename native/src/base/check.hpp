// Invariants of our own: a broken one is a bug of this program and ends it.
//
// Never used for what a guest, a front-end or an operator can cause: those are values (result.hpp).
#pragma once
#include <cstdio>
#include <cstdlib>

#define CHECK(condition)                                                                       \
    do {                                                                                       \
        if (!(condition)) [[unlikely]] {                                                       \
            std::fprintf(stderr, "%s:%d: CHECK(%s) failed\n", __FILE__, __LINE__, #condition); \
            std::abort();                                                                      \
        }                                                                                      \
    } while (0)
