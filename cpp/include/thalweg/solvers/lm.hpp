// SPDX-License-Identifier: BSD-3-Clause
// Levenberg and Marquardt's method for sums of squares: trust-region steps with the normal matrix
// J'J, in variables scaled by the norms of J's columns. K. Levenberg 1944, Quart. Appl. Math. 2,
// 164-168; D. W. Marquardt 1963, J. SIAM 11, 431-441; J. J. More 1978, Lecture Notes in Math. 630,
// 105-116. If residuals stay large at the minimum, the part of the Hessian that J'J lacks is
// learned from gradients: J. E. Dennis, D. M. Gay and R. E. Welsch 1981, ACM Trans. Math. Softw.
// 7(3), 348-368. The solver receives only f, J'r and J'J, never a row of J.
#pragma once
#include <array>

#include "thalweg/solvers/damped.hpp"
#include "thalweg/solvers/state.hpp"

namespace thalweg::solvers {

struct LM {
  static constexpr auto name = "lm";
  static constexpr auto class_name = "LM";
  static constexpr auto summary =
      "Levenberg and Marquardt's method for sums of squares, which least_squares and curve_fit "
      "use.";
  static constexpr auto source =
      "J. J. More, Lecture Notes in Math. 630, 1978, 105-116; J. E. Dennis, D. M. Gay and R. E. "
      "Welsch, ACM Trans. Math. Softw. 7(3), 1981, 348-368.";
  static constexpr std::array hyper{rules::Hyper{
      "factor", 1.0,
      "Limit on the length of the first step, > 0, relative to the length of the start, both in "
      "scaled units; a tenth of that if the minimum of the model is more than twice as far away.",
      open(0.0).to(open(kInfinity))}};
  static constexpr Needs needs = Needs::Normal;
  static constexpr bool settles = true;
  // Up to so many variables a round is one function: 20 to 30 % faster, for 0.3 s of compilation.
  static constexpr std::int64_t inlined = 4;

  template <class B, class K> struct State {
    using V = typename B::V;
    using Mask = typename B::Mask;
    using Vector = typename B::Vector;
    using Matrix = typename B::Matrix;
    using Scalar = typename K::Scalar;

    const SolverCall& call;
    const B& b;
    Box<B> box;
    typename B::Common units;
    Seen<K> seen;
    Vector x, best, g, scale, unit, d;  // unit: 1 / scale
    // The fall that the trial step promises, and that of a step to the model's minimum; the length
    // of the latter.
    Scalar promised, whole, far;
    Scalar radius, damping, length, learned, settled, started, first, deficient, vain;
    Matrix normal, rest;  // J'J, and the part of the Hessian that it lacks
    // Valid within one call only.
    Cholesky<B> cholesky;
    Vector inverse, p, rhs, y, held, at, work;

    State(const SolverCall& c, const B& space, K& k)
        : call(c),
          b(space),
          box(c),
          units{c.scale},
          seen(c),
          x(k.vector()),
          best(k.vector()),
          g(k.vector()),
          scale(k.vector()),
          unit(k.vector()),
          d(k.vector()),
          promised(k.scalar()),
          whole(k.scalar()),
          far(k.scalar()),
          radius(k.scalar()),
          damping(k.scalar()),
          length(k.scalar()),
          learned(k.scalar()),
          settled(k.scalar()),
          started(k.scalar()),
          first(k.scalar()),
          deficient(k.scalar()),
          vain(k.scalar()),
          normal(k.matrix()),
          rest(k.matrix()),
          cholesky{c, space, k.scratch_matrix()},
          inverse(k.scratch()),
          p(k.scratch()),
          rhs(k.scratch()),
          y(k.scratch()),
          held(k.scratch()),
          at(k.scratch()),
          work(k.scratch()) {}

    void tell() {
      const Vector trial = b.view(call.x, call.step), slopes = b.view(call.g, call.step);
      const Matrix squares = b.matrix_view(call.h, call.step);
      const V f = b.number(call.f);
      const Mask fresh = seen.fresh.on(),
                 finite = is_finite(f) & is_finite(b.largest([&](auto i) { return slopes[i]; })) &
                          is_finite(trace(squares));
      seen.evaluations = seen.evaluations + V(1.0);
      seen.fresh = V(0.0);
      Mask taken = fresh;
      V fall(0.0);
      if (!all(fresh)) {
        fall = fallen(f, slopes);
        const V ratio = fall / promised;
        const Mask good = (!fresh) & finite & (ratio > V(kTaken));
        resize(!fresh, finite, good, ratio, fall);
        if (any(good)) learn(good, slopes, squares);
        taken = taken | good;
        reject((!fresh) & !good);
      }
      seen.moved = select(taken, V(1.0), V(0.0));
      if (any(taken)) arrive(taken, fresh, f, fall, trial, slopes, squares);
      if (any(fresh)) welcome(fresh, finite);
      propose(trial);
    }

   private:
    static constexpr double kTaken = 1e-4, kPoor = 0.1, kGood = 0.75, kGrowth = 2.0;
    // If at the start the model's minimum is more than kFar radii away, the radius is reduced by
    // kCautious. Of 1000 fits of ten families from poor starts, 826
    // end within 1 % of the least sum of squares; without this, 803 do.
    static constexpr double kFar = 2.0, kCautious = 0.1;
    // If f falls by less than this share of itself, gradients measure the fall more accurately.
    static constexpr double kFaint = 1e-9;
    // By this factor one model of the gradient must be better than the other.
    static constexpr double kBetter = 0.3;

    V rounding() const { return V(4 * kEpsilon) * seen.f; }
    // The rounding of f if f is so small that the rounding of residuals matters. The rounding of
    // each residual is about that of x times its row of J.
    V rounding_of(V residuals) const {
      return V(4 * kEpsilon) * (seen.f + sqrt(V(2.0) * seen.f) * residuals);
    }
    V trace(Matrix m) const {
      V sum(0.0);
      for (std::int64_t i = 0; i < b.n; ++i) sum = sum + m.row(i).element(i);
      return sum;
    }
    V length_in(Vector units, Vector v) const {
      b.each([&](std::int64_t i) { work.put(i, units[i] * v[i]); });
      return sqrt(b.dot(work, work));
    }
    V scaled_length(Vector v) const { return length_in(scale, v); }
    // The norms of J's columns.
    void columns(Vector out) const {
      for (std::int64_t i = 0; i < b.n; ++i) out.set(i, sqrt(normal.row(i).element(i)));
    }
    // The product of the model's matrix and v.
    void times(Matrix m, Vector v, Vector out) const {
      for (std::int64_t i = 0; i < b.n; ++i) out.set(i, b.dot(m.row(i), v));
    }

    // The fall of f. Near the minimum rounding hides it, and the mean slope is used.
    V fallen(V f, Vector slopes) const {
      const V fall = seen.f - f, faint = V(kFaint) * seen.f;
      const Mask hidden = (promised <= faint) & (abs(fall) <= faint);
      if (!any(hidden)) return fall;
      return select(hidden, V(-0.5) * (b.dot(d, g) + b.dot(d, slopes)), fall);
    }

    void resize(Mask m, Mask finite, Mask taken, V ratio, V fall) {
      const V half(0.5), tenth(0.1), slope = b.dot(g, d);
      // The minimum of the parabola through both values and the slope, restricted to [0.1, 0.5].
      V shrink = select(fall < V(0.0), half * slope / (slope + half * fall), half);
      shrink = select(finite & (shrink > tenth), select(shrink < half, shrink, half), tenth);
      // f may be finite where the slopes are not.
      const Mask poor = m & !(finite & (ratio > V(kPoor))),
                 good =
                     m & finite & (ratio > V(kPoor)) & ((damping == V(0.0)) | (ratio >= V(kGood)));
      // A step that was rejected must in any case be followed by a shorter one.
      const V reach = select(taken, V(10.0), V(1.5)) * length;
      radius.set(poor, shrink * select(radius < reach, radius.get(), reach));
      damping.set(poor, damping / shrink);
      radius.set(good, V(kGrowth) * length);
      damping.set(good, damping * V(1.0 / kGrowth));
    }

    void reject(Mask m) {
      if (!any(m)) return;
      const V shortest = V(kEpsilon) * scaled_length(x);
      columns(y);
      const V slope =
          b.largest([&](std::int64_t i) { return select(y[i] > V(0.0), g[i] / y[i], V(0.0)); });
      const V size = length_in(y, x), noise = V(10 * kEpsilon) * size, rounding = rounding_of(size);
      seen.judge(m & (radius <= shortest), Verdict::Stuck, radius, shortest);
      seen.judge(m & (slope <= noise), Verdict::PrecisionLimit, slope, noise);
      seen.judge(m & (whole <= rounding), Verdict::PrecisionLimit, whole, rounding);
    }

    // Updates the part that J'J lacks from the new gradient, and records which model predicted it.
    void learn(Mask m, Vector slopes, Matrix squares) {
      const Vector change = p, lacks = rhs, known = y, spare = at;
      b.each([&](std::int64_t i) { change.put(i, slopes[i] - g[i]); });
      times(normal, d, spare);
      times(rest, d, known);
      const V without = over_scale([&](std::int64_t i) { return change[i] - spare[i]; }),
              with = over_scale([&](std::int64_t i) { return change[i] - spare[i] - known[i]; }),
              better(kBetter * kBetter);
      learned.set(m & (without < better * with), V(0.0));
      learned.set(m & (with < better * without), V(1.0));

      times(squares, d, lacks);
      b.each([&](std::int64_t i) { lacks.put(i, change[i] - lacks[i]); });
      // Shrinks the matrix if its curvature along d has shrunk; then the least-change update.
      const V has = abs(b.dot(d, known)), wants = abs(b.dot(d, lacks)),
              size = select(wants < has, wants / has, V(1.0));
      b.each([&](std::int64_t i) { lacks.put(i, lacks[i] - size * known[i]); });
      const V curvature = b.dot(change, d),
              lengths = length * sqrt(over_scale([&](std::int64_t i) { return change[i]; }));
      const Mask flat = !(curvature > V(kFlat) * lengths);
      b.each([&](std::int64_t i) { change.put(flat, i, scale[i] * scale[i] * d[i]); });
      const V weight = V(1.0) / b.dot(change, d), twice = b.dot(d, lacks) * weight * weight;
      for (std::int64_t i = 0; i < b.n; ++i) {
        const Vector row = rest.row(i);
        const V w = lacks.element(i) * weight, v = change.element(i) * weight,
                u = twice * change.element(i);
        b.each([&](std::int64_t j) {
          const V both = w * change[j] + v * lacks[j] - u * change[j];
          row.put(m, j, size * row[j] + both);
        });
      }
    }
    static constexpr double kFlat = 1e-8;

    // Makes the trial the new iterate.
    void arrive(Mask m, Mask fresh, V f, V fall, Vector trial, Vector slopes, Matrix squares) {
      const Mask stepped = m & !fresh;
      const V one(1.0), slack = V(4 * kEpsilon) * select(abs(f) > one, abs(f), one);
      const Mask worse = stepped & (f > seen.least + slack);
      const Mask left = worse & !(seen.least < seen.f);
      if (any(left)) b.each([&](std::int64_t i) { best.put(left, i, x[i]); });
      seen.least.set(m & !worse, f);
      seen.iterations.set(stepped, seen.iterations + one);
      seen.before.set(m, select(fresh, f, seen.f));
      seen.f.set(m, f);
      b.each([&](std::int64_t i) {
        x.put(m, i, trial[i]);
        g.put(m, i, slopes[i]);
      });
      for (std::int64_t i = 0; i < b.n; ++i) {
        const Vector to = normal.row(i), from = squares.row(i);
        b.each([&](std::int64_t j) { to.put(m, j, from[j]); });
        const V column = sqrt(to.element(i)), least = select(fresh, V(0.0), scale.element(i)),
                most = select(column > least, column, least),
                now = select(most > V(0.0), most, one);
        scale.set(i, select(m, now, scale.element(i)));
        y.set(i, column);
      }
      if (units) b.each([&](std::int64_t i) { scale.put(i, one / units[i]); });
      b.each([&](std::int64_t i) { unit.put(i, one / scale[i]); });
      const V before = seen.norm, reach = scaled_length(x), size = length_in(y, x);
      seen.norm.set(m, cosine());
      const V step = scaled_length(d);
      rescale(stepped, step);
      seen.change.set(stepped, change(step / reach, length_in(y, d) / size));
      // At the bottom residuals are the rounding of x, wherever the start was.
      const V faint = V(call.ftol) * seen.before, least = V(4 * kEpsilon) * seen.before,
              square = size * size,
              bottom = V(kEpsilon * kEpsilon) * select(square < started, square, started);
      settled.set(stepped, select((abs(fall) <= faint) & (whole <= faint), settled + one, V(0.0)));
      first.set(stepped, V(0.0));
      const Mask slow = (fall <= V(kIdle) * seen.before) |
                        ((damping == V(0.0)) & (fall <= V(kSlow) * seen.before));
      vain.set(stepped, select(deficient.on() & slow, vain + one, V(0.0)));
      // A negative length, as reported elsewhere when no shorter step helps.
      seen.judge(stepped & (vain >= V(kVain)), Verdict::Stuck, V(0.0) - abs(fall),
                 V(kSlow) * seen.before);
      seen.judge(stepped & (whole <= least) & (seen.norm > V(0.5) * before),
                 Verdict::PrecisionLimit, whole, least);
      seen.judge(stepped & deficient.on() & (seen.f <= bottom), Verdict::PrecisionLimit, seen.f,
                 bottom);
      if (call.ftol > 0.0)
        seen.judge(stepped & (settled >= V(kSettled)), Verdict::ValueSettled, abs(fall), faint);
    }
    // The relative length of a step, from those in the scale and in units of J's columns now: the
    // scale keeps columns that were huge once, beside which no step is long.
    V change(V own, V now) const {
      // If the radius limits the steps, short steps are not a sign of convergence.
      const V limited = select(length < far, far / length, V(1.0));
      return limited * (units ? own : select(now > own, now, own));
    }
    // States lengths in the new scale, where the step is `now` long: the old radius may allow none.
    void rescale(Mask m, V now) {
      const V least = V(kLeast) * now, ratio = now / length;
      const Mask grown = m & (ratio > V(1.0)) & is_finite(ratio);
      far.set(grown, ratio * far), length.set(grown, now);
      radius.set(grown & (radius < least), least);
    }
    static constexpr double kLeast = 1e-2;  // the radius after a step, in lengths of the step

    // J'J is singular to rounding, and the damping that this requires makes steps short. After
    // kVain such steps in a row that gain too little, the solver gives up; a caller that has J can
    // continue.
    static constexpr double kVain = 8.0, kSlow = 0.5, kIdle = 1e-3;
    // The number of successive steps by which f must have settled. The second costs one evaluation
    // and gains two digits.
    static constexpr double kSettled = 2.0;

    // The largest cosine of the angle between r and a column of J, whose norms are in `y`. With
    // bounds, each cosine is limited by the room that is left.
    V cosine() const {
      const V zero(0.0), most = b.largest([&](std::int64_t i) {
        const V slope = select(y[i] > zero, abs(g[i]) / y[i], zero);
        if (!box) return slope;
        const V room = y[i] * select(g[i] > zero, x[i] - box.lower[i], box.upper[i] - x[i]);
        return select(room < slope, room, slope);
      });
      return select(seen.f > zero, most / sqrt(V(2.0) * seen.f), zero);
    }

    void welcome(Mask m, Mask finite) {
      const V zero(0.0), one(1.0), reach = scaled_length(x),
                                   slope = sqrt(over_scale([&](std::int64_t i) { return g[i]; }));
      radius.set(m, V(call.hyper[0]) * select(reach > zero, reach, slope));
      damping.set(m, zero), learned.set(m, zero), settled.set(m, zero), vain.set(m, zero);
      first.set(m, V(kBegun)), started.set(m, seen.f);
      for (std::int64_t i = 0; i < b.n; ++i) {
        const Vector row = rest.row(i);
        b.each([&](std::int64_t j) { row.put(m, j, zero); });
      }
      seen.judge(m & !finite, Verdict::NonFinite, seen.f, zero);
    }

    static constexpr double kBegun = 2.0;  // until a step was proposed; 1 until one is taken

    // Sets the next trial: the model's minimum in the trust region. A variable that would leave the
    // box is set to its bound and held, and the step is recomputed for the others.
    void propose(Vector trial) {
      hold();
      Mask open = V(0.0) < V(1.0);
      for (std::int64_t pass = 0; pass <= b.n; ++pass) {
        solve(open);
        b.each([&](std::int64_t i) {
          d.put(open, i, select(held[i] > V(0.0), at[i], p[i] * inverse[i]));
        });
        if (!box) break;
        open = open & hit(open);
        if (!any(open)) break;
      }
      V moved = step(V(0.0) < V(1.0), trial);
      V gain = foreseen(learned.on());
      if (const Mask lost = !(gain > V(0.0)); box && any(lost)) {
        moved = select(lost, downhill(lost, trial), moved);
        gain = select(lost, foreseen(!lost), gain);
      }
      if (const Mask none = learned.on() & !((moved > V(0.0)) & (gain > V(0.0))); any(none)) {
        moved = select(none, unlearned(none, trial), moved);
        gain = select(none, foreseen(!none), gain);
      }
      promised = gain;
      whole.set(gain > whole, gain);
      length = scaled_length(d);
      const Mask shorter = first.on() & (length < radius) & (length > V(0.0));
      radius.set(shorter, length);
      const Mask ended = (seen.judged == V(0.0)) & !((moved > V(0.0)) & (gain > V(0.0))),
                 // The radius, not the model, made this step so short.
          barred = (damping > V(0.0)) & (whole > rounding());
      if (!any(ended)) return;
      seen.judge(ended & barred, Verdict::Stuck, radius, V(kEpsilon) * scaled_length(x));
      seen.judge(ended & !barred, Verdict::PrecisionLimit, gain, rounding());
    }

    // A step by J'J alone where the learned part allows none: it may be a relic of points far away.
    V unlearned(Mask m, Vector trial) {
      learned.set(m, V(0.0));
      solve(m);
      return step(m, trial);
    }
    // Sets the trial to the end of the step that was solved for; other lanes than m keep theirs.
    V step(Mask m, Vector trial) const {
      return walk(trial, [&](std::int64_t i) {
        const V zero(0.0), to = x[i] + select(held[i] > zero, at[i], p[i] * inverse[i]);
        if (!box) return select(m, to, trial[i]);
        // Use the bound itself, since x plus the step may differ from it by rounding.
        const V end = select(at[i] > zero, box.upper[i], select(at[i] < zero, box.lower[i], to));
        return select(m, end, trial[i]);
      });
    }

    // Holds the variables that are at a bound with the slope pushing outward, or that have no
    // effect.
    void hold() {
      for (std::int64_t i = 0; i < b.n; ++i) work.set(i, normal.row(i).element(i));
      b.each([&](std::int64_t i) {
        const V zero(0.0), one(1.0);
        const Mask fixed = box.held(i, x[i], g[i]) | !(work[i] > zero);
        held.put(i, select(fixed, one, zero));
        inverse.put(i, select(fixed, zero, unit[i]));
        at.put(i, zero);
      });
    }
    // Holds the variables that the step d moves out of the box. Returns the lanes that have any.
    Mask hit(Mask open) const {
      return b.largest([&](std::int64_t i) {
        const V zero(0.0), one(1.0), to = x[i] + d[i], inside = box.clip(i, to);
        const Mask out = open & (inside != to) & !(held[i] > zero);
        held.put(out, i, one);
        inverse.put(out, i, zero);
        at.put(out, i, inside - x[i]);
        return select(out, one, zero);
      }) > V(0.0);
    }

    template <class F> V walk(Vector trial, F goal) const {
      return b.largest([&](std::int64_t i) {
        const V to = box.clip(i, goal(i));
        trial.put(i, to);
        d.put(i, to - x[i]);
        return d[i];
      });
    }
    // The fall of f along d that the model predicts.
    V foreseen(Mask with) const {
      matrix_times(with, d, y);
      return -(b.dot(g, d) + V(0.5) * b.dot(d, y));
    }
    void matrix_times(Mask with, Vector v, Vector out) const {
      times(normal, v, out);
      if (!any(with)) return;
      times(rest, v, work);
      b.each([&](std::int64_t i) { out.put(with, i, out[i] + work[i]); });
    }
    template <class F> V over_scale(F of) const {
      b.each([&](std::int64_t i) { work.put(i, of(i) * unit[i]); });
      return b.dot(work, work);
    }

    // A step along the projected gradient, so short that the model falls whichever variables are
    // clipped.
    V downhill(Mask m, Vector trial) {
      const V zero(0.0), one(1.0);
      V steep(0.0);
      for (std::int64_t i = 0; i < b.n; ++i) {
        steep = steep + normal.row(i).element(i) * unit.element(i) * unit.element(i);
      }
      const V slope = sqrt(over_scale([&](std::int64_t i) { return g[i]; })),
              reach = radius / slope, safe = one / steep, t = select(reach < safe, reach, safe);
      b.each([&](std::int64_t i) {
        const V free = select(box.held(i, x[i], g[i]), zero, g[i]);
        work.put(i, select(m, x[i] - t * (free * unit[i] * unit[i]), trial[i]));
      });
      return walk(trial, [&](std::int64_t i) { return work[i]; });
    }

    // Computes p, the scaled step of the lanes in m, and their damping.
    void solve(Mask m) {
      factor_model(m);
      if (box) matrix_times(learned.on(), at, y);
      b.each([&](std::int64_t i) { rhs.put(i, -((box ? g[i] + y[i] : g[i]) * inverse[i])); });
      const Damped<B> model{b, cholesky, rhs, y, work};
      const V size = model.minimize();
      b.each([&](std::int64_t i) { p.put(m, i, work[i]); });
      whole.set(m, V(0.5) * b.dot(rhs, work)), far.set(m, size);
      const Mask begun = m & (first == V(kBegun));
      radius.set(begun & (size > V(kFar) * radius), V(kCautious) * radius);
      first.set(begun, V(1.0));
      const Mask outside = m & (size > V(1.0 + model.kAround) * radius);
      damping.set(m & !outside, V(0.0));
      if (any(outside)) model.shorten(outside, size, radius, damping, p, [&](V t) { fill(t); });
    }

    // Factors the scaled model: with the learned part if that is positive definite; otherwise J'J
    // alone; otherwise J'J with as much added to its diagonal as rounding may have removed.
    void factor_model(Mask m) {
      const double n = static_cast<double>(b.n);
      deficient.set(m, V(0.0));
      for (int attempt = 0; attempt < 3; ++attempt) {
        fill(V(0.0));
        const V rank = select(learned.on(), V(kCurved), V(4 * n * kEpsilon));
        const Mask bad =
            m & !cholesky.factor(select(deficient.on(), V(0.0), rank), work) & !deficient.on();
        if (!any(bad)) return;
        deficient.set(bad & !learned.on(), V(1.0));
        learned.set(bad, V(0.0));
      }
    }
    static constexpr double kCurved = 1e-10;

    void fill(V damped) const {
      const V zero(0.0), one(1.0),
          ridge = select(deficient.on(), V(16 * static_cast<double>(b.n) * kEpsilon), zero);
      const Mask with = learned.on();
      const bool any_with = any(with);
      for (std::int64_t i = 0; i < b.n; ++i) {
        const V own = inverse.element(i);
        const Vector to = cholesky.r.row(i), from = normal.row(i), more = rest.row(i);
        for (std::int64_t j = b.piece(i); j < b.pieces; ++j) {
          V a = from[j];
          if (any_with) a = a + select(with, more[j], zero);
          to.put(j, a * own * inverse[j]);
        }
        const V a = to.element(i);
        to.set(i, select(held.element(i) > zero, one, a + ridge * a + damped));
      }
    }
  };
};

}  // namespace thalweg::solvers
