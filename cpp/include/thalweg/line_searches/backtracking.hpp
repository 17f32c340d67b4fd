// SPDX-License-Identifier: BSD-3-Clause
// Finds a step with sufficient decrease: shortens the step with the parabola through the known
// values until the decrease suffices. L. Armijo 1966, Pacific J. Math. 16(1), 1-3; J. E. Dennis and
// R. B. Schnabel 1983, Numerical Methods for Unconstrained Optimization, algorithm A6.3.1.
#pragma once
#include "thalweg/line_searches/search.hpp"

namespace thalweg::line_searches {

template <class B, class K> class Backtracking {
  using V = typename B::V;
  using Mask = typename B::Mask;
  using Scalar = typename K::Scalar;

 public:
  Backtracking(K& k, double decrease, double)
      : alpha(k.scalar()),
        f0_(k.scalar()),
        slope0_(k.scalar()),
        first_(k.scalar()),
        c1_(decrease) {}

  Scalar alpha;  // the next trial

  void begin(Mask m, V f0, V slope0, V first, V) {
    alpha.set(m, first), first_.set(m, first);
    f0_.set(m, f0), slope0_.set(m, slope0);
  }

  Mask begun_at(V f0, V slope0) const { return (f0_ == f0) & (slope0_ == slope0); }

  Said<Mask> tell(Mask m, V f, V slope) {
    const V a = alpha, f0 = f0_, slope0 = slope0_;
    const Mask finite = is_finite(f) & is_finite(slope);
    f = comparable(a, f0, slope0, f, slope);
    const Mask accepted = m & finite & (f <= f0 + V(c1_) * a * slope0);
    const Mask open = m & !accepted;
    const V parabola = V(-0.5) * slope0 * a * a / (f - f0 - slope0 * a);
    const V shorter =
        select(finite, larger(V(0.1) * a, smaller(V(0.5) * a, parabola)), V(kRetreat) * a);
    const Mask failed = open & !(shorter > V(kNarrow * kNarrow) * first_);
    alpha.set(open, shorter);
    return {accepted, failed};
  }

 private:
  Scalar f0_, slope0_, first_;
  double c1_;
};

}  // namespace thalweg::line_searches
