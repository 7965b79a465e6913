// One function, compiled for several instruction sets; which one runs is chosen once, at start.
//
// Written as plain code with moves of fixed sizes, so that the compiler uses the widest registers
// of the instruction set that it compiles a version for.
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

/// The versions of `body`, which is VALENIC_INLINE, and the one that runs here.
template <auto body>
struct Wide;

template <typename Result, typename... Arguments, Result (*body)(Arguments...) noexcept>
struct Wide<body> {
    using Version = Result (*)(Arguments...) noexcept;

    static Result baseline(Arguments... arguments) noexcept { return body(arguments...); }
#if defined(VALENIC_SIMD_X86)
    VALENIC_AVX2 static Result avx2(Arguments... arguments) noexcept { return body(arguments...); }
    VALENIC_AVX512 static Result avx512(Arguments... arguments) noexcept {
        return body(arguments...);
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

/// Calls the version of `body` that runs here. One indirect call: for a batch, not for a frame.
template <auto body, typename... Arguments>
VALENIC_INLINE auto wide(Arguments&&... arguments) noexcept {
    return Wide<body>::chosen(static_cast<Arguments&&>(arguments)...);
}

}  // namespace valenic
