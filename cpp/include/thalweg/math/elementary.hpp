// SPDX-License-Identifier: BSD-3-Clause
// Collects the vector mathematics of the core, and defines exact remainders.
#pragma once
#include <cmath>

#include "thalweg/kernels/batch.hpp"
#include "thalweg/math/exponential.hpp"
#include "thalweg/math/hyperbolic.hpp"
#include "thalweg/math/power.hpp"
#include "thalweg/math/special.hpp"
#include "thalweg/math/trigonometric.hpp"

namespace thalweg::math {

// Exact, and therefore computed lane by lane with the C library: a quotient of doubles has up to
// 2046 binary digits.
template <class V> inline V fmod(V a, V b) {
  return V::patch(V(0.0) == V(0.0), a, b, a, [](double x, double y) { return ::fmod(x, y); });
}
// The remainder with the sign of b, as in NumPy, even for zero.
template <class V> inline V remainder(V a, V b) {
  const V r = fmod(a, b);
  const auto zero = r == V(0.0);
  const auto across = (r < V(0.0)) != (b < V(0.0));
  return select(zero, copysign(V(0.0), b), select(across & !is_nan(r), r + b, r));
}
// floor(a / b), computed from the exact remainder, so that a quotient just below a whole number is
// not rounded up to it. A zero has the sign of a / b.
template <class V> inline V floor_divide(V a, V b) {
  const V r = fmod(a, b);
  const V toward_zero = rint((a - r) / b);
  const auto across = (r != V(0.0)) & ((r < V(0.0)) != (b < V(0.0)));
  const V whole = select(across, toward_zero - V(1.0), toward_zero);
  return select(b == V(0.0), a / b,
                select(is_nan(r), r, select(whole == V(0.0), copysign(V(0.0), a / b), whole)));
}

// Evaluates each order among the lanes once; usually all are the same. Users may give orders up to
// 8, and derivatives increase them. The number of terms grows with the order, so other orders,
// which might take forever, give NaN.
template <class V> inline V polygamma(V order, V x) {
  alignas(64) double n[V::kSize];
  order.store(n);
  V out(std::numeric_limits<double>::quiet_NaN());
  for (std::size_t k = 0; k < V::kSize; ++k) {
    bool done = !(n[k] >= 1.0 && n[k] <= 16.0 && n[k] == std::rint(n[k]));
    for (std::size_t j = 0; j < k; ++j) done |= n[j] == n[k];
    if (done) continue;
    const V y = n[k] == 1.0 ? trigamma(x) : polygamma(static_cast<int>(n[k]), x);
    out = select(order == V(n[k]), y, out);
  }
  return out;
}

}  // namespace thalweg::math
