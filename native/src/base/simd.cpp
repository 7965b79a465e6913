#include "base/simd.hpp"

#include <cstdlib>
#include <cstring>
#include <initializer_list>

namespace valenic {

namespace {

constexpr const char* names[simd_count] = {"baseline", "avx2", "avx512"};

Simd choose() noexcept {
    Simd widest = Simd::baseline;
    const char* wanted = std::getenv("VALENIC_SIMD");
    for (const Simd each : {Simd::baseline, Simd::avx2, Simd::avx512}) {
        if (!simd_available(each)) continue;
        if (wanted != nullptr && std::strcmp(wanted, name_of(each)) == 0) return each;
        widest = each;
    }
    return widest;
}

}  // namespace

const char* name_of(Simd simd) noexcept { return names[static_cast<size_t>(simd)]; }

// Each feature of VALENIC_AVX2 and VALENIC_AVX512; the compiler's function also asks the kernel
// whether it saves those registers.
bool simd_available(Simd simd) noexcept {
    if (simd == Simd::baseline) return true;
#if defined(VALENIC_SIMD_X86)
    __builtin_cpu_init();
    const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
                      __builtin_cpu_supports("bmi2");
    if (simd == Simd::avx2 || !avx2) return avx2;
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
#else
    return false;
#endif
}

Simd simd() noexcept {
    static const Simd chosen = choose();
    return chosen;
}

}  // namespace valenic
