// SPDX-License-Identifier: BSD-3-Clause
// The error function and its complement, generic in the batch type. Errors are the largest observed
// against mpmath on any instruction set, in ulp. A lane's result depends on that lane alone.
#pragma once
#include "thalweg/kernels/batch.hpp"
#include "thalweg/math/double_double.hpp"
#include "thalweg/math/exponential.hpp"
#include "thalweg/math/polynomial.hpp"

namespace thalweg::math {

// erf x for |x| <= 1: x + x P(x^2), minimax, relative error 2^-56.
template <class V> THALWEG_INLINE V erf_near_zero(V x) {
  const V p = polynomial(x * x, 0.12837916709551256, -0.37612638903183343, 0.1128379167093695,
                         -0.026866170641959137, 0.005223977596735819, -0.0008548325484992413,
                         0.00012055280496196157, -1.492446562624555e-05, 1.644415027919817e-06,
                         -1.618398750290868e-07, 1.361667462108009e-08, -7.607744373253349e-10);
  return fma(x, p, x);
}

// erfc a for a >= 0.46 with a small relative error if kRelative (a above 28 is replaced by 28,
// which gives 0); otherwise with a small absolute error, for a >= 1 (a above 6 is replaced by 6).
// Computed as exp(-a^2) P(q) / (a + 4) with q = (a - 4) / (a + 4) = 1 - 8 / (a + 4): one polynomial
// for the half line, as in Shepherd and Laframboise 1981, Math. Comp. 36, 249-253, but with the
// factor 1 / (a + 4), so that one division gives both. Minimax, relative error 2^-53.9, most of it
// from the rounding of its coefficients.
// For the relative error, the rounding errors of a + 4, its inverse, p r and a * a are corrected
// (exp(-e) = 1 - e). Beyond 26 the exponential is kept normal by a factor of 2^124, which is added
// to its argument: 124 ln 2 in two parts, of which the first leaves the difference exact. Thus only
// the last product rounds to a subnormal.
template <bool kRelative, class V> THALWEG_INLINE V erfc_tail(V a) {
  const V one(1.0), largest(kRelative ? 28.0 : 6.0);
  a = select(a > largest, largest, a);
  const V sum = a + V(4.0), r = one / sum;
  V q = fnma(V(8.0), r, one), lost_in_r;
  if constexpr (kRelative) {
    const auto [high, low] = two_prod(r, sum);
    lost_in_r = ((one - high) - low) - r * (a - (sum - V(4.0)));  // times r
    q = fnma(V(8.0) * r, lost_in_r, q);
  }
  const V p = polynomial(q, 1.095995661000491, -0.976548729080882, 0.7732087022652361,
                         -0.5408538313132351, 0.33085158787808333, -0.17401093723994446,
                         0.07638151490751167, -0.026370053339943234, 0.006112055678958079,
                         -0.0002809588709946461, -0.0004550528602447471, 0.00017681285964806867,
                         -3.634337843473252e-06, -1.8861063586938244e-05, 4.69189356137236e-06,
                         1.4246407406609693e-06, -8.413538560459922e-07, -7.61743689686777e-08,
                         1.1846937087883568e-07, 1.3464107109591165e-09, -1.1787939038669168e-08);
  if constexpr (!kRelative) return exp(-(a * a)) * (p * r);
  const auto [square, lost] = two_prod(a, a);
  const auto far = a > V(26.0);
  // 124 ln 2 in 43 bits after the point
  const V e = exp(select(far, V(0x1.57cd0e7026820p+6), V(0.0)) - square);
  const V put_back = (lost_in_r - lost) + select(far, V(-0x1.10ca35b5025e1p-48), V(0.0));
  const auto [high, low] = two_prod(p, r);
  return fma(e, high, e * fma(high, put_back, low)) * select(far, V(0x1p-124), one);
}

// All doubles: 1.2 ulp. erf(-0) = -0, erf(+-inf) = +-1.
template <class V> THALWEG_INLINE V erf(V x) {
  const V a = abs(x), y = erf_near_zero(x);
  const auto far = a > V(1.0);
  if (!any(far)) return y;
  return select(far, copysign(V(1.0) - erfc_tail<false>(a), x), y);
}

// 1 - erf x. All doubles: 3.7 ulp, subnormal results included; 0 above 27.23, erfc(-inf) = 2.
template <class V> THALWEG_INLINE V erfc(V x) {
  const V a = abs(x), y = V(1.0) - erf_near_zero(x);
  const auto near_zero = a < V(0.47);  // where erf is below 1/2
  if (all(near_zero)) return y;
  const V t = erfc_tail<true>(a);
  return select(near_zero, y, select(x < V(0.0), V(2.0) - t, t));
}

}  // namespace thalweg::math
