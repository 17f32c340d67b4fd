// SPDX-License-Identifier: BSD-3-Clause
// Lists the instruction sets that this build contains and this processor supports, and selects one.
#include <array>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "thalweg/kernels/kernels.hpp"

namespace thalweg {

#if THALWEG_HAS_BASELINE
namespace baseline {
const Kernels& table();
}
#endif
#if THALWEG_HAS_AVX2
namespace avx2 {
const Kernels& table();
}
#endif
#if THALWEG_HAS_AVX512
namespace avx512 {
const Kernels& table();
}
#endif

std::span<const Kernels* const> supported_kernels() {
  static const std::vector<const Kernels*> supported = [] {
    std::vector<const Kernels*> out{&baseline::table()};
#if THALWEG_HAS_AVX2
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
      out.push_back(&avx2::table());
#endif
#if THALWEG_HAS_AVX512
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512cd") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("fma"))
      out.push_back(&avx512::table());
#endif
    return out;
  }();
  return supported;
}

const Kernels* find_kernels(const char* name) {
  for (const Kernels* k : supported_kernels())
    if (std::string_view(k->name) == name) return k;
  return nullptr;
}

const Kernels& kernels() {
  static const Kernels& chosen = []() -> const Kernels& {
    const char* forced = std::getenv("THALWEG_ISA");
    if (!forced || !*forced) return *supported_kernels().back();
    if (const Kernels* k = find_kernels(forced)) return *k;
    std::string offered;
    for (const Kernels* k : supported_kernels())
      offered += (offered.empty() ? "" : ", ") + std::string(k->name);
    throw std::invalid_argument("THALWEG_ISA must be one of " + offered +
                                " on this processor, got '" + forced + "'");
  }();
  return chosen;
}

}  // namespace thalweg
