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

struct SphericalJ : OfNumbers<2> {
  static constexpr auto name = "spherical_jn";
  static constexpr std::array domain{closed(0.0).to(closed(1e6)), Domain{}};
  static constexpr auto of = &scalar::spherical_jn;
  template <class T> static Two<T> partials(T n, T x, T) {  // DLMF 10.51.2; n - 1 is no order at 0
    const T below = apply<SphericalJ>(select(n > T(0), n - T(1), T(0)), x);
    return {T(0), (n * below - (n + T(1)) * apply<SphericalJ>(n + T(1), x)) / (T(2) * n + T(1))};
  }
};

// ---- the incomplete beta function, regularized

constexpr double kNotOffered = std::numeric_limits<double>::quiet_NaN();  // third slopes
inline constexpr std::array kBetaDomain{kPositive, kPositive, kProbability};
template <class T> using Three = std::array<T, 3>;

// x^(a-1) (1 - x)^(b-1) / B(a, b): the slope in x.
struct BetaDensity : OfNumbers<3> {
  static constexpr auto name = "beta_density";
  static constexpr auto domain = kBetaDomain;
  static constexpr auto of = &scalar::beta_density;
  template <class T> static Three<T> partials(T a, T b, T x, T y) {
    return {y * log_slope_in_a(a, b, x), y * log_slope_in_b(a, b, x),
            y * ((a - T(1)) / x - (b - T(1)) / (T(1) - x))};
  }
  template <class T> static T log_slope_in_a(T a, T b, T x) {
    return apply<Log>(x) + apply<PolygammaRise>(T(0), a, b);
  }
  template <class T> static T log_slope_in_b(T a, T b, T x) {
    return apply<Log1p>(-x) + apply<PolygammaRise>(T(0), b, a);
  }
};
template <class T> struct BetaLogs {
  T density, in_a, in_b;
  BetaLogs(T a, T b, T x)
      : density(apply<BetaDensity>(a, b, x)),
        in_a(BetaDensity::log_slope_in_a(a, b, x)),
        in_b(BetaDensity::log_slope_in_b(a, b, x)) {}
};
struct BetaincSlopeInAA : OfNumbers<3> {
  static constexpr auto name = "betainc_slope_in_aa";
  static constexpr auto domain = kBetaDomain;
  static constexpr auto of = &scalar::betainc_slope_in_aa;
  template <class T> static Three<T> partials(T a, T b, T x, T) {
    const BetaLogs<T> l(a, b, x);
    const T turn = apply<PolygammaRise>(T(1), a, b);
    return {T(kNotOffered), T(kNotOffered), l.density * (l.in_a * l.in_a + turn)};
  }
};
struct BetaincSlopeInAB : OfNumbers<3> {
  static constexpr auto name = "betainc_slope_in_ab";
  static constexpr auto domain = kBetaDomain;
  static constexpr auto of = &scalar::betainc_slope_in_ab;
  template <class T> static Three<T> partials(T a, T b, T x, T) {
    const BetaLogs<T> l(a, b, x);
    const T turn = apply<Polygamma>(T(1), a + b);
    return {T(kNotOffered), T(kNotOffered), l.density * (l.in_a * l.in_b + turn)};
  }
};
struct BetaincSlopeInBB : OfNumbers<3> {
  static constexpr auto name = "betainc_slope_in_bb";
  static constexpr auto domain = kBetaDomain;
  static constexpr auto of = &scalar::betainc_slope_in_bb;
  template <class T> static Three<T> partials(T a, T b, T x, T) {
    const BetaLogs<T> l(a, b, x);
    const T turn = apply<PolygammaRise>(T(1), b, a);
    return {T(kNotOffered), T(kNotOffered), l.density * (l.in_b * l.in_b + turn)};
  }
};
struct BetaincSlopeInA : OfNumbers<3> {
  static constexpr auto name = "betainc_slope_in_a";
  static constexpr auto domain = kBetaDomain;
  static constexpr auto of = &scalar::betainc_slope_in_a;
  template <class T> static Three<T> partials(T a, T b, T x, T) {
    const BetaLogs<T> l(a, b, x);
    return {apply<BetaincSlopeInAA>(a, b, x), apply<BetaincSlopeInAB>(a, b, x), l.density * l.in_a};
  }
};
struct BetaincSlopeInB : OfNumbers<3> {
  static constexpr auto name = "betainc_slope_in_b";
  static constexpr auto domain = kBetaDomain;
  static constexpr auto of = &scalar::betainc_slope_in_b;
  template <class T> static Three<T> partials(T a, T b, T x, T) {
    const BetaLogs<T> l(a, b, x);
    return {apply<BetaincSlopeInAB>(a, b, x), apply<BetaincSlopeInBB>(a, b, x), l.density * l.in_b};
  }
};
struct Betainc : OfNumbers<3> {
  static constexpr auto name = "betainc";
  static constexpr auto domain = kBetaDomain;
  static constexpr auto of = &scalar::betainc;
  template <class T> static Three<T> partials(T a, T b, T x, T) {
    return {apply<BetaincSlopeInA>(a, b, x), apply<BetaincSlopeInB>(a, b, x),
            apply<BetaDensity>(a, b, x)};
  }
};
struct Betaincc : OfNumbers<3> {
  static constexpr auto name = "betaincc";
  static constexpr auto domain = kBetaDomain;
  static constexpr auto of = &scalar::betaincc;
  template <class T> static Three<T> partials(T a, T b, T x, T) {
    return {-apply<BetaincSlopeInA>(a, b, x), -apply<BetaincSlopeInB>(a, b, x),
            -apply<BetaDensity>(a, b, x)};
  }
};
struct Betaincinv : OfNumbers<3> {
  static constexpr auto name = "betaincinv";
  static constexpr auto domain = kBetaDomain;
  static constexpr auto of = &scalar::betaincinv;
  template <class T> static Three<T> partials(T a, T b, T, T y) {
    const T density = apply<BetaDensity>(a, b, y);
    return {-(apply<BetaincSlopeInA>(a, b, y) / density),
            -(apply<BetaincSlopeInB>(a, b, y) / density), T(1) / density};
  }
};

// Student's distribution function. Its density is ((1 + t^2 / df)^(-(df + 1) / 2)) / (sqrt(df) B(df
// / 2, 1 / 2)).
template <class T> T student_density(T df, T t) {
  const T power = T(-0.5) * (df + T(1)) * apply<Log1p>(t * (t / df));
  return apply<Exp>(power - apply<Betaln>(T(0.5) * df, T(0.5))) / apply<Sqrt>(df);
}
struct StdtrSlope : OfNumbers<2> {
  static constexpr auto name = "stdtr_slope_in_df";
  static constexpr std::array domain{kPositive, Domain{}};
  static constexpr auto of = &scalar::stdtr_slope;
  template <class T> static Two<T> partials(T df, T t, T) {
    const T z = t * (t / df), half = T(0.5) * df;
    const T log_slope = T(0.5) * (apply<PolygammaRise>(T(0), half, T(0.5)) - T(1) / df -
                                  apply<Log1p>(z) + (df + T(1)) / df * (z / (T(1) + z)));
    return {T(kNotOffered), student_density(df, t) * log_slope};
  }
};
struct Stdtr : OfNumbers<2> {
  static constexpr auto name = "stdtr";
  static constexpr std::array domain{kPositive, Domain{}};
  static constexpr auto of = &scalar::stdtr;
  template <class T> static Two<T> partials(T df, T t, T) {
    return {apply<StdtrSlope>(df, t), student_density(df, t)};
  }
};

// ---- integrals and sums

struct Exp1 : OfNumbers<1> {
  static constexpr auto name = "exp1";
  static constexpr std::array domain{kPositive};
  static constexpr auto of = &scalar::exp1;
  template <class T> static One<T> partials(T a, T) { return {-(apply<Exp>(-a) / a)}; }
};
struct Expi : OfNumbers<1> {
  static constexpr auto name = "expi";
  static constexpr auto of = &scalar::expi;
  template <class T> static One<T> partials(T a, T) { return {apply<Exp>(a) / a}; }
};
struct Expn : OfNumbers<2> {
  static constexpr auto name = "expn";
  static constexpr std::array domain{closed(0.0).to(closed(1e6)), kPositive};
  static constexpr auto of = &scalar::expn;
  template <class T> static Two<T> partials(T n, T x, T y) {
    const T below = apply<Expn>(select(n > T(0), n - T(1), T(0)), x);
    return {T(0), -select(n > T(0), below, y * (T(1) + T(1) / x))};
  }
};
struct SineIntegral : OfNumbers<1> {
  static constexpr auto name = "sine_integral";
  static constexpr auto of = &scalar::sine_integral;
  template <class T> static One<T> partials(T a, T) { return {apply<Sinc>(T(1.0 / kPi) * a)}; }
};
struct CosineIntegral : OfNumbers<1> {
  static constexpr auto name = "cosine_integral";
  static constexpr std::array domain{kPositive};
  static constexpr auto of = &scalar::cosine_integral;
  template <class T> static One<T> partials(T a, T) { return {apply<Cos>(a) / a}; }
};
// The sum of (q + k)^-s over k = 0, 1, ..., and its slope in s, of which only the one in q is
// offered.
struct ZetaSlope : OfNumbers<2> {
  static constexpr auto name = "zeta_slope_in_s";
  static constexpr std::array domain{open(1.0).to(kInfinity), kPositive};
  static constexpr auto of = &scalar::zeta_slope;
  template <class T> static Two<T> partials(T s, T q, T);
};
struct Zeta : OfNumbers<2> {
  static constexpr auto name = "zeta";
  static constexpr std::array domain{open(1.0).to(kInfinity), kPositive};
  static constexpr auto of = &scalar::zeta;
  template <class T> static Two<T> partials(T s, T q, T) {
    return {apply<ZetaSlope>(s, q), -(s * apply<Zeta>(s + T(1), q))};
  }
};
template <class T> Two<T> ZetaSlope::partials(T s, T q, T) {
  const T next = s + T(1);
  return {T(kNotOffered), -(apply<Zeta>(next, q) + s * apply<ZetaSlope>(next, q))};
}
struct Zetac : OfNumbers<1> {
  static constexpr auto name = "zetac";
  static constexpr std::array domain{open(1.0).to(kInfinity)};
  static constexpr auto of = &scalar::zeta_less_one;
  template <class T> static One<T> partials(T s, T) { return {apply<ZetaSlope>(s, T(1))}; }
};

}  // namespace thalweg::ops
