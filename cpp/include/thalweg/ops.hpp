// SPDX-License-Identifier: BSD-3-Clause
// Every elementary operation: name, arity, domain, value and partial derivatives; then the list of
// them. Kernels, opcodes, NumPy names, bindings, tests and the docs' table are read from the list.
// `value` is instantiated with a SIMD batch; `partials` with an expression, where apply<Op> creates
// a node. An operation marked `light` is cheap enough to be chained in registers.
#pragma once
#include <array>
#include <cstddef>
#include <limits>
#include <string_view>
#include <type_traits>

#include "thalweg/domain.hpp"
#include "thalweg/math/elementary.hpp"

namespace thalweg {

// Applies Op to its arguments: gives the value for a batch, or a new node for expressions (which
// overload this in expression.hpp).
template <class Op, class T, class... Ts> THALWEG_INLINE T apply(T a, Ts... rest) {
  return Op::value(a, rest...);
}

namespace ops {

inline constexpr double kPi = 3.14159265358979323846;
inline constexpr double kLn2 = 0.69314718055994530942;
inline constexpr double kLog2E = 1.4426950408889634074;
inline constexpr double kLog10E = 0.43429448190325182765;
inline constexpr double kTwoOverSqrtPi = 1.1283791670955125739;

// The defaults of an operation; each operation overrides those that differ.
template <int Arity> struct Operation {
  static constexpr int arity = Arity;
  static constexpr bool light =
      false;  // one or two instructions: a register-to-register kernel pays off
  static constexpr bool boolean = false;  // its value is a truth value, 0 or 1
  // Whether lanes commonly need different formulas, or the C library.
  static constexpr bool branches = false;
  static constexpr std::array<Domain, static_cast<std::size_t>(Arity)> domain{};
};
template <int Arity> struct Branches : Operation<Arity> {
  static constexpr bool branches = true;
};
template <int Arity> struct Light : Operation<Arity> {
  static constexpr bool light = true;
};
// Piecewise constant functions. The derivative is zero where it exists, and is taken as zero at the
// jumps too.
template <int Arity> struct Flat : Operation<Arity> {
  template <class T, class... Ts>
  static std::array<T, static_cast<std::size_t>(Arity)> partials(T, Ts...) {
    return {};
  }
};
template <int Arity> struct Boolean : Flat<Arity> {
  static constexpr bool boolean = true;
};
template <class T> using One = std::array<T, 1>;
template <class T> using Two = std::array<T, 2>;
// c0 + c1 u + c2 u^2 + ...: a derivative near a point where its closed form is 0 / 0.
template <class T, std::size_t N> T series(T u, const std::array<double, N>& c) {
  T sum = T(c[N - 1]);
  for (std::size_t k = N - 1; k-- > 0;) sum = T(c[k]) + u * sum;
  return sum;
}
template <class M, class V = typename M::VecType> THALWEG_INLINE V truth(M m) {
  return select(m, V(1.0), V(0.0));
}

// ---- arithmetic

struct Add : Light<2> {
  static constexpr auto name = "add";
  template <class T> static THALWEG_INLINE T value(T a, T b) { return a + b; }
  template <class T> static Two<T> partials(T, T, T) { return {T(1), T(1)}; }
};
struct Subtract : Light<2> {
  static constexpr auto name = "subtract";
  template <class T> static THALWEG_INLINE T value(T a, T b) { return a - b; }
  template <class T> static Two<T> partials(T, T, T) { return {T(1), T(-1)}; }
};
struct Multiply : Light<2> {
  static constexpr auto name = "multiply";
  template <class T> static THALWEG_INLINE T value(T a, T b) { return a * b; }
  template <class T> static Two<T> partials(T a, T b, T) { return {b, a}; }
};
// (a + u) / (b + v) ~= y + u / b - (y / b) v.
struct Divide : Light<2> {
  static constexpr auto name = "divide";
  template <class T> static THALWEG_INLINE T value(T a, T b) { return a / b; }
  template <class T> static Two<T> partials(T, T b, T y) { return {T(1) / b, -divided(y, b)}; }
};
struct Negative : Light<1> {
  static constexpr auto name = "negative";
  template <class T> static THALWEG_INLINE T value(T a) { return -a; }
  template <class T> static One<T> partials(T, T) { return {T(-1)}; }
};
struct Square : Light<1> {
  static constexpr auto name = "square";
  template <class T> static THALWEG_INLINE T value(T a) { return a * a; }
  template <class T> static One<T> partials(T a, T) { return {T(2) * a}; }
};
struct Reciprocal : Light<1> {
  static constexpr auto name = "reciprocal";
  template <class T> static THALWEG_INLINE T value(T a) { return T(1.0) / a; }
  template <class T> static One<T> partials(T, T y) { return {-(y * y)}; }
};
// The derivative at 0 is infinite, as in mathematics. np.linalg.norm and np.std have their own
// conventions there.
struct Sqrt : Light<1> {
  static constexpr auto name = "sqrt";
  static constexpr std::array domain{closed(0.0).to(kInfinity)};
  template <class T> static THALWEG_INLINE T value(T a) { return sqrt(a); }
  template <class T> static One<T> partials(T, T y) { return {T(0.5) / y}; }
};
// Written with the result, so that the derivative at 0 is infinite and not 0 / 0.
struct Cbrt : Operation<1> {
  static constexpr auto name = "cbrt";
  template <class T> static THALWEG_INLINE T value(T a) { return math::cbrt(a); }
  template <class T> static One<T> partials(T, T y) { return {T(1.0 / 3.0) / y / y}; }
};
// a**b. Corners: a**0 has slope 0 in a, even at a = 0; 0**b has slope 0 in b.
struct Power : Operation<2> {
  static constexpr auto name = "power";
  static constexpr std::array domain{open(0.0).to(kInfinity), Domain{}};
  template <class T> static THALWEG_INLINE T value(T a, T b) { return math::pow(a, b); }
  template <class T> static Two<T> partials(T a, T b, T y) {
    const T slope = b * apply<Power>(a, b - T(1));
    return {select(b == T(0), select(a == T(0), T(0), slope), slope), y * apply_log_or_zero(a)};
  }
  template <class T> static T apply_log_or_zero(T a);
};
// The slope at 0 is 0, the midpoint of the subdifferential.
struct Absolute : Light<1> {
  static constexpr auto name = "absolute";
  template <class T> static THALWEG_INLINE T value(T a) { return abs(a); }
  template <class T> static One<T> partials(T a, T);
};
struct Sign : Flat<1> {
  static constexpr auto name = "sign";
  template <class T> static THALWEG_INLINE T value(T a) {
    return select(a > T(0.0), T(1.0), select(a < T(0.0), T(-1.0), a + T(0.0)));
  }
};
template <class T> One<T> Absolute::partials(T a, T) { return {apply<Sign>(a)}; }
// The larger argument; NaN if either is NaN. At a tie each argument gets half of the slope.
struct Maximum : Light<2> {
  static constexpr auto name = "maximum";
  template <class T> static THALWEG_INLINE T value(T a, T b) {
    return select((a >= b) | is_nan(a), a, b);
  }
  template <class T> static Two<T> partials(T a, T b, T) {
    const T first = select(a == b, T(0.5), select(a > b, T(1), T(0)));
    return {first, T(1) - first};
  }
};
struct Minimum : Light<2> {
  static constexpr auto name = "minimum";
  template <class T> static THALWEG_INLINE T value(T a, T b) {
    return select((a <= b) | is_nan(a), a, b);
  }
  template <class T> static Two<T> partials(T a, T b, T) {
    const T first = select(a == b, T(0.5), select(a < b, T(1), T(0)));
    return {first, T(1) - first};
  }
};
// Like maximum and minimum, but NaN only if both arguments are.
struct Fmax : Operation<2> {
  static constexpr auto name = "fmax";
  template <class T> static THALWEG_INLINE T value(T a, T b) {
    return select((a >= b) | is_nan(b), a, b);
  }
  template <class T> static Two<T> partials(T a, T b, T y) {
    const T first = select(a == b, T(0.5), select(a == y, T(1), T(0)));
    return {first, T(1) - first};
  }
};
struct Fmin : Operation<2> {
  static constexpr auto name = "fmin";
  template <class T> static THALWEG_INLINE T value(T a, T b) {
    return select((a <= b) | is_nan(b), a, b);
  }
  template <class T> static Two<T> partials(T a, T b, T y) { return Fmax::partials(a, b, y); }
};
// |a| with the sign of b.
struct Copysign : Operation<2> {
  static constexpr auto name = "copysign";
  template <class T> static THALWEG_INLINE T value(T a, T b) { return copysign(a, b); }
  template <class T> static Two<T> partials(T a, T b, T) {
    return {apply<Copysign>(T(1), b) * apply<Sign>(a), T(0)};
  }
};
// a - floor(a / b) b, exact, with the sign of b: Python's %.
struct Remainder : Branches<2> {
  static constexpr auto name = "remainder";
  template <class T> static THALWEG_INLINE T value(T a, T b) { return math::remainder(a, b); }
  template <class T> static Two<T> partials(T a, T b, T);
};
// Exact, with the sign of a: C's fmod.
struct Fmod : Branches<2> {
  static constexpr auto name = "fmod";
  template <class T> static THALWEG_INLINE T value(T a, T b) { return math::fmod(a, b); }
  template <class T> static Two<T> partials(T a, T b, T);
};
struct FloorDivide : Flat<2> {
  static constexpr auto name = "floor_divide";
  static constexpr bool branches = true;
  template <class T> static THALWEG_INLINE T value(T a, T b) { return math::floor_divide(a, b); }
};
struct Floor : Flat<1> {
  static constexpr auto name = "floor";
  template <class T> static THALWEG_INLINE T value(T a) { return floor(a); }
};
struct Ceil : Flat<1> {
  static constexpr auto name = "ceil";
  template <class T> static THALWEG_INLINE T value(T a) { return ceil(a); }
};
struct Rint : Flat<1> {
  static constexpr auto name = "rint";
  template <class T> static THALWEG_INLINE T value(T a) { return rint(a); }
};
struct Trunc : Flat<1> {
  static constexpr auto name = "trunc";
  template <class T> static THALWEG_INLINE T value(T a) { return copysign(floor(abs(a)), a); }
};
template <class T> Two<T> Remainder::partials(T a, T b, T) {
  return {T(1), -apply<FloorDivide>(a, b)};
}
template <class T> Two<T> Fmod::partials(T a, T b, T) { return {T(1), -apply<Trunc>(a / b)}; }

// ---- exponentials and logarithms

struct Exp : Operation<1> {
  static constexpr auto name = "exp";
  template <class T> static THALWEG_INLINE T value(T a) { return math::exp(a); }
  template <class T> static One<T> partials(T, T y) { return {y}; }
};
struct Exp2 : Operation<1> {
  static constexpr auto name = "exp2";
  template <class T> static THALWEG_INLINE T value(T a) { return math::exp2(a); }
  template <class T> static One<T> partials(T, T y) { return {T(kLn2) * y}; }
};
// The slope is exp(a), since 1 + y cancels for large negative a.
struct Expm1 : Operation<1> {
  static constexpr auto name = "expm1";
  template <class T> static THALWEG_INLINE T value(T a) { return math::expm1(a); }
  template <class T> static One<T> partials(T a, T) { return {apply<Exp>(a)}; }
};
// (exp(a) - 1) / a, and 1 at 0. The slope (exp(a) - y) / a cancels near 0 and overflows before y
// does. For |a| < 1 it is therefore computed by its Taylor series, the sum of a^k / (k! (k + 2)),
// whose second derivative is accurate too; beyond 1 it is written with y alone: y + (1 - y) / a.
struct Exprel : Operation<1> {
  static constexpr auto name = "exprel";
  template <class T> static THALWEG_INLINE T value(T a) { return math::exprel(a); }
  template <class T> static One<T> partials(T a, T y) {
    const T r = T(1) / a;
    return {select(apply<Absolute>(a) < T(1), series(a, kSlope),
                   select(a > T(0), y * (T(1) - r) + r, (apply<Exp>(a) - y) * r))};
  }
  static constexpr auto kSlope = [] {
    std::array<double, 22> c{};
    double factorial = 1.0;
    for (std::size_t k = 0; k < c.size(); ++k) {
      const auto number = static_cast<double>(k);
      factorial *= k > 0 ? number : 1.0;
      c[k] = 1.0 / (factorial * (number + 2.0));
    }
    return c;
  }();
};
// log(a + u) ~= log(a) + u / a,  a > 0.
struct Log : Operation<1> {
  static constexpr auto name = "log";
  static constexpr std::array domain{open(0.0).to(kInfinity)};
  template <class T> static THALWEG_INLINE T value(T a) { return math::log(a); }
  template <class T> static One<T> partials(T a, T) { return {T(1) / a}; }
};
struct Log2 : Operation<1> {
  static constexpr auto name = "log2";
  static constexpr std::array domain{open(0.0).to(kInfinity)};
  template <class T> static THALWEG_INLINE T value(T a) { return math::log2(a); }
  template <class T> static One<T> partials(T a, T) { return {T(kLog2E) / a}; }
};
struct Log10 : Operation<1> {
  static constexpr auto name = "log10";
  static constexpr std::array domain{open(0.0).to(kInfinity)};
  template <class T> static THALWEG_INLINE T value(T a) { return math::log10(a); }
  template <class T> static One<T> partials(T a, T) { return {T(kLog10E) / a}; }
};
// log1p(a + u) ~= log1p(a) + u / (1 + a),  a > -1.
struct Log1p : Operation<1> {
  static constexpr auto name = "log1p";
  static constexpr std::array domain{open(-1.0).to(kInfinity)};
  template <class T> static THALWEG_INLINE T value(T a) { return math::log1p(a); }
  template <class T> static One<T> partials(T a, T) { return {T(1) / (T(1) + a)}; }
};
template <class T> T Power::apply_log_or_zero(T a) {
  return apply<Log>(select(a == T(0), T(1), a));
}
// 1 / (1 + exp(-a)). The slope is y (1 - y), with 1 - y written as expit(-a), which does not
// cancel.
struct Expit : Operation<1> {
  static constexpr auto name = "expit";
  template <class T> static THALWEG_INLINE T value(T a) { return math::expit(a); }
  template <class T> static One<T> partials(T a, T y) { return {y * apply<Expit>(-a)}; }
};
// log(expit(a)).
struct LogExpit : Operation<1> {
  static constexpr auto name = "log_expit";
  template <class T> static THALWEG_INLINE T value(T a) {
    return select(a < T(0.0), a, select(is_nan(a), a, T(-0.0))) - math::log1p(math::exp(-abs(a)));
  }
  template <class T> static One<T> partials(T a, T) { return {apply<Expit>(-a)}; }
};
// log(a / (1 - a)). Near 1/2 it is 2 artanh(2a - 1), whose argument is exact.
struct Logit : Operation<1> {
  static constexpr auto name = "logit";
  static constexpr std::array domain{open(0.0).to(open(1.0))};
  template <class T> static THALWEG_INLINE T value(T a) {
    const T t = T(2.0) * a - T(1.0);
    return select(abs(t) <= T(0.5), T(2.0) * math::atanh(t), math::log(a / (T(1.0) - a)));
  }
  template <class T> static One<T> partials(T a, T) { return {T(1) / a / (T(1) - a)}; }
};
struct Isinf : Boolean<1> {
  static constexpr auto name = "isinf";
  template <class T> static THALWEG_INLINE T value(T a) { return truth(abs(a) == T(kInfinity)); }
};
// log(exp(a) + exp(b)). The slopes are logistic functions of a - b and add up to one.
struct Logaddexp : Operation<2> {
  static constexpr auto name = "logaddexp";
  template <class T> static THALWEG_INLINE T value(T a, T b) { return math::logaddexp(a, b); }
  template <class T> static Two<T> partials(T a, T b, T) { return logistic_shares(a, b, T(1)); }
  // Whether a is infinite, or b where only b is a number, whose answer is known.
  template <class T> static T is_infinite(T a, T b) {
    if constexpr (requires { b.is_number(); })
      if (b.is_number()) return apply<Isinf>(b);
    return apply<Isinf>(a);
  }
  // expit(scale (a - b)) and one minus it; for two equal infinities, one half each.
  template <class T> static Two<T> logistic_shares(T a, T b, T scale) {
    const T same = is_infinite(a, b) * (a == b);
    return {select(same, T(0.5), apply<Expit>(scale * (a - b))),
            select(same, T(0.5), apply<Expit>(scale * (b - a)))};
  }
};
struct Logaddexp2 : Operation<2> {
  static constexpr auto name = "logaddexp2";
  template <class T> static THALWEG_INLINE T value(T a, T b) { return math::logaddexp2(a, b); }
  template <class T> static Two<T> partials(T a, T b, T) {
    return Logaddexp::logistic_shares(a, b, T(kLn2));
  }
};
// a log(b), and 0 where a = 0, whatever b is.
struct Xlogy : Operation<2> {
  static constexpr auto name = "xlogy";
  static constexpr std::array domain{Domain{}, open(0.0).to(kInfinity)};
  template <class T> static THALWEG_INLINE T value(T a, T b) {
    return select((a == T(0.0)) & !is_nan(b), T(0.0), a * math::log(b));
  }
  template <class T> static Two<T> partials(T a, T b, T) {
    return {apply<Log>(b), select(b == T(0), select(a == T(0), T(0), a / b), a / b)};
  }
};
struct Xlog1py : Operation<2> {
  static constexpr auto name = "xlog1py";
  static constexpr std::array domain{Domain{}, open(-1.0).to(kInfinity)};
  template <class T> static THALWEG_INLINE T value(T a, T b) {
    return select((a == T(0.0)) & !is_nan(b), T(0.0), a * math::log1p(b));
  }
  template <class T> static Two<T> partials(T a, T b, T) {
    return {apply<Log1p>(b),
            select(b == T(-1), select(a == T(0), T(0), a / (T(1) + b)), a / (T(1) + b))};
  }
};

// ---- trigonometric, hyperbolic and their inverses

struct Cos;
struct Sin : Operation<1> {
  static constexpr auto name = "sin";
  template <class T> static THALWEG_INLINE T value(T a) { return math::sin(a); }
  template <class T> static One<T> partials(T a, T) { return {apply<Cos>(a)}; }
};
struct Cos : Operation<1> {
  static constexpr auto name = "cos";
  template <class T> static THALWEG_INLINE T value(T a) { return math::cos(a); }
  template <class T> static One<T> partials(T a, T) { return {-apply<Sin>(a)}; }
};
// sin(pi a) / (pi a), 1 at 0 and 0 at other whole numbers. The slope is (cos(pi a) - y) / a,
// computed after subtracting whole turns from a, which is exact; near 0 a series is used (see
// below).
struct Sinc : Operation<1> {
  static constexpr auto name = "sinc";
  template <class T> static THALWEG_INLINE T value(T a) { return math::sinc(a); }
  template <class T> static One<T> partials(T a, T y) {
    const T angle = T(kPi) * a, turned = T(kPi) * (a - T(2) * apply<Rint>(T(0.5) * a));
    return {select(apply<Absolute>(angle) < T(1), T(kPi) * slope_near_zero(angle),
                   (apply<Cos>(turned) - y) / a)};
  }
  // The slope of y = sin(t) / t, where (cos(t) - y) / t cancels.
  template <class T> static T slope_of_quotient(T t, T y) {
    return select(apply<Absolute>(t) < T(1), slope_near_zero(t), (apply<Cos>(t) - y) / t);
  }
  // The Taylor series of the slope for |t| < 1: t times the sum over k of (-1)^(k+1) (2k + 2) t^2k
  // / (2k + 3)!. Its second derivative is accurate too.
  template <class T> static T slope_near_zero(T t) { return t * series(apply<Square>(t), kSlope); }
  static constexpr auto kSlope = [] {
    std::array<double, 12> c{};
    double factorial = -1.0;  // (2k + 3)!, with the sign
    for (std::size_t k = 0; k < c.size(); ++k) {
      const double n = 2.0 * static_cast<double>(k) + 2.0;
      factorial *= -n * (n + 1.0);
      c[k] = -n / factorial;
    }
    return c;
  }();
};
struct Tan : Operation<1> {
  static constexpr auto name = "tan";
  template <class T> static THALWEG_INLINE T value(T a) { return math::tan(a); }
  template <class T> static One<T> partials(T, T y) { return {T(1) + y * y}; }
};
// Uses (1 - a)(1 + a), since 1 - a^2 cancels near -1 and 1.
struct Arcsin : Operation<1> {
  static constexpr auto name = "arcsin";
  static constexpr std::array domain{closed(-1.0).to(closed(1.0))};
  template <class T> static THALWEG_INLINE T value(T a) { return math::asin(a); }
  template <class T> static One<T> partials(T a, T) {
    return {T(1) / apply<Sqrt>((T(1) - a) * (T(1) + a))};
  }
};
struct Arccos : Operation<1> {
  static constexpr auto name = "arccos";
  static constexpr std::array domain{closed(-1.0).to(closed(1.0))};
  template <class T> static THALWEG_INLINE T value(T a) { return math::acos(a); }
  template <class T> static One<T> partials(T a, T) {
    return {T(-1) / apply<Sqrt>((T(1) - a) * (T(1) + a))};
  }
};
// sqrt(a^2 + b^2) without overflow; the slopes at the origin are 0.
struct Hypot : Operation<2> {
  static constexpr auto name = "hypot";
  template <class T> static THALWEG_INLINE T value(T a, T b) { return math::hypot(a, b); }
  template <class T> static Two<T> partials(T a, T b, T y) {
    return {select(y == T(0), T(0), a / y), select(y == T(0), T(0), b / y)};
  }
};
struct Arctan : Operation<1> {
  static constexpr auto name = "arctan";
  template <class T> static THALWEG_INLINE T value(T a) { return math::atan(a); }
  // 1 / (1 + a^2), computed with hypot so that a^2 does not overflow.
  template <class T> static One<T> partials(T a, T) {
    const T r = T(1) / apply<Hypot>(T(1), a);
    return {r * r};
  }
};
// The angle of the point (b, a). The slopes use hypot, which does not overflow, and are 0 at the
// origin.
struct Arctan2 : Operation<2> {
  static constexpr auto name = "arctan2";
  template <class T> static THALWEG_INLINE T value(T a, T b) { return math::atan2(a, b); }
  template <class T> static Two<T> partials(T a, T b, T) {
    const T r = apply<Hypot>(a, b);
    return {select(r == T(0), T(0), b / r / r), select(r == T(0), T(0), -(a / r / r))};
  }
};
struct Cosh;
struct Sinh : Operation<1> {
  static constexpr auto name = "sinh";
  template <class T> static THALWEG_INLINE T value(T a) { return math::sinh(a); }
  template <class T> static One<T> partials(T a, T) { return {apply<Cosh>(a)}; }
};
struct Cosh : Operation<1> {
  static constexpr auto name = "cosh";
  template <class T> static THALWEG_INLINE T value(T a) { return math::cosh(a); }
  template <class T> static One<T> partials(T a, T) { return {apply<Sinh>(a)}; }
};
// The slope is 1 / cosh^2, written with logistic functions, whose derivatives neither overflow nor
// cancel; 1 - y^2 would cancel for large |a|.
struct Tanh : Operation<1> {
  static constexpr auto name = "tanh";
  template <class T> static THALWEG_INLINE T value(T a) { return math::tanh(a); }
  template <class T> static One<T> partials(T a, T) {
    return {T(4) * (apply<Expit>(T(2) * a) * apply<Expit>(T(-2) * a))};
  }
};
struct Arcsinh : Operation<1> {
  static constexpr auto name = "arcsinh";
  template <class T> static THALWEG_INLINE T value(T a) { return math::asinh(a); }
  template <class T> static One<T> partials(T a, T) { return {T(1) / apply<Hypot>(T(1), a)}; }
};
struct Arccosh : Operation<1> {
  static constexpr auto name = "arccosh";
  static constexpr std::array domain{closed(1.0).to(kInfinity)};
  template <class T> static THALWEG_INLINE T value(T a) { return math::acosh(a); }
  template <class T> static One<T> partials(T a, T) {
    return {T(1) / (apply<Sqrt>(a - T(1)) * apply<Sqrt>(a + T(1)))};
  }
};
struct Arctanh : Operation<1> {
  static constexpr auto name = "arctanh";
  static constexpr std::array domain{open(-1.0).to(open(1.0))};
  template <class T> static THALWEG_INLINE T value(T a) { return math::atanh(a); }
  template <class T> static One<T> partials(T a, T) { return {T(1) / ((T(1) - a) * (T(1) + a))}; }
};

// ---- special functions

struct Erf : Branches<1> {
  static constexpr auto name = "erf";
  template <class T> static THALWEG_INLINE T value(T a) { return math::erf(a); }
  template <class T> static One<T> partials(T a, T) {
    return {T(kTwoOverSqrtPi) * apply<Exp>(-(a * a))};
  }
};
struct Erfc : Branches<1> {
  static constexpr auto name = "erfc";
  template <class T> static THALWEG_INLINE T value(T a) { return math::erfc(a); }
  template <class T> static One<T> partials(T a, T) {
    return {T(-kTwoOverSqrtPi) * apply<Exp>(-(a * a))};
  }
};
// The n-th derivative of digamma; n is a whole number > 0.
struct Polygamma : Branches<2> {
  static constexpr auto name = "polygamma";
  static constexpr std::array domain{closed(1.0).to(closed(8.0)), open(0.0).to(kInfinity)};
  template <class T> static THALWEG_INLINE T value(T n, T a) { return math::polygamma(n, a); }
  template <class T> static Two<T> partials(T n, T a, T) {
    return {T(0), apply<Polygamma>(n + T(1), a)};
  }
};
struct Digamma : Branches<1> {
  static constexpr auto name = "digamma";
  static constexpr std::array domain{open(0.0).to(kInfinity)};
  template <class T> static THALWEG_INLINE T value(T a) { return math::digamma(a); }
  template <class T> static One<T> partials(T a, T) { return {apply<Polygamma>(T(1), a)}; }
};
// log |Gamma(a)|.
struct Gammaln : Branches<1> {
  static constexpr auto name = "gammaln";
  static constexpr std::array domain{open(0.0).to(kInfinity)};
  template <class T> static THALWEG_INLINE T value(T a) { return math::gammaln(a); }
  template <class T> static One<T> partials(T a, T) { return {apply<Digamma>(a)}; }
};
// The Faddeeva function w of z = a + i b, and its slope: one computation gives all four parts
// (Bulk::Faddeeva in tapes).
struct FaddeevaReal : Branches<2> {
  static constexpr auto name = "faddeeva_real";
  static constexpr int part_of_faddeeva = 0;
  template <class T> static T value(T a, T b) { return math::faddeeva(a, b).real; }
  template <class T> static Two<T> partials(T a, T b, T);
};
struct FaddeevaImag : Branches<2> {
  static constexpr auto name = "faddeeva_imag";
  static constexpr int part_of_faddeeva = 1;
  template <class T> static T value(T a, T b) { return math::faddeeva(a, b).imag; }
  template <class T> static Two<T> partials(T a, T b, T);
};
struct FaddeevaSlopeReal : Branches<2> {
  static constexpr auto name = "faddeeva_slope_real";
  static constexpr int part_of_faddeeva = 2;
  template <class T> static T value(T a, T b) { return math::faddeeva(a, b).slope_real; }
  template <class T> static Two<T> partials(T a, T b, T) {
    const auto [real, imag] = turn(a, b);
    return {real, -imag};
  }
  // w''(z) = -2 w - 2 z w', which cancels far from 0. There it is 2 i / (sqrt(pi) z^3) times the
  // sum of (k + 1) (2k + 1)!! / (2 z^2)^k. On the real axis (4 a^2 - 2) exp(-a^2) is added, its
  // real part there; elsewhere that is below rounding. Below the axis exp(-z^2) dominates where it
  // is not small, and nothing cancels.
  template <class T> static Two<T> turn(T a, T b);
};
struct FaddeevaSlopeImag : Branches<2> {
  static constexpr auto name = "faddeeva_slope_imag";
  static constexpr int part_of_faddeeva = 3;
  template <class T> static T value(T a, T b) { return math::faddeeva(a, b).slope_imag; }
  template <class T> static Two<T> partials(T a, T b, T) {
    const auto [real, imag] = FaddeevaSlopeReal::turn(a, b);
    return {imag, real};
  }
};
template <class T> Two<T> FaddeevaReal::partials(T a, T b, T) {
  return {apply<FaddeevaSlopeReal>(a, b), -apply<FaddeevaSlopeImag>(a, b)};
}
template <class T> Two<T> FaddeevaImag::partials(T a, T b, T) {
  return {apply<FaddeevaSlopeImag>(a, b), apply<FaddeevaSlopeReal>(a, b)};
}
template <class T> Two<T> FaddeevaSlopeReal::turn(T a, T b) {
  const T x2 = a * a, y2 = b * b;
  const T far = (x2 + y2 > T(100)) * (T(1) - (b < T(0)) * (x2 - y2 < T(80)));
  const T r = apply<Hypot>(a, b), c = a / r / r, d = -(b / r / r);  // 1 / z
  const T u = c * c - d * d, v = T(2) * (c * d);                    // 1 / z^2
  constexpr auto& c_k = math::kFaddeevaFar;
  T series = T(c_k.back()), series_imag = T(0);
  for (std::size_t k = c_k.size() - 1; k-- > 0;) {
    const T next = T(c_k[k]) + (u * series - v * series_imag);
    series_imag = u * series_imag + v * series;
    series = next;
  }
  const T p = c * u - d * v, q = c * v + d * u;  // 1 / z^3
  const T on_axis = (y2 < T(1e-40)) * ((T(4) * x2 - T(2)) * apply<Exp>(-x2));
  const T real = apply<FaddeevaReal>(a, b), imag = apply<FaddeevaImag>(a, b);
  const T slope = apply<FaddeevaSlopeReal>(a, b), slope_imag = apply<FaddeevaSlopeImag>(a, b);
  return {select(far, T(-kTwoOverSqrtPi) * (p * series_imag + q * series) + on_axis,
                 T(-2) * (real + (a * slope - b * slope_imag))),
          select(far, T(kTwoOverSqrtPi) * (p * series - q * series_imag),
                 T(-2) * (imag + (a * slope_imag + b * slope)))};
}

// ---- truth values and choice

struct Less : Boolean<2> {
  static constexpr auto name = "less";
  template <class T> static THALWEG_INLINE T value(T a, T b) { return truth(a < b); }
};
struct LessEqual : Boolean<2> {
  static constexpr auto name = "less_equal";
  template <class T> static THALWEG_INLINE T value(T a, T b) { return truth(a <= b); }
};
struct Greater : Boolean<2> {
  static constexpr auto name = "greater";
  template <class T> static THALWEG_INLINE T value(T a, T b) { return truth(a > b); }
};
struct GreaterEqual : Boolean<2> {
  static constexpr auto name = "greater_equal";
  template <class T> static THALWEG_INLINE T value(T a, T b) { return truth(a >= b); }
};
struct Equal : Boolean<2> {
  static constexpr auto name = "equal";
  template <class T> static THALWEG_INLINE T value(T a, T b) { return truth(a == b); }
};
struct NotEqual : Boolean<2> {
  static constexpr auto name = "not_equal";
  template <class T> static THALWEG_INLINE T value(T a, T b) { return truth(a != b); }
};
struct LogicalAnd : Boolean<2> {
  static constexpr auto name = "logical_and";
  template <class T> static THALWEG_INLINE T value(T a, T b) {
    return truth((a != T(0.0)) & (b != T(0.0)));
  }
};
struct LogicalOr : Boolean<2> {
  static constexpr auto name = "logical_or";
  template <class T> static THALWEG_INLINE T value(T a, T b) {
    return truth((a != T(0.0)) | (b != T(0.0)));
  }
};
struct LogicalXor : Boolean<2> {
  static constexpr auto name = "logical_xor";
  template <class T> static THALWEG_INLINE T value(T a, T b) {
    return truth(truth(a != T(0.0)) != truth(b != T(0.0)));
  }
};
struct LogicalNot : Boolean<1> {
  static constexpr auto name = "logical_not";
  template <class T> static THALWEG_INLINE T value(T a) { return truth(a == T(0.0)); }
};
struct Isnan : Boolean<1> {
  static constexpr auto name = "isnan";
  template <class T> static THALWEG_INLINE T value(T a) { return truth(is_nan(a)); }
};
struct Isfinite : Boolean<1> {
  static constexpr auto name = "isfinite";
  template <class T> static THALWEG_INLINE T value(T a) { return truth(is_finite(a)); }
};

// 0 below zero, 1 above, h at zero.
struct Heaviside : Operation<2> {
  static constexpr auto name = "heaviside";
  template <class T> static THALWEG_INLINE T value(T a, T h) {
    return select(a > T(0.0), T(1.0), select(a < T(0.0), T(0.0), select(is_nan(a), a, h)));
  }
  template <class T> static Two<T> partials(T a, T, T) {
    return {T(0), select(a == T(0), T(1), T(0))};
  }
};
// a where c is not 0, else b. The values of the unselected branch (NaN included) affect neither
// value nor slope: reverse.cpp selects adjoints instead of multiplying by these partials.
struct Where : Light<3> {
  static constexpr auto name = "where";
  template <class T> static THALWEG_INLINE T value(T c, T a, T b) {
    return select(c != T(0.0), a, b);
  }
  template <class T> static std::array<T, 3> partials(T c, T, T, T) {
    return {T(0), select(c, T(1), T(0)), select(c, T(0), T(1))};
  }
};
}  // namespace ops
}  // namespace thalweg

#include "thalweg/special_ops.hpp"

namespace thalweg {

template <class... Ops> struct OperationList {
  static constexpr int size = sizeof...(Ops);
};
// The list. Saved files store names, so the order is free; it is grouped by kind.
using Operations = OperationList<
    ops::Add, ops::Subtract, ops::Multiply, ops::Divide, ops::Negative, ops::Square,
    ops::Reciprocal, ops::Sqrt, ops::Cbrt, ops::Power, ops::Absolute, ops::Sign, ops::Maximum,
    ops::Minimum, ops::Fmax, ops::Fmin, ops::Copysign, ops::Remainder, ops::Fmod, ops::FloorDivide,
    ops::Floor, ops::Ceil, ops::Rint, ops::Trunc, ops::Exp, ops::Exp2, ops::Expm1, ops::Exprel,
    ops::Log, ops::Log2, ops::Log10, ops::Log1p, ops::Expit, ops::LogExpit, ops::Logit,
    ops::Logaddexp, ops::Logaddexp2, ops::Xlogy, ops::Xlog1py, ops::Sin, ops::Cos, ops::Sinc,
    ops::Tan, ops::Arcsin, ops::Arccos, ops::Arctan, ops::Arctan2, ops::Hypot, ops::Sinh, ops::Cosh,
    ops::Tanh, ops::Arcsinh, ops::Arccosh, ops::Arctanh, ops::Erf, ops::Erfc, ops::Gammaln,
    ops::Digamma, ops::Polygamma, ops::FaddeevaReal, ops::FaddeevaImag, ops::FaddeevaSlopeReal,
    ops::FaddeevaSlopeImag, ops::Gamma, ops::Beta, ops::Betaln, ops::PolygammaRise, ops::Gammainc,
    ops::Gammaincc, ops::GammaDensity, ops::GammaincSlope, ops::GammaincSecondSlope,
    ops::Gammaincinv, ops::Gammainccinv, ops::Erfinv, ops::Erfcinv, ops::BesselJ, ops::BesselY,
    ops::BesselI, ops::ScaledBesselI, ops::BesselK, ops::ScaledBesselK, ops::SphericalJ,
    ops::Betainc, ops::Betaincc, ops::BetaDensity, ops::BetaincSlopeInA, ops::BetaincSlopeInB,
    ops::BetaincSlopeInAA, ops::BetaincSlopeInAB, ops::BetaincSlopeInBB, ops::Betaincinv,
    ops::Stdtr, ops::StdtrSlope, ops::Exp1, ops::Expi, ops::Expn, ops::SineIntegral,
    ops::CosineIntegral, ops::Zeta, ops::ZetaSlope, ops::ZetaSecondSlope, ops::Zetac, ops::Less,
    ops::LessEqual, ops::Greater, ops::GreaterEqual, ops::Equal, ops::NotEqual, ops::LogicalAnd,
    ops::LogicalOr, ops::LogicalXor, ops::LogicalNot, ops::Isnan, ops::Isfinite, ops::Isinf,
    ops::Heaviside, ops::Where>;

// Position of Op in the list: its opcode in memory, never on disk.
template <class Op, class First, class... Rest>
constexpr int index_in(OperationList<First, Rest...>) {
  if constexpr (std::is_same_v<Op, First>) return 0;
  else return 1 + index_in<Op>(OperationList<Rest...>{});
}
template <class Op> inline constexpr int kOpcode = index_in<Op>(Operations{});

// How the elements of an array are reduced to one.
enum class Reduction : std::int16_t { Sum, Max, Min, Prod };

}  // namespace thalweg
