// SPDX-License-Identifier: BSD-3-Clause
// pow, cbrt, hypot, logarithms in other bases and the logarithm of a sum of exponentials. "Error"
// is the largest observed, in units in the last place, against mpmath over the whole domain and
// against extended precision in dense samples near the maximum.
#pragma once
#include "thalweg/math/double_double.hpp"
#include "thalweg/math/exponential.hpp"

namespace thalweg::math {

// log_pair with the tables of log. Here r = m / c - 1 is a pair too, log(c) (plus ln 2 for m < 1)
// is stored as 42 bits after the point and a remainder, and log(1 + r) - r + r^2/2 is minimax with
// an error of 2^-64 of r.
template <class V> THALWEG_INLINE Pair<V> log_pair_by_table(V a, V shift) {
  const auto [k0, m] = reduce_log_by_table(a);
  const V k = k0 + shift;
  static constexpr std::array kHigh =
      table(0.0, 0.089646754088335, 0.14523362868067125, 0.19780883331782206, 0.2478930396321175,
            0.2954415435053761, 0.34092331715623914, 0.38446693435366797, 0.4260989455899562,
            0.46608853501084013, 0.5045449305091552, 0.54161247401521, 0.5773332866397141,
            0.6118178944161627, 0.6451408579373492, 0.6931471803691238);
  static constexpr std::array kLow =
      table(0.0, -7.90201164979263e-14, 5.784262350201144e-14, 3.155810007551225e-14,
            4.221623726330675e-14, -5.767608828744001e-14, 3.891332771200674e-14,
            -8.892887032411159e-14, 1.9074638633259868e-10, 1.908313739048763e-10,
            1.9073245304565454e-10, 1.9086179402440988e-10, 1.9077575173154992e-10,
            1.9077375334000873e-10, 1.909046486267462e-10, 1.9082149292705877e-10);
  const auto index = bits(m) >> 48;
  const V log_high = V::entry(kHigh, index), log_low = V::entry(kLow, index);
  const Pair<V> ratio = two_prod(m, log_table(m).inverse);
  const V r = ratio.hi - V(1.0), half = V(0.5) * r;  // both exact
  const Pair<V> square = two_prod(half, r);
  const V r2 = r * r, r4 = r2 * r2;
  const V c01 = fma(r, V(-0.2500000000000037), V(0.33333333333333326));
  const V c23 = fma(r, V(-0.1666666666547235), V(0.20000000000053722));
  const V c45 = fma(r, V(-0.12500000207193881), V(0.14285714139584543));
  const V c67 = fma(r, V(-0.10001832810090462), V(0.11111266749443466));
  const V c89 = fma(r, V(-0.07126606956801675), V(0.09041768240688597));
  const V p = fma(fma(c89, r4, fma(c67, r2, c45)), r4, fma(c23, r2, c01));
  const V base_low = fma(k, V(kLn2Low), log_low);
  const V rest = fma(r * r2, p, (base_low - square.lo) + fma(ratio.lo, r2 - r, ratio.lo));
  // the first is exact, and 0 or larger than r
  const Pair<V> head = fast_two_sum(fma(k, V(kLn2High), log_high), r);
  const Pair<V> sum = fast_two_sum(head.hi, -square.hi);
  return fast_two_sum(sum.hi, sum.lo + (head.lo + rest));
}

// log(2^shift a) for normal positive a as a pair, with a relative error of about 2^-61: pow
// multiplies this error by up to 745. As in log_polynomial, log(1 + f) = 2 atanh(s), but s and the
// terms 2s + (2/3) s^3 are computed as pairs. The rest, s^5 P(s^2) with P minimax to 2^-64, is at
// most 2^-12 of the whole.
template <class V> THALWEG_INLINE Pair<V> log_pair(V a, V shift) {
  if constexpr (kAvx512<V>) return log_pair_by_table(a, shift);
  const auto [k0, m] = reduce_log(a);
  const V k = k0 + shift;
  // f is exact, and so is 2 + f = d + d_low
  const V f = m - V(1.0), d = m + V(1.0), d_low = m - (d - V(1.0));
  const V inverse = V(1.0) / d, s = f * inverse;
  const Pair<V> sd = two_prod(s, d);
  const V s_low = (((f - sd.hi) - sd.lo) - s * d_low) * inverse;
  const Pair<V> z = two_prod(s, s);
  const V z_low = fma(s + s, s_low, z.lo);
  const Pair<V> cube = two_prod(s, z.hi);
  const V cube_low = fma(s, z_low, fma(s_low, z.hi, cube.lo));
  const V two_thirds = 2.0 / 3.0, two_thirds_low = 3.700743415417188e-17;
  const Pair<V> t = two_prod(two_thirds, cube.hi);
  const V t_low = fma(two_thirds, cube_low, fma(two_thirds_low, cube.hi, t.lo));
  const V z2 = z.hi * z.hi;
  const V c01 = fma(z.hi, V(0.2857142857009195), V(0.4000000000000227));
  const V c23 = fma(z.hi, V(0.1818178423769688), V(0.22222222521345655));
  const V c45 = fma(z.hi, V(0.13256669493329834), V(0.15386763502858422));
  const V p = fma(fma(z2, V(0.13197744152138574), c45), z2 * z2, fma(z2, c23, c01));
  const V rest = fma(cube.hi * z.hi, p, t_low + (s_low + s_low));
  const Pair<V> head = fast_two_sum(s + s, t.hi);
  // k = 0, or |k ln 2| > 0.69 > |log m|
  const Pair<V> sum = fast_two_sum(k * V(kLn2High), head.hi);
  return fast_two_sum(sum.hi, sum.lo + fma(k, V(kLn2Low), head.lo + rest));
}

// The lanes that are not normal, positive and finite, the arguments to use there instead, and the
// power of two by which those differ.
template <class V> struct LogRange {
  typename V::MaskType odd;
  V a, shift;
};
template <class V> THALWEG_INLINE LogRange<V> log_range(V x) {
  const auto odd = !((x >= V(kSmallestNormal)) & (x < V(kInf)));
  V a = x, shift = 0.0;
  if (any(odd)) {
    a = abs(x);
    const auto tiny = a < V(kSmallestNormal);
    a = select(tiny, a * V(18014398509481984.0), a);  // 2^54
    shift = select(tiny, V(-54.0), V(0.0));
  }
  return {odd, a, shift};
}

// Adds the special values to a logarithm whose value is y for positive finite x. They are the same
// for every base above 1.
template <class V> THALWEG_INLINE V log_limits(typename V::MaskType odd, V x, V y) {
  if (!any(odd)) return y;
  y = select(x < V(kInf), y, x);  // inf and NaN
  return select(x == V(0.0), V(-kInf), select(x < V(0.0), V(kNaN), y));
}

// Logarithm in base 2, any x; special values as log. Error 0.6; exact at powers of 2.
template <class V> THALWEG_INLINE V log2(V x) {
  const auto [odd, a, shift] = log_range(x);
  // log2(e) as a pair; the exponent is added separately, so that it stays exact
  const auto [k, m] = reduce_log(a);
  const Pair<V> l = log_pair(m, V(0.0));
  const Pair<V> p = times(l, V(kLog2E));
  const Pair<V> sum = fast_two_sum(k + shift, p.hi);
  return log_limits(odd, x, sum.hi + (sum.lo + fma(l.hi, V(2.0355273740931033e-17), p.lo)));
}

// Logarithm in base 10, any x; special values as log. Error 0.6; exact at powers of 10.
template <class V> THALWEG_INLINE V log10(V x) {
  const auto [odd, a, shift] = log_range(x);
  const Pair<V> l = log_pair(a, shift);
  const Pair<V> p = times(l, V(0.4342944819032518));
  return log_limits(odd, x, p.hi + fma(l.hi, V(1.098319650216765e-17), p.lo));
}

// x^y, any x and y, with the special values of C99 (F.9.4.4): 1 if y = 0 or x = 1, even if the
// other is NaN; NaN if x < 0 is finite and y is not whole; signed for odd y. Error 3.1 (1.7 without
// AVX-512).
template <class V> THALWEG_INLINE V pow(V x, V y) {
  const auto [odd_base, a, shift] = log_range(x);
  const Pair<V> l = log_pair(a, shift);
  // |log x| is 0 or at least 2^-54, so for |y| > 2^66 the power is 0, 1 or infinite
  const Pair<V> p = times(l, clamp(y, -73786976294838206464.0, 73786976294838206464.0));
  const V high = clamp(p.hi, -800.0, 800.0), low = clamp(p.lo, -1.0, 1.0);
  V z = exp_of_sum(high, low);
  if (any(odd_base)) {
    const V magnitude = abs(x);
    const auto up = y > V(0.0), zero = magnitude == V(0.0), infinite = magnitude == V(kInf);
    z = select(zero, select(up, V(0.0), V(kInf)), z);
    z = select(infinite, select(up, V(kInf), V(0.0)), z);
    const auto whole = rint(y) == y;
    const V half = V(0.5) * y;
    const auto odd_power = whole & (rint(half) != half);
    z = select(odd_power, copysign(z, x), z);
    z = select((x < V(0.0)) & !whole & !infinite, V(kNaN), z);
    z = select(is_nan(x) | is_nan(y), x + y, z);
  }
  return select((x == V(1.0)) | (y == V(0.0)), V(1.0), z);
}

// Cube root, any x. Error 0.7. Odd; keeps -0, infinities and NaN.
// The bits of |x| give |x|^(-1/3) to 3.4 percent (the exponent divided by -3, Kahan 1991), and a
// polynomial in e = 1 - x y^3 improves this to 2^-23. Then t = x y^2, truncated to 26 bits so that
// t^2 is exact, is improved by one step of third order.
template <class V> THALWEG_INLINE V cbrt(V x) {
  using B = typename V::BitsType;
  const V magnitude = abs(x);
  const auto tiny = magnitude < V(kSmallestNormal);
  const V a = select(tiny, magnitude * V(18014398509481984.0), magnitude);  // 2^54
  const V top = V::from_bits((bits(a) >> 32) | B(0x4330000000000000ull)) - V(4503599627370496.0);
  // (4/3) (1023 - 0.051) 2^20, where 0.051 balances the largest |e| at 0.102
  const V guess = fma(top, V(-1.0 / 3.0), V(1430186360.0));
  const V y0 = V::from_bits(bits(guess + V(4503599627370496.0)) << 32);
  const V e = fnma((a * y0) * y0, y0, V(1.0)), e2 = e * e;
  // ((1 - e)^(-1/3) - 1) / e, minimax
  const V q = fma(fma(e, V(0.14600024126439004), V(0.1744986944942674)), e2,
                  fma(e, V(0.22221395926272214), V(0.33332900239106866)));
  const V y = fma(y0 * e, q, y0);
  const V t = V::from_bits(bits((a * y) * y) & B(0xfffffffff8000000ull));
  const V r = a / (t * t), step = r - t;
  // (t^3 + t^2 step)^(1/3) = t + step / 3 - step^2 / (9 t) + ..., and y is 1 / t
  V root = fma(step, fma(step * y, V(-1.0 / 9.0), V(1.0 / 3.0)), t);
  root = select(tiny, root * V(1.0 / 262144.0), root);  // 2^-18
  return select((magnitude > V(0.0)) & (magnitude < V(kInf)), copysign(root, x), x);
}

// sqrt(a^2 + b^2), any a and b. Error 1.2. Infinite if either is, even if the other is NaN. Large
// arguments do not overflow and small ones are not lost: both are scaled by 2^-600 or 2^600 if the
// larger is above 2^510 or below 2^-450.
template <class V> THALWEG_INLINE V hypot(V a, V b) {
  a = abs(a);
  b = abs(b);
  const V most = larger(a, b);
  const V huge = 4.149515568880993e+180, tiny = 2.409919865102884e-181;
  const auto above = most > V(3.3519519824856493e+153), below = most < V(3.4398e-136);
  const V down = select(above, tiny, select(below, huge, V(1.0)));
  const V up = select(above, huge, select(below, tiny, V(1.0)));
  const V p = a * down, q = b * down;
  const V y = sqrt(fma(p, p, q * q)) * up;
  return select((a == V(kInf)) | (b == V(kInf)), V(kInf), y);
}

// The functions up to logaddexp serve it where e^a + e^b is close to 1 and m + log1p(e^d) would
// cancel. There it is log1p(S) with S = (e^m - 1) + e^o, summed as pairs. Slow, and not inlined.

// A product and a sum of pairs, with an error of about 2^-101 (for the sum: of the larger term).
template <class V> THALWEG_INLINE Pair<V> times(Pair<V> a, Pair<V> b) {
  const Pair<V> p = two_prod(a.hi, b.hi);
  return fast_two_sum(p.hi, fma(a.hi, b.lo, fma(a.lo, b.hi, p.lo)));
}
template <class V> THALWEG_INLINE Pair<V> plus(Pair<V> a, Pair<V> b) {
  const Pair<V> s = two_sum(a.hi, b.hi), t = two_sum(a.lo, b.lo);
  const Pair<V> u = fast_two_sum(s.hi, s.lo + t.hi);
  return fast_two_sum(u.hi, u.lo + t.lo);
}

// e^r - 1 for |r| < 0.5: the series at t = r / 8 (16 terms leave an error of 2^-112), then E <- 2 E
// + E^2 three times.
template <class V> THALWEG_INLINE Pair<V> expm1_pair(Pair<V> r) {
  const Pair<V> one{1.0, 0.0}, t{V(0.125) * r.hi, V(0.125) * r.lo};
  Pair<V> v = one;
  for (double k = 16.0; k > 1.0; k -= 1.0) {
    const Pair<V> w = times(t, v);
    const V q = w.hi / V(k);
    const Pair<V> back = two_prod(q, V(k));
    v = plus(one, Pair<V>{q, ((w.hi - back.hi) - back.lo + w.lo) / V(k)});
  }
  Pair<V> e = times(t, v);
  for (int doubling = 0; doubling < 3; ++doubling)
    e = plus({e.hi + e.hi, e.lo + e.lo}, times(e, e));
  return e;
}

// x = n u + r for a unit u: ln 2 for natural arguments, 1 for binary ones. r is returned as a pair
// in natural units.
template <bool kBinary, class V> struct PairArgument {
  V n;
  Pair<V> r;
  THALWEG_INLINE explicit PairArgument(V x) {
    if constexpr (kBinary) {
      n = rint(x);
      const Pair<V> p = two_prod(x - n, V(kLn2));
      r = fast_two_sum(p.hi, fma(x - n, V(2.3190468138462996e-17), p.lo));
    } else {  // ln 2 in three parts, of which two have 32 bits: their products with n are exact
      n = rint(x * V(kLog2E));
      const Pair<V> s = two_sum(x - n * V(kLn2High), -(n * V(1.9082149291141208e-10)));
      r = fast_two_sum(s.hi, fnma(n, V(1.564670158533888e-20), s.lo));
    }
  }
};

// log(e^m + e^o) / u for o <= m < 0, m > -2: with an error of 3 ulp if the result is above 1e-15 in
// size, of 1e-31 absolute otherwise.
template <bool kBinary, class V> __attribute__((noinline)) V logaddexp_near_zero(V m, V o) {
  const PairArgument<kBinary, V> am(m), ao(o);
  const Pair<V> rm = expm1_pair(am.r), ro = plus(expm1_pair(ao.r), Pair<V>{1.0, 0.0});
  const V power = pow2(am.n);
  Pair<V> em = plus(Pair<V>{power - V(1.0), 0.0}, Pair<V>{power * rm.hi, power * rm.lo});
  // The series divides by 8, which would lose bits of a subnormal.
  const auto small = abs(m) < V(1e-20);
  em.hi = select(small, am.r.hi, em.hi);
  em.lo = select(small, fma(V(0.5) * am.r.hi, am.r.hi, am.r.lo), em.lo);
  const Pair<V> sum = plus(em, Pair<V>{scale(ro.hi, ao.n), scale(ro.lo, ao.n)});
  const V y = log1p(sum.hi) + sum.lo / (V(1.0) + sum.hi);
  return kBinary ? y * V(kLog2E) : y;
}

// With m the larger, o the other and d = o - m: m + log1p(e^d). The rounding error of d matters
// while m is small.
template <bool kBinary, class V> THALWEG_INLINE V log_of_sum(V a, V b) {
  const auto a_larger = a > b;
  const V m = select(a_larger, a, b), o = select(a_larger, b, a);  // a NaN ends up in one of them
  const Pair<V> d = two_sum(o, -m);
  const V difference = select(a == b, V(0.0), d.hi);  // also for equal infinities
  const V lost = select(is_finite(d.hi), d.lo, V(0.0));
  V e, l, y;
  if constexpr (kBinary) {
    e = exp2(difference);
    l = log1p(fma(e, lost * V(kLn2), e)) * V(kLog2E);
  } else {
    e = exp(difference);
    l = log1p(fma(e, lost, e));
  }
  y = m + l;
  const auto cancels = (m < V(0.0)) & (abs(y) < l);
  if (any(cancels)) y = select(cancels, logaddexp_near_zero<kBinary>(m, o), y);
  return y;
}

// log(e^a + e^b), any a and b. NaN if either is; limits at infinities. Error 2.1; within 1e-15 of a
// zero, 1e-31 absolute.
template <class V> THALWEG_INLINE V logaddexp(V a, V b) { return log_of_sum<false>(a, b); }

// log2(2^a + 2^b), like logaddexp. Error 2.5.
template <class V> THALWEG_INLINE V logaddexp2(V a, V b) { return log_of_sum<true>(a, b); }

}  // namespace thalweg::math
