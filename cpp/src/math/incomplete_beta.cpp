// SPDX-License-Identifier: BSD-3-Clause
// The incomplete beta function: the power series in x or in 1 - x (DLMF 8.17.7), or the continued
// fraction of A. R. DiDonato and A. H. Morris 1992, ACM TOMS 18, 360-373, eq. 9, on the side where
// it converges fast. Derivatives in a and b come from the same formulas in numbers that carry them.
#include <limits>
#include <utility>

#include "math/gamma.hpp"
#include "math/jet.hpp"
#include "thalweg/math/scalar.hpp"

namespace thalweg::scalar {
namespace {

constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();

// The sum of (1 - b) ... (n - b) x^n / (n! (a + n)).
template <class N> N beta_series(N a, N b, double x) {
  N term = 1.0, sum = N(1.0) / a;
  for (int n = 1; n < 5000; ++n) {
    term = term * ((N(n) - b) * N(x / n));
    const N next = term / (a + N(n));
    sum = sum + next;
    if (small_beside(next, sum)) break;
  }
  return sum;
}
template <class N> struct BetaFraction {
  N a, b;
  double x;
  N numerator(int n) const {
    const N p = a + N(n - 1.0), q = a + N(2.0 * n - 1.0);
    return p * (a + b + N(n - 1.0)) / q * (N(n) * (b - N(n))) / q * N(x * x);
  }
  N denominator(int n) const {
    const N mean = a - (a + b) * N(x) + N(1.0 + n * (2.0 - x));
    return N(n) + N(n) * (b - N(n)) * N(x) / (a + N(2.0 * n - 1.0)) +
           (a + N(n)) / (a + N(2.0 * n + 1.0)) * mean;
  }
};
template <class N> N beta_fraction(N a, N b, double x) {
  const BetaFraction<N> f{a, b, x};
  N c = 1e300, d = N(1.0) / f.denominator(0);
  int n = 1;
  for (; n < 100000; ++n) {
    const N numerator = f.numerator(n), denominator = f.denominator(n);
    d = N(1.0) / (denominator + numerator * d);
    c = denominator + numerator / c;
    if (near_one(c * d)) break;
  }
  n += n / 2;
  N tail = 0.0;
  for (; n > 0; --n) tail = f.numerator(n) / (f.denominator(n) + tail);
  return N(1.0) / (f.denominator(0) + tail);
}

// Which formula: for I or for 1 - I, by which sum; what multiplies it is x^a y^b / B(a, b), where
// a series lacks the other side's power.
struct BetaPart {
  bool complement, series;
  double scale;
  BetaPart(double a, double b, double x, double y) {
    complement = x > a / (a + b);  // so that neither is 1 less something close to it
    series = complement ? a * y <= 1.0 && y <= 0.99 : b * x <= 1.0 && x <= 0.99;
    const bool has_x = !(series && complement), has_y = !(series && !complement);
    Twofold l = -log_beta_of(a, b);
    const bool by_x = x <= y;
    if (has_x) l = l + Twofold(a) * (by_x ? log_of(x) : log1p_of(-y));
    if (has_y) l = l + Twofold(b) * (by_x ? log1p_of(-x) : log_of(y));
    scale = exp_of(l);
  }
  template <class N> N sum(N a, N b, double x, double y) const {
    if (complement) std::swap(a, b), std::swap(x, y);
    return series ? beta_series(a, b, x) : beta_fraction(a, b, x);
  }
};

double beta_lower(double a, double b, double x, double y) {
  const BetaPart part(a, b, x, y);
  const double value = part.scale * part.sum(a, b, x, y);
  return part.complement ? 1.0 - value : value;
}
double beta_upper(double a, double b, double x, double y) {
  const BetaPart part(a, b, x, y);
  const double value = part.scale * part.sum(a, b, x, y);
  return part.complement ? value : 1.0 - value;
}

bool in_domain(double a, double b, double x) {
  return a > 0.0 && b > 0.0 && x >= 0.0 && x <= 1.0 && !std::isinf(a) && !std::isinf(b);
}

// The derivatives of I in the directions (a1, b1) and then (a2, b2), each 0 or 1.
struct Directions {
  double a1, b1, a2, b2;
};
struct BetaSlopes {
  double first, second;
  BetaSlopes(double a, double b, double x, double y, Directions d) : first(0.0), second(0.0) {
    if (x == 0.0 || y == 0.0) return;
    const double log_x = x <= y ? std::log(x) : std::log1p(-y);
    const double log_y = x <= y ? std::log1p(-x) : std::log(y);
    const BetaPart part(a, b, x, y);
    const SecondJet p{Jet{a, d.a1}, Jet{d.a2, 0.0}}, q{Jet{b, d.b1}, Jet{d.b2, 0.0}};
    const SecondJet s = part.sum(p, q, x, y);
    const double in_a = polygamma_rise(0.0, a, b) + (part.series && part.complement ? 0.0 : log_x);
    const double in_b = polygamma_rise(0.0, b, a) + (part.series && !part.complement ? 0.0 : log_y);
    const double l1 = d.a1 * in_a + d.b1 * in_b, l2 = d.a2 * in_a + d.b2 * in_b;
    const double turn =
        d.a1 * (d.a2 != 0.0 ? polygamma_rise(1.0, a, b) : trigamma_of(a + b)) * (d.a2 + d.b2) +
        d.b1 * (d.b2 != 0.0 ? polygamma_rise(1.0, b, a) : trigamma_of(a + b)) * (d.a2 + d.b2);
    const double sign = part.complement ? -part.scale : part.scale, sum = s.value.value;
    first = sign * (s.value.slope + sum * l1);
    second =
        sign * (s.slope.slope + s.value.slope * l2 + s.slope.value * l1 + sum * (l1 * l2 + turn));
  }
};

// The logit of the x at which I (or 1 - I) is p: Newton's method for its logarithm between bounds.
double solved_logit(double a, double b, double p, bool upper, double t) {
  double low = -745.0, high = 745.0;
  for (int k = 0; k < 200; ++k) {
    const double x = 1.0 / (1.0 + std::exp(-t)), y = 1.0 / (1.0 + std::exp(t));
    const double value = upper ? beta_upper(a, b, x, y) : beta_lower(a, b, x, y);
    if (value == p) break;
    ((value < p) != upper ? low : high) = t;
    const bool by_x = x <= y;
    const double slope = exp_of(Twofold(a) * (by_x ? log_of(x) : log1p_of(-y)) +
                                Twofold(b) * (by_x ? log1p_of(-x) : log_of(y)) - log_beta_of(a, b));
    const double change =
        std::fabs(value - p) < 0.1 * p ? std::log1p((value - p) / p) : std::log(value / p);
    const double step = change * value / (upper ? -slope : slope), next = t - step;
    if (std::fabs(step) < 1e-10) return next;
    t = next > low && next < high ? next : 0.5 * (low + high);
    if (high - low <= 1e-16 * std::fabs(t)) break;
  }
  return t;
}

}  // namespace

double betainc(double a, double b, double x) {
  if (!in_domain(a, b, x)) return kNothing;
  return x == 0.0 || x == 1.0 ? x : beta_lower(a, b, x, 1.0 - x);
}
double betaincc(double a, double b, double x) {
  if (!in_domain(a, b, x)) return kNothing;
  return x == 0.0 || x == 1.0 ? 1.0 - x : beta_upper(a, b, x, 1.0 - x);
}
double beta_density(double a, double b, double x) {
  if (!in_domain(a, b, x)) return kNothing;
  if (x == 0.0) return a < 1.0 ? HUGE_VAL : a == 1.0 ? b : 0.0;
  if (x == 1.0) return b < 1.0 ? HUGE_VAL : b == 1.0 ? a : 0.0;
  return exp_of((Twofold(a) - Twofold(1.0)) * log_of(x) +
                (Twofold(b) - Twofold(1.0)) * log1p_of(-x) - log_beta_of(a, b));
}
double betainc_slope_in_a(double a, double b, double x) {
  return in_domain(a, b, x) ? BetaSlopes(a, b, x, 1.0 - x, {1, 0, 1, 0}).first : kNothing;
}
double betainc_slope_in_b(double a, double b, double x) {
  return in_domain(a, b, x) ? BetaSlopes(a, b, x, 1.0 - x, {0, 1, 0, 1}).first : kNothing;
}
double betainc_slope_in_aa(double a, double b, double x) {
  return in_domain(a, b, x) ? BetaSlopes(a, b, x, 1.0 - x, {1, 0, 1, 0}).second : kNothing;
}
double betainc_slope_in_ab(double a, double b, double x) {
  return in_domain(a, b, x) ? BetaSlopes(a, b, x, 1.0 - x, {1, 0, 0, 1}).second : kNothing;
}
double betainc_slope_in_bb(double a, double b, double x) {
  return in_domain(a, b, x) ? BetaSlopes(a, b, x, 1.0 - x, {0, 1, 0, 1}).second : kNothing;
}
// Student's distribution: half of I(df / 2, 1 / 2) at df / (df + t^2) is a tail.
double stdtr(double df, double t) {
  if (!(df > 0.0) || std::isinf(df) || t != t) return kNothing;
  if (t == 0.0) return 0.5;
  const double square = t * t, x = df / (df + square),
               y = std::isinf(square) ? 1.0 : square / (df + square);
  const double tail = x == 0.0 ? 0.0 : y == 0.0 ? 0.5 : 0.5 * beta_lower(0.5 * df, 0.5, x, y);
  return t < 0.0 ? tail : 1.0 - tail;
}
double stdtr_slope(double df, double t) {
  if (!(df > 0.0) || std::isinf(df) || t != t) return kNothing;
  const double square = t * t, x = df / (df + square), y = square / (df + square);
  if (square == 0.0 || x == 0.0 || y == 0.0 || y != y) return 0.0;
  const double a = 0.5 * df, in_a = BetaSlopes(a, 0.5, x, y, {1, 0, 1, 0}).first;
  const double e = exp_of(Twofold(a) * log1p_of(-y) - log_beta_of(a, 0.5)) * std::sqrt(y);
  const double tail = 0.5 * (0.5 * in_a + e / df);
  return t < 0.0 ? tail : -tail;
}
double betaincinv(double a, double b, double p) {
  if (!in_domain(a, b, p)) return kNothing;
  if (p == 0.0 || p == 1.0) return p;
  const double l = static_cast<double>(log_beta_of(a, b)), middle = std::log(a / b);
  double t = middle;
  if (p < 0.1) t = std::fmin(t, (std::log(p * a) + l) / a);
  if (p > 0.9) t = std::fmax(t, -(std::log((1.0 - p) * b) + l) / b);
  t = std::fmin(std::fmax(t, -700.0), 700.0);
  const bool upper = p > 0.5;
  t = solved_logit(a, b, upper ? 1.0 - p : p, upper, t);
  return 1.0 / (1.0 + std::exp(-t));
}

}  // namespace thalweg::scalar
