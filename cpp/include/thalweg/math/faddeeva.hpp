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
#include "thalweg/math/power.hpp"
#include "thalweg/math/trigonometric.hpp"

namespace thalweg::math {

// Tables are not inline: each file has its own, and no instruction set shares a symbol with
// another.
template <class V> struct ComplexOf {
  V real, imag;
};

// The step of the trapezoidal rule, sqrt(pi / 13), and the weights exp(-t^2) at its points: whole
// multiples of the step, and halves between them.
inline constexpr double kFaddeevaStep = 0x1.f7636f31a8b75p-2;
inline constexpr int kFaddeevaPoints = 13;
constexpr std::array<double, kFaddeevaPoints> kFaddeevaWhole = {
    0.7853223776372751,     0.3803574184668909,     0.11361397508152955,   0.020929919814712632,
    0.0023779313882871726,  0.00016661995779637806, 7.200301237325863e-06, 1.9189791585005953e-07,
    3.1541750733300762e-09, 3.197402264014983e-11,  1.998962774336827e-13, 7.707403227440146e-16,
    1.8327676056715784e-18};
constexpr std::array<double, kFaddeevaPoints> kFaddeevaHalf = {
    0.941373553317057,     0.580574475844855,      0.22082580886011735,   0.051800943086725136,
    0.007494133905570725,  0.000668653583783288,   3.67939869526238e-05,  1.2486722750666e-06,
    2.613461059199874e-08, 3.3734909041837307e-10, 2.685585597353498e-12, 1.3185433123329514e-14,
    3.9925075593106867e-17};

// exp(y^2 - x^2), with the rounding errors of the squares put back.
template <class V> THALWEG_INLINE V exp_of_squares(V x, V y) {
  const auto [xx, x_lost] = two_prod(x, x);
  const auto [yy, y_lost] = two_prod(y, y);
  const auto [d, d_lost] = two_sum(yy, -xx);
  const V e = exp(d);
  return select(e == V(0.0), e, fma(e, (y_lost - x_lost) + d_lost, e));
}

// The imaginary part of w(x + i y) for 0 <= x < 1, 0 <= y < 1/4, where that of the residue cancels:
// Im exp(-z^2) plus 2 / sqrt(pi) times the real part of Dawson's integral of z, by its series in z.
constexpr std::array<double, 20> kDawson = [] {  // (-2)^k / (2k + 1)!!
  std::array<double, 20> c{1.0};
  for (std::size_t k = 1; k < c.size(); ++k) c[k] = c[k - 1] / (-0.5 - static_cast<double>(k));
  return c;
}();
template <class V> __attribute__((noinline)) V faddeeva_imag_near_zero(V x, V y) {
  const V u = fms(x, x, y * y), v = V(2.0) * (x * y);  // z^2
  V real = V(kDawson.back()), imag = V(0.0);
  for (std::size_t k = kDawson.size() - 1; k-- > 0;) {
    const V next = fma(u, real, fnma(v, imag, V(kDawson[k])));
    imag = fma(u, imag, v * real);
    real = next;
  }
  V s, c;
  sincos(v, s, c);
  return fms(V(0x1.20dd750429b6dp+0), fms(x, real, y * imag), exp(-u) * s);
}

// w(x + i y) for x, y >= 0: the trapezoidal rule for its integral, whose error is exponentially
// small once the residue of a near pole is added; the midpoints or the whole multiples are taken,
// whichever are further from x. M. Al Azah and S. N. Chandler-Wilde 2021, SIAM J. Numer. Anal. 59,
// 2346-2367, "Computation of the complex error function using modified trapezoidal rules", eqs. 2.3
// to 2.7. The real part is a sum of terms of one sign.
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
  const auto near = (x < one) & (y < V(0.25));
  if (any(near)) imag = select(near, faddeeva_imag_near_zero(x, y), imag);
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
    const auto [angle, lost] = two_prod(ax + ax, ay);
    sincos(angle, s, c);
    const V sine = fma(c, lost, s);
    c = fnma(s, lost, c), s = sine;
    const V g = V(2.0) * exp_of_squares(ax, ay);
    real = select(below, fms(g, c, real), real);
    imag = select(below, fma(g, s, imag), imag);
  }
  return {real, copysign(V(1.0), x) * imag};
}

// w'(z) where 2 i / sqrt(pi) - 2 z w(z) cancels, by its asymptotic series (DLMF 7.12.1 with 7.7.1):
// -i / (sqrt(pi) z^2) times the sum of (2k + 1)!! / (2 z^2)^k; elsewhere 0. On the real axis
// -2 a exp(-a^2) is added, its real part there; elsewhere that is below rounding. Below the axis
// exp(-z^2) dominates where it is not small, and nothing cancels.
constexpr auto kFaddeevaFar = [] {  // (2k + 1)!! / 2^k
  std::array<double, 15> c{1.0};
  for (std::size_t k = 1; k < c.size(); ++k) c[k] = c[k - 1] * (static_cast<double>(k) + 0.5);
  return c;
}();
template <class V> __attribute__((noinline)) ComplexOf<V> faddeeva_slope_of_far(V a, V b) {
  const V r = hypot(a, b), c = a / r / r, d = -(b / r / r);  // 1 / z
  const V u = fms(c, c, d * d), v = V(2.0) * (c * d);        // 1 / z^2
  V real(kFaddeevaFar.back()), imag(0.0);
  for (std::size_t k = kFaddeevaFar.size() - 1; k-- > 0;) {
    const V next = fma(u, real, fnma(v, imag, V(kFaddeevaFar[k])));
    imag = fma(u, imag, v * real);
    real = next;
  }
  const V scale(0x1.20dd750429b6dp-1);  // 1 / sqrt(pi)
  const V on_axis = select(b * b < V(1e-40), V(-2.0) * (a * exp(-(a * a))), V(0.0));
  return {fma(scale, fma(u, imag, v * real), on_axis), scale * fms(v, imag, u * real)};
}
template <class V> THALWEG_INLINE ComplexOf<V> faddeeva_far(V a, V b) {
  const V x2 = a * a, y2 = b * b;
  const auto far = (x2 + y2 > V(100.0)) & !((b < V(0.0)) & (x2 - y2 < V(80.0)));
  if (!any(far)) return {V(0.0), V(0.0)};
  const auto [real, imag] = faddeeva_slope_of_far(a, b);
  return {select(far, real, V(0.0)), select(far, imag, V(0.0))};
}

}  // namespace thalweg::math
