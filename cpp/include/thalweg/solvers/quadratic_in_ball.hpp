// SPDX-License-Identifier: BSD-3-Clause
// Minimizes r's + s'As / 2 subject to |s| <= radius, where A is symmetric and may be indefinite. A
// is reduced to tridiagonal form once (Householder; G. H. Golub and C. F. Van Loan, Matrix
// Computations, 4th ed., section 8.3.1), and the multiplier is found in that form (J. J. Moré and
// D. C. Sorensen 1983, SIAM J. Sci. Stat. Comput. 4(3), 553-572, algorithm 3.14; for the
// tridiagonal form N. I. M. Gould, S. Lucidi, M. Roma and P. L. Toint 1999, SIAM J. Optim. 9(2),
// 504-525). Each further radius costs n^2, and no trip count of an n^3 loop depends on a lane.
#pragma once
#include <cstdint>

#include "thalweg/solvers/state.hpp"

namespace thalweg::solvers {

template <class B, class K> class QuadraticInBall {
  using V = typename B::V;
  using Mask = typename B::Mask;
  using Vector = typename B::Vector;

 public:
  QuadraticInBall(const SolverCall& c, const B& space, K& k)
      : call_(c),
        b_(space),
        a_(k.scratch_matrix()),
        d_(k.scratch()),
        e_(k.scratch()),
        tau_(k.scratch()),
        c_(k.scratch()),
        y_(k.scratch()),
        z_(k.scratch()),
        v_(k.scratch()),
        p_(k.scratch()),
        pivots_(k.scratch()),
        ratios_(k.scratch()) {}

  // Reduces A = Q T Q'. `element` passes A by rows: put(i, j) for element i of row j.
  template <class F> void reduce(F element) {
    for (std::int64_t j = 0; j < b_.n; ++j) {
      const Vector row = a_.row(j);
      b_.each([&](std::int64_t i) { row.put(i, element(i, j)); });
      worked(call_, b_);
    }
    b_.each([&](std::int64_t i) { p_.put(i, V(0.0)); });
    const std::int64_t last = b_.n - 1;
    for (std::int64_t k = 0; k + 1 < last; ++k) reflect(k);
    if (last > 0) {
      d_.set(last - 1, a_.row(last - 1).element(last - 1));
      e_.set(last - 1, a_.row(last).element(last - 1));
    }
    d_.set(last, a_.row(last).element(last));
  }

  // Computes s in the lanes m. Its length is the radius to within kNear, or less.
  void step(Mask m, Vector r, V radius, Vector s) {
    b_.each([&](std::int64_t i) { c_.put(i, r[i]); });
    for (std::int64_t k = 0; k + 2 < b_.n; ++k) {
      reflect(k, c_);
      worked(call_, b_);
    }
    solve_tridiagonal(m, radius, s);
    for (std::int64_t k = b_.n - 3; k >= 0; --k) {
      reflect(k, m, s);
      worked(call_, b_);
    }
  }

  // Where A, once reduced, is positive definite.
  Mask definite() const { return factor(V(0.0)); }

  static constexpr double kNear = 0.1;

 private:
  // Iterations for the multiplier: 3 are usual, and each one at least halves an interval.
  static constexpr int kMost = 60;
  static constexpr double kApart = 1e-8;      // margin of the upper end, relative
  static constexpr double kInwards = 0.01;    // the least share of the interval that a step takes
  static constexpr double kRounding = 1e-10;  // of a Rayleigh quotient

  // The k-th reflection zeroes all but one element of row and column k.
  void reflect(std::int64_t k) {
    const Vector row = a_.row(k);
    d_.set(k, row.element(k));
    b_.each([&](std::int64_t i) { v_.put(i, select(b_.after(i, k), row[i], V(0.0))); });
    const V head = v_.element(k + 1), norm = sqrt(b_.dot(v_, v_)),
            onto = select(head < V(0.0), norm, -norm),
            t = select(norm > V(0.0), V(1.0) / (norm * (norm + abs(head))), V(0.0));
    e_.set(k, onto);
    tau_.set(k, t);
    v_.set(k + 1, head - onto);
    for (std::int64_t j = k + 1; j < b_.n; ++j) {
      p_.set(j, t * b_.dot(a_.row(j), v_));
      worked(call_, b_);
    }
    const V c = V(0.5) * t * b_.dot(p_, v_);
    b_.each(
        [&](std::int64_t i) { p_.put(i, select(b_.after(i, k), fnma(c, v_[i], p_[i]), V(0.0))); });
    for (std::int64_t j = k + 1; j < b_.n; ++j) {
      const Vector to = a_.row(j);
      const V vj = v_.element(j), pj = p_.element(j);
      b_.each_after(k, [&](std::int64_t i) { to.put(i, fnma(vj, p_[i], fnma(pj, v_[i], to[i]))); });
      worked(call_, b_);
    }
    b_.each([&](std::int64_t i) { row.put(i, v_[i]); });
  }
  void reflect(std::int64_t k, Vector s) const {
    const Vector v = a_.row(k);
    const V c = tau_.element(k) * b_.dot(v, s);
    b_.each_after(k, [&](std::int64_t i) { s.put(i, fnma(c, v[i], s[i])); });
  }
  void reflect(std::int64_t k, Mask m, Vector s) const {
    const Vector v = a_.row(k);
    const V c = tau_.element(k) * b_.dot(v, s);
    b_.each_after(k, [&](std::int64_t i) { s.put(m, i, fnma(c, v[i], s[i])); });
  }

  // Factors T + lambda = L D L'; returns where it is positive definite.
  Mask factor(V lambda) const {
    V before(0.0);
    Mask definite = V(0.0) <= V(0.0);
    for (std::int64_t i = 0; i < b_.n; ++i) {
      V pivot = d_.element(i) + lambda;
      if (i > 0) pivot = fnma(e_.element(i - 1), before, pivot);
      const Mask positive = pivot > V(0.0);
      definite = definite & positive;
      pivot = select(positive, pivot, V(1.0));
      pivots_.set(i, pivot);
      if (i + 1 < b_.n) ratios_.set(i, before = e_.element(i) / pivot);
    }
    return definite;
  }
  // Writes (T + lambda)^-1 c, times a sign, to y; returns c'y.
  V solve(Vector c, V sign, Vector y) const {
    V form(0.0), before(0.0);
    for (std::int64_t i = 0; i < b_.n; ++i) {
      before = i > 0 ? fnma(ratios_.element(i - 1), before, c.element(i)) : c.element(i);
      const V share = before / pivots_.element(i);
      form = fma(before, share, form);
      y.set(i, sign * share);
    }
    for (std::int64_t i = b_.n - 2; i >= 0; --i)
      y.set(i, fnma(ratios_.element(i), y.element(i + 1), y.element(i)));
    return form;
  }

  struct Interval {
    V least, most;
    V within() const {
      const V mean = sqrt(least * most), inwards = least + V(kInwards) * (most - least);
      return select(mean > inwards, mean, inwards);
    }
  };

  // The interval that must contain the multiplier, from Gershgorin's discs.
  Interval bracket(V radius) const {
    V low(kInfinity), high(-kInfinity), least(kInfinity), before(0.0);
    for (std::int64_t i = 0; i < b_.n; ++i) {
      const V d = d_.element(i), after = i + 1 < b_.n ? abs(e_.element(i)) : V(0.0);
      low = min_of(low, d - (before + after)), high = max_of(high, d + (before + after));
      least = min_of(least, d);
      before = after;
    }
    const V zero(0.0), from = max_of(zero, -least),
                       to = max_of(sqrt(b_.dot(c_, c_)) / radius + max_of(zero, -low), from);
    return {from, to + V(kApart) * max_of(abs(low), abs(high))};
  }

  void solve_tridiagonal(Mask m, V radius, Vector s) {
    const V zero(0.0), one(1.0);
    Interval lambdas = bracket(radius);
    V lambda = select(lambdas.least > zero, lambdas.within(), zero);
    // Starts inverse iteration for the least eigenvalue from a vector without a pattern.
    for (std::int64_t i = 0; i < b_.n; ++i) {
      const double share = 0.618033988749895 * static_cast<double>(i);
      z_.set(i, V(1.0 + share - static_cast<double>(static_cast<std::int64_t>(share))));
    }
    Mask open = m, found = zero > zero;
    for (int round = 0; round < kMost && any(open); ++round) {
      const Mask definite = factor(lambda);
      solve(c_, V(-1.0), y_);
      const V size = sqrt(b_.dot(y_, y_));
      const Mask fits = open & definite & (size <= V(1.0 + kNear) * radius);
      b_.each([&](std::int64_t i) { s.put(fits, i, y_[i]); });
      found = found | fits;
      const Mask done = fits & ((lambda == zero) | (abs(size - radius) <= V(kNear) * radius));
      open = open & !done;
      const V form = solve(y_, one, v_);
      V next = lambda + (size / radius - one) * (size * size / form);
      const Mask inside = open & definite & (size < radius);
      lambdas.most = select(inside & (lambda < lambdas.most), lambda, lambdas.most);
      const Mask low = open & !inside & (lambda > lambdas.least);
      lambdas.least = select(low, lambda, lambdas.least);
      if (any(inside)) open = open & !extend(inside, lambda, radius, size, lambdas, s);
      // The interval includes 0.
      next = select((next <= zero) & (lambdas.least <= zero), zero, next);
      const Mask good = definite & (next <= lambdas.most) &
                        ((next > lambdas.least) | ((next == zero) & (lambdas.least <= zero)));
      lambda = select(good, next, lambdas.within());
    }
    const Mask left = m & !found;
    if (any(left)) {  // not seen in tests: downhill
      const V length = sqrt(b_.dot(c_, c_));
      const V scale = select(length > zero, -radius / length, zero);
      b_.each([&](std::int64_t i) { s.put(left, i, scale * c_[i]); });
    }
  }

  // The hard case: y ends inside the ball, so the step continues along z to the boundary. Returns
  // whether that is accurate enough (Moré and Sorensen, lemma 3.4). The Rayleigh quotient of z
  // bounds the multiplier.
  Mask extend(Mask m, V lambda, V radius, V size, Interval& lambdas, Vector s) const {
    const V one(1.0);
    V curvature(0.0);
    for (int twice = 0; twice < 2; ++twice) {
      const V form = solve(z_, one, v_), length = sqrt(b_.dot(v_, v_));
      // z'(T + lambda)z for the new z, computed from the old one.
      curvature = form / (length * length);
      b_.each([&](std::int64_t i) { z_.put(m, i, v_[i] / length); });
    }
    const V lower = fnma(curvature, V(1.0 + kRounding), lambda);
    lambdas.least = select(m & (lower > lambdas.least), lower, lambdas.least);
    const V across = b_.dot(y_, z_), gap = (radius - size) * (radius + size),
            root = sqrt(across * across + gap),
            t = gap / (across + select(across < V(0.0), -root, root)),
            bent = -b_.dot(c_, y_);  // y'(T + lambda)y
    const Mask enough = m & (t * t * curvature <= V(kNear) * (bent + lambda * (radius * radius)));
    b_.each([&](std::int64_t i) { s.put(enough, i, fma(t, z_[i], y_[i])); });
    return enough;
  }

  static V min_of(V a, V b) { return select(b < a, b, a); }
  static V max_of(V a, V b) { return select(b > a, b, a); }

  const SolverCall& call_;
  const B& b_;
  typename B::Matrix a_;      // rows: Householder's vectors, after reduce()
  Vector d_, e_, tau_;        // T's diagonal and subdiagonal
  Vector c_, y_, z_, v_, p_;  // Q'r; a solution; an eigenvector; work space
  Vector pivots_, ratios_;    // of T + lambda
};

}  // namespace thalweg::solvers
