// SPDX-License-Identifier: BSD-3-Clause
// Polynomials whose coefficients are compile-time constants, lowest power first. The order of
// operations is fixed, so a lane's result depends on that lane alone.
#pragma once
#include "thalweg/kernels/batch.hpp"

namespace thalweg::math {

// c0 + c1 x + c2 x^2 + ... by Horner's rule: the fewest operations, in one dependent chain.
template <class V> THALWEG_INLINE V horner(V, double c0) { return V(c0); }
template <class V, class... C> THALWEG_INLINE V horner(V x, double c0, double c1, C... c) {
  return fma(x, horner(x, c1, c...), V(c0));
}

// The same polynomial as two chains in x^2, for even and odd powers: half the latency, one product
// more.
template <class V> THALWEG_INLINE V odd_even(V, V, double c0) { return V(c0); }
template <class V> THALWEG_INLINE V odd_even(V x, V, double c0, double c1) {
  return fma(x, V(c1), V(c0));
}
template <class V, class... C>
THALWEG_INLINE V odd_even(V x, V x2, double c0, double c1, double c2, C... c) {
  return fma(x2, odd_even(x, x2, c2, c...), fma(x, V(c1), V(c0)));
}
template <class V, class... C> THALWEG_INLINE V polynomial(V x, C... c) {
  return odd_even(x, x * x, c...);
}

}  // namespace thalweg::math
