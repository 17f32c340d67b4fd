// SPDX-License-Identifier: BSD-3-Clause
// exp, exp2, expm1, expit, log and log1p of a batch. Powers and other logarithms are in power.hpp.
// "Error" is the largest observed, in units in the last place, against mpmath over the whole domain
// and against extended precision in dense samples near the maximum.
#pragma once
#include <array>

#include "thalweg/kernels/batch.hpp"
#include "thalweg/math/double_double.hpp"

namespace thalweg::math {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// ln 2 = kLn2High + kLn2Low. The high part has 32 bits, so its product with a binary exponent is
// exact (Cody and Waite 1980).
constexpr double kLn2High = 0.6931471803691238, kLn2Low = 1.9082149292705877e-10;
constexpr double kLn2 = 0.6931471805599453, kLog2E = 1.4426950408889634;
constexpr double kRound = 6755399441055744.0;  // 1.5 * 2^52: adding it rounds to a whole number
constexpr double kSmallestNormal = std::numeric_limits<double>::min();

// Whether V is a batch of eight AVX-512 lanes, for which single instructions read and write
// exponents and look up tables in registers.
template <class V> inline constexpr bool kAvx512 = V::kSize == 8;

// A table for V::entry.
template <class... Numbers> constexpr std::array<double, 16> table(Numbers... numbers) {
  return {numbers...};
}

// Limits x to [low, high]. NaN stays NaN.
template <class V> THALWEG_INLINE V clamp(V x, double low, double high) {
  return smaller(larger(x, V(low)), V(high));
}

// p * 2^n for whole |n| < 2000 and p in [1/2, 2): rounded once if the result is subnormal, infinite
// above the largest double.
template <class V> THALWEG_INLINE V scale(V p, V n) {
  if constexpr (kAvx512<V>) return scaled(p, n);
  if (!any(abs(n) > V(1020.0))) return p * pow2(n);
  const V half = fma(n, V(0.5), V(kRound)) - V(kRound);  // in two steps; the first is exact
  return (p * pow2(half)) * pow2(n - half);
}

// x = n ln 2 + r + lo with n whole, |r| < 0.35, for |x| < 1500.
template <class V> struct ExpArgument {
  V n, r, lo;
};
template <class V> THALWEG_INLINE ExpArgument<V> reduce_exp(V x) {
  const V n = fma(x, V(kLog2E), V(kRound)) - V(kRound);
  const V high = fnma(n, V(kLn2High), x);
  const V r = fnma(n, V(kLn2Low), high);
  return {n, r, fnma(n, V(kLn2Low), high - r)};
}

// (exp(r) - 1 - r) / r^2 for |r| < 0.3466: minimax, degree 9, weighted to 2^-56 of exp(r).
template <class V> THALWEG_INLINE V exp_polynomial(V r, V r2) {
  const V c01 = fma(r, V(0.16666666666666413), V(0.5000000000000011));
  const V c23 = fma(r, V(0.008333333333494399), V(0.041666666666530155));
  const V c45 = fma(r, V(0.00019841269506688846), V(0.0013888888943631085));
  const V c67 = fma(r, V(2.755758629088442e-06), V(2.4801493097828538e-05));
  const V c89 = fma(r, V(2.500008442577437e-08), V(2.763024879588082e-07));
  const V r4 = r2 * r2;
  return fma(fma(c89, r4, fma(c67, r2, c45)), r4, fma(c23, r2, c01));
}

// 2^(j/16), indexed by the low four bits of each lane of t.
template <class V> THALWEG_INLINE V root_of_two_table(V t) {
  static constexpr std::array kRoots =
      table(1.0, 1.0442737824274138, 1.0905077326652577, 1.1387886347566916, 1.189207115002721,
            1.241857812073484, 1.2968395546510096, 1.3542555469368927, 1.4142135623730951,
            1.4768261459394993, 1.5422108254079407, 1.6104903319492543, 1.681792830507429,
            1.7562521603732995, 1.8340080864093424, 1.9152065613971474);
  return V::entry(kRoots, bits(t));
}

// The difference of 2^(j/16) and its entry in the table above.
template <class V> THALWEG_INLINE V root_of_two_errors(V t) {
  static constexpr std::array kErrors = table(
      0.0, 8.551889705537965e-17, -3.046782079812471e-17, 8.912812676025408e-17,
      3.982015231465646e-17, 4.658027591836937e-17, 2.5382502794888315e-17, 7.70094837980299e-17,
      -9.667293313452913e-17, -3.483994556892796e-17, 7.949834809697621e-17, 2.4707192569797888e-17,
      8.199010020581497e-17, 2.960140695448873e-17, 3.283107224245627e-17, -1.0619946056195963e-16);
  return V::entry(kErrors, bits(t));
}

// e^(x + low) for |x| < 1500 and low much smaller than x.
// Cody and Waite 1980, Software Manual for the Elementary Functions, ch. 6. With AVX-512, the
// argument is reduced by sixteenths of ln 2, with a table of 2^(j/16) as in Tang 1989, ACM Trans.
// Math. Softw. 15(2).
template <class V, class Low> THALWEG_INLINE V exp_of_sum(V x, Low low) {
  constexpr bool kLow = std::is_same_v<Low, V>;
  if constexpr (kAvx512<V>) {
    const V t = fma(x, V(16 * kLog2E), V(kRound)), n = t - V(kRound);
    const V high = fnma(n, V(kLn2High / 16), x);
    V r;
    if constexpr (kLow) r = high + fnma(n, V(kLn2Low / 16), low);
    else r = fnma(n, V(kLn2Low / 16), high);
    const V root = root_of_two_table(t), r2 = r * r;
    // (exp(r) - 1 - r) / r^2 for |r| < ln 2 / 32: minimax, degree 4, weighted to 2^-56 of exp(r)
    const V c01 = fma(r, V(0.1666666666440887), V(0.5000000000000006));
    const V c23 = fma(r, V(0.00833347220064428), V(0.0416666666595899));
    const V q = fma(fma(r2, V(0.001388913001341979), c23), r2, c01);
    const V p = fma(root, fma(r2, q, r), root);
    // scalef takes the floor of its exponent, so n / 16 needs no separate table index
    return scaled(p, n * V(1.0 / 16));
  }
  const V n = fma(x, V(kLog2E), V(kRound)) - V(kRound);
  const V high = fnma(n, V(kLn2High), x);
  V r;
  if constexpr (kLow) r = high + fnma(n, V(kLn2Low), low);
  else r = fnma(n, V(kLn2Low), high);
  const V r2 = r * r;
  return scale(V(1.0) + fma(r2, exp_polynomial(r, r2), r), n);
}

// e^x, any x. Error 1.2 (1.1 without AVX-512). exp(-inf) = 0, exp(inf) = inf; 0 below -745.13, inf
// above 709.78.
template <class V> THALWEG_INLINE V exp(V x) {
  return exp_of_sum(clamp(x, -746.0, 710.0), nullptr);
}

// 2^x, any x. Error 1.2. Exact for whole x, subnormals included; 0 up to -1075, inf from 1024.
template <class V> THALWEG_INLINE V exp2(V x) {
  x = clamp(x, -1080.0, 1030.0);
  const V n = (x + V(kRound)) - V(kRound);
  const V r = (x - n) * V(kLn2), r2 = r * r;
  return scale(V(1.0) + fma(r2, exp_polynomial(r, r2), r), n);
}

// (e^x - 1) / 4 for x in [-700, 710.5] or NaN. The factor of a quarter keeps it and its power of 2
// finite wherever sinh is finite. e^x - 1 = (2^n - 1) + 2^n r + 2^n (e^r - 1 - r), where only the
// last term is rounded before the addition. With AVX-512 the same holds with 2^(n/16), whose table
// error matters here and therefore has a table of its own.
template <class V> THALWEG_INLINE V quarter_expm1(V x) {
  if constexpr (kAvx512<V>) {
    const V t = fma(x, V(16 * kLog2E), V(kRound)), n = t - V(kRound);
    const V r = fnma(n, V(kLn2Low / 16), fnma(n, V(kLn2High / 16), x)), r2 = r * r;
    const V exponent = fma(n, V(1.0 / 16), V(-2.0));
    const V quarter = scaled(root_of_two_table(t), exponent);
    const V lost = scaled(root_of_two_errors(t), exponent);
    // (exp(r) - 1 - r) / r^2 for |r| < ln 2 / 32: minimax, degree 5, weighted to 2^-59 of r
    const V c01 = fma(r, V(0.16666666666666677), V(0.5000000000000003));
    const V c23 = fma(r, V(0.008333333332409933), V(0.04166666666187199));
    const V c45 = fma(r, V(0.00019841554928125426), V(0.0013889092912160055));
    const V tail = r2 * fma(fma(c45, r2, c23), r2, c01);
    return fma(quarter, r, quarter - V(0.25)) + fma(quarter, tail, fma(lost, r, lost));
  }
  const auto [n, r, lo] = reduce_exp(x);
  const V r2 = r * r, tail = fma(r2, exp_polynomial(r, r2), lo), quarter = pow2(n - V(2.0));
  return fma(quarter, tail, fma(quarter, r, quarter - V(0.25)));
}

// e^x - 1, any x. Error 1.7 (1.4 without AVX-512). Keeps -0; -1 below -37.5, inf above 709.78.
template <class V> THALWEG_INLINE V expm1(V x) {
  const V y = quarter_expm1(clamp(x, -40.0, 710.0)) * V(4.0);
  // Below 2^-54 the result is x itself: the quarter would lose bits of subnormals.
  return select(abs(x) < V(5e-17), x, y);
}

// (e^x - 1) / x, any x; 1 at 0, 0 at -inf, inf above 716.4. From 700 on it is e^x / x, where e^x is
// scaled by 2^-32 so that it does not overflow before the quotient does.
template <class V> THALWEG_INLINE V exprel(V x) {
  const V y = select(x == V(0.0), V(1.0), expm1(x) / x);
  const auto large = x > V(700.0);
  if (!any(large)) return y;
  const V high = clamp(x, 700.0, 720.0);
  const V less = exp_of_sum(high - V(32 * kLn2High), V(-32 * kLn2Low));
  return select(large, less / high * V(4294967296.0), y);
}

// x = 2^k m with m in [0.7071, 1.4142], for normal positive x.
template <class V> struct LogArgument {
  V k, m;
};
template <class V> THALWEG_INLINE LogArgument<V> reduce_log(V x) {
  using B = typename V::BitsType;
  // the bits of x minus those of sqrt(1/2), truncated at the exponent field: k + 1023 with the bias
  // restored
  const B shifted = bits(x) - B(0x3fe6a09e667f3bcdull - 0x3ff0000000000000ull);
  const V k =
      V::from_bits((shifted >> 52) | B(0x4330000000000000ull)) - V(4503599627370496.0 + 1023.0);
  const B whole = shifted & B(0xfff0000000000000ull);
  return {k, V::from_bits(bits(x) - (whole - B(0x3ff0000000000000ull)))};
}

// k ln 2 + log(1 + f) for f in [-0.2929, 0.4143]. With s = f / (2 + f), log(1 + f) = 2 atanh(s) =
// 2s + s R(s^2), and 2s = f - s f, so that f enters without rounding (an arrangement by K. C. Ng,
// fdlibm, 1993). R is minimax with error 2^-58.
template <class V> THALWEG_INLINE V log_polynomial(V f, V k) {
  const V s = f / (V(2.0) + f), z = s * s, w = z * z;
  const V c01 = fma(z, V(0.3999999999941111), V(0.6666666666666735));
  const V c23 = fma(z, V(0.22222198476224614), V(0.285714287432593));
  const V c45 = fma(z, V(0.15313903309495017), V(0.18183569732552246));
  const V R = z * fma(fma(w, V(0.14797508217555186), c45), w * w, fma(w, c23, c01));
  const V half_square = V(0.5) * (f * f);
  const V low = fma(s, half_square + R, k * V(kLn2Low));
  return fma(k, V(kLn2High), f - (half_square - low));
}

// log(x) by tables: x = 2^k m with m in [0.75, 1.5). The top bits of m select one of 16 intervals
// and its 1/c, close to 1/m, which gives r = m / c - 1 in [-0.032, 0.0625]. In the two intervals
// that meet at 1, c is 1, so r is exact and log(c) is 0. Elsewhere 1/c was chosen so that log(c)
// (plus ln 2 for m < 1, where the exponent is one too low) is a double to within 2^-66 (Gal 1986,
// Lecture Notes in Computer Science 235).
//
// The exponent of 0 reads as -inf and that of inf as inf, both with mantissa 1; the mantissa of a
// negative number reads as NaN; subnormals read correctly. So there are no special cases.
template <class V> THALWEG_INLINE LogArgument<V> reduce_log_by_table(V x) {
  return {exponent(x), mantissa(x)};
}
template <class V> struct LogTable {
  V inverse, log;
};
template <class V> THALWEG_INLINE LogTable<V> log_table(V m) {
  static constexpr std::array kInverses =
      table(1.0, 0.914254084754144, 0.8648202226992415, 0.8205266955118288, 0.7804434153286361,
            0.744202916945466, 0.7111134363162034, 0.680813457758095, 1.3061034444226025,
            1.254903460045354, 1.2075605495714918, 1.163618686070769, 1.1227868950062352,
            1.0847280234660601, 1.0491772886552408, 1.0);
  static constexpr std::array kLogs =
      table(0.0, 0.08964675408825598, 0.1452336286807291, 0.19780883331785362, 0.24789303963215972,
            0.2954415435053184, 0.34092331715627805, 0.38446693435357904, 0.42609894578070256,
            0.4660885352016715, 0.5045449306998876, 0.5416124742060717, 0.5773332868304898,
            0.6118178946069365, 0.6451408581282538, 0.6931471805599453);
  const auto index = bits(m) >> 48;
  return {V::entry(kInverses, index), V::entry(kLogs, index)};
}

// base + log(1 + r) for r in [-0.0323, 0.0626]. (log(1 + r) - r + r^2/2) / r^3 is minimax, with an
// error of 2^-56 of r in the sum.
template <class V> THALWEG_INLINE V log_near_one(V r, V base) {
  const V r2 = r * r;
  const V c01 = fma(r, V(-0.25000000000075207), V(0.33333333333348747));
  const V c23 = fma(r, V(-0.16666665681380494), V(0.19999999925669695));
  const V c45 = fma(r, V(-0.1250214658566136), V(0.1428581498220443));
  const V c67 = fma(r, V(-0.08786363297647429), V(0.1107806602771727));
  const V p = fma(fma(c67, r2, c45), r2 * r2, fma(c23, r2, c01));
  return base + fma(r2, fma(r, p, V(-0.5)), r);
}

// Natural logarithm, any x. Error 1.3 (0.9 without AVX-512). log(+-0) = -inf, log(x < 0) = NaN,
// log(inf) = inf.
template <class V> THALWEG_INLINE V log(V x) {
  if constexpr (kAvx512<V>) {
    const auto [k, m] = reduce_log_by_table(x);
    const auto [inverse, log_c] = log_table(m);
    return log_near_one(fms(m, inverse, V(1.0)), fma(k, V(kLn2), log_c));
  }
  const auto odd = !((x >= V(kSmallestNormal)) & (x < V(kInf)));
  V a = x, shift = 0.0;
  if (any(odd)) {
    const auto tiny = x < V(kSmallestNormal);
    a = select(tiny, x * V(18014398509481984.0), x);  // 2^54
    shift = select(tiny, V(54.0), V(0.0));
  }
  const auto [k, m] = reduce_log(a);
  V y = log_polynomial(m - V(1.0), k - shift);
  if (any(odd)) {
    y = select(x < V(kInf), y, x);  // inf and NaN
    y = select(x == V(0.0), V(-kInf), select(x < V(0.0), V(kNaN), y));
  }
  return y;
}

// log(1 + x), any x. Error 1.5. Keeps -0; log1p(-1) = -inf, log1p(x < -1) = NaN, log1p(inf) = inf.
// 1 + x = u + e exactly and u = 2^k m. m - 1 + 2^-k e replaces m - 1; it equals x itself if k = 0.
template <class V> THALWEG_INLINE V log1p(V x) {
  const auto [u, e] = two_sum(V(1.0), x);
  V y;
  if constexpr (kAvx512<V>) {
    const auto [k, m] = reduce_log_by_table(u);
    const auto [inverse, log_c] = log_table(m);
    // m < 1 is u / 2^(k+1)
    const V minus_k = select(m < V(1.0), V(-1.0) - k, V(0.0) - k);
    const V f = scaled(e, minus_k);
    y = log_near_one(fma(f, inverse, fms(m, inverse, V(1.0))), fma(k, V(kLn2), log_c));
  } else {
    const auto [k, m] = reduce_log(u);
    // 2^-1024 is outside pow2's range, but e is negligible there
    const V unscale = pow2(-smaller(k, V(1000.0)));
    y = log_polynomial(fma(e, unscale, m - V(1.0)), k);
  }
  y = select(abs(x) < V(5e-17), x, y);  // below 2^-54
  const auto odd = !((x > V(-1.0)) & (x < V(kInf)));
  if (any(odd)) {
    const V limit = select(x == V(-1.0), V(-kInf), select(x < V(-1.0), V(kNaN), x));
    y = select(odd, limit, y);
  }
  return y;
}

// 1 / (1 + e^-x), any x. Error 2.9. For x < 0 it is computed as e^x / (1 + e^x), which neither
// overflows nor loses the tail.
template <class V> THALWEG_INLINE V expit(V x) {
  const V e = exp(-abs(x));
  return select(x < V(0.0), e, V(1.0)) / (V(1.0) + e);
}

}  // namespace thalweg::math
