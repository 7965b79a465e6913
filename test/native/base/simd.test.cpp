#include "base/simd.hpp"

#include <cstdlib>
#include <string>

#include "testing.hpp"

namespace valenic::test {

namespace {

struct AddOne {
    template <Simd simd>
    static VALENIC_INLINE int run(int number) noexcept {
        return number + 1;
    }
};

}  // namespace

// The step `wide` of `npm test` runs this program once for each that the machine has; were the wish
// passed over, it would test one of them three times.
TEST_CASE("simd: the versions that VALENIC_SIMD names are the ones that run") {
    const char* wanted = std::getenv("VALENIC_SIMD");
    if (wanted != nullptr) CHECK(std::string(name_of(simd())) == wanted);
    CHECK(simd_available(simd()));
}

TEST_CASE("simd: without a wish the widest runs") {
    if (std::getenv("VALENIC_SIMD") != nullptr) return;
    for (size_t i = static_cast<size_t>(simd()) + 1; i < simd_count; ++i)
        CHECK_FALSE(simd_available(static_cast<Simd>(i)));
}

TEST_CASE("simd: a wide function gives what its body gives") {
    CHECK(wide<AddOne>(41) == 42);
    CHECK(Wide<AddOne>::baseline(41) == 42);
}

}  // namespace valenic::test
