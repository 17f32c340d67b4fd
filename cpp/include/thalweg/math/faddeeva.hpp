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

// w(z) and w'(z). Tables are not inline: each file has its own, and no instruction set shares a
// symbol with another.
template <class V> struct FaddeevaOf {
  V real, imag, slope_real, slope_imag;
};

// The step h of the trapezoidal rule, near sqrt(pi / 13); q = (h / 2)^2 has so few bits that the
// squares of its points, n^2 q, are exact. The weights exp(-n^2 q) for n = 2, 4, ...: whole
// multiples of the step, and for n = 1, 3, ...: halves between them.
inline constexpr double kFaddeevaStep = 0x1.f7636dc67774dp-2, kFaddeevaQuarter = 0x1.eeebfp-5;
inline constexpr std::size_t kFaddeevaPoints = 13;
constexpr std::array<double, kFaddeevaPoints> kFaddeevaWhole = {
    0.7853223939602062,    0.38035745008981836,    0.11361399633473676,    0.020929926775170207,
    0.0023779326239204966, 0.0001666200824715152,  7.200308570586802e-06,  1.918981711205966e-07,
    3.154180383658129e-09, 3.1974089098246744e-11, 1.9989678017061906e-13, 7.707426296048391e-16,
    1.8327740435836186e-18};
constexpr std::array<double, kFaddeevaPoints> kFaddeevaHalf = {
    0.941373558208671,     0.5805745029961555,    0.22082583754678134,    0.05180095627609301,
    0.007494137059825281,  0.0006686540041969915, 3.679401926388613e-05,  1.248673734960927e-06,
    2.613464983881049e-08, 3.373497232342003e-10, 2.6855917515061726e-12, 1.3185469367724048e-14,
    3.992520525628122e-17};

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

// The sums of the trapezoidal rule over T = t^2 of its points t > 0, with z^2 = u + i v, weights W
// and r = W / |z^2 - T|^2.
template <class V> struct FaddeevaSums {
  V plain{0.0};   // of r
  V square{0.0};  // of T r
  V less{0.0};    // of (|z|^2 - T) r, which would cancel between the two before
  V turn{0.0};    // of T r Re(z^2 - T)

  THALWEG_INLINE void add(V r, V t, V size, V a) {
    const V tr = t * r;
    plain = plain + r, square = square + tr;
    less = fma(size - t, r, less), turn = fma(tr, a, turn);
  }
};
template <class V, class Mask> THALWEG_INLINE FaddeevaSums<V> faddeeva_sums(V x, V y, V size,
                                                                            Mask whole) {
  const auto [xx, x_lost] = two_prod(x, x);
  const V rest = x_lost - y * y, v = V(2.0) * (x * y), vv = v * v;
  const V wider(8.0 * kFaddeevaQuarter);
  V t = select(whole, V(4.0 * kFaddeevaQuarter), V(kFaddeevaQuarter));
  V apart = select(whole, V(12.0 * kFaddeevaQuarter), wider);
  FaddeevaSums<V> sums;
  const auto weight = [&](std::size_t k) THALWEG_INLINED {
    return select(whole, V(kFaddeevaWhole[k]), V(kFaddeevaHalf[k]));
  };
  const auto next = [&]() THALWEG_INLINED {
    const V now = t;
    t = t + apart, apart = apart + wider;
    return now;
  };
  const auto real_part = [&](V at) THALWEG_INLINED { return (xx - at) + rest; };
  std::size_t k = 0;
#pragma GCC unroll 6
  for (; k + 1 < kFaddeevaPoints; k += 2) {  // two by one division
    const V t0 = next(), t1 = next(), a0 = real_part(t0), a1 = real_part(t1);
    const V d0 = fma(a0, a0, vv), d1 = fma(a1, a1, vv), both = V(1.0) / (d0 * d1);
    sums.add(weight(k) * (d1 * both), t0, size, a0);
    sums.add(weight(k + 1) * (d0 * both), t1, size, a1);
  }
  const V a = real_part(t);
  sums.add(weight(k) / fma(a, a, vv), t, size, a);
  return sums;
}

// w(z) and w'(z) for z = x + i y, x, y >= 0: the trapezoidal rule for w's integral, whose error is
// exponentially small once the residue of a near pole is added; the midpoints or the whole
// multiples are taken, whichever are further from x. M. Al Azah and S. N. Chandler-Wilde 2021, SIAM
// J. Numer. Anal. 59, 2346-2367, "Computation of the complex error function using modified
// trapezoidal rules", eqs. 2.3 to 2.7. The real part is a sum of terms of one sign. In w' = 2 i /
// sqrt(pi) - 2 z w the rule's part is (2 i h / pi) times the sum of W z^2 / (z^2 - T). The same
// without z^2 / (z^2 - T) is i / sqrt(pi) to rounding, so the difference is the sum of W T / (z^2 -
// T), and nothing cancels.
template <class V> THALWEG_INLINE FaddeevaOf<V> faddeeva_first_quadrant(V x, V y) {
  constexpr double h = kFaddeevaStep, pi = 0x1.921fb54442d18p+1;
  const V one(1.0), zero(0.0);
  const auto far = (y >= x) & (y >= V(pi / h));
  const V at = x * V(1.0 / h), fraction = at - floor(at);
  const auto whole = (!far) & (y < x) & (fraction >= V(0.25)) & (fraction <= V(0.75));
  const V square = fma(x, x, y * y), twice = V(2.0) * (x * y);
  const FaddeevaSums<V> sums = faddeeva_sums(x, y, square, whole);
  const V middle = select(whole, V(0.5) / square, zero);
  V real = (fma(square, sums.plain, middle) + sums.square) * (V(2.0 * h / pi) * y);
  V imag = (sums.less + middle) * (V(2.0 * h / pi) * x);
  V slope_real = sums.square * (twice * V(-4.0 * h / pi));
  V slope_imag = sums.turn * V(-4.0 * h / pi);
  const auto alone = far | (y > V(20.0));  // the residue is below an ulp there
  if (!all(alone)) {
    const V q = exp(select(alone, zero, V(2.0 * pi / h) * y));
    V c, s, c2, s2;
    sincos_of_turns(select(whole, fraction + V(0.5), fraction), s, c);
    sincos(twice, s2, c2);
    const V g = V(2.0) * exp_of_squares(x, y) / fma(q, fma(V(2.0), c, q), one);
    const V a = fma(q, c, one), b = q * s;
    const V re = select(alone, zero, g * fma(a, c2, b * s2));
    const V im = select(alone, zero, g * fms(b, c2, a * s2));
    real = real + re, imag = imag + im;
    slope_real = fma(V(-2.0), fms(x, re, y * im), slope_real);
    slope_imag = fma(V(-2.0), fma(x, im, y * re), slope_imag);
  }
  const auto near = (x < one) & (y < V(0.25));
  if (any(near)) imag = select(near, faddeeva_imag_near_zero(x, y), imag);
  return {real, imag, slope_real, slope_imag};
}

// w(x + i y) and its derivative for any x and y, by w(-conj z) = conj w(z) and w(-z) = 2 exp(-z^2)
// - w(z).
template <class V> __attribute__((noinline)) FaddeevaOf<V> faddeeva(V x, V y) {
  const V ax = abs(x), ay = abs(y);
  auto [real, imag, slope_real, slope_imag] = faddeeva_first_quadrant(ax, ay);
  // Beyond these, two terms of the continued fraction are exact, and squares might overflow.
  const V size = ax + ay;
  const auto huge = size > V(1e8);
  if (any(huge)) {
    const V scale(0x1.20dd750429b6dp-1);  // 1 / sqrt(pi)
    const V u = ax / size, v = ay / size, inverse = V(1.0) / (size * fma(u, u, v * v));
    const V p = u * inverse, q = v * inverse;  // 1 / z = p - i q
    const auto infinite = size == V(std::numeric_limits<double>::infinity());
    const auto put = [&](V& to, V value) THALWEG_INLINED {
      to = select(huge, select(infinite, V(0.0), scale * value), to);
    };
    put(real, q), put(imag, p);
    put(slope_real, V(-2.0) * (p * q)), put(slope_imag, (q - p) * (q + p));
  }
  const auto below = y < V(0.0);
  if (any(below)) {
    V s, c;
    const auto [angle, lost] = two_prod(ax + ax, ay);
    sincos(angle, s, c);
    const V sine = fma(c, lost, s);
    c = fnma(s, lost, c), s = sine;
    const V g = V(2.0) * exp_of_squares(ax, ay), re = g * c, im = g * s;
    real = select(below, fms(g, c, real), real);
    imag = select(below, fma(g, s, imag), imag);
    slope_real = select(below, fnma(V(2.0), fma(ax, re, ay * im), -slope_real), slope_real);
    slope_imag = select(below, fnma(V(2.0), fms(ax, im, ay * re), slope_imag), slope_imag);
  }
  const V sign = copysign(V(1.0), x);
  return {real, sign * imag, sign * slope_real, slope_imag};
}

// (k + 1) (2k + 1)!! / 2^k: w''(z) where -2 w - 2 z w' cancels, by its asymptotic series
// (DLMF 7.12.1 with 7.7.1), is 2 i / (sqrt(pi) z^3) times the sum of these over z^2k.
constexpr auto kFaddeevaFar = [] {
  std::array<double, 15> c{};
  double f = 1.0;
  for (std::size_t k = 0; k < c.size(); f *= static_cast<double>(++k) + 0.5)
    c[k] = static_cast<double>(k + 1) * f;
  return c;
}();

}  // namespace thalweg::math
