// SPDX-License-Identifier: BSD-3-Clause
// Hyperbolic functions and their inverses, computed with expm1 and log1p so that nothing cancels
// near zero. "Error" is the largest observed, in units in the last place, against mpmath over the
// whole domain and against extended precision in dense samples near the maximum.
#pragma once
#include "thalweg/math/exponential.hpp"

namespace thalweg::math {

// sinh, any x. Error 3.1. Odd; keeps -0; infinite beyond 710.4758. With q = (e^a - 1) / 4, which is
// finite there: sinh a = 2 q + q / (2 (q + 1/4)).
template <class V> THALWEG_INLINE V sinh(V x) {
  const V a = clamp(abs(x), 0.0, 710.5);
  const V q = quarter_expm1(a);
  const V y = fma(q / (q + V(0.25)), V(0.5), q + q);
  // Below 1e-8 the result is x: x^3/6 is below half an ulp, and q may have lost a subnormal's last
  // bit.
  return select(a < V(1e-8), x, copysign(y, x));
}

// cosh, any x. Error 1.4. Even; infinite beyond 710.4758. With e = e^|x| / 2: e + 1 / (4 e).
template <class V> THALWEG_INLINE V cosh(V x) {
  const auto [n, r, lo] = reduce_exp(clamp(abs(x), 0.0, 711.0));
  const V r2 = r * r;
  const V e = scale(V(1.0) + fma(r2, exp_polynomial(r, r2), r), n - V(1.0));
  return e + V(0.25) / e;
}

// tanh, any x. Error 3.3. Odd; keeps -0; 1 beyond 19.07. With q = (e^2a - 1) / 4:
// tanh a = q / (q + 1/2).
template <class V> THALWEG_INLINE V tanh(V x) {
  const V a = clamp(abs(x), 0.0, 20.0);
  const V q = quarter_expm1(a + a);
  // Below 7e-9 the result is x: x^3/3 is below half an ulp, and q may have lost a subnormal's last
  // bit.
  return select(a < V(7e-9), x, copysign(q / (q + V(0.5)), x));
}

// asinh, any x. Error 2.1. Odd; keeps -0. asinh a = log1p(a + a^2 / (1 + sqrt(1 + a^2))); from 2^28
// on, log(a) + ln 2.
template <class V> THALWEG_INLINE V asinh(V x) {
  const V a = abs(x), a2 = a * a;
  const auto large = a > V(268435456.0);
  const V u = select(large, a - V(1.0), a + a2 / (V(1.0) + sqrt(V(1.0) + a2)));
  return copysign(log1p(u) + select(large, V(kLn2), V(0.0)), x);
}

// acosh, x >= 1, NaN below. Error 2.8. With t = x - 1: log1p(t + sqrt(2t + t^2)); from 2^28 on,
// log(x) + ln 2.
template <class V> THALWEG_INLINE V acosh(V x) {
  const V t = x - V(1.0);
  const auto large = x > V(268435456.0);
  const V u = select(large, t, t + sqrt(t * (V(2.0) + t)));
  return select(x < V(1.0), V(kNaN), log1p(u) + select(large, V(kLn2), V(0.0)));
}

// atanh, |x| <= 1, NaN beyond. Error 2.5. Odd; keeps -0; infinite at +-1.
// atanh a = log1p(2a / (1 - a)) / 2.
template <class V> THALWEG_INLINE V atanh(V x) {
  const V a = abs(x);
  return copysign(V(0.5) * log1p((a + a) / (V(1.0) - a)), x);
}

}  // namespace thalweg::math
