// SPDX-License-Identifier: BSD-3-Clause
// Limited-memory BFGS: approximates the inverse Hessian from the last few steps. J. Nocedal 1980,
// Math. Comp. 35(151), 773-782. With bounds it works in the free variables (like the subspace step
// of R. H. Byrd, P. Lu, J. Nocedal and C. Zhu 1995, SIAM J. Sci. Comput. 16(5), 1190-1208, section
// 5). Where the matrix predicted too much curvature along a step, it is scaled up below the pair of
// this step, by the square root of the excess (after M. Al-Baali 1999, Numer. Algorithms 22(1),
// 99-112).
#pragma once
#include <array>

#include "thalweg/line_searches/strong_wolfe.hpp"
#include "thalweg/solvers/line_search_descent.hpp"
#include "thalweg/solvers/metric.hpp"

namespace thalweg::solvers {

struct LBFGS {
  static constexpr auto name = "lbfgs";
  static constexpr auto class_name = "LBFGS";
  static constexpr auto summary =
      "Limited-memory BFGS: a quasi-Newton method for few and for very many variables.";
  static constexpr auto source =
      "J. Nocedal, Math. Comp. 35(151), 1980, 773-782; D. C. Liu and J. Nocedal, Math. Program. "
      "45, "
      "1989, 503-528.";
  static constexpr std::array hyper{
      rules::Hyper{"memory", 20, "Number of past steps to keep, 1 to 100; each takes two vectors.",
                   closed(1.0).to(closed(100.0)), true},
      kScaleHyper};
  static constexpr Needs needs = Needs::Gradient;
  // Up to so many variables a round is one function: 3 to 15 % faster, for 1 s of compilation.
  static constexpr std::int64_t inlined = 2;

  template <class B, class K> class Direction {
    using V = typename B::V;
    using Mask = typename B::Mask;
    using Vector = typename B::Vector;
    using Scalar = typename K::Scalar;

   public:
    static constexpr double kDecrease = 1e-4, kSlope = 0.9;

    Direction(const SolverCall& c, const B& space, K& k)
        : b_(space),
          together_(c.together),
          size_(static_cast<int>(c.hyper[0])),
          newest_(k.scalar()),
          known_(k.scalar()),
          scale_(k.scalar()),
          metric_(space, k, c.hyper[1]),
          free_(space, k, c),
          part_(c.lower ? k.vector() : Vector{}),
          step_(c.lower ? k.vector() : Vector{}),
          pairs_(k.records(size_ + 1, 4, 2)) {}

    Mask knows() const { return known_ > V(0.0); }
    void forget(Mask m) { known_.set(m, V(0.0)); }
    void meet(Mask m, Vector x) { metric_.meet(m, x); }

    void learn(Mask m, Point<Vector> from, Point<Vector> to, V predicted) {
      const Pair next = spare();
      b_.each([&](std::int64_t i) {
        next.s.put(i, to.x[i] - from.x[i]);
        next.y.put(i, to.g[i] - from.g[i]);
      });
      const auto c = metric_.curvature(next.s, next.y);
      const Mask curved = m & c.there;
      const V excess = predicted / c.sy;
      const Mask grows = knows() & (excess > V(kExcess)) & is_finite(excess);
      next.rho = V(1.0) / c.sy;
      const V root = sqrt(excess), most(kMostGrowth);
      next.growth = select(grows, select(root < most, root, most), V(1.0));
      scale_.set(curved, fits(c));
      if (any(curved)) push(curved);
      known_.set(curved & (known_ < V(size_)), known_ + V(1.0));
    }

    // d = -H g by the two-loop recursion, over the pairs from the newest to the oldest and back.
    void aim(Mask m, Vector d, Vector x, Vector g, const Box<B>& box) {
      V scale = scale_;
      if (box) scale = restrict(m, x, g, box);
      b_.each([&](std::int64_t i) { d.put(m, i, free_.kept(i, -g[i])); });
      const Mask first = m & !knows();
      if (any(first)) scale = select(first, metric_.unit_step(d, x), scale);
      const int most = known(m);
      V growth(1.0);  // of the matrix below the pairs passed; d is without it
      for (int j = 0; j < most; ++j) {
        const Pair p = pair(j);
        const Mask there = m & (V(j) < known_);
        const V a = select(there, p.use * b_.dot(p.s, d), V(0.0));
        p.a = growth * a;
        free_.add(-a, p.y, d);
        growth = select(there & (p.use > V(0.0)), growth * p.growth, growth);
      }
      scale = scale * growth;
      b_.each([&](std::int64_t i) { d.put(m, i, scale * metric_.weighed(i, d[i])); });
      for (int j = most; j-- > 0;) {
        const Pair p = pair(j);
        const V a = select(m & (V(j) < known_), p.a - p.use * b_.dot(p.y, d), V(0.0));
        free_.add(a, p.s, d);
      }
    }

   private:
    static constexpr double kExcess = 2.0;  // a smaller excess of curvature is left to the update
    static constexpr double kMostGrowth = 10.0;

    struct Pair {
      Scalar rho, use, a;  // 1 / s'y; the same in the free variables; for the second loop
      Scalar growth;       // what the matrix is multiplied by before the update with this pair
      Vector s, y;
    };
    // The scale of the matrix before all updates. If the pairs span the space, updates reduce what
    // is too large, so it is the mean of the curvatures that the newest pair allows.
    V fits(const typename Metric<B, K>::Curvature& c) const {
      return b_.n <= size_ ? c.mean : c.scale;
    }
    // The pairs form a ring if all lanes of a batch store pairs together. Otherwise the newest is
    // first, and the pairs move up in the lanes that store one.
    int turned(int j) const { return (j + size_ + 1) % (size_ + 1); }
    int newest() const {
      return *newest_.p > 0 && *newest_.p <= size_ ? static_cast<int>(*newest_.p) : 0;
    }
    Pair stored(int i) const {
      return {pairs_.scalar(i, 0), pairs_.scalar(i, 1), pairs_.scalar(i, 2),
              pairs_.scalar(i, 3), pairs_.vector(i, 0), pairs_.vector(i, 1)};
    }
    Pair pair(int j) const { return stored(together_ ? turned(newest() - j) : j); }
    Pair spare() const { return stored(together_ ? turned(newest() + 1) : size_); }
    void push(Mask m) {
      if (together_) {
        spare().use = spare().rho.get();
        newest_ = V(turned(newest() + 1));
        return;
      }
      const Pair& next = spare();
      for (int j = known(m); j >= 0; --j) {
        if (j == size_) continue;
        const Pair to = stored(j), from = j > 0 ? stored(j - 1) : next;
        to.rho.set(m, from.rho), to.use.set(m, from.rho), to.growth.set(m, from.growth);
        b_.each([&](std::int64_t i) {
          to.s.put(m, i, from.s[i]);
          to.y.put(m, i, from.y[i]);
        });
      }
    }
    // The largest number of pairs in any lane of m.
    int known(Mask m) const {
      int most = 0;
      while (most < size_ && any(m & (known_ > V(most)))) ++most;
      return most;
    }

    // Restricts the pairs to the free variables. Returns the scale of the newest pair that still
    // has curvature there.
    V restrict(Mask m, Vector x, Vector g, const Box<B>& box) {
      free_.look(m, x, g, box);
      V scale(1.0);
      for (int j = known(m); j-- > 0;) {
        const Pair p = pair(j);
        b_.each([&](std::int64_t i) {
          step_.put(i, free_.kept(i, p.s[i]));
          part_.put(i, free_.kept(i, p.y[i]));
        });
        const auto c = metric_.curvature(step_, part_);
        const Mask there = c.there & (V(j) < known_);
        p.use.set(m, select(there, V(1.0) / c.sy, V(0.0)));
        scale = select(there, fits(c), scale);
      }
      return scale;
    }

    const B& b_;
    bool together_;
    int size_;
    Scalar newest_, known_, scale_;
    Metric<B, K> metric_;
    Free<B, K> free_;
    Vector part_, step_;
    typename K::Records pairs_;
  };

  template <class B, class K> using State =
      LineSearchDescent<B, K, Direction<B, K>, line_searches::StrongWolfe<B, K>>;
};

}  // namespace thalweg::solvers
