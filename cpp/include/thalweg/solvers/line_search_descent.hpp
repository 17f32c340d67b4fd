// SPDX-License-Identifier: BSD-3-Clause
// What every solver that searches along lines does: a direction (the solver's own), a search along
// it, and on to the next. Bounds hold by projecting the end of the full step into the box, after J.
// L. Morales and J. Nocedal 2011, ACM Trans. Math. Softw. 38(1), 7; between there and the point the
// box, being convex, holds every trial.
#pragma once
#include "thalweg/solvers/state.hpp"

namespace thalweg::solvers {

// Direction: aim(m, ...) sets d in the lanes m from what it knows; learn(m, ...) is told of a step;
// forget(m) makes it begin anew; knows() are the lanes in which it has more to say than -g.
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
  // Of the direction: its slope at full length; whether it is no more than the gradient's.
  Scalar slope, plain;
  // Iterations in a row in which f did not fall and the gradient did not shrink; whether the
  // method has begun anew because of it, or because a search failed.
  Scalar idle, least_norm, anew;
  Scalar met;  // the largest gradient norm
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
        met(k.scalar()),
        search(k, Direction::kDecrease, Direction::kSlope),
        direction(c, space, k) {}

  void tell() {
    const Vector trial = b.told(call.x, call.step), slopes = b.told(call.g, call.step);
    const V f = b.number(call.f);
    const Mask fresh = seen.fresh.on(), unmet = seen.fresh == V(kNew), searching = !fresh,
               none = fresh & searching;
    if (any(fresh)) welcome(fresh);
    seen.evaluations = seen.evaluations + V(1.0);
    const auto said = search.tell(searching, f, b.dot(slopes, d));
    const Mask arrived = fresh | said.accepted;
    keep_best(is_finite(f) & (f < seen.least) & !arrived, f, trial);
    seen.moved = select(arrived, V(1.0), V(0.0));
    if (any(arrived)) arrive(arrived, fresh, unmet, f, trial, slopes);
    if (any(said.failed)) begin_anew(said.failed);
    const Mask again = arrived | said.failed;
    if (any(again)) aim(again, unmet);
    const Mask still = propose(trial);
    if (!any(still)) return;
    // So short a step that it changes nothing: the gradient itself may lead further.
    begin_anew(still);
    aim(still, none);
    propose(trial);
  }

 private:
  // An iteration that lowers f by no more than this times |f| is idle; so many in a row are enough.
  static constexpr double kRounding = 4 * kEpsilon;
  static constexpr double kIdle = 25.0;
  static constexpr double kFar = 1e20, kEndless = 1e18;
  static constexpr double kHopeless = 1e3 * kEpsilon;

  void welcome(Mask m) {
    const V zero(0.0), none(kInfinity);
    const Mask unknown = seen.fresh == V(kNew);
    seen.steepest.set(m & !unknown, met);
    seen.fresh = zero;
    seen.least.set(m, none);
    least_norm.set(unknown, none);
    idle.set(unknown, zero), anew.set(unknown, zero);
    direction.forget(unknown);
  }

  void keep_best(Mask m, V f, Vector point) {
    if (!any(m)) return;
    seen.least.set(m, f);
    b.each([&](std::int64_t i) { best.put(m, i, point[i]); });
  }

  // The trial is the new iterate.
  void arrive(Mask m, Mask fresh, Mask unmet, V f, Vector trial, Vector slopes) {
    const Mask stepped = m & !fresh;
    keep_best(stepped & (f > seen.f) & (seen.f <= seen.least), seen.f, x);
    if (any(stepped)) direction.learn(stepped, x, g, trial, slopes);
    if constexpr (requires { direction.meet(m, trial); })
      if (any(m & unmet)) direction.meet(m & unmet, trial);
    const auto [moved, size] = arrive_at(m, b, box, seen, trial, slopes, x, g, met);
    const V norm = seen.norm;
    seen.iterations.set(stepped, seen.iterations + V(1.0));
    seen.before.set(m, select(fresh & (seen.iterations == V(0.0)), f, seen.f));
    seen.f.set(m, f);
    seen.least.set(m & (f < seen.least), f);
    if (any(fresh)) {
      const V steepest = b.largest([&](std::int64_t i) { return g[i]; });
      seen.judge(fresh & !(is_finite(f) & is_finite(steepest)), Verdict::NonFinite, f, steepest);
    }

    const Mask counted = stepped | unmet;  // a resumed lane has counted this iterate
    const Mask quiet = stepped & !(seen.before - f > V(kRounding) * abs(f)),
               shrunk = norm < V(0.9) * least_norm;
    idle.set(counted, select(shrunk | !quiet, V(0.0), idle + V(1.0)));
    anew.set(counted & !quiet, V(0.0));
    least_norm.set(m & (norm < least_norm), norm);
    seen.judge(stepped & (search.alpha >= V(kFar)) & (moved >= V(kEndless)), Verdict::Diverged,
               moved, size);
    const Mask settled = m & (idle >= V(kIdle));
    if (any(settled)) begin_anew(settled);
  }

  // No more is to be had in this way: the method forgets what it knows and begins with the
  // gradient. Where it has done so before, and nothing came of it, that is the end: by precision if
  // the full step would change f by rounding, else the gradient does not fit the values.
  void begin_anew(Mask m) {
    const V promised = -slope, rounding = V(kHopeless) * abs(seen.f);
    const Mask ends = m & (anew.on() | plain.on()), within = promised <= rounding;
    // The method's own direction knows better than the gradient's.
    const Mask precise = select_mask(anew.on(), anew > V(kPromised), within);
    seen.judge(ends & precise, Verdict::PrecisionLimit, promised, rounding);
    seen.judge(ends & !precise, Verdict::Stuck, promised, rounding);
    anew.set(m, select(within, V(2 * kPromised), V(kPromised)));
    idle.set(m, V(0.0));
    direction.forget(m);
  }
  static constexpr double kPromised = 1.0;  // twice this: the first end was one of precision
  static Mask select_mask(Mask m, Mask a, Mask b) { return (m & a) | (b & !m); }

  // Sets direction and search anew; d is scaled so that the first trial is its end.
  void aim(Mask m, Mask first) {
    direction.aim(m, d, x, g, box);
    plain.set(m, select(direction.knows(), V(0.0), V(1.0)));
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
      const V reach = b.least([&](std::int64_t i) { return box.reach(i, x[i], d[i]); });
      longest = select(reach < V(1.0), V(1.0), select(reach < V(kFar), reach, V(kFar)));
    }
    search.begin(m, seen.f, down, V(1.0), longest);
  }

  // A first step so short that f would not feel it is made long enough for that: in the units of x
  // and f a gradient may be small far from a minimum.
  V lengthened(Mask m, V down) {
    const V further = V(kHopeless) * abs(seen.f) / -down;
    const Mask longer = m & is_finite(further) & (further > V(1.0));
    b.each([&](std::int64_t i) { d.put(longer, i, further * d[i]); });
    return select(longer, shaped(longer), down);
  }

  // d as a step from x that ends in the box; its slope.
  V shaped(Mask m) {
    if (box) b.each([&](std::int64_t i) { d.put(m, i, box.clip(i, x[i] + d[i]) - x[i]); });
    return b.dot(g, d);
  }

  // The next trial; the lanes in which it is where they stand.
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
