// SPDX-License-Identifier: BSD-3-Clause
// Pattern search: tries both directions along each axis, then a leap along the change of the whole
// sweep. R. Hooke and T. A. Jeeves 1961, J. ACM 8(2), 212-229; T. G. Kolda, R. M. Lewis and V.
// Torczon 2003, SIAM Rev. 45(3), 385-482, section 3. Each axis has its own step, which doubles
// after a success and halves if both directions fail. It uses no derivatives: the stopping test
// takes the slopes between the two points that failed.
#pragma once
#include <array>
#include <limits>

#include "thalweg/solvers/state.hpp"

namespace thalweg::solvers {

struct Compass {
  static constexpr auto name = "compass";
  static constexpr auto class_name = "Compass";
  static constexpr auto summary =
      "Pattern search along the axes: no derivatives, for a few variables.";
  static constexpr auto source =
      "R. Hooke and T. A. Jeeves, J. ACM 8(2), 1961, 212-229; T. G. Kolda, R. M. Lewis and V. "
      "Torczon, SIAM Rev. 45(3), 2003, 385-482.";
  static constexpr std::array hyper{rules::Hyper{"step", 0.25,
                                                 "Length of the first step along each axis, > 0, "
                                                 "as a share of the variable (of 1 if it is 0).",
                                                 open(0.0).to(open(kInfinity))}};
  static constexpr Needs needs = Needs::Value;

  template <class B, class K> struct State {
    using V = typename B::V;
    using Mask = typename B::Mask;
    using Vector = typename B::Vector;
    using Scalar = typename K::Scalar;

    const SolverCall& call;
    const B& b;
    Box<B> box;
    Seen<K> seen;
    Vector x, best;           // the lowest point so far; the same
    Vector base, y;           // where the last sweep ended; the point of this sweep
    Vector last_trial;        // the trial, for a resumed descent
    Vector steps;             // along each axis, with the sign of the last success
    Scalar f_base, f;         // values there
    Scalar axis, second;      // the axis on trial; 1 for its other direction
    Scalar leaping;           // 1 if the trial is a leap
    Scalar at_base;           // 1 if the sweep began at the base
    Scalar first_f, first_x;  // of the direction that failed first; NaN if there is none
    Scalar steepest, rise;    // the largest slope of a failed axis, the largest value above f
    Scalar met;               // the largest slope so far

    State(const SolverCall& c, const B& space, K& k)
        : call(c),
          b(space),
          box(c),
          seen(c),
          x(k.vector()),
          best(x),
          base(k.vector()),
          y(k.vector()),
          last_trial(k.vector()),
          steps(k.vector()),
          f_base(k.scalar()),
          f(k.scalar()),
          axis(k.scalar()),
          second(k.scalar()),
          leaping(k.scalar()),
          at_base(k.scalar()),
          first_f(k.scalar()),
          first_x(k.scalar()),
          steepest(k.scalar()),
          rise(k.scalar()),
          met(k.scalar()) {}

    void tell() {
      const Vector trial = b.view(call.x, call.step);
      const V value = b.number(call.f);
      // Where f is another, so are all values that a state holds.
      const Mask resumed = (seen.fresh == V(kResumed)) & (value == seen.f),
                 fresh = seen.fresh.on() & !resumed, tried = !(fresh | resumed),
                 leapt = tried & leaping.on();
      seen.evaluations = seen.evaluations + V(1.0);
      seen.moved = V(0.0);
      if (any(!tried)) welcome(fresh, resumed, value, trial);
      if (any(leapt)) land(leapt, value, trial);
      const Mask along = tried & !leapt;
      if (any(along)) weigh(along, value, trial);
      Mask open = !resumed;
      while (any(open)) open = open & !next(open, trial);
      b.each([&](std::int64_t i) { last_trial.put(i, trial[i]); });
    }

   private:
    static constexpr double kRounding = 4 * kEpsilon;
    static constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

    void welcome(Mask fresh, Mask resumed, V value, Vector trial) {
      const Mask m = fresh | resumed;
      seen.begin(m, value, met);
      b.each([&](std::int64_t i) {
        const V at = trial[i], size = abs(at);
        steps.put(fresh, i, V(call.hyper[0]) * select(size > V(0.0), size, V(1.0)));
        x.put(m, i, at), base.put(fresh, i, at), y.put(fresh, i, at);
        trial.put(resumed, i, last_trial[i]);
      });
      f_base.set(fresh, value), f.set(fresh, value);
      seen.f.set(m, value), seen.least.set(m, value), seen.before.set(m, value);
      seen.change.set(m, V(kInfinity)), seen.moved.set(m, V(1.0));
      seen.judge(m & !is_finite(value), Verdict::NonFinite, value, value);
      if (any(resumed)) refuse(resumed & !remembers(), value);
      begin_sweep(fresh, V(1.0));
    }

    // Whether a restored memory is one that a descent can have: all finite, with a valid axis.
    Mask remembers() const {
      const V most = b.largest([&](std::int64_t i) { return x[i] + y[i] + base[i] + steps[i]; });
      return is_finite(most) & is_finite(b.largest([&](std::int64_t i) { return last_trial[i]; })) &
             is_finite(f_base + f) & (axis >= V(0.0)) & (axis <= V(static_cast<double>(b.n))) &
             (axis == floor(axis.get()));
    }
    void refuse(Mask m, V value) {
      seen.judge(m, Verdict::NonFinite, value, value);
      axis.set(m, V(0.0));
    }

    void begin_sweep(Mask m, V from_base) {
      const V zero(0.0), none(kNaN);
      axis.set(m, zero), second.set(m, zero), leaping.set(m, zero), at_base.set(m, from_base);
      first_f.set(m, none), first_x.set(m, none);
      steepest.set(m, zero), rise.set(m, zero);
    }

    // After a leap, the sweep continues from its endpoint, or from the base if f is not finite
    // there.
    void land(Mask m, V value, Vector trial) {
      const Mask finite = is_finite(value);
      b.each([&](std::int64_t i) { y.put(m, i, select(finite, trial[i], base[i])); });
      f.set(m, select(finite, value, f_base));
      begin_sweep(m, select(finite, V(0.0), V(1.0)));
      lower(m);
      b.each([&](std::int64_t i) { trial.put(m, i, y[i]); });
    }

    // Accepts a step along an axis if it lowers f.
    void weigh(Mask m, V value, Vector trial) {
      const V at = b.at(trial, axis), from = b.at(y, axis), step = b.at(steps, axis);
      const Mask better = m & (value < f), other = second.on();
      if (any(better)) {
        b.set_at(better, y, axis, at);
        b.set_at(better, steps, axis, select(other, -step, step + step));
        f.set(better, value);
        lower(better);
        to_next_axis(better);
      }
      const Mask worse = m & !better;
      if (!any(worse)) return;
      b.set_at(worse, trial, axis, from);
      const V infinite(kInfinity), above = select(is_finite(value), value - f, infinite);
      rise.set(worse & (rise < above), above);
      if (any(worse & other)) {
        const V slope = slope_of(from, f, first_x, first_f, at, value);
        steepest.set(worse & other & !(slope <= steepest),
                     select(is_finite(slope), slope, infinite));
        fail(worse & other);
      }
      const Mask turns = worse & !other;
      second.set(turns, V(1.0)), first_f.set(turns, value), first_x.set(turns, at);
    }
    // The slope at a point of the parabola through it and its two trials, and its possible error.
    // If a bound leaves only one trial, short steps show that the bound is active; long steps show
    // nothing.
    static V slope_of(V from, V f0, V one, V f_one, V other, V f_other) {
      const V h = abs(one - from), k = abs(other - from), apart = h + k;
      const V tilt = (f_one - f0) * (k / h) - (f_other - f0) * (h / k);
      const V largest = max_of(abs(f0), max_of(abs(f_one), abs(f_other)));
      const V alone = select(k <= V(kShort) * (V(1.0) + abs(from)), V(0.0), V(kInfinity));
      return select(is_nan(one), alone, (abs(tilt) + V(kEpsilon) * largest) / apart);
    }
    static V max_of(V a, V c) { return select(c > a, c, a); }
    static constexpr double kShort = 1e-7;

    void lower(Mask m) {
      const Mask lowest = m & (f < seen.f);
      if (!any(lowest)) return;
      seen.f.set(lowest, f), seen.least.set(lowest, f);
      b.each([&](std::int64_t i) { x.put(lowest, i, y[i]); });
    }
    void fail(Mask m) {
      b.set_at(m, steps, axis, V(0.5) * b.at(steps, axis));
      to_next_axis(m);
    }
    void to_next_axis(Mask m) {
      axis.set(m, axis + V(1.0)), second.set(m, V(0.0));
      first_f.set(m, V(kNaN)), first_x.set(m, V(kNaN));
    }

    // Finds the next trial and returns the lanes that have one. Steps that the bounds or rounding
    // prevent are skipped.
    Mask next(Mask m, Vector trial) {
      const Mask swept = m & (axis >= V(static_cast<double>(b.n)));
      Mask ready = any(swept) ? end_sweep(swept, trial) : swept;
      const Mask along = m & !swept;
      if (!any(along)) return ready;
      const V from = b.at(y, axis), step = b.at(steps, axis),
              to = clipped(from + select(second.on(), -step, step));
      const Mask still = along & (to == from), turns = still & !second.on();
      b.set_at(along, trial, axis, to);
      fail(still & second.on());
      second.set(turns, V(1.0));
      return ready | (along & !still);
    }
    V clipped(V to) const {
      if (!box) return to;
      const V low = b.at(box.lower, axis), high = b.at(box.upper, axis);
      return select(to < low, low, select(to > high, high, to));
    }

    // Ends a sweep. If it lowered f, a leap by the same change follows; if it began after a leap,
    // it returns to the base; otherwise steps become shorter. Returns the lanes that have a trial
    // or ended.
    Mask end_sweep(Mask m, Vector trial) {
      const Mask lower = m & (f < f_base), first = at_base.on(), failed = m & !lower & first,
                 back = m & !lower & !first;
      const V size = V(1.0) + b.largest([&](std::int64_t i) { return x[i]; });
      seen.moved.set(lower | failed, V(1.0));
      seen.iterations.set(lower | failed, seen.iterations + V(1.0));
      b.each([&](std::int64_t i) {
        y.put(back, i, base[i]);
        trial.put(back, i, base[i]);
      });
      f.set(back, f_base);
      if (any(failed)) {
        const V longest = b.largest([&](std::int64_t i) { return steps[i]; }),
                rounding = V(kRounding) * abs(f);
        // There is no new iterate, so the tests of its change must not pass.
        seen.before.set(failed, V(kNaN));
        seen.change.set(failed, (longest + longest) / size);
        seen.meet(failed, steepest, met);
        seen.judge(failed & (rise <= rounding), Verdict::PrecisionLimit, rise, rounding);
      }
      begin_sweep(failed | back, V(1.0));
      if (any(lower)) leap(lower, trial, size);
      return (lower & leaping.on()) | (seen.judged != V(0.0));
    }
    void leap(Mask m, Vector trial, V size) {
      const V moved = b.largest([&](std::int64_t i) { return y[i] - base[i]; });
      seen.before.set(m, f_base);
      seen.change.set(m, moved / size);
      seen.norm.set(m, V(kInfinity));
      f_base.set(m, f);
      const V far = b.largest([&](std::int64_t i) {
        const V to = box.clip(i, y[i] + (y[i] - base[i]));
        trial.put(m, i, to);
        base.put(m, i, y[i]);
        return to - y[i];
      });
      begin_sweep(m, V(1.0));
      leaping.set(m & (far > V(0.0)), V(1.0));
    }
  };
};

}  // namespace thalweg::solvers
