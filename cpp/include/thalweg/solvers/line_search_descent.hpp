// SPDX-License-Identifier: BSD-3-Clause
// The common part of all solvers with line searches: take a direction, which each solver computes,
// search along it, and repeat. Bounds are kept by projecting the end of the full step into the box,
// after J. L. Morales and J. Nocedal 2011, ACM Trans. Math. Softw. 38(1), 7. The box is convex, so
// it contains every trial between that end and the point. Longer steps follow the projected path
// P(x + alpha d), which bends where a variable reaches its bound (D. P. Bertsekas 1982, SIAM J.
// Control Optim. 20(2), 221-246), so that one search can bring many variables to their bounds.
#pragma once
#include "thalweg/solvers/state.hpp"

namespace thalweg::solvers {

// Direction: aim(m, ...) computes d in the lanes m; learn(m, ...) receives a step from one point to
// the next, and the curvature s'Bs that the direction's own matrix B predicted along it, or 0 where
// bounds changed the step; forget(m) discards what was learned; knows() are the lanes where the
// direction differs from -g.
template <class B, class K, class Direction, class Search> struct LineSearchDescent {
  using V = typename B::V;
  using Mask = typename B::Mask;
  using Vector = typename B::Vector;
  using Scalar = typename K::Scalar;

  const SolverCall& call;
  const B& b;
  Box<B> box;
  Seen<K> seen;
  Vector x, best, g, d;
  // Of the direction: its slope at full length; 1 if it is only the negative gradient.
  Scalar slope, plain;
  // The number of successive iterations in which neither f nor the gradient fell; the least
  // gradient norm; whether the method was restarted because of it, or because a search failed.
  Scalar idle, least_norm, anew;
  Noise<K> noise;
  Scalar met;     // the largest gradient norm
  Scalar cut;     // 1 if the bounds shortened d
  Scalar stride;  // the length of the last step, if it gave no curvature; else 0
  Vector moving;  // with bounds: d without the variables that have reached theirs
  Search search;
  Direction direction;

  LineSearchDescent(const SolverCall& c, const B& space, K& k)
      : call(c),
        b(space),
        box(c),
        seen(c),
        x(k.vector()),
        best(k.vector()),
        g(k.vector()),
        d(k.vector()),
        slope(k.scalar()),
        plain(k.scalar()),
        idle(k.scalar()),
        least_norm(k.scalar()),
        anew(k.scalar()),
        noise(k),
        met(k.scalar()),
        cut(k.scalar()),
        stride(k.scalar()),
        moving(c.lower ? k.scratch() : Vector{}),
        search(k, Direction::kDecrease, Direction::kSlope),
        direction(c, space, k) {}

  void tell() {
    const Vector trial = b.view(call.x, call.step), slopes = b.view(call.g, call.step);
    const V f = b.number(call.f);
    const Mask fresh = seen.fresh.on(), unmet = seen.fresh == V(kNew), searching = !fresh,
               none = fresh & searching;
    if (any(fresh)) welcome(fresh, f);
    seen.evaluations = seen.evaluations + V(1.0);
    const V now = slope_along(trial, slopes), half = V(0.5) * search.alpha;
    noise.judge(searching, -half * slope, abs(f - seen.f - half * (slope + now)), f, seen);
    const auto said = search.tell(searching, f, now);
    const Mask arrived = fresh | said.accepted;
    keep_best(is_finite(f) & (f < seen.least) & !arrived, f, trial);
    seen.moved = select(arrived, V(1.0), V(0.0));
    if (any(arrived)) arrive(arrived, fresh, unmet, f, trial, slopes);
    if (any(said.failed)) begin_anew(said.failed);
    const Mask resumed = fresh & !unmet,
               again = (arrived & !(any(resumed) ? resumed & goes_on() : none)) | said.failed;
    if (any(again)) aim(again, unmet);
    const Mask still = propose(trial);
    if (!any(still)) return;
    // The step is too short to change x; the negative gradient may lead further.
    begin_anew(still);
    aim(still, none);
    propose(trial);
  }

 private:
  // An iteration is idle if it lowers f by at most this times |f|. kIdle of them in a row cause a
  // restart.
  static constexpr double kRounding = 4 * kEpsilon;
  static constexpr double kIdle = 25.0;
  static constexpr double kFar = 1e20, kEndless = 1e18;
  static constexpr double kHopeless = 1e3 * kEpsilon;

  void welcome(Mask m, V f) {
    const V zero(0.0);
    const Mask unknown = seen.begin(m, f, met);
    least_norm.set(unknown, V(kInfinity));
    idle.set(unknown, zero), anew.set(unknown, zero), noise.forget(unknown);
    direction.forget(unknown);
  }

  // Whether the direction and the search that a state holds are those from here: value and slope
  // are the search's first, and the direction ends in the box, to rounding.
  Mask goes_on() const {
    const Mask here = search.begun_at(seen.f, b.dot(g, d));
    if (!box) return here;
    const V beyond = b.largest([&](std::int64_t i) {
      const V end = x[i] + d[i], over = abs(end - box.clip(i, end));
      return select(over <= V(kRounding) * abs(end), V(0.0), V(1.0));
    });
    return here & (beyond == V(0.0));
  }

  void keep_best(Mask m, V f, Vector point) {
    if (!any(m)) return;
    seen.least.set(m, f);
    b.each([&](std::int64_t i) { best.put(m, i, point[i]); });
  }

  // Makes the trial the new iterate.
  void arrive(Mask m, Mask fresh, Mask unmet, V f, Vector trial, Vector slopes) {
    const Mask stepped = m & !fresh;
    keep_best(stepped & (f > seen.f) & (seen.f <= seen.least), seen.f, x);
    const Point<Vector> from{x, g}, to{trial, slopes};
    if (any(stepped)) direction.learn(stepped, from, to, predicted(trial));
    if constexpr (requires { direction.meet(m, trial); })
      if (any(m & unmet)) direction.meet(m & unmet, trial);
    const auto [moved, size] = arrive_at(m, b, box, seen, to, from, met);
    const V norm = seen.norm;
    seen.iterations.set(stepped, seen.iterations + V(1.0));
    seen.before.set(m, select(fresh & (seen.iterations == V(0.0)), f, seen.f));
    seen.f.set(m, f);
    seen.least.set(m & (f < seen.least), f);
    if (any(fresh)) {
      const V steepest = b.largest([&](std::int64_t i) { return g[i]; });
      seen.judge(fresh & !(is_finite(f) & is_finite(steepest)), Verdict::NonFinite, f, steepest);
    }

    const Mask counted = stepped | unmet;  // in a resumed lane this iterate was counted before
    const Mask quiet = stepped & !(seen.before - f > V(kRounding) * abs(f)),
               shrunk = norm < V(0.9) * least_norm;
    stride.set(counted, select(stepped & !direction.knows(), moved, V(0.0)));
    idle.set(counted, select(shrunk | !quiet, V(0.0), idle + V(1.0)));
    anew.set(counted & !quiet, V(0.0));
    least_norm.set(m & (norm < least_norm), norm);
    seen.judge(stepped & (search.alpha >= V(kFar)) & (moved >= V(kEndless)), Verdict::Diverged,
               moved, size);
    const Mask settled = m & (idle >= V(kIdle));
    if (any(settled)) begin_anew(settled);
  }

  // Restarts a method that no longer makes progress, with the negative gradient as direction. If it
  // was restarted before without progress, the descent ends: at the limit of precision if the full
  // step would change f by rounding only; otherwise stuck, since gradient and values disagree.
  void begin_anew(Mask m) {
    const V promised = -slope, rounding = V(kHopeless) * abs(seen.f);
    const Mask ends = m & (anew.on() | plain.on()), within = promised <= rounding;
    // After a restart, judge by the step of the method's own direction, which was the better one.
    const Mask precise = select_mask(anew.on(), anew > V(kPromised), within);
    seen.judge(ends & precise, Verdict::PrecisionLimit, promised, rounding);
    seen.judge(ends & !precise, Verdict::Stuck, promised, rounding);
    anew.set(m, select(within, V(2 * kPromised), V(kPromised)));
    idle.set(m, V(0.0)), stride.set(m, V(0.0));
    direction.forget(m);
  }
  static constexpr double kPromised = 1.0;  // twice this if only rounding was promised
  static Mask select_mask(Mask m, Mask a, Mask b) { return (m & a) | (b & !m); }

  // Computes a direction and begins a search along it. d is scaled so that the first trial is its
  // end.
  void aim(Mask m, Mask first) {
    direction.aim(m, d, x, g, box);
    plain.set(m, select(direction.knows(), V(0.0), V(1.0)));
    const Mask strides = m & stride.on() & plain.on();
    if (any(strides)) keep_pace(strides);
    V down = shaped(m);
    const Mask wrong = m & !(down < V(0.0));
    if (any(wrong)) {
      direction.forget(wrong);
      direction.aim(wrong, d, x, g, box);
      down = select(wrong, shaped(wrong), down);
      plain.set(wrong, V(1.0));
      seen.judge(wrong & !(down < V(0.0)) & (seen.norm == V(0.0)), Verdict::PrecisionLimit,
                 seen.norm, V(0.0));
    }
    const Mask faint = first & !(-down > V(kHopeless) * abs(seen.f)) & (down < V(0.0));
    if (any(faint)) down = lengthened(faint, down);
    slope.set(m, down);
    V longest(kFar);
    if (box) {
      const V reach = b.largest([&](std::int64_t i) { return box.reach(i, x[i], d[i]); });
      longest = select(reach < V(1.0), V(1.0), select(reach < V(kFar), reach, V(kFar)));
    }
    search.begin(m, seen.f, down, V(1.0), longest);
  }

  // Without curvature, makes the first trial as long as the last step, which grew to that length.
  void keep_pace(Mask m) {
    stretch(m, stride / b.largest([&](std::int64_t i) { return d[i]; }));
  }

  // Lengthens a first step that is too short to change f: far from a minimum, a gradient may be
  // small in the units of x and f.
  V lengthened(Mask m, V down) {
    const Mask longer = stretch(m, V(kHopeless) * abs(seen.f) / -down);
    return select(longer, shaped(longer), down);
  }

  // Multiplies d by factors above 1; returns the lanes that have one.
  Mask stretch(Mask m, V factor) {
    const Mask longer = m & is_finite(factor) & (factor > V(1.0));
    b.each([&](std::int64_t i) { d.put(longer, i, factor * d[i]); });
    return longer;
  }

  // Cuts d so that the step from x ends in the box; returns its slope.
  V shaped(Mask m) {
    if (box) {
      end_at_first_bound(m);
      const V beyond = b.largest([&](std::int64_t i) {
        const V end = x[i] + d[i], within = box.clip(i, end);
        d.put(m, i, within - x[i]);
        return select(within == end, V(0.0), V(1.0));
      });
      cut.set(m, beyond);
    }
    return b.dot(g, d);
  }

  // Where the box would bend a learned d too much, ends it at the first bound that it meets: in a
  // curved valley a bent step leads up a wall. Steps that would become too short are bent all the
  // same, so that many variables reach their bounds at once.
  void end_at_first_bound(Mask m) {
    const V over = b.largest([&](std::int64_t i) {
      moving.put(i, box.clip(i, x[i] + d[i]) - x[i]);
      return select(d[i] == V(0.0), V(0.0), V(1.0) / box.reach(i, x[i], d[i]));
    });
    const V share = V(1.0) / over, along = b.dot(moving, d),
            lengths = b.dot(moving, moving) * b.dot(d, d);
    const Mask bends = m & direction.knows() & (share < V(1.0)) & (share >= V(kShort)) &
                       (along * along < V(kStraight * kStraight) * lengths);
    b.each([&](std::int64_t i) { d.put(bends, i, share * d[i]); });
  }
  // The least share of d that is left, and the least cosine of the angle by which the box bends it.
  // On the bounded problems lbfgs needs 0.93 of L-BFGS-B's evaluations with these, 1.01 without,
  // 0.95 where every step ends at the first bound, which costs random quadratics 12 % more.
  static constexpr double kShort = 0.1, kStraight = 0.84;

  // Whether a variable of the trial x + alpha d has reached its bound.
  Mask stopped(std::int64_t i, Vector trial) const {
    return !(trial[i] == fma(search.alpha.get(), d[i], x[i]));
  }
  // The slope of f along the path at the trial.
  V slope_along(Vector trial, Vector slopes) const {
    const Mask beyond = search.alpha > V(1.0);
    if (!box || !any(beyond)) return b.dot(slopes, d);
    b.each(
        [&](std::int64_t i) { moving.put(i, select(beyond & stopped(i, trial), V(0.0), d[i])); });
    return b.dot(slopes, moving);
  }
  // s'Bs of a step s = alpha d with B d = -g; 0 where bounds bent the path.
  V predicted(Vector trial) const {
    const V alpha = search.alpha, curvature = -(alpha * alpha) * slope;
    if (!box) return curvature;
    const V bent =
        b.largest([&](std::int64_t i) { return select(stopped(i, trial), V(1.0), V(0.0)); });
    return select((bent > V(0.0)) | cut.on(), V(0.0), curvature);
  }

  // Sets the next trial; returns the lanes in which it equals the iterate.
  Mask propose(Vector trial) {
    const V alpha = search.alpha;
    const V moved = b.largest([&](std::int64_t i) {
      const V to = box.clip(i, fma(alpha, d[i], x[i]));
      trial.put(i, to);
      return to - x[i];
    });
    return (moved == V(0.0)) & (seen.judged == V(0.0));
  }
};

}  // namespace thalweg::solvers
