// SPDX-License-Identifier: BSD-3-Clause
// Levenberg and Marquardt's steps by QR: [J; sqrt(t) D] instead of J'J + t D^2. K. Levenberg 1944,
// Quart. Appl. Math. 2, 164-168; G. H. Golub and C. F. Van Loan 2013, Matrix Computations, 5.5.
#include "thalweg/fit/refine.hpp"

#include <cmath>
#include <limits>

#include "fit/pivoted_qr.hpp"

namespace thalweg {
namespace {

constexpr double kEpsilon = std::numeric_limits<double>::epsilon();
constexpr double kTaken = 1e-4;  // the least share of a promise that is accepted
constexpr double kFaint = 1e-9;  // below this share of the cost, falls are computed from slopes
// The damping at the start, the factor of its changes, and the value at which steps end.
constexpr double kFirst = 1e-12, kFactor = 16.0, kMost = 1e4;

std::size_t index(std::int64_t i) { return static_cast<std::size_t>(i); }

struct Refinement {
  std::int64_t n;
  const double *lower, *upper;
  std::int64_t m = 0;

  const double* column(const Linear& at, std::int64_t j) const { return at.columns.data() + j * m; }
  double slope(const Linear& at, std::int64_t j) const {
    return dot(column(at, j), at.residuals.data(), m);
  }

  // Minimizes |r + J d|^2 + t |D d|^2 within the bounds: a variable that would leave them is set to
  // its bound, and the step is recomputed for the others.
  std::vector<double> step(const double* x, const Linear& at, double damping) const {
    std::vector<double> d(index(n), 0.0);
    std::vector<bool> held(index(n), false);
    if (lower)
      for (std::int64_t j = 0; j < n; ++j) {
        const double g = slope(at, j);
        held[index(j)] = (x[j] <= lower[j] && g > 0.0) || (x[j] >= upper[j] && g < 0.0);
      }
    for (std::int64_t pass = 0; pass <= n; ++pass) {
      solve(at, damping, held, d);
      bool out = false;
      for (std::int64_t j = 0; lower && j < n; ++j) {
        const double to = x[j] + d[index(j)];
        if (held[index(j)] || (to >= lower[j] && to <= upper[j])) continue;
        d[index(j)] = (to < lower[j] ? lower[j] : upper[j]) - x[j];
        held[index(j)] = out = true;
      }
      if (!out) break;
    }
    return d;
  }

  // Solves for d in the variables that are not held, by QR; linearly dependent variables do not
  // move.
  void solve(const Linear& at, double damping, const std::vector<bool>& held,
             std::vector<double>& d) const {
    const std::int64_t rows = m + (damping > 0.0 ? n : 0);
    std::vector<double> a(index(rows * n)), right(index(rows)), lengths;
    std::vector<double*> used;
    std::vector<std::int64_t> order;
    std::copy_n(at.residuals.begin(), m, right.begin());
    for (std::int64_t j = 0; j < n; ++j) {
      const double moved = d[index(j)];
      if (held[index(j)] && moved != 0.0)
        for (std::int64_t i = 0; i < m; ++i) right[index(i)] += moved * column(at, j)[i];
      if (held[index(j)]) continue;
      d[index(j)] = 0.0;
      double* to = a.data() + j * rows;
      std::copy_n(column(at, j), m, to);
      const double length = normalize(to, m);
      if (!(length > 0.0)) continue;
      if (damping > 0.0) to[m + j] = std::sqrt(damping);
      used.push_back(to), order.push_back(j), lengths.push_back(length);
    }
    std::vector<std::int64_t> place(used.size());
    for (std::size_t k = 0; k < place.size(); ++k) place[k] = static_cast<std::int64_t>(k);
    PivotedQR factor(used, rows);
    const std::int64_t rank = factor.reduce(place, right.data());
    factor.solve(right.data(), rank);
    for (std::int64_t k = 0; k < rank; ++k) {
      const std::size_t from = index(place[index(k)]);
      d[index(order[from])] = -right[index(k)] / lengths[from];
    }
  }

  // The fall of the cost along d that the model predicts.
  double promised(const Linear& at, const std::vector<double>& d) const {
    std::vector<double> change(index(m), 0.0);
    for (std::int64_t j = 0; j < n; ++j)
      for (std::int64_t i = 0; i < m; ++i) change[index(i)] += d[index(j)] * column(at, j)[i];
    return -(dot(change.data(), at.residuals.data(), m) +
             0.5 * dot(change.data(), change.data(), m));
  }

  // The rounding in the cost: that of each residual is the rounding of the terms of J x.
  double rounding(const double* x, const Linear& at) const {
    double terms = 0.0;
    for (std::int64_t j = 0; j < n; ++j)
      terms += x[j] * x[j] * dot(column(at, j), column(at, j), m);
    return 4 * kEpsilon * (at.cost + std::sqrt(2.0 * at.cost * terms));
  }

  bool finite(const Linear& at) const {
    return std::isfinite(at.cost) &&
           std::isfinite(dot(at.columns.data(), at.columns.data(), n * m));
  }

  double fallen(const Linear& here, const Linear& there, const std::vector<double>& d,
                double promise) const {
    const double fall = here.cost - there.cost, faint = kFaint * here.cost;
    if (!(promise <= faint && std::abs(fall) <= faint)) return fall;
    double slopes = 0.0;
    for (std::int64_t j = 0; j < n; ++j) slopes += d[index(j)] * (slope(here, j) + slope(there, j));
    return -0.5 * slopes;
  }
};

}  // namespace

Refined refine(double* x, std::int64_t n, const double* lower, const double* upper,
               std::int64_t budget, const Linearize& linearize) {
  Refined refined;
  Linear here, there;
  linearize(x, here);
  refined.cost = here.cost;
  const Refinement all{n, lower, upper, static_cast<std::int64_t>(here.residuals.size())};
  double damping = 0.0;
  std::vector<double> trial(index(n));
  while (refined.evaluations < budget && damping <= kMost) {
    std::vector<double> d = all.step(x, here, 0.0);
    refined.left = all.promised(here, d), refined.right = all.rounding(x, here);
    refined.settled = refined.left <= refined.right;
    if (refined.settled) return refined;
    double promise = refined.left;
    if (damping > 0.0) d = all.step(x, here, damping), promise = all.promised(here, d);
    for (std::int64_t j = 0; j < n; ++j) {
      const double to = x[j] + d[index(j)];
      trial[index(j)] = lower ? std::min(std::max(to, lower[j]), upper[j]) : to;
    }
    linearize(trial.data(), there);
    ++refined.evaluations;
    if (promise > 0.0 && all.finite(there) &&
        all.fallen(here, there, d, promise) > kTaken * promise) {
      std::copy(trial.begin(), trial.end(), x);
      std::swap(here, there);
      refined.cost = here.cost;
      ++refined.iterations;
      damping = damping > kFirst ? damping / kFactor : 0.0;
    } else {
      damping = std::max(damping * kFactor, kFirst);
    }
  }
  return refined;
}

}  // namespace thalweg
