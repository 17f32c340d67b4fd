// SPDX-License-Identifier: BSD-3-Clause
// Newton's method in a trust region, with use of negative curvature. J. J. Moré and D. C. Sorensen
// 1983, SIAM J. Sci. Stat. Comput. 4(3), 553-572. The region is scaled by the largest columns of
// the Hessian met so far, as MINPACK scales by those of the Jacobian (J. J. Moré 1978, LNM 630,
// 105-116). With bounds, variables that would leave the box are set to their bounds and the others
// are recomputed, a few times; the step is never worse than one along the projected gradient (C.-J.
// Lin and J. J. Moré 1999, SIAM J. Optim. 9(4), 1100-1127, section 2).
#pragma once
#include <array>

#include "thalweg/solvers/quadratic_in_ball.hpp"
#include "thalweg/solvers/trust_region.hpp"

namespace thalweg::solvers {

struct Newton {
  static constexpr auto name = "newton";
  static constexpr auto class_name = "Newton";
  static constexpr auto summary =
      "Newton's method in a trust region, with the exact Hessian: up to some hundred variables.";
  static constexpr auto source =
      "J. J. Moré and D. C. Sorensen, SIAM J. Sci. Stat. Comput. 4(3), 1983, 553-572.";
  static constexpr std::array<rules::Hyper, 0> hyper{};
  static constexpr Needs needs = Needs::Hessian;

  template <class B, class K> struct State {
    using V = typename B::V;
    using Mask = typename B::Mask;
    using Vector = typename B::Vector;
    using Scalar = typename K::Scalar;

    TrustRegion<B, K> region;
    const SolverCall& call;
    const B& b;
    Box<B>& box;
    Seen<K>& seen;
    Vector x, best, g;
    Vector largest;  // square roots of the largest norms of the Hessian's columns so far
    typename B::Matrix h;
    // The scale of each variable; 1 / scale, or 0 if the variable is fixed; the gradient in this
    // scale.
    Vector scale, inverse, slopes;
    Vector s, p, hp;   // a step in this scale, and in x; the Hessian times the step in x
    Vector fixed, to;  // 1 if a bound fixes the variable; the step to that bound
    QuadraticInBall<B, K> ball;

    State(const SolverCall& c, const B& space, K& k)
        : region(c, space, k),
          call(c),
          b(space),
          box(region.box),
          seen(region.seen),
          x(region.x),
          best(region.best),
          g(region.g),
          largest(k.vector()),
          h(k.scratch_matrix()),
          scale(k.scratch()),
          inverse(k.scratch()),
          slopes(k.scratch()),
          s(k.scratch()),
          p(k.scratch()),
          hp(k.scratch()),
          fixed(c.lower ? k.scratch() : Vector{}),
          to(c.lower ? k.scratch() : Vector{}),
          ball(c, space, k) {}

    void tell() {
      const Mask bent = seen.asks == V(static_cast<double>(Wants::Curvature));
      seen.moved = V(0.0);
      Mask ready = bent;
      if (any(!bent)) {
        const auto said = region.tell(!bent);
        forget(said.fresh);
        ready = ready | said.turned;
        if (call.joint) {
          if (any(said.arrived)) take(said.arrived);
          ready = ready | said.arrived;
        } else {
          seen.asks.set(said.arrived, V(static_cast<double>(Wants::Curvature)));
        }
      }
      if (any(bent)) {
        take(bent);
        seen.asks.set(bent, V(static_cast<double>(Wants::Values)));
      }
      if (any(ready)) plan(ready);
    }

   private:
    // A variable's scale is at least this share of the largest scale.
    static constexpr double kLeast = 1e-10;
    // Earlier columns that are larger than the present one by this factor are out of date.
    static constexpr double kStale = 1e3;
    static constexpr int kFaces = 4;
    // Where the Hessian is positive definite, the first region is at least this long, in lengths of
    // x: the model has a minimum, and its steps are trusted as far. 1 to 3 are as good for the
    // problems of Moré, Garbow and Hillstrom; 3 lost one with bounds.
    static constexpr double kReach = 2.0;

    void forget(Mask fresh) {
      const Mask unknown = fresh & (region.radius == V(0.0));
      if (any(unknown)) b.each([&](std::int64_t i) { largest.put(unknown, i, V(0.0)); });
    }

    // Stores the Hessian at x, or none if it is not finite.
    void take(Mask m) {
      const auto given = b.matrix_view(call.h, call.step);
      seen.curvatures.set(m, seen.curvatures + V(1.0));
      V most(0.0);
      for (std::int64_t j = 0; j < b.n; ++j) {
        most = sum_of(most, b.largest([&](std::int64_t i) {
          const V value = given.row(j)[i];
          h.row(j).put(m, i, value);
          return value;
        }));
        worked(call, b);
      }
      const Mask broken = m & !is_finite(most);
      if (any(broken))
        for (std::int64_t j = 0; j < b.n; ++j)
          b.each([&](std::int64_t i) { h.row(j).put(broken, i, V(0.0)); });
    }
    static V sum_of(V a, V c) { return a + c; }

    // Plans the next trial in the lanes m.
    void plan(Mask m) {
      for (int attempt = 0; attempt < 2 && any(m); ++attempt) {
        measure(m);
        aim(m);
        m = begin_anew(m);
      }
    }

    // Computes the scale of the variables that are not held, and the gradient in it.
    void measure(Mask m) {
      for (std::int64_t j = 0; j < b.n; ++j) {
        const V now = column(j), before = largest.element(j);
        largest.set(j, select(m & (now > before), now, before));
        worked(call, b);
      }
      const V top = b.largest([&](std::int64_t i) { return largest[i]; }), least = V(kLeast) * top;
      b.each([&](std::int64_t i) {
        // A variable without curvature so far has scale 1, as in MINPACK.
        const V own = select(largest[i] > least, largest[i], least);
        scale.put(i, select(largest[i] > V(0.0), own, V(1.0)));
        const V share = select(box.held(i, x[i], g[i]), V(0.0), V(1.0) / scale[i]);
        inverse.put(i, share);
        slopes.put(i, g[i] * share);
      });
    }
    V column(std::int64_t j) const {
      const Vector row = h.row(j);
      const V squares = b.dot(row, row);
      if (!any(!is_finite(squares))) return sqrt(sqrt(squares));
      const V most = b.largest([&](std::int64_t i) { return row[i]; });
      return sqrt(select(is_finite(squares), sqrt(squares), most));
    }

    void reduce() {
      ball.reduce([&](std::int64_t i, std::int64_t j) {
        const V entry = h.row(j)[i] * inverse[i] * inverse.element(j);
        return box ? entry + select(b.is(i, j) & (inverse[i] == V(0.0)), V(1.0), V(0.0)) : entry;
      });
    }

    // Computes the step within the region; its promise, slope and length; and the trial.
    void aim(Mask m) {
      const V cauchy = unlimited(m);
      reduce();
      const Mask unknown = m & !(region.radius > V(0.0));
      if (any(unknown)) {
        const V far = V(kReach) * measured(x);
        region.radius.set(unknown, select(ball.definite() & (far > cauchy), far, cauchy));
      }
      ball.step(m, slopes, region.radius, s);
      b.each([&](std::int64_t i) { p.put(i, s[i] * inverse[i]); });
      if (box) enter_box(m);
      const V bend = product(p);
      region.slope.set(m, b.dot(g, p));
      region.promised.set(m, -region.slope - V(0.5) * bend);
      region.length.set(m, measured(p));
      const Vector trial = b.view(call.x, call.step);
      b.each([&](std::int64_t i) { trial.put(m, i, box.clip(i, x[i] + p[i])); });
    }

    // The length in which the model falls along the gradient, in the region's scale.
    V unlimited(Mask m) {
      if (!any(m & !(region.radius > V(0.0)))) return region.radius;
      b.each([&](std::int64_t i) { p.put(i, slopes[i] * inverse[i]); });
      const V bend = product(p), squares = b.dot(slopes, slopes), length = sqrt(squares);
      return select(bend > V(0.0), length * (squares / bend), length);
    }

    // Sets hp = H p; returns p'Hp.
    V product(Vector of) {
      for (std::int64_t j = 0; j < b.n; ++j) {
        hp.set(j, b.dot(h.row(j), of));
        worked(call, b);
      }
      return b.dot(of, hp);
    }
    V measured(Vector of) {
      b.each([&](std::int64_t i) { s.put(i, of[i] * scale[i]); });
      return sqrt(b.dot(s, s));
    }

    // Changes p into a step that ends in the box.
    void enter_box(Mask m) {
      Mask out = m & leaves(m);
      if (!any(out)) return;
      const Mask cut = out;
      b.each([&](std::int64_t i) {
        fixed.put(i, select(inverse[i] == V(0.0), V(1.0), V(0.0)));
        to.put(i, V(0.0));
      });
      for (int face = 0; face < kFaces && any(out); ++face) {
        b.each([&](std::int64_t i) {
          const V end = x[i] + p[i], border = box.clip(i, end);
          const Mask beyond = out & !(border == end);
          fixed.put(beyond, i, V(1.0));
          to.put(beyond, i, border - x[i]);
        });
        find_others(out);
        out = out & leaves(out);
      }
      b.each([&](std::int64_t i) { p.put(cut, i, box.clip(i, x[i] + p[i]) - x[i]); });
      no_worse(cut);
      restore();
    }
    Mask leaves(Mask m) const {
      const V most = b.largest([&](std::int64_t i) {
        const V end = x[i] + p[i];
        return select(box.clip(i, end) == end, V(0.0), V(1.0));
      });
      return m & (most > V(0.0));
    }

    // Minimizes the model over the other variables, with the fixed ones at their bounds.
    void find_others(Mask m) {
      product(to);
      b.each([&](std::int64_t i) {
        inverse.put(i, select(fixed[i] > V(0.0), V(0.0), V(1.0) / scale[i]));
        slopes.put(i, (g[i] + hp[i]) * inverse[i]);
      });
      const V gone = measured(to), all = region.radius, left = (all - gone) * (all + gone),
              least = V(0.01) * (all * all);
      reduce();
      ball.step(m, slopes, sqrt(select(left > least, left, least)), s);
      b.each([&](std::int64_t i) {
        p.put(m, i, select(fixed[i] > V(0.0), to[i], s[i] * inverse[i]));
      });
    }

    // Searches along the projected gradient, halving from the radius, for a point where the model
    // falls by a tenth of the slope's prediction. Takes that point if it is lower, or if p is too
    // long.
    void no_worse(Mask m) {
      const V value = b.dot(g, p) + V(0.5) * product(p), far = measured(p);
      measure_held();
      const V whole = sqrt(b.dot(slopes, slopes));
      V t = select(whole > V(0.0), region.radius / whole, V(0.0)), reached(0.0);
      Mask open = m;
      for (int halvings = 0; halvings < kHalvings && any(open); ++halvings) {
        b.each([&](std::int64_t i) {
          to.put(open, i, box.clip(i, fnma(t, slopes[i] * inverse[i], x[i])) - x[i]);
        });
        const V down = b.dot(g, to), now = down + V(0.5) * product(to);
        reached = select(open, now, reached);
        open = open & !(now <= V(0.1) * down);
        t = V(0.5) * t;
      }
      const Mask better = m & ((reached < value) | (far > V(2.0) * region.radius));
      b.each([&](std::int64_t i) { p.put(better, i, to[i]); });
    }
    static constexpr int kHalvings = 30;

    // Restores the state before variables were fixed for one step.
    void measure_held() {
      b.each([&](std::int64_t i) {
        inverse.put(i, select(box.held(i, x[i], g[i]), V(0.0), V(1.0) / scale[i]));
        slopes.put(i, g[i] * inverse[i]);
      });
    }
    void restore() { measure_held(); }

    // Judges lanes whose steps have become too short to count, or restarts them with the scale of
    // this point; returns those that restart.
    Mask begin_anew(Mask m) {
      const Vector trial = b.view(call.x, call.step);
      const Mask still = b.largest([&](std::int64_t i) { return trial[i] - x[i]; }) == V(0.0);
      const V reach = measured(x);
      const Mask doubtful = region.doubtful(m, reach, still) & (seen.judged == V(0.0));
      if (!any(doubtful)) return doubtful;
      const Mask over = region.collapsed(doubtful, reach, still), first = !region.anew.on();
      const Mask renewed = over & first & stale();
      const V gain = most_gain(doubtful, reach);
      const Mask spent = region.at_limit(doubtful & !renewed, gain);
      const Mask again = over & !spent & (first | renewed);
      region.stuck(over & !spent & !again, gain);
      region.begin_anew(again);
      b.each([&](std::int64_t i) { largest.put(again, i, V(0.0)); });
      return again;
    }
    Mask stale() const {
      V most(0.0);
      for (std::int64_t j = 0; j < b.n; ++j) {
        const V old = select(largest.element(j) > V(kStale) * column(j), V(1.0), V(0.0));
        most = select(old > most, old, most);
      }
      return most > V(0.0);
    }
    // The most that the model promises within a step as long as x, or as long as the gradient.
    V most_gain(Mask m, V reach) {
      reduce();
      const V length = sqrt(b.dot(slopes, slopes));
      ball.step(m, slopes, select(length > reach, length, reach), s);
      b.each([&](std::int64_t i) { p.put(i, s[i] * inverse[i]); });
      return -b.dot(g, p) - V(0.5) * product(p);
    }
  };
};

}  // namespace thalweg::solvers
