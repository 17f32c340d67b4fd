// SPDX-License-Identifier: BSD-3-Clause
// Fused operations, which only lowering creates: they have no NumPy name and no derivative. Where
// the instruction set has no fused multiply-add, the product is rounded.
#pragma once
#include "thalweg/ops.hpp"

namespace thalweg::fused {

// a b + c
struct MultiplyAdd {
  static constexpr auto name = "fma";
  static constexpr int arity = 3;
  template <class T> static THALWEG_INLINE T value(T a, T b, T c) { return fma(a, b, c); }
};
// a b - c
struct MultiplySubtract {
  static constexpr auto name = "fms";
  static constexpr int arity = 3;
  template <class T> static THALWEG_INLINE T value(T a, T b, T c) { return fms(a, b, c); }
};
// c - a b
struct NegativeMultiplyAdd {
  static constexpr auto name = "fnma";
  static constexpr int arity = 3;
  template <class T> static THALWEG_INLINE T value(T a, T b, T c) { return fnma(a, b, c); }
};
// logaddexp(0, a), to the bit: with one operand 0, the difference of the two has no rounding error,
// and nothing cancels. The exponential is also that of expit(a), the slope, and code shares it.
struct Softplus {
  static constexpr auto name = "softplus";
  static constexpr int arity = 1;
  static constexpr bool light = false;
  template <class T> static THALWEG_INLINE T value(T a) {
    return select(a < T(0.0), T(0.0), a) + math::log1p(math::exp(-abs(a)));
  }
};
// a unchanged: a copy from one place to another, or of one number to every lane.
struct Copy {
  static constexpr auto name = "copy";
  static constexpr int arity = 1;
  template <class T> static THALWEG_INLINE T value(T a) { return a; }
};

}  // namespace thalweg::fused
