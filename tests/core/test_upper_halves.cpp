// SPDX-License-Identifier: BSD-3-Clause
// Tests that a tape leaves no upper half of a vector register in use, even if its last result is in
// registers. Otherwise each switch between the older SSE encoding and the newer ones would cost
// hundreds of cycles per round.
#if defined(__x86_64__)
#include <cpuid.h>

#include "check.hpp"
#include "thalweg/running/evaluate.hpp"

using namespace thalweg;

namespace {

// XINUSE, read by XGETBV with ECX = 1: bit 2 is the upper halves of YMM, bit 6 those of ZMM 0 to 15
// (Intel SDM volume 1, 13.6).
constexpr std::uint32_t kYmm = 1u << 2, kZmm = 1u << 6;
std::uint32_t in_use() {
  std::uint32_t low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(1));
  return low & (kYmm | kZmm);
}

// Whether the processor has AVX and reports the state that an AVX instruction leaves.
bool tells() {
  std::uint32_t a = 0, b = 0, c = 0, d = 0;
  if (!__builtin_cpu_supports("avx") || !__get_cpuid_count(0xd, 1, &a, &b, &c, &d) || !(a & 4))
    return false;
  __asm__ volatile("vcmptrueps %%ymm0, %%ymm0, %%ymm0" ::: "xmm0");
  const bool seen = in_use() & kYmm;
  __asm__ volatile("vzeroupper" :::);
  return seen && in_use() == 0;
}

}  // namespace

TEST(a_tape_leaves_no_upper_halves_of_vector_registers_in_use) {
  if (!tells()) return std::puts("   not seen: this processor does not tell"), void();
  for (Layout layout : {Layout::Lanes, Layout::Elements}) {
    auto graph = std::make_shared<Graph>();
    const NodeId x = graph->input(0, {});
    const NodeId f = graph->elementwise(kOpcode<ops::Multiply>, std::array{x, x});
    const auto program = lower(graph, std::array{f}, {{true}, layout});
    for (const Kernels* k : supported_kernels())
      for (bool wide : {false, true}) {
        Evaluator e(*program, *k, wide);
        e.prepare();
        CHECK(in_use() == 0);
        e.run();
        CHECK(in_use() == 0);
      }
  }
}
#endif
