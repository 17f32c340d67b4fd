// SPDX-License-Identifier: BSD-3-Clause
// Bessel functions of whole order. Orders 0 and 1 by Chebyshev series and Hankel's phase and
// amplitude (DLMF 10.17), higher ones by recurrence in the stable direction (DLMF 10.74(iv)).
#include <cmath>
#include <limits>

#include "math/bessel_tables.hpp"
#include "math/chebyshev.hpp"
#include "thalweg/math/scalar.hpp"

namespace thalweg::scalar {
namespace {
using namespace bessel;

constexpr double kNoNumber = std::numeric_limits<double>::quiet_NaN();
constexpr double kPi = 3.14159265358979323846, kMostOrders = 1e6;
constexpr double kLn2 = 0.69314718055994530942;

bool is_order(double n) { return n == std::rint(n) && std::fabs(n) <= kMostOrders; }

// J and Y of order 0 and 1 for x > 8, times sqrt(pi x).
struct Waves {
  double j0, j1, y0, y1;
  explicit Waves(double x) {
    const double s = std::sin(x), c = std::cos(x), sum = s + c, difference = s - c;
    const double r = 8.0 / x, t = 2.0 * r * r - 1.0;
    const double p0 = chebyshev(kP0, t), q0 = chebyshev(kQ0, t) / x;
    const double p1 = chebyshev(kP1, t), q1 = chebyshev(kQ1, t) / x;
    j0 = p0 * sum - q0 * difference, y0 = p0 * difference + q0 * sum;
    j1 = p1 * difference + q1 * sum, y1 = q1 * difference - p1 * sum;
  }
};

// (x / 2)^n / n! times the sum of (-+x^2 / 4)^k / (k! (n + 1) ... (n + k)): small x.
double power_series(int n, double x, double sign) {
  const double q = sign * 0.25 * x * x;
  double sum = 1.0, lead = 1.0;
  for (int k = 20; k > 0; --k) sum = 1.0 + q / (k * (static_cast<double>(n) + k)) * sum;
  for (int k = 1; k <= n && lead != 0.0; ++k) lead *= 0.5 * x / k;
  return lead * sum;
}
// The first two orders, x >= 0.
struct Two {
  double zero, one;
};
Two j(double x) {
  if (x <= 1.0) return {power_series(0, x, -1.0), power_series(1, x, -1.0)};
  if (x <= 8.0) {
    const double t = x * x / 32.0 - 1.0;
    return {chebyshev(kJ0, t), x * chebyshev(kJ1, t)};
  }
  if (std::isinf(x)) return {0.0, 0.0};
  const Waves w(x);
  const double scale = 1.0 / std::sqrt(kPi * x);
  return {w.j0 * scale, w.j1 * scale};
}
Two y(double x) {
  if (x <= 8.0) {
    const double t = x * x / 32.0 - 1.0, l = 2.0 / kPi * (std::log(x) - kLn2);
    const auto [j0, j1] = j(x);
    return {l * j0 + chebyshev(kY0, t), (l * j1 + x * chebyshev(kY1, t)) - 2.0 / kPi / x};
  }
  if (std::isinf(x)) return {0.0, 0.0};
  const Waves w(x);
  const double scale = 1.0 / std::sqrt(kPi * x);
  return {w.y0 * scale, w.y1 * scale};
}
Two i_scaled(double x) {
  if (x <= 1.0) {
    const double e = std::exp(-x);
    return {e * power_series(0, x, 1.0), e * power_series(1, x, 1.0)};
  }
  if (x <= 8.0) return {chebyshev(kI0, x / 4.0 - 1.0), x * chebyshev(kI1, x / 4.0 - 1.0)};
  const double scale = 1.0 / std::sqrt(x), t = 16.0 / x - 1.0;
  return {chebyshev(kI0Far, t) * scale, chebyshev(kI1Far, t) * scale};
}
Two k_scaled(double x) {
  if (x <= 1.0) {
    const double t = 2.0 * x * x - 1.0, l = (std::log(x) - kLn2), e = std::exp(x);
    const double i0 = power_series(0, x, 1.0), i1 = power_series(1, x, 1.0);
    return {e * (chebyshev(kK0, t) - l * i0), e * ((l * i1 + x * chebyshev(kK1, t)) + 1.0 / x)};
  }
  const double scale = 1.0 / std::sqrt(x), u = 8.0 / x;
  if (x <= 4.0)
    return {chebyshev(kK0Middle, (u - 5.0) / 3.0) * scale,
            chebyshev(kK1Middle, (u - 5.0) / 3.0) * scale};
  return {chebyshev(kK0Far, u - 1.0) * scale, chebyshev(kK1Far, u - 1.0) * scale};
}

// f(n), from f(0) and f(1) by f(k + 1) = (2 k / x) f(k) + sign f(k - 1).
double ascended(Two f, int n, double x, double sign) {
  if (n == 0) return f.zero;
  for (int k = 1; k < n && std::isfinite(f.one); ++k)
    f = {f.one, 2.0 * k / x * f.one + sign * f.zero};
  return f.one;
}
// The ratio f(k) / f(k - 1), k = n ... 1, from the end of its continued fraction (DLMF 10.33):
// calls visit(ratio) for each.
template <class Visit> void ratios(int n, double x, double sign, Visit visit) {
  const double far = std::sqrt(2.0 * x + 30.0) * 6.0;
  const int last = n + 20 + static_cast<int>(sign < 0.0 ? std::max(x, far) : far);
  double r = 0.0;
  for (int k = last; k > 0; --k) {
    r = 1.0 / (2.0 * k / x + sign * r);
    if (k <= n) visit(r);
  }
}

}  // namespace

double jn(double order, double x) {
  if (!is_order(order) || x != x) return kNoNumber;
  const int n = static_cast<int>(std::fabs(order));
  const bool odd = n % 2 != 0;
  const double sign = odd && ((order < 0.0) != (x < 0.0)) ? -1.0 : 1.0;
  const double a = std::fabs(x);
  if (n < 2 || a > n) return sign * ascended(j(a), n, a, -1.0);
  if (0.25 * a * a <= n + 1.0) return sign * power_series(n, a, -1.0);
  // Downwards from far beyond the order, then scaled by the larger of the first two orders.
  const int last = n + 20 + static_cast<int>(8.0 * std::cbrt(static_cast<double>(n)) + 2.0);
  double above = 0.0, now = 1e-300, found = 0.0;
  for (int k = last; k > 0; --k) {
    const double below = 2.0 * k / a * now - above;
    above = now, now = below;
    if (k - 1 == n) found = now;
    if (std::fabs(now) > 1e250) above *= 1e-250, now *= 1e-250, found *= 1e-250;
  }
  const Two first = j(a);
  const bool zero = std::fabs(first.zero) > std::fabs(first.one);
  return sign * found * (zero ? first.zero / now : first.one / above);
}

double yn(double order, double x) {
  if (!is_order(order) || x != x || x < 0.0) return kNoNumber;
  const int n = static_cast<int>(std::fabs(order));
  const double sign = order < 0.0 && n % 2 != 0 ? -1.0 : 1.0;
  return x == 0.0 ? -sign * HUGE_VAL : sign * ascended(y(x), n, x, -1.0);
}

double in_scaled(double order, double x) {
  if (!is_order(order) || x != x) return kNoNumber;
  const int n = static_cast<int>(std::fabs(order));
  const double a = std::fabs(x), sign = n % 2 != 0 && x < 0.0 ? -1.0 : 1.0;
  if (std::isinf(a)) return 0.0;
  if (n < 2) return sign * (n ? i_scaled(a).one : i_scaled(a).zero);
  if (a * a <= n + 1.0) return sign * power_series(n, a, 1.0) * std::exp(-a);
  const double square = 4.0 * n * static_cast<double>(n);
  if (a > 40.0 + 2.0 * square) {  // Hankel's expansion, DLMF 10.40.1
    double sum = 1.0;
    for (int k = 20; k > 0; --k)
      sum = 1.0 - (square - (2.0 * k - 1.0) * (2.0 * k - 1.0)) / (8.0 * k * a) * sum;
    return sign * sum / std::sqrt(2.0 * kPi * a);
  }
  double product = 1.0;
  ratios(n, a, 1.0, [&](double r) { product *= r; });
  return sign * product * i_scaled(a).zero;
}
double in(double order, double x) {
  const double a = std::fabs(x);
  if (std::isinf(a))
    return order == std::rint(order) ? (x > 0.0 || std::fmod(order, 2.0) == 0.0 ? a : x)
                                     : kNoNumber;
  const double scaled = in_scaled(order, x);
  return a < 700.0 ? scaled * std::exp(a) : scaled * std::exp(0.5 * a) * std::exp(0.5 * a);
}

double kn_scaled(double order, double x) {
  if (!is_order(order) || !(x >= 0.0)) return kNoNumber;
  if (x == 0.0 || std::isinf(x)) return x == 0.0 ? HUGE_VAL : 0.0;
  return ascended(k_scaled(x), static_cast<int>(std::fabs(order)), x, 1.0);
}
double kn(double order, double x) {
  const double scaled = kn_scaled(order, x);
  return x < 700.0 ? scaled * std::exp(-x) : scaled * std::exp(-0.5 * x) * std::exp(-0.5 * x);
}

}  // namespace thalweg::scalar
