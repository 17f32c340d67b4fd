// SPDX-License-Identifier: BSD-3-Clause
// Steepest descent with a line search. A. Cauchy 1847, C. R. Acad. Sci. 25, 536-538. The first
// trial is the step of J. Barzilai and J. M. Borwein 1988, IMA J. Numer. Anal. 8(1), 141-148, eq.
// 5.
#pragma once
#include <array>

#include "thalweg/line_searches/backtracking.hpp"
#include "thalweg/solvers/line_search_descent.hpp"
#include "thalweg/solvers/metric.hpp"

namespace thalweg::solvers {

struct Steepest {
  static constexpr auto name = "steepest";
  static constexpr auto class_name = "Steepest";
  static constexpr auto summary = "Steepest descent with a backtracking line search.";
  static constexpr auto source =
      "A. Cauchy, C. R. Acad. Sci. 25, 1847, 536-538; J. Barzilai and J. M. Borwein, IMA J. Numer. "
      "Anal. 8(1), 1988, 141-148.";
  static constexpr std::array<rules::Hyper, 0> hyper{};
  static constexpr Needs needs = Needs::Gradient;
  static constexpr bool models = false;

  template <class B, class K> class Direction {
    using V = typename B::V;
    using Mask = typename B::Mask;
    using Vector = typename B::Vector;

   public:
    static constexpr double kDecrease = 1e-4, kSlope = 0.9;

    Direction(const SolverCall&, const B& space, K& k)
        : b_(space), known_(k.scalar()), scale_(k.scalar()), s_(k.vector()), y_(k.vector()) {}

    Mask knows() const { return known_ > V(0.0); }
    void forget(Mask m) { known_.set(m, V(0.0)); }

    void learn(Mask m, Point<Vector> from, Point<Vector> to, V) {
      b_.each([&](std::int64_t i) {
        s_.put(i, to.x[i] - from.x[i]);
        y_.put(i, to.g[i] - from.g[i]);
      });
      const V sy = b_.dot(s_, y_), ss = b_.dot(s_, s_);
      const Mask curved = m & (sy > V(0.0)) & is_finite(ss / sy);
      scale_.set(curved, ss / sy);
      known_.set(curved, V(1.0));
    }

    void aim(Mask m, Vector d, Vector x, Vector g, const Box<B>& box) {
      b_.each([&](std::int64_t i) { d.put(m, i, select(box.held(i, x[i], g[i]), V(0.0), -g[i])); });
      const V length = sqrt(b_.dot(d, d)), unit = bounded_step(b_, length, d, x);
      const V scale = select(knows(), scale_, unit);
      b_.each([&](std::int64_t i) { d.put(m, i, scale * d[i]); });
    }

   private:
    const B& b_;
    typename K::Scalar known_, scale_;
    Vector s_, y_;
  };

  template <class B, class K> using State =
      LineSearchDescent<B, K, Direction<B, K>, line_searches::Backtracking<B, K>>;
};

}  // namespace thalweg::solvers
