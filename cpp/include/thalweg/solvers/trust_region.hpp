// SPDX-License-Identifier: BSD-3-Clause
// The common part of trust-region solvers: the iterate, the test of a trial, and the radius. A. R.
// Conn, N. I. M. Gould and P. L. Toint 2000, Trust-Region Methods, SIAM, algorithm 6.1.1. Where
// differences of f are rounding, the fall is computed from the slopes by the trapezoidal rule
// (after W. W. Hager and H. Zhang 2005, SIAM J. Optim. 16(1), 170-192, section 4).
#pragma once
#include "thalweg/solvers/state.hpp"

namespace thalweg::solvers {

template <class B, class K> struct TrustRegion {
  using V = typename B::V;
  using Mask = typename B::Mask;
  using Vector = typename B::Vector;
  using Scalar = typename K::Scalar;

  const SolverCall& call;
  const B& b;
  Box<B> box;
  Seen<K> seen;
  Vector x, best, g;
  Scalar radius;  // 0 if there is none yet
  // Of the trial step: the fall that the quadratic model promises, its slope at the start, and its
  // length as the radius measures it.
  Scalar promised, slope, length;
  // Among steps within the rounding of f: the last promise that was kept (else infinite), and the
  // number of successive trials that did not keep theirs.
  Scalar settled, misses;
  Noise<K> noise;
  Scalar bounded;  // 1 if a trial was rejected, so that the radius is known to be large enough
  // 1 if the radius was restarted and nothing has been gained since.
  Scalar anew;
  Scalar met;  // the largest gradient norm
  Vector sum, step;

  static constexpr double kGrowth = 2.0;  // of the radius
  // first_growth: the same until a trial is rejected.
  TrustRegion(const SolverCall& c, const B& space, K& k, double first_growth = kGrowth)
      : call(c),
        b(space),
        box(c),
        seen(c),
        x(k.vector()),
        best(k.vector()),
        g(k.vector()),
        radius(k.scalar()),
        promised(k.scalar()),
        slope(k.scalar()),
        length(k.scalar()),
        settled(k.scalar()),
        misses(k.scalar()),
        noise(k),
        bounded(k.scalar()),
        anew(k.scalar()),
        met(k.scalar()),
        sum(k.scratch()),
        step(k.scratch()),
        first_growth_(first_growth) {}

  struct Said {
    Mask fresh, arrived, turned;  // a start; at a new iterate, even a start; rejected
  };

  // Receives f and g in the lanes m.
  Said tell(Mask m) {
    const Vector trial = b.view(call.x, call.step), slopes = b.view(call.g, call.step);
    const V f = b.number(call.f);
    const Mask fresh = m & seen.fresh.on(), tried = m & !seen.fresh.on();
    if (any(fresh)) welcome(fresh, f);
    seen.evaluations.set(m, seen.evaluations + V(1.0));
    const V steepest = b.largest([&](std::int64_t i) { return slopes[i]; });
    const Mask finite = is_finite(f) & is_finite(steepest);
    seen.judge(fresh & !finite, Verdict::NonFinite, f, steepest);
    const Mask accepted = tried & judge(tried, finite, f, trial, slopes);
    const Mask lower = tried & !accepted & finite & (f < seen.least - slack(f));
    if (any(lower)) keep_best(lower, f, trial);
    const Mask arrived = fresh | accepted;
    seen.moved.set(m, select(arrived, V(1.0), V(0.0)));
    if (any(arrived)) arrive(arrived, accepted, f, trial, slopes);
    return {fresh, arrived, tried & !accepted};
  }

  // Where the largest possible gain should be estimated: the promises of steps within rounding no
  // longer shrink, or are not kept, or steps have become too short to count.
  Mask doubtful(Mask m, V reach, Mask still) const {
    return m &
           ((promised >= V(0.5) * settled) | (misses >= V(kMisses)) | collapsed(m, reach, still));
  }
  Mask collapsed(Mask m, V reach, Mask still) const {
    return m & (still | !(promised > V(0.0)) | (length <= V(kEpsilon) * reach));
  }
  // Ends the lanes in which `gain`, the most that any step promises, is rounding.
  Mask at_limit(Mask m, V gain) {
    const V rounding = max_of(V(kHopeless) * abs(seen.f), noise.level());
    const Mask spent = m & (gain >= V(0.0)) & (gain <= rounding);
    seen.judge(spent, Verdict::PrecisionLimit, gain, rounding);
    seen.noise.set(spent, noise.level());
    return spent;
  }
  void stuck(Mask m, V gain) { seen.judge(m, Verdict::Stuck, gain, V(kHopeless) * abs(seen.f)); }
  void begin_anew(Mask m) {
    radius.set(m, V(0.0)), anew.set(m, V(1.0));
    settled.set(m, V(kInfinity)), misses.set(m, V(0.0)), bounded.set(m, V(0.0));
  }

  static V max_of(V a, V c) { return select(c > a, c, a); }
  static V min_of(V a, V c) { return select(c < a, c, a); }

 private:
  static constexpr double kKept = 1e-4;  // the least share of a promise that is accepted
  static constexpr double kPoor = 0.25, kGood = 0.75;  // and that shrinks or widens the region
  static constexpr double kQuiet = 1e3 * kEpsilon;     // of |f|: differences that may be rounding
  static constexpr double kHopeless = 1e3 * kEpsilon;  // of |f|: gains that are rounding
  static constexpr double kMisses = 2.0;
  // No variable in practice is this large, and fourth powers of lengths do not overflow below it.
  static constexpr double kFar = 1e75;
  double first_growth_;

  void welcome(Mask m, V f) {
    const Mask unknown = seen.begin(m, f, met);
    begin_anew(unknown);
    noise.forget(unknown);
  }

  // Decides whether a trial is accepted, and sets the next radius.
  Mask judge(Mask m, Mask finite, V f, Vector trial, Vector slopes) {
    const V here = seen.f, rounding = V(kQuiet) * abs(here), one(1.0), half(0.5);
    V fall = here - f;
    const Mask quiet = m & finite & (promised <= rounding) & (abs(fall) <= rounding);
    b.each([&](std::int64_t i) {
      sum.put(i, g[i] + slopes[i]);
      step.put(i, trial[i] - x[i]);
    });
    const V by_slopes = V(-0.5) * b.dot(sum, step);
    noise.judge(m, promised, abs(fall - by_slopes), f, seen);
    fall = select(quiet, by_slopes, fall);
    const V kept = fall / promised;
    const Mask accepted = m & finite & (kept > V(kKept));

    // The minimum of the parabola through f, its slope and the trial.
    const V bent = -fall - slope, least = select(bent > V(0.0), -half * slope / bent, half);
    V next = radius;
    const V growth = select(bounded.on(), V(kGrowth), V(first_growth_));
    next = select((kept > V(kGood)) & (length > V(0.8) * next), growth * next, next);
    next = select(kept >= V(kPoor), next, max_of(V(0.1), min_of(half, least)) * length);
    next = select(finite, next, V(0.25) * length);
    radius.set(m, next);
    bounded.set(m & !accepted, one);
    misses.set(m, select(accepted, V(0.0), select(quiet, misses + one, misses)));
    settled.set(accepted, select(quiet, promised, V(kInfinity)));
    anew.set(accepted & !quiet, V(0.0));
    return accepted;
  }

  // A lower value replaces the best one only if it is lower by more than this.
  static V slack(V f) { return V(4 * kEpsilon) * max_of(V(1.0), abs(f)); }

  void keep_best(Mask m, V f, Vector at) {
    seen.least.set(m, f);
    b.each([&](std::int64_t i) { best.put(m, i, at[i]); });
  }

  void arrive(Mask m, Mask stepped, V f, Vector trial, Vector slopes) {
    const Mask rose = f > seen.least + slack(f), left = stepped & rose & !(seen.least < seen.f);
    if (any(left)) keep_best(left, seen.f, x);
    seen.least.set(m & !rose, f);
    const auto [moved, size] =
        arrive_at(m, b, box, seen, Point<Vector>{trial, slopes}, Point<Vector>{x, g}, met);
    seen.iterations.set(stepped, seen.iterations + V(1.0));
    seen.before.set(m, select(stepped, seen.f, f));
    seen.f.set(m, f);
    seen.judge(stepped & (size >= V(kFar)), Verdict::Diverged, moved, size);
  }
};

}  // namespace thalweg::solvers
