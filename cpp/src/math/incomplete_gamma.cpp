// SPDX-License-Identifier: BSD-3-Clause
// The incomplete gamma functions: series, continued fraction and Temme's uniform expansion, as
// chosen by W. Gautschi 1979, ACM TOMS 5, 466-481, and N. M. Temme 1979, SIAM J. Math. Anal. 10,
// 757-766. Derivatives in a come from the same formulas in numbers that carry one.
#include <limits>

#include "math/chebyshev.hpp"
#include "math/gamma.hpp"
#include "math/jet.hpp"
#include "math/temme.hpp"
#include "thalweg/math/scalar.hpp"

namespace thalweg::scalar {
namespace {

constexpr double kNoValue = std::numeric_limits<double>::quiet_NaN();
constexpr double kPiHere = 3.14159265358979323846;

// log(1 + m) - m with m = (x - a) / a, to an absolute error that a multiplies.
Twofold log1p_less_argument(double a, double x) {
  const Twofold m = exact_sum(x, -a) / Twofold(a);
  return log1p_of(m) - m;
}
// log(x^a e^-x / Gamma(a + 1)), 0 < x < inf.
Twofold log_prefactor(double a, double x) {
  if (a >= kStirlingFrom && x > 0.25 * a && x < 4.0 * a)
    return Twofold(a) * log1p_less_argument(a, x) - Twofold(0.5) * log_of(a) - kHalfLogTwoPi -
           stirling_tail(a);
  return Twofold(a) * log_of(x) - Twofold(x) - log_gamma_of_next(a);
}

// The sum of x^n / ((a + 1) ... (a + n)): P over the prefactor. Terms are counted first and then
// added from the last, which rounds less.
template <class N> N power_sum(N a, double x) {
  N sum = 1.0, term = 1.0;
  int n = 1;
  for (; n < 10000; ++n) {
    term = term * (N(x) / (a + N(n)));
    sum = sum + term;
    if (small_beside(term, sum)) break;
  }
  for (sum = 1.0; n > 0; --n) sum = N(1.0) + N(x) / (a + N(n)) * sum;
  return sum;
}
// Gamma(a, x) e^x x^-a by Legendre's continued fraction (DLMF 8.9.2): counted by Lentz's method,
// then evaluated from its end. For small x and a it is Stieltjes' (DLMF 8.9.1), twice as long and
// with terms of one sign.
template <class N> N continued_fraction(N a, double x) {
  N b = N(x + 1.0) - a, c = 1e300, d = N(1.0) / b;
  int i = 1;
  for (; i < 10000; ++i) {
    const N an = N(i) * (a - N(i));
    b = b + N(2.0);
    d = N(1.0) / (an * d + b);
    c = b + an / c;
    if (near_one(c * d)) break;
  }
  i += i / 2;  // the changes left out add up to several of the last
  N tail = 0.0;
  if (x < 3.0) {
    for (int k = i; k > 0; --k) tail = (N(k) - a) / (N(1.0) + N(k) / (N(x) + tail));
    return N(1.0) / (N(x) + tail);
  }
  for (; i > 0; --i) tail = N(i) * (a - N(i)) / ((N(x + 1.0 + 2.0 * i) - a) + tail);
  return N(1.0) / ((N(x + 1.0) - a) + tail);
}
// Temme's sum over eta^n a^-k.
template <class N> N temme_sum(N a, N eta) {
  N total = 0.0;
  const N r = N(1.0) / a;
  for (std::size_t k = std::size(kTemmeCounts); k-- > 0;) {
    N row = 0.0;
    for (int n = kTemmeCounts[k]; n-- > 0;) row = row * eta + N(kTemme[k][n]);
    total = total * r + row;
  }
  return total;
}
bool uniform(double a, double x) { return a >= 24.0 && std::fabs(x - a) <= 0.3 * a; }

// x close to a: exp(-z^2) times something moderate, with z^2 = a eta^2 / 2.
struct Close {
  double m, eta, exponential;
  Close(double a, double x) {
    const Twofold l = log1p_less_argument(a, x);
    m = (x - a) / a;
    eta = std::copysign(std::sqrt(-2.0 * static_cast<double>(l)), m);
    exponential = exp_of(Twofold(a) * l);
  }
  // The upper function if the sign is 1, the lower one if it is -1.
  double value(double a, double sign) const {
    const double z = sign * eta * std::sqrt(0.5 * a);
    const double rest = sign * temme_sum(a, eta) / std::sqrt(2.0 * kPiHere * a);
    if (z < 0.0) return 1.0 - exponential * (0.5 * erfcx_of(-z) - rest);
    return exponential * (0.5 * erfcx_of(z) + rest);
  }
  // The first and the second slope of the lower function in a.
  Jet slopes(double a) const {
    Jet ratio = 0.0;
    for (std::size_t k = kRatio.size(); k-- > 0;) ratio = ratio * Jet{eta, 1.0} + Jet(kRatio[k]);
    const double eta1 = -ratio.value / a, eta2 = (ratio.value / a - ratio.slope * eta1) / a;
    const SecondJet s = temme_sum(second_jet(a, 1.0, 0.0), second_jet(eta, eta1, eta2));
    const double sum = s.value.value, sum1 = s.value.slope, sum2 = s.slope.slope;
    const double l = std::log1p(m), half = 0.5 / a;
    const double u = (ratio.value - 0.5 * eta) + (sum1 - half * sum) + l * sum;
    const double u1 =
        (ratio.slope - 0.5) * eta1 + (sum2 - half * sum1) + half / a * sum + l * sum1 - sum / a;
    const double scale = -exponential / std::sqrt(2.0 * kPiHere * a);
    return {scale * u, scale * (u1 + u * (l - half))};
  }
};

// The upper function for x <= 1.1 and small a, where 1 - P would cancel (Gautschi 1979, 4.9):
// 1 - x^a / Gamma(a + 1) - x^a / Gamma(a) times the sum of (-x)^n / ((a + n) n!).
double upper_series(double a, double x) {
  double sum = 0.0, term = 1.0;
  for (int n = 1; n < 60; ++n) {
    term *= -x / n;
    sum += term / (a + n);
    if (std::fabs(term) < 1e-18 * std::fabs(sum)) break;
  }
  const Twofold l = Twofold(a) * log_of(x) - log_gamma_of_next(a);
  const double power = exp_of(l);
  return -std::expm1(static_cast<double>(l)) - a * power * sum;
}

double lower(double a, double x);
double upper(double a, double x) {
  if (uniform(a, x)) return Close(a, x).value(a, 1.0);
  if (x > 1.1 || (x > 0.8 && a < 0.5))
    return x < a ? 1.0 - lower(a, x) : a * exp_of(log_prefactor(a, x)) * continued_fraction(a, x);
  const bool most = x <= 0.5 ? -0.4 / std::log(x) < a : 1.1 * x < a;
  return most ? 1.0 - lower(a, x) : upper_series(a, x);
}
double lower(double a, double x) {
  if (uniform(a, x)) return Close(a, x).value(a, -1.0);
  if (x > 1.1 && x > a + 1.0) return 1.0 - upper(a, x);
  return exp_of(log_prefactor(a, x)) * power_sum(a, x);
}

// The solution x of f(x) = target: Newton's method for log f as a function of log x, in which it is
// concave; between bounds, where numbers become too small.
template <class F> double solved(F f, double sign, double a, double x, double target) {
  double low = 0.0, high = HUGE_VAL;
  for (int k = 0; k < 200; ++k) {
    if (!(x > 0.0) || std::isinf(x)) return x;
    const double value = f(a, x), slope = sign * x * gamma_density(a, x);
    if (value == target) return x;
    ((value < target) == (sign > 0.0) ? low : high) = x;
    const double change = std::fabs(value - target) < 0.1 * target
                              ? std::log1p((value - target) / target)
                              : std::log(value / target);
    const double step = change * value / slope;
    const double next =
        std::fabs(step) < 1e-3 ? x - x * (step - 0.5 * step * step) : x * std::exp(-step);
    if (std::fabs(step) < 1e-9) return next;
    if (next > low && next < high) x = next;
    else if (std::isinf(high)) x *= 2.0;
    else x = low > 0.0 ? std::sqrt(low) * std::sqrt(high) : 1e-3 * high;
    if (high - low <= 0x1p-52 * low) return x;
  }
  return x;
}
// Wilson and Hilferty's cube, or where it fails the leading term of P.
double first_guess(double a, double p, double q) {
  const double normal =
      p < 0.5 ? -std::sqrt(2.0) * erfcinv(2.0 * p) : std::sqrt(2.0) * erfcinv(2.0 * q);
  const double root = 1.0 - 1.0 / (9.0 * a) + normal / (3.0 * std::sqrt(a));
  const double cube = a * root * root * root;
  if (a > 0.5 && root > 0.0 && cube > 0.1 * a) return cube;
  const double power = std::exp((std::log(p) + static_cast<double>(log_gamma_of_next(a))) / a);
  return power < 0.5 * (a + 1.0) || q > 0.5 ? power : std::fmax(a, 0.5 - std::log(q));
}

}  // namespace

double gammainc(double a, double x) {
  if (!(a >= 0.0 && x >= 0.0)) return kNoValue;
  if (a == 0.0) return x > 0.0 ? 1.0 : kNoValue;
  if (x == 0.0) return 0.0;
  if (std::isinf(a)) return std::isinf(x) ? kNoValue : 0.0;
  return std::isinf(x) ? 1.0 : lower(a, x);
}
double gammaincc(double a, double x) {
  if (!(a >= 0.0 && x >= 0.0)) return kNoValue;
  if (a == 0.0) return x > 0.0 ? 0.0 : kNoValue;
  if (x == 0.0) return 1.0;
  if (std::isinf(a)) return std::isinf(x) ? kNoValue : 1.0;
  return std::isinf(x) ? 0.0 : upper(a, x);
}
double gamma_density(double a, double x) {
  if (!(a > 0.0 && x >= 0.0) || std::isinf(a)) return kNoValue;
  if (x == 0.0) return a < 1.0 ? HUGE_VAL : a == 1.0 ? 1.0 : 0.0;
  if (std::isinf(x)) return 0.0;
  return exp_of(log_prefactor(a, x) + log_of(a) - log_of(x));
}
static Jet slopes_in_a(double a, double x) {
  if (uniform(a, x)) return Close(a, x).slopes(a);
  const double scale = exp_of(log_prefactor(a, x));
  const bool large = x > 1.1 && x > a + 1.0;
  const SecondJet at = second_jet(a, 1.0, 0.0);
  const SecondJet s = large ? at * continued_fraction(at, x) : power_sum(at, x);
  const double sum = s.value.value, sum1 = s.value.slope, sum2 = s.slope.slope;
  const double l = std::log(x) - digamma_of(a + 1.0), sign = large ? -scale : scale;
  return {sign * (sum1 + sum * l),
          sign * (sum2 + 2.0 * sum1 * l + sum * (l * l - trigamma_of(a + 1.0)))};
}
static bool has_slopes(double a, double x) {
  return a > 0.0 && x > 0.0 && !std::isinf(a) && !std::isinf(x);
}
double gammainc_slope(double a, double x) {
  if (has_slopes(a, x)) return slopes_in_a(a, x).value;
  return a > 0.0 && x >= 0.0 && !std::isinf(a) ? 0.0 : kNoValue;
}
double gammainc_second_slope(double a, double x) {
  if (has_slopes(a, x)) return slopes_in_a(a, x).slope;
  return a > 0.0 && x >= 0.0 && !std::isinf(a) ? 0.0 : kNoValue;
}
double gammaincinv(double a, double p) {
  if (!(a >= 0.0 && p >= 0.0 && p <= 1.0)) return kNoValue;
  if (p == 0.0 || a == 0.0) return 0.0;
  if (p == 1.0) return HUGE_VAL;
  const double guess = first_guess(a, p, 1.0 - p);
  return p <= 0.5 ? solved(gammainc, 1.0, a, guess, p) : solved(gammaincc, -1.0, a, guess, 1.0 - p);
}
double gammainccinv(double a, double q) {
  if (!(a >= 0.0 && q >= 0.0 && q <= 1.0)) return kNoValue;
  if (q == 1.0 || a == 0.0) return 0.0;
  if (q == 0.0) return HUGE_VAL;
  const double guess = first_guess(a, 1.0 - q, q);
  return q <= 0.5 ? solved(gammaincc, -1.0, a, guess, q) : solved(gammainc, 1.0, a, guess, 1.0 - q);
}

}  // namespace thalweg::scalar
