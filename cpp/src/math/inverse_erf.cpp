// SPDX-License-Identifier: BSD-3-Clause
// Inverses of the error functions: Winitzki's closed form, then Halley's steps.
#include <cmath>
#include <limits>

#include "thalweg/math/scalar.hpp"

namespace thalweg::scalar {
namespace {

// |x| with erf |x| = y, from log((1 - y) (1 + y)), to 2e-3.
double winitzki(double l) {
  constexpr double a = 0.147, b = 2.0 / (3.14159265358979323846 * a);
  const double h = b + 0.5 * l;
  // sqrt(h^2 - l / a) - h, for l < 0, without cancellation
  return std::sqrt(-l / a / (std::sqrt(h * h - l / a) + h));
}
constexpr double kTwoOverRootPi = 1.12837916709551257390;

}  // namespace

double erfcinv(double q) {
  if (!(q >= 0.0 && q <= 2.0)) return std::numeric_limits<double>::quiet_NaN();
  if (q == 0.0 || q == 2.0) return q == 0.0 ? HUGE_VAL : -HUGE_VAL;
  if (q > 0.5) return q > 1.5 ? -erfcinv(2.0 - q) : erfinv(1.0 - q);
  double x = winitzki(std::log(q) + std::log(2.0 - q));
  for (int k = 0; k < 8; ++k) {
    const double step = (std::erfc(x) - q) / (-kTwoOverRootPi * std::exp(-x * x));
    if (!std::isfinite(step)) break;
    x -= step / (1.0 + x * step);
    if (std::fabs(step) < 1e-6) break;
  }
  return x;
}

double erfinv(double y) {
  if (!(y >= -1.0 && y <= 1.0)) return std::numeric_limits<double>::quiet_NaN();
  const double p = std::fabs(y);
  if (p > 0.5) return std::copysign(erfcinv(1.0 - p), y);
  if (p < 1e-9) return y / kTwoOverRootPi;
  double x = winitzki(std::log1p(-p * p));
  for (int k = 0; k < 3; ++k) {
    const double step = (std::erf(x) - p) / (kTwoOverRootPi * std::exp(-x * x));
    x -= step / (1.0 + x * step);
  }
  return std::copysign(x, y);
}

}  // namespace thalweg::scalar
