// SPDX-License-Identifier: BSD-3-Clause
// The units in which a quasi-Newton method measures the variables before it knows any curvature:
// either 1, or a share of each variable's initial value. J. E. Dennis and R. B. Schnabel 1983,
// Numerical Methods for Unconstrained Optimization, section 7.1.
#pragma once
#include "thalweg/solvers/state.hpp"

namespace thalweg::solvers {

inline constexpr rules::Hyper kScaleHyper{
    "x_scale", 0.0,
    "If > 0, each variable is measured in units of this times its value at the start (in units of "
    "1 if it starts at 0). For variables of very different sizes; 0.1 is a good choice.",
    closed(0.0).to(open(kInfinity))};

// The factor for a step of this length along v from x. It limits the length to one, but keeps the
// step large enough to change x: from 1e16 a step of 1 changes nothing, nor does 1e-20 from 1.
template <class B> typename B::V bounded_step(const B& b, typename B::V length,
                                              typename B::Vector v, typename B::Vector x) {
  using V = typename B::V;
  const V size = b.largest([&](std::int64_t i) { return x[i]; });
  const V least = V(1e-8) * size, most = select(least > V(1.0), least, V(1.0));
  if (any(!is_finite(length))) {  // its square overflows, so use the largest component
    const V largest = b.largest([&](std::int64_t i) { return v[i]; });
    length = select(is_finite(length), length, largest);
  }
  const V scale = select(length < least, least / length, V(1.0));
  return select(length > most, most / length, select(length > V(0.0), scale, V(1.0)));
}

template <class B, class K> class Metric {
  using V = typename B::V;
  using Mask = typename B::Mask;
  using Vector = typename B::Vector;

 public:
  // The information in a step s and the change y of the gradient over it.
  struct Curvature {
    V sy;           // s'y
    V scale, mean;  // of W, so that it fits the pair: the least; the geometric mean of the
                    // least and the largest
    Mask there;
  };

  Metric(const B& space, K& k, double x_scale)
      : b_(space),
        x_scale_(x_scale),
        units_(x_scale > 0 ? k.vector() : Vector{}),
        work_(x_scale > 0 ? k.vector() : Vector{}) {}

  void meet(Mask m, Vector x) const {
    if (!units_.p) return;
    b_.each([&](std::int64_t i) {
      const V size = abs(x[i]);
      units_.put(m, i, select(size > V(0.0), V(x_scale_) * size, V(1.0)));
    });
  }

  // W v, where W is the diagonal matrix of squared units.
  V weighed(std::int64_t i, V v) const { return units_.p ? units_[i] * units_[i] * v : v; }

  // An element of W's diagonal, as a number.
  V unit(std::int64_t i) const { return units_.p ? units_.element(i) * units_.element(i) : V(1.0); }

  // The factor that limits the length of d = W v in these units to one.
  V unit_step(Vector v, Vector x) const {
    const V length = sqrt(squared(v, false));
    if (!units_.p) return bounded_step(b_, length, v, x);
    return select(length > V(1.0), V(1.0) / length, V(1.0));
  }

  Curvature curvature(Vector s, Vector y) const {
    const V sy = b_.dot(s, y), yy = squared(y, false), ss = squared(s, true);
    return {sy, sy / yy, sqrt(ss / yy), (sy > V(0.0)) & (sy * sy > V(kFlat * kFlat) * ss * yy)};
  }

 private:
  // Curvature below this, relative to |s| |y|, is rounding.
  static constexpr double kFlat = 1e-14;

  V squared(Vector v, bool inverse) const {
    if (!units_.p) return b_.dot(v, v);
    b_.each([&](std::int64_t i) { work_.put(i, inverse ? v[i] / units_[i] : v[i] * units_[i]); });
    return b_.dot(work_, work_);
  }

  const B& b_;
  double x_scale_;
  Vector units_, work_;
};

}  // namespace thalweg::solvers
