// SPDX-License-Identifier: BSD-3-Clause
// Exponential integrals, the sine and the cosine integral, Hurwitz' zeta function, spherical Bessel
// functions of whole order.
#include <algorithm>
#include <cmath>
#include <limits>

#include "math/chebyshev.hpp"
#include "math/integral_tables.hpp"
#include "math/jet.hpp"
#include "thalweg/math/scalar.hpp"

namespace thalweg::scalar {
namespace {
using namespace integrals;

constexpr double kOutside = std::numeric_limits<double>::quiet_NaN();
constexpr double kEuler = 0.57721566490153286061, kHalfPi = 1.57079632679489661923;

// e^x / x without overflow before the quotient's.
double exp_over(double x, double factor) {
  return x < 700.0 ? std::exp(x) * factor / x
                   : std::exp(0.5 * x) * (factor / x) * std::exp(0.5 * x);
}

// The auxiliary functions f and g of the sine and cosine integrals (DLMF 6.2.17) for x >= 4.
struct Auxiliary {
  double f, g, s, c;
  explicit Auxiliary(double x)
      : f(chebyshev(kF, 32.0 / x / x - 1.0) / x),
        g(chebyshev(kG, 32.0 / x / x - 1.0) / x / x),
        s(std::sin(x)),
        c(std::cos(x)) {}
};

// (w)^-s, for a number that may carry a derivative in s.
double inverse_power(double w, double s) { return std::pow(w, -s); }
Jet inverse_power(double w, Jet s) {
  const double p = std::pow(w, -s.value);
  return {p, -std::log(w) * s.slope * p};
}
double size_of(double s) { return s; }
double size_of(Jet s) { return s.value; }
// The sum of (q + k)^-s by Euler's and Maclaurin's formula (DLMF 25.11.5) from q + k = 12 + s on.
template <class N> N zeta_sum(N s, double q) {
  constexpr std::array<double, 10> c = {// B_2k / (2k)!
                                        0.08333333333333333,    -0.001388888888888889,
                                        3.306878306878307e-05,  -8.267195767195768e-07,
                                        2.08767569878681e-08,   -5.284190138687493e-10,
                                        1.3382536530684679e-11, -3.3896802963225827e-13,
                                        8.586062056277845e-15,  -2.174868698558062e-16};
  const double from = 12.0 + std::min(size_of(s), 300.0);  // beyond, the first terms are all
  double w = q;
  while (w < from) w += 1.0;
  const N last = inverse_power(w, s);
  N sum = 0.0, rising = s * last * N(1.0 / w);
  for (std::size_t k = 0; k < c.size(); ++k) {
    sum = sum + N(c[k]) * rising;
    const double n = 2.0 * static_cast<double>(k) + 1.0;
    rising = rising * (s + N(n)) * (s + N(n + 1.0)) * N(1.0 / (w * w));
  }
  sum = sum + N(0.5) * last + last * N(w) / (s - N(1.0));
  for (int steps = static_cast<int>(std::rint(w - q)); steps > 0; --steps)
    sum = sum + inverse_power(q + (steps - 1), s);
  return sum;
}

}  // namespace

double exp1(double x) {
  if (!(x > 0.0)) return x == 0.0 ? HUGE_VAL : kOutside;
  if (x <= 1.0) return chebyshev(kE1Near, 2.0 * x - 1.0) - std::log(x);
  const double u = 8.0 / x;
  return std::exp(-x) / x *
         (x <= 4.0 ? chebyshev(kE1Middle, (u - 5.0) / 3.0) : chebyshev(kE1Far, u - 1.0));
}
double expi(double x) {
  if (!(x > 0.0)) return x == 0.0 ? -HUGE_VAL : -exp1(-x);
  constexpr double root = 0x1.7d72952b4b5fcp-2, rest = 0x1.e4c986021c6f2p-57;
  if (x > 0.2 && x < 0.6) return ((x - root) - rest) * chebyshev(kEiRoot, 5.0 * x - 2.0);
  if (x <= 6.0) return x * chebyshev(kEiNear, x / 3.0 - 1.0) + (kEuler + std::log(x));
  if (x <= 12.0) return exp_over(x, chebyshev(kEi6, 24.0 / x - 3.0));
  if (x <= 24.0) return exp_over(x, chebyshev(kEi12, 48.0 / x - 3.0));
  return std::isinf(x) ? x : exp_over(x, chebyshev(kEiFar, 48.0 / x - 1.0));
}
// The series DLMF 8.19.8 up to 1, then Stieltjes' continued fraction 8.19.17 from its end.
double expn(double order, double x) {
  if (!(order >= 0.0 && order == std::rint(order) && order <= 1e6 && x >= 0.0)) return kOutside;
  if (order == 0.0) return std::exp(-x) / x;
  if (x == 0.0) return order > 1.0 ? 1.0 / (order - 1.0) : HUGE_VAL;
  if (order == 1.0) return exp1(x);
  if (x > 1.0 || order > 30.0) {
    if (x > 745.0) return 0.0;
    double tail = 0.0;
    for (int k = 30 + static_cast<int>(150.0 / std::max(x, 1.0)); k > 0; --k)
      tail = (order + k - 1.0) / (1.0 + k / (x + tail));
    return std::exp(-x) / (x + tail);
  }
  const int n = static_cast<int>(order);
  double value = exp1(x);  // E_(k+1) = (e^-x - x E_k) / k loses digits to x / k only
  const double e = std::exp(-x);
  for (int k = 1; k < n; ++k) value = (e - x * value) / k;
  return value;
}
double sine_integral(double x) {
  const double a = std::fabs(x);
  if (a <= 4.0) return x * chebyshev(kSi, x * x / 8.0 - 1.0);
  if (std::isinf(x) || x != x) return x != x ? x : std::copysign(kHalfPi, x);
  const Auxiliary v(a);
  return std::copysign(kHalfPi - v.f * v.c - v.g * v.s, x);
}
double cosine_integral(double x) {
  if (!(x > 0.0)) return x == 0.0 ? -HUGE_VAL : kOutside;
  if (x <= 4.0) return (kEuler + std::log(x)) + x * x * chebyshev(kCi, x * x / 8.0 - 1.0);
  if (std::isinf(x)) return 0.0;
  const Auxiliary v(x);
  return v.f * v.s - v.g * v.c;
}

double zeta(double s, double q) {
  if (!(s > 1.0 && q > 0.0)) return s == 1.0 && q > 0.0 ? HUGE_VAL : kOutside;
  if (std::isinf(s) || std::isinf(q))
    return std::isinf(q) ? 0.0 : q > 1.0 ? 0.0 : q == 1.0 ? 1.0 : HUGE_VAL;
  return zeta_sum(s, q);
}
double zeta_less_one(double s) {
  if (!(s > 1.0)) return s == 1.0 ? HUGE_VAL : kOutside;
  return std::isinf(s) ? 0.0 : zeta_sum(s, 2.0);
}
double zeta_slope(double s, double q) {
  if (!(s > 1.0 && q > 0.0) || std::isinf(s) || std::isinf(q)) return kOutside;
  return zeta_sum(Jet{s, 1.0}, q).slope;
}

// Upwards for x > n; below it the series in x^2, or downwards from far beyond (DLMF 10.51, 10.53).
double spherical_jn(double order, double x) {
  if (!(order >= 0.0 && order == std::rint(order) && order <= 1e6) || x != x) return kOutside;
  const int n = static_cast<int>(order);
  const double a = std::fabs(x), sign = n % 2 != 0 && x < 0.0 ? -1.0 : 1.0;
  if (std::isinf(a)) return 0.0;
  if (0.25 * a * a <= n + 1.5) {
    const double z = -0.5 * a * a;
    double sum = 1.0, lead = 1.0;
    for (int k = 24; k > 0; --k) sum = 1.0 + z / (k * (2.0 * (n + k) + 1.0)) * sum;
    for (int k = 1; k <= n && lead != 0.0; ++k) lead *= a / (2.0 * k + 1.0);
    return sign * lead * sum;
  }
  const double zero = std::sin(a) / a, one = (zero - std::cos(a)) / a;
  if (n == 0) return zero;
  if (a > n) {
    double before = zero, now = one;
    for (int k = 1; k < n; ++k) {
      const double next = (2.0 * k + 1.0) / a * now - before;
      before = now, now = next;
    }
    return sign * now;
  }
  double above = 0.0, now = 1e-300, found = 0.0;
  for (int k = n + 20 + static_cast<int>(8.0 * std::cbrt(order)); k > 0; --k) {
    const double below = (2.0 * k + 1.0) / a * now - above;
    above = now, now = below;
    if (k - 1 == n) found = now;
    if (std::fabs(now) > 1e250) above *= 1e-250, now *= 1e-250, found *= 1e-250;
  }
  const bool by_zero = std::fabs(zero) > std::fabs(one);
  return sign * found * (by_zero ? zero / now : one / above);
}

}  // namespace thalweg::scalar
