// SPDX-License-Identifier: BSD-3-Clause
// BFGS with the inverse Hessian as a dense matrix. J. Nocedal and S. J. Wright 2006, Numerical
// Optimization, 2nd ed., algorithm 6.1. When a variable becomes held at a bound, it is eliminated
// (a Schur complement), so that the rest is the inverse Hessian of the other variables. In its
// first updates, the matrix is scaled up wherever it predicted too much curvature (S. S. Oren and
// D. G. Luenberger 1974, Management Sci. 20(5), 845-862, restricted as in M. Al-Baali 1998, J.
// Optim. Theory Appl. 96(3), 533-553).
#pragma once
#include <array>

#include "thalweg/line_searches/strong_wolfe.hpp"
#include "thalweg/solvers/line_search_descent.hpp"
#include "thalweg/solvers/metric.hpp"

namespace thalweg::solvers {

struct BFGS {
  static constexpr auto name = "bfgs";
  static constexpr auto class_name = "BFGS";
  static constexpr auto summary =
      "BFGS: a quasi-Newton method with a dense inverse Hessian, for up to a few thousand "
      "variables.";
  static constexpr auto source =
      "J. Nocedal and S. J. Wright, Numerical Optimization, 2nd ed., Springer 2006, algorithm 6.1.";
  static constexpr std::array hyper{kScaleHyper};
  static constexpr Needs needs = Needs::Gradient;

  template <class B, class K> class Direction {
    using V = typename B::V;
    using Mask = typename B::Mask;
    using Vector = typename B::Vector;

   public:
    static constexpr double kDecrease = 1e-4, kSlope = 0.9;

    Direction(const SolverCall& c, const B& space, K& k)
        : call_(c),
          b_(space),
          known_(k.scalar()),
          scale_(k.scalar()),
          pending_(k.scalar()),
          growth_(k.scalar()),
          row_(k.scalar()),
          s_(k.vector()),
          y_(k.vector()),
          hy_(k.vector()),
          metric_(space, k, c.hyper[0]),
          free_(space, k, c),
          h_(k.matrix()) {}

    Mask knows() const { return known_ > V(0.0); }
    void forget(Mask m) { known_.set(m, V(0.0)), pending_.set(m, V(0.0)); }
    void meet(Mask m, Vector x) { metric_.meet(m, x); }

    // Stores a step. The matrix is updated with it when the next direction is needed.
    void learn(Mask m, Point<Vector> from, Point<Vector> to, V predicted) {
      b_.each([&](std::int64_t i) {
        s_.put(i, to.x[i] - from.x[i]);
        y_.put(i, free_.kept(i, to.g[i] - from.g[i]));
      });
      const auto c = metric_.curvature(s_, y_);
      const Mask curved = m & c.there;
      if (!any(curved)) return;
      const V excess = predicted / c.sy, scaled = V(kScaled * static_cast<double>(b_.n));
      const Mask grows = knows() & (known_ <= scaled) & (excess > V(1.0)) & is_finite(excess);
      growth_.set(curved, select(grows, select(excess < V(kMost), excess, V(kMost)), V(1.0)));
      scale_.set(curved, c.scale);
      known_.set(curved, known_ + V(1.0)), pending_.set(curved, V(1.0));
      row_ = V(0.0);
    }

    void aim(Mask m, Vector d, Vector x, Vector g, const Box<B>& box) {
      if (any(pending_.on())) update();
      if (box) hold(m, x, g, box);
      b_.each([&](std::int64_t i) { s_.put(i, free_.kept(i, -g[i])); });
      const V scale = metric_.unit_step(s_, x);
      const Mask first = m & !knows(), rest = m & knows();
      b_.each([&](std::int64_t i) { d.put(first, i, scale * metric_.weighed(i, s_[i])); });
      if (!any(rest)) return;
      multiply(s_, y_);
      b_.each([&](std::int64_t i) { d.put(rest, i, free_.kept(i, y_[i])); });
    }

   private:
    // The number of updates that scale the matrix, for each variable; the largest factor.
    static constexpr double kScaled = 4.0, kMost = 10.0;

    // H is multiplied by its growth, and then H += (1 + y'Hy / s'y) s s' / s'y - (Hy s' + s y'H) /
    // s'y, row by row. The update may be interrupted before any row and continued later.
    void update() {
      const Mask curved = pending_.on(), first = curved & (known_ == V(1.0));
      const V growth = growth_;
      // A state restored by a user may hold any number; the row then starts at 0.
      std::int64_t i =
          all((row_ >= V(0.0)) & (row_ <= V(static_cast<double>(b_.n)))) ? row_.number() : 0;
      if (i == 0) {
        if (any(first)) unit(first, scale_);
        multiply(y_, hy_);
        b_.each([&](std::int64_t j) { hy_.put(j, growth * hy_[j]); });
      }
      const V rho = select(curved, V(1.0) / b_.dot(s_, y_), V(0.0));
      const V weight = rho * (V(1.0) + rho * b_.dot(y_, hy_));
      for (; i < b_.n; ++i) {
        row_ = V(static_cast<double>(i));
        worked(call_, b_);
        const V si = s_.element(i), along = weight * si - rho * hy_.element(i), cross = -rho * si;
        const Vector row = h_.row(i);
        b_.each([&](std::int64_t j) {
          row.put(curved, j, fma(cross, hy_[j], fma(along, s_[j], growth * row[j])));
        });
      }
      pending_.set(curved, V(0.0));
    }
    // Sets H to scale W.
    void unit(Mask m, V scale) {
      for (std::int64_t i = 0; i < b_.n; ++i) {
        worked(call_, b_);
        const Vector row = h_.row(i);
        b_.each([&](std::int64_t j) { row.put(m, j, V(0.0)); });
        set_diagonal(m, i, scale);
      }
    }
    void multiply(Vector v, Vector to) {
      for (std::int64_t i = 0; i < b_.n; ++i) {
        worked(call_, b_);
        to.set(i, b_.dot(h_.row(i), v));
      }
    }
    // Finds the variables that are held now. Those that were free until now are removed from H.
    void hold(Mask m, Vector x, Vector g, const Box<B>& box) {
      b_.each([&](std::int64_t i) { s_.put(i, select(box.held(i, x[i], g[i]), V(0.0), V(1.0))); });
      for (std::int64_t i = 0; i < b_.n; ++i) {
        const V was = free_.flags.element(i);
        const Mask leaves = m & knows() & (was > V(0.0)) & (s_.element(i) == V(0.0));
        if (!any(leaves)) continue;
        worked(call_, b_, b_.n);
        leave(leaves, i);
        free_.flags.set(i, select(leaves, V(0.0), was));
      }
      free_.look(m, x, g, box);
    }
    void leave(Mask m, std::int64_t i) {
      const Vector row = h_.row(i);
      b_.each([&](std::int64_t j) { y_.put(j, row[j]); });
      const V pivot = y_.element(i);
      for (std::int64_t k = 0; k < b_.n; ++k) {
        const V share = y_.element(k) / pivot;
        const Vector other = h_.row(k);
        b_.each([&](std::int64_t j) { other.put(m, j, fnma(share, y_[j], other[j])); });
        other.set(i, select(m, V(0.0), other.element(i)));
      }
      b_.each([&](std::int64_t j) { row.put(m, j, V(0.0)); });
      set_diagonal(m, i, scale_);
    }
    void set_diagonal(Mask m, std::int64_t i, V scale) {
      const Vector row = h_.row(i);
      row.set(i, select(m, scale * metric_.unit(i), row.element(i)));
    }

    const SolverCall& call_;
    const B& b_;
    typename K::Scalar known_, scale_;  // the number of steps learned; of the matrix, at first
    // Of a step that is being used to update the matrix: whether there is one; what it multiplies
    // the matrix by; the next row.
    typename K::Scalar pending_, growth_, row_;
    Vector s_, y_, hy_;
    Metric<B, K> metric_;
    Free<B, K> free_;
    typename B::Matrix h_;
  };

  template <class B, class K> using State =
      LineSearchDescent<B, K, Direction<B, K>, line_searches::StrongWolfe<B, K>>;
};

}  // namespace thalweg::solvers
