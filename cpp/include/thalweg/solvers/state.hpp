// SPDX-License-Identifier: BSD-3-Clause
// The common state of solvers: the quantities that each lane publishes, and the box of bounds.
#pragma once
#include <algorithm>

#include "thalweg/descent/solver.hpp"

namespace thalweg::solvers {

inline constexpr double kEpsilon = 2.220446049250313e-16;

// Called between rows of a matrix, so that long work can end early.
template <class B> void worked(const SolverCall& c, const B& b, std::int64_t rows = 1) {
  if constexpr (!B::kUnrolled)
    if (c.worked) c.worked(c.watcher, rows * b.room);
}

// The rows of `standing`, each as one number per lane.
template <class K> struct Seen {
  using Scalar = typename K::Scalar;
  Scalar f, before, norm, change, least, steepest, iterations, evaluations, curvatures, moved,
      fresh, asks, judged, left, right, noise;
  explicit Seen(const SolverCall& c)
      : f(at(c, standing::F)),
        before(at(c, standing::Before)),
        norm(at(c, standing::Norm)),
        change(at(c, standing::Change)),
        least(at(c, standing::Best)),
        steepest(at(c, standing::Steepest)),
        iterations(at(c, standing::Iterations)),
        evaluations(at(c, standing::Evaluations)),
        curvatures(at(c, standing::Curvatures)),
        moved(at(c, standing::Moved)),
        fresh(at(c, standing::Fresh)),
        asks(at(c, standing::Asks)),
        judged(at(c, standing::Judged)),
        left(at(c, standing::Left)),
        right(at(c, standing::Right)),
        noise(at(c, standing::Noise)) {}

  using V = typename K::B::V;
  void judge(typename V::MaskType m, Verdict verdict, V low, V high) {
    if (!any(m)) return;
    judged.set(m, V(-static_cast<double>(verdict)));
    left.set(m, low), right.set(m, high);
  }
  // Begins at a point with the value `now` in the lanes m. A lane that resumes keeps the largest
  // gradient norm and, where f is what it was, the least value and the verdict; returns the others,
  // which are new.
  typename V::MaskType begin(typename V::MaskType m, V now, Scalar met) {
    const typename V::MaskType unknown = m & (fresh == V(kNew)), resumed = m & !unknown,
                               known = resumed & (now == f) & (least <= now);
    steepest.set(resumed, met);
    least.set(m & !known, V(kInfinity)), norm.set(m & !known, V(kInfinity));
    judged.set(resumed & !known, V(0.0)), noise.set(m & !known, V(0.0));
    fresh.set(m, V(0.0));
    return unknown;
  }
  // Records a gradient norm, and the largest so far in `met`.
  void meet(typename V::MaskType m, V slope, Scalar met) {
    norm.set(m, slope);
    steepest.set(m & (steepest < slope), slope);
    met.set(m, steepest);
  }

 private:
  static Scalar at(const SolverCall& c, standing::Row row) { return {c.standing + row * c.row}; }
};

// Sees that f is too noisy for further steps: in many trials in a row the change of f differed from
// the one by the slopes by far more than the step promised, and none found a lower value. Where f
// is smooth, that difference shrinks faster than the promise; at a kink, as fast. Once some trials
// agree on more noise than rounding, within which slopes decide, trials count too whose promise it
// hides, whatever f is there.
template <class K> class Noise {
  using V = typename K::B::V;
  using Mask = typename K::B::Mask;

 public:
  explicit Noise(K& k) : trials_(k.scalar()), least_(k.scalar()) {}
  void forget(Mask m) { trials_.set(m, V(0.0)); }
  void judge(Mask m, V promised, V difference, V f, Seen<K>& seen) {
    const V known = level();
    const Mask seen_here = (promised <= V(kShare) * difference) & is_finite(difference),
               hidden = (known > V(kRounding) * abs(f)) & (promised <= V(kShare) * known),
               noisy = seen_here | hidden, same = f == seen.f, lower = f < seen.least;
    const V count = select(noisy, trials_ + V(1.0), select(same, trials_.get(), V(0.0)));
    const V least = select((trials_ > V(0.0)) & (least_ < difference), least_.get(), difference);
    least_.set(m & seen_here, least);
    trials_.set(m, select(lower, V(0.0), count));
    const Mask ends = m & noisy & (trials_ >= V(kMost));
    seen.judge(ends, Verdict::PrecisionLimit, promised, select(seen_here, difference, known));
    seen.noise.set(ends, level());
  }
  // The noise of f, once some trials agree on it; else 0.
  V level() const { return select(trials_ >= V(kEnough), least_.get(), V(0.0)); }

 private:
  static constexpr double kEnough = 5.0, kMost = 25.0, kShare = 0.01, kRounding = 1e3 * kEpsilon;
  typename K::Scalar trials_, least_;  // the number of trials; the least difference in them
};

// Bounds, or none. A variable is held if it is at a bound and the slope pushes it outward.
template <class B> struct Box {
  using V = typename B::V;
  using Mask = typename B::Mask;
  typename B::Batches lower, upper;
  explicit Box(const SolverCall& c) : lower{c.lower, c.bound_step}, upper{c.upper, c.bound_step} {}
  explicit operator bool() const { return static_cast<bool>(lower); }

  V clip(std::int64_t i, V x) const {
    if (!*this) return x;
    const V low = lower[i], high = upper[i];
    return select(x < low, low, select(x > high, high, x));
  }
  Mask held(std::int64_t i, V x, V g) const {
    const V zero(0.0);
    if (!*this) return zero < zero;
    return ((x <= lower[i]) & (g > zero)) | ((x >= upper[i]) & (g < zero));
  }
  // A component of the projected gradient x - P(x - g), computed by clipping g, which does not
  // cancel.
  V slope(std::int64_t i, V x, V g) const {
    if (!*this) return g;
    const V low = x - upper[i], high = x - lower[i];
    return select(g < low, low, select(g > high, high, g));
  }
  // How far a variable can move along d; 0 if d does not move it.
  V reach(std::int64_t i, V x, V d) const {
    const V zero(0.0);
    return select(d < zero, (lower[i] - x) / d, select(d > zero, (upper[i] - x) / d, zero));
  }
};

// A point and its gradient.
template <class Vector> struct Point {
  Vector x, g;
};
// In the lanes m, makes the trial the iterate, and measures norm and change.
template <class V> struct Arrival {
  V moved, size;  // the largest |x' - x| and |x'|
};
template <class B, class K>
Arrival<typename B::V> arrive_at(typename B::Mask m, const B& b, const Box<B>& box, Seen<K>& seen,
                                 Point<typename B::Vector> trial, Point<typename B::Vector> iterate,
                                 typename K::Scalar met) {
  using V = typename B::V;
  const V moved = b.largest([&](std::int64_t i) {
    const V step = trial.x[i] - iterate.x[i];
    iterate.x.put(m, i, trial.x[i]);
    return step;
  });
  const V size = b.largest([&](std::int64_t i) { return iterate.x[i]; });
  const V norm = b.largest([&](std::int64_t i) {
    iterate.g.put(m, i, trial.g[i]);
    return box.slope(i, iterate.x[i], iterate.g[i]);
  });
  seen.meet(m, norm, met);
  seen.change.set(m, moved / (V(1.0) + size));
  return {moved, size};
}

// The variables that were free when a method last checked. Without bounds all are, and nothing is
// stored.
template <class B, class K> class Free {
  using V = typename B::V;
  using Mask = typename B::Mask;
  using Vector = typename B::Vector;

 public:
  Free(const B& space, K& k, const SolverCall& c)
      : flags(c.lower ? k.vector() : Vector{}), b_(space) {}

  // Checks again in the lanes m. Returns 0 where nothing changed, else 1.
  V look(Mask m, Vector x, Vector g, const Box<B>& box) const {
    return b_.largest([&](std::int64_t i) {
      const V was = flags[i], now = select(box.held(i, x[i], g[i]), V(0.0), V(1.0));
      flags.put(m, i, now);
      return now - was;
    });
  }
  V kept(std::int64_t i, V value) const {
    return flags.p ? select(flags[i] > V(0.0), value, V(0.0)) : value;
  }
  // to += a v, in the free variables. The loop has no lookups.
  void add(V a, Vector v, Vector to) const {
    if (const Vector free = flags; free.p)
      b_.each([=](std::int64_t i) {
        to.put(i, select(free[i] > V(0.0), fma(a, v[i], to[i]), V(0.0)));
      });
    else b_.each([=](std::int64_t i) { to.put(i, fma(a, v[i], to[i])); });
  }

  Vector flags;  // 1 or 0

 private:
  const B& b_;
};

}  // namespace thalweg::solvers
