// One function, compiled for several instruction sets; which one runs is chosen once, at start.
//
// A body is plain code, a template over the instruction set: it tells how wide its moves are, and
// the compiler does the rest (ring/copy.hpp).
#pragma once
#include <cstddef>
#include <cstdint>

#define VALENIC_INLINE inline __attribute__((always_inline))

#if defined(__x86_64__)
#define VALENIC_SIMD_X86 1
// What simd_available() asks the CPU for, name by name.
#define VALENIC_AVX2 __attribute__((target("avx2,bmi,bmi2")))
#define VALENIC_AVX512 __attribute__((target("avx2,bmi,bmi2,avx512f,avx512bw,avx512dq,avx512vl")))
#endif

namespace valenic {

/// What wide functions are compiled for. `baseline` is what the whole program is compiled for:
/// x86-64-v2, or AArch64 with its NEON.
enum class Simd : uint8_t { baseline, avx2, avx512 };
inline constexpr size_t simd_count = 3;

const char* name_of(Simd simd) noexcept;
/// Whether this program has it and this CPU and kernel can run it.
bool simd_available(Simd simd) noexcept;
/// The widest there is, or the one that the environment's VALENIC_SIMD names: for tests and
/// measurements. A name that is unknown, or is not available here, changes nothing.
Simd simd() noexcept;

/// What the widest register holds. Moves must be written in this size: the compiler takes wider
/// vectors apart by way of the stack.
constexpr size_t register_bytes(Simd simd) noexcept {
    return simd == Simd::avx512 ? 64 : simd == Simd::avx2 ? 32 : 16;
}

/// The versions of `Body::run<simd>`, which is VALENIC_INLINE, and the one that runs here.
template <typename Body, typename Version = decltype(&Body::template run<Simd::baseline>)>
struct Wide;

template <typename Body, typename Result, typename... Arguments>
struct Wide<Body, Result (*)(Arguments...) noexcept> {
    using Version = Result (*)(Arguments...) noexcept;

    static Result baseline(Arguments... arguments) noexcept {
        return Body::template run<Simd::baseline>(arguments...);
    }
#if defined(VALENIC_SIMD_X86)
    VALENIC_AVX2 static Result avx2(Arguments... arguments) noexcept {
        return Body::template run<Simd::avx2>(arguments...);
    }
    VALENIC_AVX512 static Result avx512(Arguments... arguments) noexcept {
        return Body::template run<Simd::avx512>(arguments...);
    }
    static Version choose() noexcept {
        constexpr Version versions[simd_count] = {baseline, avx2, avx512};
        return versions[static_cast<size_t>(simd())];
    }
#else
    static Version choose() noexcept { return baseline; }
#endif
    inline static const Version chosen = choose();
};

/// Calls the version of `Body` that runs here. One indirect call: for a batch, not for a frame.
template <typename Body, typename... Arguments>
VALENIC_INLINE auto wide(Arguments&&... arguments) noexcept {
    return Wide<Body>::chosen(static_cast<Arguments&&>(arguments)...);
}

}  // namespace valenic
