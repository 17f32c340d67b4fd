// SPDX-License-Identifier: BSD-3-Clause
// The logarithm of the gamma function and its derivatives, generic in the batch type. Errors are
// the largest observed against mpmath on any instruction set, in ulp unless called absolute. A
// lane's result depends on that lane alone.
#pragma once
#include "thalweg/kernels/batch.hpp"
#include "thalweg/math/double_double.hpp"
#include "thalweg/math/exponential.hpp"
#include "thalweg/math/polynomial.hpp"
#include "thalweg/math/power.hpp"
#include "thalweg/math/trigonometric.hpp"

namespace thalweg::math {

// From here on Stirling's series is used, with five or six terms.
inline constexpr double kStirling = 8.0;

// log Gamma(1 + u) for u in [0, 1.5], as u (u - 1) S(u - 3/4), so that its zeros are exact.
// Minimax, relative error 2^-54.6.
template <class V> THALWEG_INLINE V gammaln_between_zeros(V u) {
  const V s = polynomial(
      u - V(0.75), 0.4501393121092563, -0.11948158662524275, 0.044520447198509394,
      -0.01905395783024671, 0.008776370425279003, -0.004226194125966895, 0.002095533879199326,
      -0.0010605660739570306, 0.0005448970031882131, -0.00028319064377182193,
      0.00014851663466417656, -7.84615494002006e-05, 4.170628907095364e-05, -2.228262762709033e-05,
      1.19458022855404e-05, -6.432052089820842e-06, 3.5169328945617885e-06, -1.9139449823488267e-06,
      9.415673764223636e-07, -5.00099741039159e-07, 4.3571725305871e-07, -2.52853664275921e-07,
      -3.4113903030103084e-08, 2.80796900048996e-08, 9.134892718550162e-08, -5.296492158724625e-08);
  return u * (u - V(1.0)) * s;
}

// log Gamma(x) for x >= 8, given log x: Stirling's series (Abramowitz and Stegun 6.1.41) with
// minimax coefficients, absolute error 2^-57. The main terms are written (x - 1/2)(log x - 1),
// which cannot become inf - inf.
template <class V> THALWEG_INLINE V gammaln_stirling(V x, V log_x) {
  const V r = V(1.0) / x;
  const V p = horner(r * r, 0.0833333333333333, -0.0027777777776147004, 0.0007936506685625282,
                     -0.0005952031867855146, 0.0008373244012854702, -0.0016536100997590715);
  const V half_log_two_pi_less_half(0.4189385332046727);
  return fma(x - V(0.5), log_x - V(1.0), fma(r, p, half_log_two_pi_less_half));
}

// log |Gamma(x)| for x < 0; inf at whole numbers.
// Down to -32, Gamma(x) = Gamma(x + n) / (x (x + 1) ... (x + n - 1)) with x + n in [1, 2). The
// product is computed in two doubles; at the zeros, where |Gamma| is 1, its logarithm and log
// Gamma(x + n) are both small. Below -32 no double is close enough to a whole number to be near a
// zero, and the reflection formula loses less than half of its digits (Abramowitz and Stegun 6.1.15
// and 6.1.17).
template <class V> __attribute__((noinline)) V gammaln_negative(V x) {
  const V one(1.0);
  Pair<V> product{one, V(0.0)};
  V u = x;
  for (int k = 0; k < 33; ++k) {
    const auto [t, lost] = two_sum(x, V(static_cast<double>(k)));
    const auto active = t < one;
    if (!any(active)) break;
    const auto [high, low] = two_prod(product.hi, t);
    product.lo = select(active, fma(product.lo, t, fma(product.hi, lost, low)), product.lo);
    product.hi = select(active, high, product.hi);
    u = select(active, t, u);
  }
  const V near_value = gammaln_between_zeros(u) - (log(abs(product.hi)) + product.lo / product.hi);
  const V whole = rint(x), sine = sin((x - whole) * V(0x1.921fb54442d18p+1));
  const V pi_inverse(0x1.45f306dc9c883p-2);
  const V far_value = -(log(abs(x * sine) * pi_inverse) + gammaln_stirling(-x, log(-x)));
  const V y = select(x < V(-32.0), far_value, near_value);
  return select(whole == x, V(std::numeric_limits<double>::infinity()), y);
}

// log |Gamma(x)|. All doubles: 2.9 ulp for x > 0, including its zeros 1 and 2; for x < 0 2.5 ulp,
// or 1.7 * 2^-53 absolute where the value is below 1. inf at 0, at negative whole numbers and at
// both infinities.
// Below 8 the recurrence brings the argument to [1, 2.5): log x is subtracted below 1, and the
// logarithm of (x - 1)(x - 2)... is added from 2.5 on.
template <class V> THALWEG_INLINE V gammaln(V x) {
  const V one(1.0);
  const auto large = x >= V(kStirling), small = x < one;
  V y = V(0.0), factor = one;
  if (any(!large)) {
    V shifted = x;
    for (int k = 1; k <= 6; ++k) {
      const V t = x - V(static_cast<double>(k));
      const auto active = t >= V(1.5);
      factor = select(active, factor * t, factor);
      shifted = select(active, t, shifted);
    }
    y = gammaln_between_zeros(select(small, x, shifted - one));
  }
  const V l = log(select(large | small, x, factor));
  y = select(small, y - l, y + l);
  if (any(large)) y = select(large, gammaln_stirling(x, l), y);
  const auto negative = x < V(0.0);
  if (__builtin_expect(any(negative), 0)) y = select(negative, gammaln_negative(x), y);
  return select(is_nan(x), x, y);
}

// sum of B_2j / 2j z^(j-1): the tail of digamma's series times -x^2, with z = 1/x^2 <= 1/64
// (Abramowitz and Stegun 6.3.18). Minimax, absolute error 2^-51, which the factor z reduces to
// 2^-57.
template <class V> THALWEG_INLINE V digamma_series(V z) {
  return horner(z, 0.08333333333333288, -0.00833333333122704, 0.003968252371970909,
                -0.004166222795894121, 0.007519460900060191, -0.017720629391011686);
}

// digamma(x) for x < 0; NaN at whole numbers and -inf. Reflection (Abramowitz and Stegun 6.3.7),
// with pi cot(pi r) as 1/r - r Q(r^2) around the nearest whole number. Between any two poles is a
// zero, where digamma(1 - x) and 1/r cancel, so both are computed in two doubles.
template <class V> __attribute__((noinline)) V digamma_negative(V x) {
  const V one(1.0), zero(0.0);
  const auto inverse = [one](V t, V lost) {
    const V h = one / t;
    const auto [high, low] = two_prod(h, t);
    return Pair<V>{h, ((one - high) - low - h * lost) * h};
  };
  const auto [a, lost] = two_sum(one, -x);
  const auto large = a >= V(kStirling);
  Pair<V> sum{zero, zero};
  for (int k = 0; k < 8; ++k) {
    const auto [t, t_lost] = two_sum(a, V(static_cast<double>(k)));
    const auto term = inverse(t, t_lost + lost);
    const auto [high, low] = two_sum(sum.hi, term.hi);
    sum = {high, sum.lo + (low + term.lo)};
  }
  const auto far = two_sum(a, select(large, zero, V(kStirling)));
  const V w = far.hi, v = one / w;
  const auto l = log_pair(w, zero);
  V rest = l.lo + (lost + far.lo) * v - fma(v * v, digamma_series(v * v), V(0.5) * v);
  const auto s = two_sum(l.hi, select(large, zero, -sum.hi));
  rest = rest + select(large, zero, s.lo - sum.lo);
  const V r = x - rint(x);
  const V q = polynomial(
      r * r, 3.289868133696453, 2.164646467422281, 2.0346861239673397, 2.0081547126017023,
      2.001989135997048, 2.000492769490817, 2.0001061586381086, 2.000338872840794,
      1.995871811403793, 2.0401519771870618, 1.7160595282488162, 3.455932040276406,
      -3.312329419047046, 15.245332460152651, -18.75013514248297, 18.58319474186436);
  const auto pole = inverse(r, zero);
  const auto y = two_sum(s.hi, -pole.hi);
  const V value = y.hi + (fma(r, q, rest - pole.lo) + y.lo);
  // 1/r may overflow next to 0, and is meaningless at a pole
  return select(r == zero, V(kNaN), select(is_finite(pole.hi), value, -pole.hi));
}

// The derivative of gammaln. All doubles: 3.2 ulp for x > 0, the zero at 1.4616 included; for x < 0
// 3 ulp, or 3.7 * 2^-53 absolute where the value is below 1/2. digamma(+-0) = -+inf, NaN at
// negative whole numbers and -inf.
// Below 8 the recurrence leads to [1, 2.5), where it is (x - zero) S(x); its terms, -1/x or
// 1/(x - 1), 1/(x - 2) ..., are added as one quotient. From 8 on, log x - 1/2x - ....
template <class V> THALWEG_INLINE V digamma(V x) {
  const V one(1.0);
  const auto large = x >= V(kStirling), small = x < one;
  V numerator = select(large, one, select(small, V(-1.0), V(0.0)));
  V denominator = select(large | small, x, one), shifted = x;
  if (any(!large)) {
    for (int k = 1; k <= 6; ++k) {
      const V t = x - V(static_cast<double>(k));
      const auto active = (t >= V(1.5)) & !large;
      numerator = select(active, fma(numerator, t, denominator), numerator);
      denominator = select(active, denominator * t, denominator);
      shifted = select(active, t, shifted);
    }
  }
  const V quotient = numerator / denominator;
  V y = quotient;
  if (any(!large)) {
    const V u = select(small, x, shifted - one);
    const V s = polynomial(u - V(0.75), 0.8581832171262995, -0.3262546278681058,
                           0.15712011335203538, -0.08228558635576323, 0.04479965445348674,
                           -0.024890048489933227, 0.013985786156917963, -0.007910468750125571,
                           0.004491814241772942, -0.0025566869222121993, 0.00145736839467669,
                           -0.000831493137712361, 0.00047472837508926444, -0.0002711169387612395,
                           0.00015458943817782197, -8.827301995201226e-05, 5.140778168397348e-05,
                           -2.9482506150102066e-05, 1.4470075771280772e-05, -8.07692568874382e-06,
                           8.527091840473907e-06, -5.08638266680852e-06, -1.2471581695355362e-06,
                           8.509053803677335e-07, 2.0816765947179624e-06, -1.228853597490737e-06);
    // the zero, 1.4616..., minus 1, in two parts
    y = fma((u - V(0x1.d8b618d5af8fep-2)) - V(-0x1.1e563779a1f5bp-56), s, quotient);
  }
  if (any(large)) {
    const V z = quotient * quotient;
    y = select(large, log(x) - fma(z, digamma_series(z), V(0.5) * quotient), y);
  }
  const auto negative = x < V(0.0);
  if (__builtin_expect(any(negative), 0)) y = select(negative, digamma_negative(x), y);
  return y;
}

// The derivative of digamma. All doubles: 2.6 ulp. inf at 0 and negative whole numbers, 0 at inf.
// From 8 on, 1/x + 1/2x^2 + ... (Abramowitz and Stegun 6.4.12, minimax). From 0 to 8, eight terms
// 1/(x + k)^2 are added to it. Below 0, reflection (6.4.7), with (pi / sin(pi r))^2 as 1/r^2 +
// R(r^2) around the nearest whole number.
template <class V> THALWEG_INLINE V trigamma(V x) {
  const V one(1.0), zero(0.0);
  const auto negative = x < zero;
  const V a = select(negative, one - x, x);
  const auto large = a >= V(kStirling);
  V sum = zero;
  if (any(!large)) {
    for (int k = 7; k > 0; --k) {
      const V t = a + V(static_cast<double>(k));
      sum = sum + one / (t * t);
    }
    const V t = one / a;  // its square, and not that of a, can be near the limits
    sum = select(large, zero, fma(t, t, sum));
  }
  const V r = one / select(large, a, a + V(kStirling)), z = r * r;
  const V p =
      horner(z, 0.16666666666666655, -0.03333333333253594, 0.02380952297303176,
             -0.03333300465480638, 0.0756957241131144, -0.2470482647459426, 0.8597581219329944);
  V y = sum + fma(fma(r, p, V(0.5)), z, r);
  if (__builtin_expect(any(negative), 0)) {
    const V d = x - rint(x), h = one / d;
    const V q =
        polynomial(d * d, 3.289868133696453, 6.493939402266816, 10.173430619849615,
                   14.057082985996127, 18.017902413881647, 22.005410942291345, 26.001686147489576,
                   29.99840449279694, 34.03240072125736, 37.628986302890205, 45.15609383397982,
                   26.10946904070174, 142.09505444564462, -252.50248777824422, 760.0456285583525,
                   -951.7274230645958, 808.3749371067353);
    y = select(negative, fma(h, h, q - y), y);
  }
  return y;
}

// factor * (w + lost)^-n for w > 0, n >= 1. Powers of 1/w in two doubles. The factor is applied
// before the last power, which alone might underflow.
template <class V> THALWEG_INLINE V inverse_power(V w, V lost, int n, double factor) {
  const V one(1.0), zero(0.0);
  const V r = one / w;
  const auto [high, low] = two_prod(r, w);
  V r_low = (((one - high) - low) - r * lost) * r;
  r_low = select(is_finite(r_low), r_low, zero);
  Pair<V> power{one, zero}, square{r, r_low};
  for (int m = n - 1; m > 0; m >>= 1) {
    if (m & 1) {
      const auto [p, e] = two_prod(power.hi, square.hi);
      power = {p, fma(power.hi, square.lo, fma(power.lo, square.hi, e))};
    }
    const auto [p, e] = two_prod(square.hi, square.hi);
    square = {p, fma(V(2.0) * square.hi, square.lo, e)};
  }
  const V scaled = power.hi * V(factor), y = scaled * r;
  const V rest = fma(scaled, r_low, power.lo * V(factor) * r);
  return select(is_finite(rest), y + rest, y);
}

// n! times Hurwitz' zeta(n + 1, a) for a > 0, n >= 2: the terms up to a + k >= 12 + n, then the
// Euler-Maclaurin sum (Abramowitz and Stegun 6.4.11): (n - 1)! w^-n (1 + n/2w + sum of B_2j n (n +
// 1)
// ... (n + 2j - 1) / (2j)! w^-2j), of which twelve terms leave less than 2^-56.
template <class V> __attribute__((noinline)) V scaled_zeta(int n, V a) {
  constexpr double bernoulli[12] = {
      // B_2j / (2j)!
      0.08333333333333333,    -0.001388888888888889,   3.306878306878307e-05,
      -8.267195767195768e-07, 2.08767569878681e-08,    -5.284190138687493e-10,
      1.3382536530684679e-11, -3.3896802963225827e-13, 8.586062056277845e-15,
      -2.174868698558062e-16, 5.5090028283602295e-18,  -1.3954464685812522e-19};
  double factorial = 1.0;  // (n - 1)!
  for (int k = 2; k < n; ++k) factorial *= k;
  const V limit(12.0 + n);
  V sum = V(0.0), w = a, lost = V(0.0);
  for (int k = 1; any(w < limit); ++k) {
    const auto active = w < limit;
    sum = select(active, sum + inverse_power(w, lost, n + 1, factorial * n), sum);
    const auto [next, rest] = two_sum(a, V(static_cast<double>(k)));
    w = select(active, next, w);
    lost = select(active, rest, lost);
  }
  double coefficient[12], rising = 1.0;
  for (int j = 0; j < 12; ++j) {
    rising *= (n + 2.0 * j) * (n + 2.0 * j + 1.0);
    coefficient[j] = bernoulli[j] * rising;
  }
  const V r = V(1.0) / w, z = r * r;
  V series = V(coefficient[11]);
  for (int j = 10; j >= 0; --j) series = fma(series, z, V(coefficient[j]));
  series = fma(series, z, V(0.5 * n) * r);
  const V lead = inverse_power(w, lost, n, factorial);
  return sum + fma(lead, series, lead);
}

// The n-th derivative of digamma, n >= 0; n = 0 and 1 are digamma and trigamma. n >= 2: 5.6 ulp (n
// up to 15); for even n and x < 0 near the zeros, an ulp of the terms that cancel there. n! must be
// finite, so n <= 170. At 0 and negative whole numbers it is -inf for even n and inf for odd n, as
// in SciPy; NaN at -inf.
// For x < 0, with r = x minus the nearest whole number: the sum over all r + j in both directions,
// without the terms below x.
template <class V> THALWEG_INLINE V polygamma(int n, V x) {
  if (n == 0) return digamma(x);
  if (n == 1) return trigamma(x);
  const V one(1.0), zero(0.0);
  const auto negative = x < zero;
  const bool odd = n & 1;
  V y = scaled_zeta(n, select(negative, one - x, abs(x)));
  if (any(negative)) {
    double factorial = 1.0;
    for (int k = 2; k <= n; ++k) factorial *= k;
    const V r = x - rint(x);
    const V pole = inverse_power(abs(r), zero, n + 1, factorial);
    const V right = scaled_zeta(n, one + r), left = scaled_zeta(n, one - r);
    const V t = odd ? pole + (right + (left - y)) : copysign(pole, r) + (right - left + y);
    y = select(negative, select(r == zero, abs(pole), t), y);
  }
  return odd ? y : -y;
}

}  // namespace thalweg::math
