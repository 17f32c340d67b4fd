// SPDX-License-Identifier: BSD-3-Clause
// Newton's method in a trust region, negative curvature used. J. J. Moré and D. C. Sorensen 1983,
// SIAM J. Sci. Stat. Comput. 4(3), 553-572. The region is scaled by the largest columns of the
// Hessian met so far, as MINPACK scales by those of the Jacobian (J. J. Moré 1978, LNM 630,
// 105-116). With bounds, variables that leave the box go to its border and the others are found
// anew, a few times; no worse than along the projected gradient (C.-J. Lin and J. J. Moré 1999,
// SIAM J. Optim. 9(4), 1100-1127, section 2).
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
    Vector largest;  // of the Hessian's columns so far: roots of their norms
    typename B::Matrix h;
    // The scale of every variable; 1 / scale, or 0 where it is fixed; the gradient in that scale.
    Vector scale, inverse, slopes;
    Vector s, p, hp;   // a step in that scale, and in x; the Hessian's product with it
    Vector fixed, to;  // in the box: 1 where a variable is fixed; the step that fixes it
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
    // A variable's scale is no less than this share of the largest.
    static constexpr double kLeast = 1e-10;
    // Older columns that are larger by this have nothing to say any more.
    static constexpr double kStale = 1e3;
    static constexpr int kFaces = 4;

    void forget(Mask fresh) {
      const Mask unknown = fresh & (region.radius == V(0.0));
      if (any(unknown)) b.each([&](std::int64_t i) { largest.put(unknown, i, V(0.0)); });
    }

    // The Hessian at x; where it is not finite, none.
    void take(Mask m) {
      const auto told = b.told_matrix(call.h, call.step);
      seen.curvatures.set(m, seen.curvatures + V(1.0));
      V most(0.0);
      for (std::int64_t j = 0; j < b.n; ++j) {
        most = sum_of(most, b.largest([&](std::int64_t i) {
          const V value = told.row(j)[i];
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

    // The next trial in the lanes m.
    void plan(Mask m) {
      for (int attempt = 0; attempt < 2 && any(m); ++attempt) {
        measure(m);
        aim(m);
        m = begin_anew(m);
      }
    }

    // Scale, and the gradient in it, of the variables that are not held.
    void measure(Mask m) {
      for (std::int64_t j = 0; j < b.n; ++j) {
        const V now = column(j), before = largest.element(j);
        largest.set(j, select(m & (now > before), now, before));
        worked(call, b);
      }
      const V top = b.largest([&](std::int64_t i) { return largest[i]; });
      b.each([&](std::int64_t i) {
        const V least = V(kLeast) * top, own = select(largest[i] > least, largest[i], least);
        scale.put(i, select(top > V(0.0), own, V(1.0)));
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

    // The step that the region allows; promise, slope and length; the trial.
    void aim(Mask m) {
      const V cauchy = unlimited(m);
      region.radius.set(m & !(region.radius > V(0.0)), cauchy);
      reduce();
      ball.step(m, slopes, region.radius, s);
      b.each([&](std::int64_t i) { p.put(i, s[i] * inverse[i]); });
      if (box) enter_box(m);
      const V bend = product(p);
      region.slope.set(m, b.dot(g, p));
      region.promised.set(m, -region.slope - V(0.5) * bend);
      region.length.set(m, measured(p));
      const Vector trial = b.told(call.x, call.step);
      b.each([&](std::int64_t i) { trial.put(m, i, box.clip(i, x[i] + p[i])); });
    }

    // How far the model falls along the gradient, as the region measures it.
    V unlimited(Mask m) {
      if (!any(m & !(region.radius > V(0.0)))) return region.radius;
      b.each([&](std::int64_t i) { p.put(i, slopes[i] * inverse[i]); });
      const V bend = product(p), squares = b.dot(slopes, slopes), length = sqrt(squares);
      return select(bend > V(0.0), length * (squares / bend), length);
    }

    // hp = H p; p'Hp.
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

    // p becomes a step that ends in the box.
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

    // The least value of the model where the fixed variables go where they must.
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

    // Along the projected gradient, from the radius on by halves, to a point that falls by a tenth
    // of what the slope says: where that is lower, or p too long, it is taken.
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

    // As they were before variables were fixed for one step.
    void measure_held() {
      b.each([&](std::int64_t i) {
        inverse.put(i, select(box.held(i, x[i], g[i]), V(0.0), V(1.0) / scale[i]));
        slopes.put(i, g[i] * inverse[i]);
      });
    }
    void restore() { measure_held(); }

    // Lanes whose steps no longer count are judged, or begin anew with the scale of this point:
    // those are returned.
    Mask begin_anew(Mask m) {
      const Vector trial = b.told(call.x, call.step);
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
    // What the model promises within as much as doubles x, or within the gradient's length.
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
