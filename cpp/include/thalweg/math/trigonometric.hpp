// SPDX-License-Identifier: BSD-3-Clause
// Sine, cosine, tangent and their inverses, generic in the batch type. Errors are the largest
// observed against mpmath on any instruction set; "ulp" is the unit in the last place of the exact
// value. A lane's result depends on that lane alone.
#pragma once
#include <cmath>
#include <cstdint>
#include <limits>

#include "thalweg/kernels/batch.hpp"
#include "thalweg/math/polynomial.hpp"

namespace thalweg::math {

// Angles up to this are reduced in batches; larger ones are rare and are reduced lane by lane.
template <class V> inline constexpr double kLargestAngle = V::kFused ? 0x1p30 : 0x1p20;

// A reduced angle and its quadrant: r in [-pi/4, pi/4] and n, with a = r + n pi/2 up to full
// circles.
struct ReducedAngle {
  double r, n;
};

// a >= 2^20. Payne and Hanek 1983, SIGNUM Newsl. 18(1), 19-24: the whole bits of a times 2/pi,
// which count full circles, are never computed. Seven words of 32 bits of 2/pi are enough: the rest
// is less than 2^-138 of a quadrant, and no double is closer than 2^-62 of a quadrant to a multiple
// of pi/2. (glibc 2.36 has an error of 8 ulp at the closest one.)
template <class V> inline ReducedAngle reduce_large_angle(double a) {
  constexpr std::uint32_t two_over_pi[37] = {
      0xa2f9836e, 0x4e441529, 0xfc2757d1, 0xf534ddc0, 0xdb629599, 0x3c439041, 0xfe5163ab,
      0xdebbc561, 0xb7246e3a, 0x424dd2e0, 0x06492eea, 0x09d1921c, 0xfe1deb1c, 0xb129a73e,
      0xe88235f5, 0x2ebb4484, 0xe99c7026, 0xb45f7e41, 0x3991d639, 0x835339f4, 0x9c845f8b,
      0xbdf9283b, 0x1ff897ff, 0xde05980f, 0xef2f118b, 0x5a0a6d1f, 0x6d367ecf, 0x27cb09b7,
      0x4f463f66, 0x9e5fea2d, 0x7527bac7, 0xebe5f17b, 0x3d0739f7, 0x8a5292ea, 0x6bfb5fb1,
      0x1f8d5d08, 0x56033046};
  if (!(a < std::numeric_limits<double>::infinity())) return {a - a, 0.0};
  int exponent;  // a = m 2^exponent, m of 53 bits
  const auto m = static_cast<std::uint64_t>(0x1p53 * ::frexp(a, &exponent));
  exponent -= 53;
  // the words before the first one used contribute only full circles
  const int first = exponent < 2 ? 0 : (exponent - 2) / 32;
  std::uint32_t product[10] = {};  // lowest word first; the tenth is read as zero
  for (int half = 0; half < 2; ++half) {
    const std::uint64_t factor = half ? m >> 32 : m & 0xffffffff;
    std::uint64_t carry = 0;
    for (int k = 0; k < 7; ++k) {
      carry += factor * two_over_pi[first + 6 - k] + product[k + half];
      product[k + half] = static_cast<std::uint32_t>(carry);
      carry >>= 32;
    }
    product[7 + half] = static_cast<std::uint32_t>(carry);
  }
  // the lowest `point` bits are the fraction; take the two bits above it and the 126 highest of it
  const int point = 32 * (first + 7) - exponent;
  std::uint64_t word[2];
  for (int k = 0; k < 2; ++k) {
    const int low = point + 2 - 64 * (k + 1), limb = low / 32, shift = low % 32;
    word[k] = product[limb] | static_cast<std::uint64_t>(product[limb + 1]) << 32;
    const std::uint64_t above = product[limb + 2];
    if (shift) word[k] = word[k] >> shift | above << (64 - shift);
  }
  std::uint64_t n = word[0] >> 62, high = word[0] << 2 | word[1] >> 62, low = word[1] << 2;
  const bool below = high >> 63;  // more than half a quadrant: measure from the next
  if (below) {
    ++n;
    low = ~low + 1;
    high = ~high + (low == 0);
  }
  int zeros = 0;
  for (; !(high >> 63) && zeros < 64; ++zeros) high = high << 1 | low >> 63, low <<= 1;
  const double head = static_cast<double>(high >> 11);
  const double tail = 0x1p-53 * static_cast<double>((high << 53 | low >> 11) >> 11);
  const double r = ::ldexp(
      ::fma(head, 0x1.921fb54442d18p+0, head * 0x1.1a62633145c07p-54 + tail * 0x1.921fb54442d18p+0),
      -53 - zeros);
  return {below ? -r : r, static_cast<double>(n)};
}

// sin(x + quarter pi/2) for |x| >= 2^20, computed with the C library's sine and cosine of the
// reduced angle.
template <class V> inline double sin_of_large(double x, int quarter) {
  const auto [r, n] = reduce_large_angle<V>(x < 0.0 ? -x : x);
  const int q = (x < 0.0 ? -static_cast<int>(n) : static_cast<int>(n)) + quarter;
  const double sign = (q & 2) ? -1.0 : 1.0, angle = x < 0.0 ? -r : r;
  return sign * ((q & 1) ? ::cos(angle) : ::sin(angle));
}

// r = |x| - n pi/2 in [-pi/4, pi/4], where n is the nearest whole number; the low bits of
// `quadrant` are those of n. Cody and Waite 1980, Software Manual for the Elementary Functions, ch.
// 8: pi/2 is a sum of parts that are subtracted one after another. The first difference is exact,
// and later ones cancel only when they are exact, so r keeps its relative accuracy at multiples of
// pi/2, with an error of half an ulp.
//   fused: parts of 53 bits, since products are not rounded; the third reaches 2^-163.
//   not fused: parts of 33 bits, so that n part is exact for n < 2^20; the rounding error of the
//     second difference is kept.
template <class V>
THALWEG_INLINE V reduce_angle(V x, typename V::BitsType& quadrant) {
  const V a = abs(x);
  // 1.5 * 2^52: adding it rounds to a whole number, which is in the low bits of the sum
  const V magic(6755399441055744.0);
  const V shifted = fma(a, V(0x1.45f306dc9c883p-1), magic);
  quadrant = bits(shifted);
  const V n = shifted - magic;
  V r;
  if constexpr (V::kFused) {
    r = fnma(n, V(0x1.1a62633145c07p-54), fnma(n, V(0x1.921fb54442d18p+0), a));
    r = fnma(n, V(-0x1.f1976b7ed8fbcp-110), r);
  } else {
    const V r1 = a - n * V(0x1.921fb544p+0);
    const V p2 = n * V(0x1.0b4611a6p-34);
    const V r2 = r1 - p2;
    const V p3 = n * V(0x1.3198a2ep-69);
    const V r3 = r2 - p3;
    const V lost = ((r1 - r2) - p2) + ((r2 - r3) - p3);
    r = r3 + (lost - n * V(0x1.b839a252049c1p-104));
  }
  return r;
}

// The lanes that hold an odd number.
template <class V> THALWEG_INLINE typename V::MaskType is_odd(typename V::BitsType n) {
  return nonzero(n & typename V::BitsType(1));
}

// sin r and cos r for |r| <= pi/4, z = r^2: minimax in z, relative errors 2^-58 and 2^-64.
template <class V> THALWEG_INLINE V sin_kernel(V r, V z) {
  const V p = polynomial(z, -0.16666666666666632, 0.008333333333322455, -0.00019841269829813565,
                         2.755731368767529e-06, -2.5050756737193638e-08, 1.5896683497561441e-10);
  return fma(z * r, p, r);
}
template <class V> THALWEG_INLINE V cos_kernel(V z) {
  const V p = polynomial(z, 0.0416666666666666, -0.0013888888888874441, 2.480158728963647e-05,
                         -2.7557314387572946e-07, 2.0875727080665645e-09, -1.1359803943616368e-11);
  return fma(z * z, p, fnma(z, V(0.5), V(1.0)));
}

// The sign bit of x if bit 1 of q is 0; the opposite sign if it is 1, in the second half of the
// circle.
template <class V>
THALWEG_INLINE V turn(V y, typename V::BitsType q, typename V::BitsType sign) {
  const typename V::BitsType top(std::uint64_t{1} << 63);
  return V::from_bits(bits(y) ^ (((q << 62) ^ sign) & top));
}

// sin(r + n pi/2), times -1 if the top bit of `sign` is set, and cos(r + n pi/2) for |r| <= pi/4, n
// the low bits of `quadrant`.
template <class V> THALWEG_INLINE void in_quadrant(V r, typename V::BitsType quadrant,
                                                   typename V::BitsType sign, V& s, V& c) {
  const V z = r * r;
  const V sine = sin_kernel(r, z), cosine = cos_kernel(z);
  const auto swap = is_odd<V>(quadrant);
  s = turn(select(swap, cosine, sine), quadrant, sign);
  c = turn(select(swap, sine, cosine), quadrant + typename V::BitsType(1), typename V::BitsType(0));
}

// sin(2 pi x) and cos(2 pi x) for 0 <= x < 2^48, of which whole quarters are taken off exactly.
template <class V> THALWEG_INLINE void sincos_of_turns(V x, V& s, V& c) {
  const V magic(6755399441055744.0), shifted = fma(V(4.0), x, magic);  // as in reduce_angle
  const V r = V(0x1.921fb54442d18p+2) * fnma(shifted - magic, V(0.25), x);
  in_quadrant(r, bits(shifted), typename V::BitsType(0), s, c);
}

// sin x and cos x together, with the same bits as sin and cos. All doubles: 1.6 and 1.4 ulp.
// sin(-0) = -0; NaN at infinities and NaN.
template <class V> THALWEG_INLINE void sincos(V x, V& s, V& c) {
  typename V::BitsType q(0);
  const V r = reduce_angle(x, q);
  in_quadrant(r, q, bits(x), s, c);
  const auto large = abs(x) > V(kLargestAngle<V>);
  if (__builtin_expect(any(large), 0)) {
    s = V::patch(large, x, s, [](double a) { return sin_of_large<V>(a, 0); });
    c = V::patch(large, x, c, [](double a) { return sin_of_large<V>(a, 1); });
  }
}

// All doubles: 1.6 ulp. sin(-0) = -0; NaN at infinities and NaN.
template <class V> THALWEG_INLINE V sin(V x) {
  V s, c;
  sincos(x, s, c);
  return s;
}

// sin(pi x) / (pi x): all doubles, 1 at 0, 0 at other whole numbers, NaN at infinities. If n is the
// nearest whole number and r = x - n, which is exact, sin(pi x) is (-1)^n sin(pi r).
template <class V> THALWEG_INLINE V sinc(V x) {
  constexpr double kPi = 3.14159265358979323846;
  const V n = rint(x), half = V(0.5) * n;
  const V s = sin(V(kPi) * (x - n));
  return select(x == V(0.0), V(1.0), select(half == floor(half), s, -s) / (V(kPi) * x));
}

// All doubles: 1.4 ulp. NaN at infinities and NaN.
template <class V> THALWEG_INLINE V cos(V x) {
  V s, c;
  sincos(x, s, c);
  return c;
}

// All doubles: 3.1 ulp. tan(-0) = -0; NaN at infinities and NaN.
template <class V> THALWEG_INLINE V tan(V x) {
  V s, c;
  sincos(x, s, c);
  return s / c;
}

// atan(small / large) for 0 <= small <= large. Above tan(pi/8) the angle is pi/4 + atan((small -
// large) / (small + large)), so one polynomial for |q| <= tan(pi/8) is enough (Cody and Waite 1980,
// ch. 11); minimax, relative error 2^-59.
template <class V> THALWEG_INLINE V atan_quotient(V small, V large) {
  const auto steep = small > V(0x1.a827999fcef32p-2) * large;
  const V q = select(steep, small - large, small) / select(steep, small + large, large);
  const V z = q * q;
  const V p = polynomial(z, -0.333333333333332, 0.19999999999953819, -0.14285714280220535,
                         0.11111110784675635, -0.09090897792758336, 0.07692060833321804,
                         -0.06663110968987541, 0.05847938536679381, -0.05039520519394469,
                         0.03806987638436982, -0.01791283817606949);
  const V low = select(steep, V(0x1.1a62633145c07p-55), V(0.0));  // the low part of pi/4
  return select(steep, V(0x1.921fb54442d18p-1), V(0.0)) + (q + fma(z * q, p, low));
}

// All doubles: 1.7 ulp. atan(-0) = -0, atan(+-inf) = +-pi/2.
template <class V> THALWEG_INLINE V atan(V x) {
  const V a = abs(x), one(1.0);
  const auto far = a > one;
  const V t = atan_quotient(select(far, one, a), select(far, a, one));
  const V low(0x1.1a62633145c07p-54), high(0x1.921fb54442d18p+0);  // pi/2
  return copysign(select(far, high - (t - low), t), x);
}

// The angle of the point (x, y), in [-pi, pi]. All doubles: 1.7 ulp. Zeros and infinities as in
// C99, Annex F.9.1.4.
template <class V> THALWEG_INLINE V atan2(V y, V x) {
  const V infinity(std::numeric_limits<double>::infinity()), one(1.0), zero(0.0);
  V a = abs(y), b = abs(x);
  const auto nan = is_nan(x) | is_nan(y);
  const auto over = a > b;
  V small = select(over, b, a), large = select(over, a, b);
  // 0/0 becomes 0/1 and inf/inf becomes 1/1. Otherwise only the quotient matters, so both are
  // scaled to where sums do not overflow and products do not underflow. What a number near 2^1000
  // loses below 2^-1022 gives a quotient of 0 anyway.
  const auto both = small == infinity;
  small = select(both, one, small);
  large = select(both | (large == zero), one, large);
  const V scale =
      select(large > V(0x1p1000), V(0x1p-60), select(large < V(0x1p-900), V(0x1p120), one));
  const V t = atan_quotient(small * scale, large * scale);
  // t, pi/2 - t, pi - t or pi/2 + t. The sign of x matters even for zeros.
  const auto left = copysign(one, x) < zero;
  const V base_high =
      select(over, V(0x1.921fb54442d18p+0), select(left, V(0x1.921fb54442d18p+1), zero));
  const V base_low =
      select(over, V(0x1.1a62633145c07p-54), select(left, V(0x1.1a62633145c07p-53), zero));
  const V u = copysign(t, select(over, -copysign(one, x), copysign(one, x)));
  const V angle = copysign(base_high + (u + base_low), y);
  return select(nan, x + y, angle);
}

// asin r = r + r z R(z), z = r^2 <= 1/4: minimax, relative error 2^-55.8.
template <class V> THALWEG_INLINE V asin_kernel(V z) {
  return z * polynomial(z, 0.16666666666665383, 0.07500000000342895, 0.044642856823595096,
                        0.030381959327052385, 0.022371753615159324, 0.017359769832536304,
                        0.013884610122979514, 0.012173208185873478, 0.006511140413445858,
                        0.019573170160195923, -0.016292987749984802, 0.031958263644438746);
}

// [-1, 1]: 2.2 ulp. asin(-0) = -0; NaN outside. Above 1/2, asin a = pi/2 - 2 asin sqrt((1 - a) / 2)
// (Cody and Waite 1980, ch. 10).
template <class V> THALWEG_INLINE V asin(V x) {
  const V a = abs(x);
  const auto far = a > V(0.5);
  const V z = select(far, fnma(V(0.5), a, V(0.5)), a * a);
  const V r = select(far, sqrt(z), a);
  const V t = fma(r, asin_kernel(z), r);
  const V low(0x1.1a62633145c07p-54), high(0x1.921fb54442d18p+0);
  return copysign(select(far, high - (t + t - low), t), x);
}

// [-1, 1]: 1.2 ulp. acos(1) = 0; NaN outside.
template <class V> THALWEG_INLINE V acos(V x) {
  const V a = abs(x), zero(0.0);
  const auto far = a > V(0.5);
  const auto left = x < zero;
  const V z = select(far, fnma(V(0.5), a, V(0.5)), a * a);
  const V r = select(far, sqrt(z), a);
  const V t = fma(r, asin_kernel(z), r);
  const V low(0x1.1a62633145c07p-54), high(0x1.921fb54442d18p+0);
  // near: pi/2 - asin x; far: 2t on the right, pi - 2t on the left
  const V near_value = high - (copysign(t, x) - low);
  const V twice = t + t;
  const V far_value = select(left, (high + high) - (twice - (low + low)), twice);
  return select(far, far_value, near_value);
}

}  // namespace thalweg::math
