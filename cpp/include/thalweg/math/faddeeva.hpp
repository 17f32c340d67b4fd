// SPDX-License-Identifier: BSD-3-Clause
// The Faddeeva function w(z) = exp(-z^2) erfc(-i z), generic in the batch type, of which Voigt's
// profile, Dawson's integral and the scaled complementary error function are special cases. A
// lane's result depends on that lane alone.
#pragma once
#include <array>
#include <cstddef>
#include <limits>

#include "thalweg/kernels/batch.hpp"
#include "thalweg/math/double_double.hpp"
#include "thalweg/math/exponential.hpp"
#include "thalweg/math/trigonometric.hpp"

namespace thalweg::math {

template <class V> struct ComplexOf {
  V real, imag;
};

// The step of the trapezoidal rule, sqrt(pi / 12), and the weights exp(-t^2) at its points: whole
// multiples of the step, and halves between them.
inline constexpr double kFaddeevaStep = 0x1.05f8bd37c0e62p-1;
inline constexpr int kFaddeevaPoints = 12;
inline constexpr std::array<double, kFaddeevaPoints> kFaddeevaWhole = {
    0.7696654124932398,    0.350919807178411,     0.09478022484215484,    0.015164619864546569,
    0.0014373060804075315, 8.069951757030457e-05, 2.6840867930967427e-06, 5.288422116944155e-08,
    6.172478865224307e-10, 4.267731135455222e-12, 1.7479879405655e-14,    4.241151183016074e-17};
inline constexpr std::array<double, kFaddeevaPoints> kFaddeevaHalf = {
    0.9366460212365959,    0.5548549101598534,    0.1947095780852903,     0.04047614460380574,
    0.0049844231324685856, 0.0003636089863893044, 1.5712969017800474e-05, 4.022405421564812e-07,
    6.099824915912157e-09, 5.479650239757524e-11, 2.916031755179497e-13,  9.192541525134364e-16};

// exp(y^2 - x^2), with the rounding errors of the squares put back.
template <class V> THALWEG_INLINE V exp_of_squares(V x, V y) {
  const auto [xx, x_lost] = two_prod(x, x);
  const auto [yy, y_lost] = two_prod(y, y);
  const auto [d, d_lost] = two_sum(yy, -xx);
  const V e = exp(d);
  return select(e == V(0.0), e, fma(e, (y_lost - x_lost) + d_lost, e));
}

// w(x + i y) for x, y >= 0: the trapezoidal rule for its integral, whose error is exponentially
// small once the residue of a near pole is added; the midpoints or the whole multiples are taken,
// whichever are further from x. M. Al Azah and S. N. Chandler-Wilde 2021, SIAM J. Numer. Anal. 59,
// 2346-2367, "Computation of the complex error function using modified trapezoidal rules", eqs. 2.3
// to 2.7. Real and imaginary parts are sums of terms of one sign each, so both keep their digits.
template <class V> THALWEG_INLINE ComplexOf<V> faddeeva_first_quadrant(V x, V y) {
  constexpr double h = kFaddeevaStep, pi = 0x1.921fb54442d18p+1;
  const V one(1.0), zero(0.0);
  const auto far = (y >= x) & (y >= V(pi / h));
  const V at = x * V(1.0 / h), fraction = at - floor(at);
  const auto whole = (!far) & (y < x) & (fraction >= V(0.25)) & (fraction <= V(0.75));
  const V square = fma(x, x, y * y), twice = V(2.0) * (x * y), twice_square = twice * twice;
  V real = zero, imag = zero;
  for (int k = 0; k < kFaddeevaPoints; ++k) {
    const auto i = static_cast<std::size_t>(k);
    const V t = select(whole, V((k + 1) * h), V((k + 0.5) * h));
    const V weight = select(whole, V(kFaddeevaWhole[i]), V(kFaddeevaHalf[i]));
    const V a = fms(x - t, x + t, y * y), tt = t * t;
    const V r = weight / fma(a, a, twice_square);
    real = fma(square + tt, r, real);
    imag = fma(square - tt, r, imag);
  }
  real = real + real, imag = imag + imag;
  const V middle = one / square;
  real = select(whole, real + middle, real), imag = select(whole, imag + middle, imag);
  real = real * (V(h / pi) * y), imag = imag * (V(h / pi) * x);
  const auto alone = far | (y > V(20.0));  // the residue is below an ulp there
  if (!all(alone)) {
    const V q = exp(select(alone, zero, V(2.0 * pi / h) * y));
    V c, s, c2, s2;
    sincos(V(2.0 * pi) * fraction, s, c);
    sincos(twice, s2, c2);
    c = select(whole, -c, c), s = select(whole, -s, s);
    const V g = V(2.0) * exp_of_squares(x, y) / fma(q, fma(V(2.0), c, q), one);
    const V u = fma(q, c, one), v = q * s;
    real = select(alone, real, fma(g, fma(u, c2, v * s2), real));
    imag = select(alone, imag, fma(g, fms(v, c2, u * s2), imag));
  }
  return {real, imag};
}

// w(x + i y) for any x and y, by w(-conj z) = conj w(z) and w(-z) = 2 exp(-z^2) - w(z).
template <class V> THALWEG_INLINE ComplexOf<V> faddeeva(V x, V y) {
  const V ax = abs(x), ay = abs(y);
  auto [real, imag] = faddeeva_first_quadrant(ax, ay);
  // Beyond these, two terms of the continued fraction are exact, and squares might overflow.
  const V size = ax + ay;
  const auto huge = size > V(1e8);
  if (any(huge)) {
    const V u = ax / size, v = ay / size;
    const V scale = V(0x1.20dd750429b6dp-1) / (size * fma(u, u, v * v));
    real = select(huge, v * scale, real), imag = select(huge, u * scale, imag);
    real = select(size == V(std::numeric_limits<double>::infinity()), V(0.0), real);
    imag = select(size == V(std::numeric_limits<double>::infinity()), V(0.0), imag);
  }
  const auto below = y < V(0.0);
  if (any(below)) {
    V s, c;
    sincos(V(2.0) * (ax * ay), s, c);
    const V g = V(2.0) * exp_of_squares(ax, ay);
    real = select(below, fms(g, c, real), real);
    imag = select(below, fma(g, s, imag), imag);
  }
  return {real, copysign(imag, x)};
}

}  // namespace thalweg::math
