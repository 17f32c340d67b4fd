// SPDX-License-Identifier: BSD-3-Clause
// The minimum of a factored model, shortened to a radius by damping. J. J. More 1978, Lecture Notes
// in Math. 630, 105-116, section 5.
#pragma once
#include <cstdint>

#include "thalweg/solvers/cholesky.hpp"

namespace thalweg::solvers {

template <class B> struct Damped {
  using V = typename B::V;
  using Mask = typename B::Mask;
  using Vector = typename B::Vector;

  const B& b;
  const Cholesky<B>& cholesky;
  Vector rhs, y, work;  // y is overwritten

  // Writes the minimum of the factored model to `work`; returns its length.
  V minimize() const {
    b.each([&](std::int64_t i) { y.put(i, rhs[i]); });
    cholesky.forward(y);
    cholesky.backward(y, work);
    return sqrt(b.dot(work, work));
  }

  // Shortens steps p of length `size` to the radius by Newton's method for the damping. `fill(t)`
  // writes the model damped by t to `cholesky`.
  template <class Scalar, class Fill>
  void shorten(Mask outside, V size, V radius, Scalar damping, Vector p, Fill fill) const {
    V low = (size - radius) / (radius * steepness(size)), high = sqrt(b.dot(rhs, rhs)) / radius,
      t = damping;
    t = select(t > low, t, low);
    t = select(t < high, t, high);
    for (int round = 0; round < kRounds; ++round) {
      fill(t);
      const Mask good = cholesky.factor(V(0.0), work);
      size = minimize();
      b.each([&](std::int64_t i) { p.put(outside, i, work[i]); });
      damping.set(outside, t);
      const V over = size - radius;
      outside = outside & good & (abs(over) > V(kAround) * radius);
      if (!any(outside)) break;
      low = select((over > V(0.0)) & (t > low), t, low);
      t = t + over / (radius * steepness(size));
      t = select(t > low, t, low);
    }
  }

  static constexpr double kAround = 0.1;  // relative error of a step's length

 private:
  static constexpr int kRounds = 10;  // of Newton's method for the damping

  // |R'^-1 p / |p||^2 of the step in `work`.
  V steepness(V size) const {
    b.each([&](std::int64_t i) { y.put(i, work[i] / size); });
    cholesky.forward(y);
    return b.dot(y, y);
  }
};

}  // namespace thalweg::solvers
