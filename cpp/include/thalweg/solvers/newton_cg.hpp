// SPDX-License-Identifier: BSD-3-Clause
// Truncated Newton in a trust region: conjugate gradients on the quadratic model until its residual
// is small enough, the boundary is reached or the curvature is negative. T. Steihaug 1983, SIAM J.
// Numer. Anal. 20(3), 626-637. Each product with the Hessian takes one round. With bounds,
// variables that would leave the box are set to their bounds, and the others continue from there.
#pragma once
#include <array>

#include "thalweg/solvers/trust_region.hpp"

namespace thalweg::solvers {

struct NewtonCG {
  static constexpr auto name = "newton_cg";
  static constexpr auto class_name = "NewtonCG";
  static constexpr auto summary =
      "Newton's method by conjugate gradients in a trust region: products with the Hessian and no "
      "matrix, for thousands of variables.";
  static constexpr auto source = "T. Steihaug, SIAM J. Numer. Anal. 20(3), 1983, 626-637.";
  static constexpr std::array<rules::Hyper, 0> hyper{};
  static constexpr Needs needs = Needs::HessianVector;

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
    // The step so far and the Hessian's product with it; the residual; the direction of the next
    // product.
    Vector s, hs, rest, p;
    Vector free;                 // with bounds: 1 if a variable may move
    Scalar first;                // length of the free gradient at the start
    Scalar norm, goal, squares;  // of the free gradient; of the residual: its goal; its square now
    Scalar products, bounced;    // in this iteration; 1 if the product with s itself is requested
    Scalar probing, gain;  // 1 if a step is made only to estimate the possible gain; that gain

    State(const SolverCall& c, const B& space, K& k)
        : region(c, space, k, kFirstGrowth),
          call(c),
          b(space),
          box(region.box),
          seen(region.seen),
          x(region.x),
          best(region.best),
          g(region.g),
          s(k.vector()),
          hs(k.vector()),
          rest(k.vector()),
          p(k.vector()),
          free(c.lower ? k.vector() : Vector{}),
          first(k.scalar()),
          norm(k.scalar()),
          goal(k.scalar()),
          squares(k.scalar()),
          products(k.scalar()),
          bounced(k.scalar()),
          probing(k.scalar()),
          gain(k.scalar()) {}

    void tell() {
      const Mask bent = seen.asks == V(static_cast<double>(Wants::Curvature));
      seen.moved = V(0.0);
      if (any(!bent)) {
        const auto said = region.tell(!bent);
        const Mask unknown = said.fresh & !(region.radius > V(0.0));
        first.set(unknown, V(0.0)), probing.set(unknown, V(0.0));
        begin(said.arrived | said.turned);
      }
      if (any(bent)) go_on(bent);
    }

   private:
    // The residual must fall to this share, and to the share to which the gradient has fallen,
    // which makes convergence quadratic (R. S. Dembo, S. C. Eisenstat and T. Steihaug 1982).
    static constexpr double kShare = 0.1;
    // The growth of the radius until a trial is rejected.
    static constexpr double kFirstGrowth = 4.0;
    static constexpr double kMost = 10.0;  // products per iteration, plus two for each variable

    // Begins a step from zero.
    void begin(Mask m) {
      if (!any(m)) return;
      b.each([&](std::int64_t i) {
        const V down = -g[i];
        if (box) {
          const Mask held = box.held(i, x[i], g[i]);
          free.put(m, i, select(held, V(0.0), V(1.0)));
          rest.put(m, i, select(held, V(0.0), down));
        } else {
          rest.put(m, i, down);
        }
        s.put(m, i, V(0.0)), hs.put(m, i, V(0.0));
        p.put(m, i, rest[i]);
      });
      squares.set(m, b.dot(rest, rest));
      const V length = sqrt(squares.get());
      norm.set(m, length);
      first.set(m & !first.on(), length);
      goal.set(m, region.min_of(V(kShare), length / first) * length);
      products.set(m, V(0.0)), bounced.set(m, V(0.0));
      ask(m, p);
    }

    // Requests the Hessian's product at x with the vector `along`.
    void ask(Mask m, Vector along) {
      const Vector at = b.view(call.x, call.step), v = b.view(call.v, call.step);
      b.each([&](std::int64_t i) {
        at.put(m, i, x[i]);
        v.put(m, i, along[i]);
      });
      seen.asks.set(m, V(static_cast<double>(Wants::Curvature)));
    }

    // Continues with the received product.
    void go_on(Mask m) {
      const Vector hp = b.view(call.h, call.step);
      seen.curvatures.set(m, seen.curvatures + V(1.0));
      products.set(m, products + V(1.0));
      const Mask whole = m & bounced.on(), part = m & !bounced.on();
      Mask ends = whole & set_out(whole, hp);
      if (any(part)) ends = ends | along(part, hp);
      const V most(kMost + 2.0 * static_cast<double>(b.n));
      ends = ends | (m & (products >= most) & !bounced.on());
      const Mask more = m & !ends;
      if (any(more & !bounced.on())) ask(more & !bounced.on(), p);
      if (any(more & bounced.on())) ask(more & bounced.on(), s);
      if (any(ends)) propose(ends);
    }

    // Takes one step of conjugate gradients in the lanes m, up to the boundary; returns where that
    // ends it.
    Mask along(Mask m, Vector hp) {
      const V zero(0.0), bend = b.dot(p, hp), pp = b.dot(p, p);
      const V full = select(bend > zero, squares / bend, V(kInfinity));
      // The first product determines the size of the region: the length of the step down the
      // gradient.
      const Mask unknown = m & !(region.radius > zero);
      region.radius.set(unknown, norm * select(bend > zero, full, V(1.0)));
      const V radius = region.radius, sp = b.dot(s, p), ss = b.dot(s, s),
              gap = region.max_of(zero, fnma(ss, V(1.0), radius * radius)),
              root = sqrt(sp * sp + pp * gap),
              to_border = select(sp > zero, gap / (sp + root), (root - sp) / pp),
              t = region.min_of(full, to_border);
      const Mask broken = m & !(is_finite(bend) & is_finite(t));
      const Mask at_border = m & ((to_border <= full) | broken);
      const V step = select(broken, zero, t);
      b.each([&](std::int64_t i) { s.put(m, i, fma(step, p[i], s[i])); });
      const Mask out = box ? m & leaves() : zero > zero;
      if (any(out)) bounce(out);
      const Mask in = m & !out;
      b.each([&](std::int64_t i) {
        hs.put(in, i, select(broken, hs[i], fma(step, hp[i], hs[i])));
        rest.put(in, i, kept(i, fnma(step, select(broken, zero, hp[i]), rest[i])));
      });
      const V now = b.dot(rest, rest), turn = now / squares;
      const Mask solved = in & (sqrt(now) <= goal), on = in & !solved & !at_border;
      b.each([&](std::int64_t i) { p.put(on, i, fma(turn, p[i], rest[i])); });
      squares.set(in, now);
      return in & (solved | at_border);
    }
    V kept(std::int64_t i, V value) const {
      return free.p ? select(free[i] > V(0.0), value, V(0.0)) : value;
    }

    Mask leaves() const {
      return b.largest([&](std::int64_t i) {
        const V end = x[i] + s[i];
        return select(box.clip(i, end) == end, V(0.0), V(1.0));
      }) > V(0.0);
    }
    // Ends s at the bounds and fixes the variables that reached them. The Hessian's product with
    // the new s must be requested.
    void bounce(Mask m) {
      b.each([&](std::int64_t i) {
        const V end = x[i] + s[i], border = box.clip(i, end);
        const Mask met = m & !(border == end);
        free.put(met, i, V(0.0));
        s.put(met, i, border - x[i]);
      });
      bounced.set(m, V(1.0));
    }
    // Restarts at s, whose product H s was received, in the variables that are still free; returns
    // the lanes where nothing is left to do.
    Mask set_out(Mask m, Vector hp) {
      if (!any(m)) return m;
      b.each([&](std::int64_t i) {
        hs.put(m, i, hp[i]);
        rest.put(m, i, kept(i, -(g[i] + hp[i])));
        p.put(m, i, rest[i]);
      });
      const V now = b.dot(rest, rest), length = sqrt(b.dot(s, s));
      squares.set(m, now);
      bounced.set(m, V(0.0));
      return m & ((sqrt(now) <= goal) | (length >= V(0.99) * region.radius) | !is_finite(now));
    }

    // Completes the step: sets its promise and the trial.
    void propose(Mask m) {
      const V slope = b.dot(g, s), bend = b.dot(s, hs), length = sqrt(b.dot(s, s));
      region.slope.set(m, slope);
      region.promised.set(m, -slope - V(0.5) * bend);
      region.length.set(m, length);
      const Vector trial = b.view(call.x, call.step);
      const V moved = b.largest([&](std::int64_t i) {
        const V to = box.clip(i, x[i] + s[i]);
        trial.put(m, i, to);
        return to - x[i];
      });
      seen.asks.set(m, V(static_cast<double>(Wants::Values)));
      look(m, moved == V(0.0));
    }

    // Where steps have become too short to count, a step without a limit estimates what can be
    // gained. If that is only rounding, the descent ends at the limit of precision; otherwise the
    // region is restarted, once.
    void look(Mask m, Mask still) {
      const V reach = sqrt(b.dot(x, x)), promise = region.promised;
      const Mask going = m & (seen.judged == V(0.0)),
                 doubtful = region.doubtful(going, reach, still), said = going & probing.on();
      if (!any(doubtful | said)) return;
      gain.set(said, promise), probing.set(said, V(0.0));
      const Mask inside = region.length < V(0.9) * region.radius;
      const Mask spent = region.at_limit((doubtful & inside) | said, promise);
      const Mask over = region.collapsed(doubtful, reach, still) & !spent, last = region.anew.on();
      region.stuck(over & last, gain);
      const Mask again = over & !last;
      if (!any(again)) return;
      region.begin_anew(again);
      region.radius.set(again, region.max_of(reach, norm));
      probing.set(again, V(1.0));
      begin(again);
    }
  };
};

}  // namespace thalweg::solvers
