// SPDX-License-Identifier: BSD-3-Clause
// Nonlinear conjugate gradients whose directions always descend. W. W. Hager and H. Zhang 2005,
// SIAM J. Optim. 16(1), 170-192, eqs. 1.3 to 1.6, with their line search. The first trial is the
// minimum along the new direction, estimated with the curvature along the last step.
#pragma once
#include <array>

#include "thalweg/line_searches/hager_zhang.hpp"
#include "thalweg/solvers/line_search_descent.hpp"
#include "thalweg/solvers/metric.hpp"

namespace thalweg::solvers {

struct CG {
  static constexpr auto name = "cg";
  static constexpr auto class_name = "CG";
  static constexpr auto summary =
      "Nonlinear conjugate gradients (Hager and Zhang): for very many variables, with few vectors.";
  static constexpr auto source = "W. W. Hager and H. Zhang, SIAM J. Optim. 16(1), 2005, 170-192.";
  static constexpr std::array<rules::Hyper, 0> hyper{};
  static constexpr Needs needs = Needs::Gradient;

  template <class B, class K> class Direction {
    using V = typename B::V;
    using Mask = typename B::Mask;
    using Vector = typename B::Vector;

   public:
    static constexpr double kDecrease = 0.1, kSlope = 0.1;

    Direction(const SolverCall& c, const B& space, K& k)
        : b_(space),
          known_(k.scalar()),
          beta_(k.scalar()),
          curvature_(k.scalar()),
          s_(k.vector()),
          y_(k.vector()),
          free_(space, k, c) {}

    Mask knows() const { return known_ > V(0.0); }
    void forget(Mask m) { known_.set(m, V(0.0)); }

    // Uses the step s in place of the direction d: beta d is the same for both.
    void learn(Mask m, Vector x, Vector g, Vector x_next, Vector g_next) {
      b_.each([&](std::int64_t i) { y_.put(i, free_.kept(i, g[i])); });
      const V gg = b_.dot(y_, y_);
      b_.each([&](std::int64_t i) {
        s_.put(m, i, x_next[i] - x[i]);
        y_.put(i, free_.kept(i, g_next[i] - g[i]));
      });
      const V sy = b_.dot(s_, y_), yy = b_.dot(y_, y_), ss = b_.dot(s_, s_);
      const V beta = (b_.dot(y_, g_next) - V(2.0) * yy / sy * b_.dot(s_, g_next)) / sy;
      const V size = sqrt(gg), least = V(-1.0) / (sqrt(ss) * select(size < V(kEta), size, V(kEta)));
      const Mask curved = m & (sy > V(0.0)) & is_finite(beta);
      beta_.set(m, select(beta > least, beta, least));
      curvature_.set(m, sy / ss);
      known_.set(m, select(curved, V(1.0), V(0.0)));
    }

    void aim(Mask m, Vector d, Vector x, Vector g, const Box<B>& box) {
      // Directions are conjugate within one set of free variables. If the set changes, start again.
      V beta = select(knows(), beta_, V(0.0));
      if (box) {
        beta = select(free_.look(m, x, g, box) > V(0.0), V(0.0), beta);
        beta_.set(m, beta);
      }
      b_.each([&](std::int64_t i) {
        d.put(m, i, select(box.held(i, x[i], g[i]), V(0.0), fma(beta, s_[i], -g[i])));
      });
      const V dd = b_.dot(d, d), slope = b_.dot(g, d), length = sqrt(dd);
      const V unit = bounded_step(b_, length, d, x);
      const V reach = -slope / (dd * curvature_);
      const V scale = select(knows() & (reach > V(0.0)) & is_finite(reach), reach, unit);
      b_.each([&](std::int64_t i) { d.put(m, i, scale * d[i]); });
    }

   private:
    static constexpr double kEta = 0.01;
    const B& b_;
    typename K::Scalar known_, beta_, curvature_;
    Vector s_, y_;
    Free<B, K> free_;
  };

  template <class B, class K> using State =
      LineSearchDescent<B, K, Direction<B, K>, line_searches::HagerZhang<B, K>>;
};

}  // namespace thalweg::solvers
