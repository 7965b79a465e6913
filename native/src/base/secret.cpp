#include "base/secret.hpp"

#include <sys/random.h>

#include "base/clock.hpp"

namespace valenic {

uint64_t secret_number() noexcept {
    uint64_t number = 0;
    if (getrandom(&number, sizeof number, GRND_NONBLOCK) != sizeof number) number = monotonic_ns();
    return number;
}

}  // namespace valenic
