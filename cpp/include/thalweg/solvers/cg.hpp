// SPDX-License-Identifier: BSD-3-Clause
// Nonlinear conjugate gradients as a quasi-Newton method with next to no memory: each direction is
// that of BFGS with the last two steps alone, J. Nocedal 1980, Math. Comp. 35(151), 773-782; D. F.
// Shanno 1978, Math. Oper. Res. 3(3), 244-256, showed what such methods and conjugate gradients
// have in common. On a quadratic, with exact searches, these are the directions of conjugate
// gradients; unlike those, they descend after any search with Wolfe's conditions, and a step of
// length 1 is a good first trial.
#pragma once
#include <array>

#include "thalweg/line_searches/strong_wolfe.hpp"
#include "thalweg/solvers/line_search_descent.hpp"
#include "thalweg/solvers/metric.hpp"

namespace thalweg::solvers {

struct CG {
  static constexpr auto name = "cg";
  static constexpr auto class_name = "CG";
  static constexpr auto summary =
      "Conjugate gradients by BFGS with two steps: for very many variables, with few vectors.";
  static constexpr auto source =
      "J. Nocedal, Math. Comp. 35(151), 1980, 773-782; D. F. Shanno, Math. Oper. Res. 3(3), 1978, "
      "244-256.";
  static constexpr std::array<rules::Hyper, 0> hyper{};
  static constexpr Needs needs = Needs::Gradient;
  static constexpr bool models = false;

  template <class B, class K> class Direction {
    using V = typename B::V;
    using Mask = typename B::Mask;
    using Vector = typename B::Vector;

   public:
    static constexpr double kDecrease = 1e-4, kSlope = 0.9;

    Direction(const SolverCall& c, const B& space, K& k)
        : b_(space),
          known_(k.scalar()),
          scale_(k.scalar()),
          last_(k),
          before_(k),
          free_(space, k, c) {}

    Mask knows() const { return known_.on(); }
    void forget(Mask m) { known_.set(m, V(0.0)); }

    void learn(Mask m, Point<Vector> from, Point<Vector> to, V) {
      before_.copy(m, last_, b_);
      b_.each([&](std::int64_t i) {
        last_.s.put(m, i, to.x[i] - from.x[i]);
        last_.y.put(m, i, free_.kept(i, to.g[i] - from.g[i]));
      });
      const V sy = b_.dot(last_.s, last_.y), yy = b_.dot(last_.y, last_.y);
      last_.sy.set(m, sy), scale_.set(m, sy / yy);
      const V more = select(known_ < V(2.0), known_ + V(1.0), known_);
      known_.set(m, select((sy > V(0.0)) & is_finite(yy / sy) & is_finite(sy / yy), more, V(0.0)));
    }

    // d = -H g, where H is (s'y / y'y) I, updated by BFGS with one step or two.
    void aim(Mask m, Vector d, Vector x, Vector g, const Box<B>& box) {
      // Directions are conjugate within one set of free variables. If the set changes, start again.
      if (box) known_.set(m & (free_.look(m, x, g, box) > V(0.0)), V(0.0));
      b_.each([&](std::int64_t i) { d.put(m, i, select(box.held(i, x[i], g[i]), V(0.0), -g[i])); });
      const Mask first = m & !knows(), one = m & knows(), two = m & (known_ > V(1.0));
      const V unit = bounded_step(b_, sqrt(b_.dot(d, d)), d, x), a = last_.along(d, b_);
      b_.each([&](std::int64_t i) { d.put(one, i, fnma(a, last_.y[i], d[i])); });
      const V c = before_.along(d, b_);
      b_.each([&](std::int64_t i) { d.put(two, i, fnma(c, before_.y[i], d[i])); });
      const V scale = select(first, unit, scale_);
      b_.each([&](std::int64_t i) { d.put(m, i, scale * d[i]); });
      const V back = c - b_.dot(before_.y, d) / before_.sy;
      b_.each([&](std::int64_t i) { d.put(two, i, fma(back, before_.s[i], d[i])); });
      const V onto = a - b_.dot(last_.y, d) / last_.sy;
      b_.each([&](std::int64_t i) { d.put(one, i, free_.kept(i, fma(onto, last_.s[i], d[i]))); });
    }

   private:
    struct Pair {
      Vector s, y;
      typename K::Scalar sy;
      explicit Pair(K& k) : s(k.vector()), y(k.vector()), sy(k.scalar()) {}
      void copy(Mask m, const Pair& from, const B& b) {
        sy.set(m, from.sy);
        b.each([&](std::int64_t i) { s.put(m, i, from.s[i]), y.put(m, i, from.y[i]); });
      }
      V along(Vector d, const B& b) const { return b.dot(s, d) / sy; }
    };
    const B& b_;
    typename K::Scalar known_, scale_;  // the number of steps, at most 2; of the matrix
    Pair last_, before_;
    Free<B, K> free_;
  };

  template <class B, class K> using State =
      LineSearchDescent<B, K, Direction<B, K>, line_searches::StrongWolfe<B, K>>;
};

}  // namespace thalweg::solvers
