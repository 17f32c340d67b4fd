// SPDX-License-Identifier: BSD-3-Clause
// Unevaluated sums of two doubles with about 100 bits, for prefactors such as x^a e^-x / Gamma(a)
// whose logarithms are large: arithmetic, exponential, logarithm, and log Gamma.
#pragma once
#include <array>
#include <cmath>

namespace thalweg::scalar {

struct Twofold {
  double hi, lo;
  constexpr Twofold(double x, double y = 0.0) : hi(x), lo(y) {}
  explicit operator double() const { return hi + lo; }
};

// Exact sums and products (Knuth 1969; Dekker 1971, Numer. Math. 18, 224-242).
inline Twofold exact_sum(double a, double b) {
  const double s = a + b, t = s - a;
  return {s, (a - (s - t)) + (b - t)};
}
inline Twofold ordered_sum(double a, double b) {
  const double s = a + b;
  return {s, b - (s - a)};
}
inline Twofold exact_product(double a, double b) {
  if (!(std::fabs(a) < 0x1p990 && std::fabs(b) < 0x1p990)) return {a * b, 0.0};
  constexpr double splitter = 134217729.0;
  const double p = a * b, as = a * splitter, bs = b * splitter;
  const double ah = as - (as - a), bh = bs - (bs - b), al = a - ah, bl = b - bh;
  return {p, al * bl - (((p - ah * bh) - al * bh) - ah * bl)};
}

inline Twofold operator-(Twofold a) { return {-a.hi, -a.lo}; }
inline Twofold operator+(Twofold a, Twofold b) {
  const Twofold s = exact_sum(a.hi, b.hi), t = exact_sum(a.lo, b.lo);
  const Twofold u = ordered_sum(s.hi, s.lo + t.hi);
  return ordered_sum(u.hi, u.lo + t.lo);
}
inline Twofold operator-(Twofold a, Twofold b) { return a + -b; }
inline Twofold operator*(Twofold a, Twofold b) {
  const Twofold p = exact_product(a.hi, b.hi);
  return ordered_sum(p.hi, p.lo + (a.hi * b.lo + a.lo * b.hi));
}
inline Twofold operator/(Twofold a, Twofold b) {
  const double q = a.hi / b.hi;
  const Twofold rest = a - b * Twofold(q);
  return ordered_sum(q, (rest.hi + rest.lo) / b.hi);
}

inline constexpr Twofold kLogTwo{0x1.62e42fefa39efp-1, 0x1.abc9e3b39803fp-56};
inline constexpr Twofold kPiTwofold{0x1.921fb54442d18p+1, 0x1.1a62633145c07p-53};
inline constexpr Twofold kHalfLogTwoPi{0x1.d67f1c864beb5p-1, -0x1.65b5a1b7ff5dfp-55};

inline Twofold times(Twofold a, double b) {
  const Twofold p = exact_product(a.hi, b);
  return ordered_sum(p.hi, p.lo + a.lo * b);
}

// e^r - 1 for |r| < 0.36: the series of r / 32, of which later terms are doubles, then E <- 2 E +
// E^2 five times.
inline Twofold expm1_of_small(Twofold r) {
  const Twofold t{r.hi * 0x1p-5, r.lo * 0x1p-5};
  constexpr std::array<Twofold, 4> inverse = {
      Twofold{0.5}, {1.0 / 3, 0x1p-54 / 3}, {0.25}, {0.2, -0x1p-54 / 5}};
  double rest = 1.0;
  for (int k = 12; k > 5; --k) rest = 1.0 + t.hi * rest / k;
  Twofold sum = rest;
  for (std::size_t k = inverse.size(); k-- > 0;) sum = Twofold(1.0) + t * sum * inverse[k];
  Twofold e = t * sum;
  for (int k = 0; k < 5; ++k) e = Twofold(2.0 * e.hi, 2.0 * e.lo) + e * e;
  return e;
}
// e^x = (1 + value) 2^exponent.
struct Scaled {
  Twofold less_one;
  int exponent;
  double number() const {
    return std::ldexp(static_cast<double>(Twofold(1.0) + less_one), exponent);
  }
};
inline Scaled scaled_exp(Twofold x) {
  const double n = std::rint(x.hi / kLogTwo.hi);
  return {expm1_of_small(x - times(kLogTwo, n)), static_cast<int>(n)};
}
// Rounded; limits beyond the range of doubles.
inline double exp_of(Twofold x) {
  if (!(x.hi < 720.0)) return x.hi > 0.0 ? HUGE_VAL : x.hi;
  return x.hi < -760.0 ? 0.0 : scaled_exp(x).number();
}

// log x for x > 0: a step of Newton's method from the rounded logarithm.
inline Twofold log_of(Twofold x) {
  int exponent = 0;
  const double m = std::frexp(x.hi, &exponent);
  const Twofold y{m, std::ldexp(x.lo, -exponent)};
  const double guess = std::log(m);
  const Scaled e = scaled_exp(-guess);
  const double unit = std::ldexp(1.0, e.exponent);
  const Twofold scaled{y.hi * unit, y.lo * unit};
  const Twofold rest = (scaled - Twofold(1.0)) + scaled * e.less_one;
  return times(kLogTwo, exponent) + (Twofold(guess) + rest - Twofold(0.5 * rest.hi * rest.hi));
}
// log(1 + u) for u > -1, with a small relative error.
inline Twofold log1p_of(Twofold u) {
  if (std::fabs(u.hi) > 0.4) return log_of(Twofold(1.0) + u);
  const double guess = std::log1p(u.hi);
  const Twofold e = expm1_of_small(-guess);
  const Twofold rest = (e + u) + u * e;
  return Twofold(guess) + rest - Twofold(0.5 * rest.hi * rest.hi);
}

// The tail of Stirling's series for log Gamma(x), x >= 12: 1 / 12 x - 1 / 360 x^3 + ... (Abramowitz
// and Stegun 6.1.41), of which ten terms leave 4e-21.
inline Twofold stirling_tail(Twofold x) {
  constexpr std::array<double, 9> c = {-1.0 / 360,       1.0 / 1260,       -1.0 / 1680,
                                       1.0 / 1188,       -691.0 / 360360,  1.0 / 156,
                                       -3617.0 / 122400, 43867.0 / 244188, -174611.0 / 125400};
  const double r = 1.0 / x.hi, z = r * r;
  double sum = c.back();
  for (std::size_t k = c.size() - 1; k-- > 0;) sum = c[k] + z * sum;
  return Twofold(1.0) / (Twofold(12.0) * x) + Twofold(sum * z * r);
}
inline constexpr double kStirlingFrom = 12.0;

// log Gamma(x) for x > 0, with an absolute error of about 1e-20 for moderate x: from 12 on by
// Stirling's series, below it by Gamma(x) = Gamma(x + n) / (x (x + 1) ... (x + n - 1)).
inline Twofold log_gamma_of(Twofold x) {
  Twofold product = 1.0;
  double steps = 0.0;
  while (x.hi + steps < kStirlingFrom) product = product * (x + Twofold(steps)), steps += 1.0;
  const Twofold y = x + Twofold(steps);
  const Twofold main = (y - Twofold(0.5)) * log_of(y) - y + kHalfLogTwoPi + stirling_tail(y);
  return steps > 0.0 ? main - log_of(product) : main;
}

}  // namespace thalweg::scalar
