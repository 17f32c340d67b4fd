// SPDX-License-Identifier: BSD-3-Clause
// Special functions as elementary operations whose value is a function of doubles, compiled once
// for all instruction sets (math/scalar.hpp) and called for each element. A part of ops.hpp.
#pragma once
#include <cmath>

#include "thalweg/math/scalar.hpp"

namespace thalweg::ops {

template <int Arity> struct OfNumbers : Branches<Arity> {};
inline constexpr Domain kPositive = open(0.0).to(kInfinity);
inline constexpr Domain kNotNegative = closed(0.0).to(kInfinity);
inline constexpr Domain kProbability = closed(0.0).to(closed(1.0));

// ---- Gamma and Beta

struct Gamma : OfNumbers<1> {
  static constexpr auto name = "gamma";
  static constexpr auto of = &scalar::gamma;
  template <class T> static One<T> partials(T a, T y) { return {y * apply<Digamma>(a)}; }
};
// The n-th derivative of digamma at a + b less that at a.
struct PolygammaRise : OfNumbers<3> {
  static constexpr auto name = "polygamma_rise";
  static constexpr std::array domain{closed(0.0).to(closed(16.0)), kPositive, kNotNegative};
  static constexpr auto of = &scalar::polygamma_rise;
  template <class T> static std::array<T, 3> partials(T n, T a, T b, T) {
    return {T(0), apply<PolygammaRise>(n + T(1), a, b), apply<Polygamma>(n + T(1), a + b)};
  }
};
struct Betaln : OfNumbers<2> {
  static constexpr auto name = "betaln";
  static constexpr std::array domain{kPositive, kPositive};
  static constexpr auto of = &scalar::betaln;
  template <class T> static Two<T> partials(T a, T b, T) {
    return {-apply<PolygammaRise>(T(0), a, b), -apply<PolygammaRise>(T(0), b, a)};
  }
};
struct Beta : OfNumbers<2> {
  static constexpr auto name = "beta";
  static constexpr std::array domain{kPositive, kPositive};
  static constexpr auto of = &scalar::beta;
  template <class T> static Two<T> partials(T a, T b, T y) {
    return {-(y * apply<PolygammaRise>(T(0), a, b)), -(y * apply<PolygammaRise>(T(0), b, a))};
  }
};

// ---- incomplete gamma functions, regularized: P(a, x) and Q(a, x)

// x^(a-1) e^-x / Gamma(a): the slope of P in x.
struct GammaDensity : OfNumbers<2> {
  static constexpr auto name = "gamma_density";
  static constexpr std::array domain{kPositive, kNotNegative};
  static constexpr auto of = &scalar::gamma_density;
  template <class T> static Two<T> partials(T a, T x, T y) {
    return {y * (apply<Log>(x) - apply<Digamma>(a)), y * ((a - T(1)) / x - T(1))};
  }
};
// The second slope of P in a; the third is not offered.
struct GammaincSecondSlope : OfNumbers<2> {
  static constexpr auto name = "gammainc_second_slope_in_a";
  static constexpr std::array domain{kPositive, kNotNegative};
  static constexpr auto of = &scalar::gammainc_second_slope;
  template <class T> static Two<T> partials(T a, T x, T) {
    const T l = apply<Log>(x) - apply<Digamma>(a);
    return {T(std::numeric_limits<double>::quiet_NaN()),
            apply<GammaDensity>(a, x) * (l * l - apply<Polygamma>(T(1), a))};
  }
};
// The slope of P in a.
struct GammaincSlope : OfNumbers<2> {
  static constexpr auto name = "gammainc_slope_in_a";
  static constexpr std::array domain{kPositive, kNotNegative};
  static constexpr auto of = &scalar::gammainc_slope;
  template <class T> static Two<T> partials(T a, T x, T) {
    return {apply<GammaincSecondSlope>(a, x),
            apply<GammaDensity>(a, x) * (apply<Log>(x) - apply<Digamma>(a))};
  }
};
struct Gammainc : OfNumbers<2> {
  static constexpr auto name = "gammainc";
  static constexpr std::array domain{kNotNegative, kNotNegative};
  static constexpr auto of = &scalar::gammainc;
  template <class T> static Two<T> partials(T a, T x, T) {
    return {apply<GammaincSlope>(a, x), apply<GammaDensity>(a, x)};
  }
};
struct Gammaincc : OfNumbers<2> {
  static constexpr auto name = "gammaincc";
  static constexpr std::array domain{kNotNegative, kNotNegative};
  static constexpr auto of = &scalar::gammaincc;
  template <class T> static Two<T> partials(T a, T x, T) {
    return {-apply<GammaincSlope>(a, x), -apply<GammaDensity>(a, x)};
  }
};
// The x of a probability; slopes by the theorem on inverse functions.
struct Gammaincinv : OfNumbers<2> {
  static constexpr auto name = "gammaincinv";
  static constexpr std::array domain{kNotNegative, kProbability};
  static constexpr auto of = &scalar::gammaincinv;
  template <class T> static Two<T> partials(T a, T, T y) {
    const T density = apply<GammaDensity>(a, y);
    return {-(apply<GammaincSlope>(a, y) / density), T(1) / density};
  }
};
struct Gammainccinv : OfNumbers<2> {
  static constexpr auto name = "gammainccinv";
  static constexpr std::array domain{kNotNegative, kProbability};
  static constexpr auto of = &scalar::gammainccinv;
  template <class T> static Two<T> partials(T a, T, T y) {
    const T density = apply<GammaDensity>(a, y);
    return {-(apply<GammaincSlope>(a, y) / density), T(-1) / density};
  }
};

// ---- inverses of the error functions

struct Erfinv : OfNumbers<1> {
  static constexpr auto name = "erfinv";
  static constexpr std::array domain{closed(-1.0).to(closed(1.0))};
  static constexpr auto of = &scalar::erfinv;
  template <class T> static One<T> partials(T, T y) {
    return {T(1.0 / kTwoOverSqrtPi) * apply<Exp>(y * y)};
  }
};
// In the tail exp(y^2) = erfcx(y) / a, which does not multiply the rounding of y by y^2.
struct Erfcinv : OfNumbers<1> {
  static constexpr auto name = "erfcinv";
  static constexpr std::array domain{closed(0.0).to(closed(2.0))};
  static constexpr auto of = &scalar::erfcinv;
  template <class T> static One<T> partials(T a, T y) {
    return {T(-1.0 / kTwoOverSqrtPi) *
            select(y > T(1), apply<FaddeevaReal>(T(0), y) / a, apply<Exp>(y * y))};
  }
};

// ---- Bessel functions of whole order n, with the names of SciPy; in n they are flat

inline constexpr Domain kOrder = closed(-1e6).to(closed(1e6));
template <class Self, int Rising> struct Bessel : OfNumbers<2> {
  // f' = (f(n - 1) + Rising f(n + 1)) / 2, of which both terms keep their sign for small x.
  template <class T> static Two<T> partials(T n, T x, T) {
    const T below = apply<Self>(n - T(1), x), above = apply<Self>(n + T(1), x);
    return {T(0), T(0.5) * (Rising > 0 ? below + above : below - above)};
  }
};
struct BesselJ : Bessel<BesselJ, -1> {
  static constexpr auto name = "jn";
  static constexpr std::array domain{kOrder, Domain{}};
  static constexpr auto of = &scalar::jn;
};
struct BesselY : Bessel<BesselY, -1> {
  static constexpr auto name = "yn";
  static constexpr std::array domain{kOrder, kPositive};
  static constexpr auto of = &scalar::yn;
};
struct BesselI : Bessel<BesselI, 1> {
  static constexpr auto name = "iv";
  static constexpr std::array domain{kOrder, Domain{}};
  static constexpr auto of = &scalar::in;
};
struct BesselK : OfNumbers<2> {
  static constexpr auto name = "kn";
  static constexpr std::array domain{kOrder, kPositive};
  static constexpr auto of = &scalar::kn;
  template <class T> static Two<T> partials(T n, T x, T) {
    return {T(0), T(-0.5) * (apply<BesselK>(n - T(1), x) + apply<BesselK>(n + T(1), x))};
  }
};
// Times exp(-|x|), or exp(x). The terms of the slope cancel for large x, where it is Hankel's
// expansion (DLMF 10.40.1 and 2): -scale x^(-3/2) times the sum of (k + 1/2) c_k / x^k.
template <class T> T slope_of_scaled_bessel(T n, T x, double sign, double scale) {
  constexpr int kTerms = 15;
  std::array<T, kTerms> c;
  c[0] = T(1);
  for (int k = 1; k < kTerms; ++k) {
    const double odd = 2.0 * k - 1.0;
    const auto i = static_cast<std::size_t>(k);
    c[i] = c[i - 1] * ((T(4) * (n * n) - T(odd * odd)) * T(sign / (8.0 * k)));
  }
  const T r = T(1) / x;
  T sum = T(0);
  for (int k = kTerms - 1; k >= 0; --k) sum = T(k + 0.5) * c[static_cast<std::size_t>(k)] + r * sum;
  return T(-scale) * (sum * (r * apply<Sqrt>(r)));
}
template <class T> T is_far_for_bessel(T n, T x) { return x > T(50) + T(20) * (n * n); }
struct ScaledBesselI : OfNumbers<2> {
  static constexpr auto name = "ive";
  static constexpr std::array domain{kOrder, Domain{}};
  static constexpr auto of = &scalar::in_scaled;
  template <class T> static Two<T> partials(T n, T x, T y) {
    constexpr double scale = 0.39894228040143267794;  // 1 / sqrt(2 pi)
    const T sides = apply<ScaledBesselI>(n - T(1), x) + apply<ScaledBesselI>(n + T(1), x);
    const T size = apply<Absolute>(x), sign = apply<Sign>(x);
    const T far = (sign * apply<Sign>(y)) * slope_of_scaled_bessel(n, size, -1.0, scale);
    return {T(0), select(is_far_for_bessel(n, size), far, T(0.5) * sides - sign * y)};
  }
};
struct ScaledBesselK : OfNumbers<2> {
  static constexpr auto name = "kve";
  static constexpr std::array domain{kOrder, kPositive};
  static constexpr auto of = &scalar::kn_scaled;
  template <class T> static Two<T> partials(T n, T x, T y) {
    constexpr double scale = 1.25331413731550025121;  // sqrt(pi / 2)
    const T sides = apply<ScaledBesselK>(n - T(1), x) + apply<ScaledBesselK>(n + T(1), x);
    const T far = slope_of_scaled_bessel(n, x, 1.0, scale);
    return {T(0), select(is_far_for_bessel(n, x), far, y - T(0.5) * sides)};
  }
};

}  // namespace thalweg::ops
