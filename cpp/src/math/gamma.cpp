// SPDX-License-Identifier: BSD-3-Clause
// Gamma and Beta.
#include "math/gamma.hpp"

#include <limits>

#include "thalweg/math/scalar.hpp"

namespace thalweg::scalar {

// For x < 0 by -pi / (x sin(pi x) Gamma(-x)), DLMF 5.5.3.
double gamma(double x) {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  if (x > 0.0) return x > 171.7 ? (x < 1e306 ? HUGE_VAL : x + HUGE_VAL) : exp_of(log_gamma_of(x));
  if (x == 0.0) return 1.0 / x;
  const double r = x - std::rint(x);
  if (!(r != 0.0) || std::isinf(x)) return x != x ? x : nan;
  if (x < -185.0) return std::fmod(std::floor(x), 2.0) == 0.0 ? 0.0 : -0.0;
  const double sine = std::sin(kPiTwofold.hi * std::fabs(r));
  const Scaled e = scaled_exp(-log_gamma_of(-x));
  const double size = kPiTwofold.hi / (-x * sine) * static_cast<double>(Twofold(1.0) + e.less_one);
  const bool negative = std::fmod(std::floor(x), 2.0) != 0.0;
  return std::ldexp(negative ? -size : size, e.exponent);
}

// log Gamma(1 + a), with a small relative error near 0 too: DLMF 5.7.3.
Twofold log_gamma_of_next(double a) {
  if (a >= 1e-3) return log_gamma_of(exact_sum(a, 1.0));
  constexpr Twofold euler{0x1.2788cfc6fb619p-1, -0x1.6cb90701fbfabp-58};
  constexpr std::array<double, 5> zeta = {0.8224670334241132, 0.40068563438653143,
                                          0.27058080842778454, 0.20738555102867398,
                                          0.16955717699740818};
  double sum = zeta.back();
  for (std::size_t k = zeta.size() - 1; k-- > 0;) sum = zeta[k] - a * sum;
  return Twofold(a) * (Twofold(a * sum) - euler);
}

Twofold log_beta_of(double a, double b) {
  if (a < b) return log_beta_of(b, a);
  const Twofold sum = exact_sum(a, b);
  if (a < kStirlingFrom) return log_gamma_of(a) + log_gamma_of(b) - log_gamma_of(sum);
  return log_gamma_of(b) - log_gamma_ratio(a, b);
}

// log Gamma(a + b) - log Gamma(a) for a >= 12, 0 < b: differences of Stirling's terms, of which
// none cancels.
Twofold log_gamma_ratio(double a, double b) {
  const Twofold sum = exact_sum(a, b);
  const Twofold ratio = Twofold(b) / Twofold(a);
  return Twofold(b) * log_of(a) + (sum - Twofold(0.5)) * log1p_of(ratio) - Twofold(b) +
         (stirling_tail(sum) - stirling_tail(a));
}

double betaln(double a, double b) {
  if (!(a > 0.0 && b > 0.0) || std::isinf(a) || std::isinf(b)) {
    if (a != a || b != b || a < 0.0 || b < 0.0) return std::numeric_limits<double>::quiet_NaN();
    return a == 0.0 || b == 0.0 ? HUGE_VAL : -HUGE_VAL;
  }
  if (a == 1.0 || b == 1.0) return -std::log(a == 1.0 ? b : a);
  return static_cast<double>(log_beta_of(a, b));
}

double beta(double a, double b) {
  const double limit = betaln(a, b);
  return std::isfinite(limit) ? exp_of(log_beta_of(a, b)) : std::exp(limit);
}

// (x + b)^-p - x^-p.
static double power_rise(double x, double b, int p) {
  return std::pow(x, -p) * std::expm1(-p * std::log1p(b / x));
}

// Differences of the terms of the recurrence, DLMF 5.15.5, and of the asymptotic ones, 5.15.8.
double polygamma_rise(double order, double a, double b) {
  const bool there = order >= 0.0 && order <= 16.0 && order == std::rint(order);
  if (!(there && a > 0.0 && b >= 0.0)) return std::numeric_limits<double>::quiet_NaN();
  constexpr std::array<double, 9> bernoulli = {1.0 / 6,   -1.0 / 30,     1.0 / 42,
                                               -1.0 / 30, 5.0 / 66,      -691.0 / 2730,
                                               7.0 / 6,   -3617.0 / 510, 43867.0 / 798};
  const int n = static_cast<int>(order);
  const double factorial = std::tgamma(order + 1.0);
  double sum = 0.0;
  for (; a < kStirlingFrom + n; a += 1.0) sum += factorial * power_rise(a, b, n + 1);
  sum += n == 0 ? -std::log1p(b / a) : factorial / n * power_rise(a, b, n);
  sum += 0.5 * factorial * power_rise(a, b, n + 1);
  double c = 0.5 * factorial * (n + 1.0);  // (2 k + n - 1)! / (2 k)!
  for (std::size_t k = 0; k < bernoulli.size(); ++k) {
    const int p = 2 * static_cast<int>(k) + 2 + n;
    sum += bernoulli[k] * c * power_rise(a, b, p);
    c *= p * (p + 1.0) / ((p - n + 1.0) * (p - n + 2.0));
  }
  return n % 2 == 0 ? -sum : sum;
}

double digamma_of(double x) {
  double sum = 0.0;
  for (; x < 12.0; x += 1.0) sum -= 1.0 / x;
  const double z = 1.0 / (x * x);
  const double tail =
      z * (1.0 / 12 - z * (1.0 / 120 - z * (1.0 / 252 - z * (1.0 / 240 - z * (1.0 / 132)))));
  return sum + (std::log(x) - 0.5 / x - tail);
}

double trigamma_of(double x) {
  double sum = 0.0;
  for (; x < 12.0; x += 1.0) sum += 1.0 / (x * x);
  const double r = 1.0 / x, z = r * r;
  const double tail =
      1.0 / 6 -
      z * (1.0 / 30 - z * (1.0 / 42 - z * (1.0 / 30 - z * (5.0 / 66 - z * (691.0 / 2730)))));
  return sum + (r + (0.5 * z + tail * r * z));
}

}  // namespace thalweg::scalar
