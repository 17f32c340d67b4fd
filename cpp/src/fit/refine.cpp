// SPDX-License-Identifier: BSD-3-Clause
// Levenberg and Marquardt's steps by QR: [J; sqrt(t) D] instead of J'J + t D^2. K. Levenberg 1944,
// Quart. Appl. Math. 2, 164-168; G. H. Golub and C. F. Van Loan 2013, Matrix Computations, 5.5.
#include "thalweg/fit/refine.hpp"

#include <algorithm>
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

// One fit, which asks for the values at one point after another.
class Asking {
 public:
  Asking(double* x, std::int64_t n, const double* lower, const double* upper, std::int64_t budget)
      : x_(x), budget_(budget), at_{n, lower, upper}, trial_(x, x + n) {}

  // Where values are needed next; null at the end.
  const double* point() const { return over_ ? nullptr : trial_.data(); }
  // Takes the values there, and may leave others of no use in their place.
  void tell(Linear& there) {
    if (!begun_) begin(there);
    else judge(there);
    propose();
  }
  const Refined& end() const { return end_; }

 private:
  void begin(Linear& there) {
    std::swap(here_, there);
    at_.m = static_cast<std::int64_t>(here_.residuals.size());
    end_.cost = here_.cost;
    begun_ = true;
  }
  void judge(Linear& there) {
    ++end_.evaluations;
    if (promise_ > 0.0 && at_.finite(there) &&
        at_.fallen(here_, there, d_, promise_) > kTaken * promise_) {
      std::ranges::copy(trial_, x_);
      std::swap(here_, there);
      end_.cost = here_.cost;
      ++end_.iterations;
      damping_ = damping_ > kFirst ? damping_ / kFactor : 0.0;
    } else {
      damping_ = std::max(damping_ * kFactor, kFirst);
    }
  }
  void propose() {
    over_ = end_.evaluations >= budget_ || damping_ > kMost;
    if (over_) return;
    d_ = at_.step(x_, here_, 0.0);
    end_.left = at_.promised(here_, d_), end_.right = at_.rounding(x_, here_);
    over_ = end_.settled = end_.left <= end_.right;
    if (over_) return;
    promise_ = end_.left;
    if (damping_ > 0.0) d_ = at_.step(x_, here_, damping_), promise_ = at_.promised(here_, d_);
    for (std::int64_t j = 0; j < at_.n; ++j) {
      const double to = x_[j] + d_[index(j)];
      trial_[index(j)] = at_.lower ? std::min(std::max(to, at_.lower[j]), at_.upper[j]) : to;
    }
  }

  double* x_;
  std::int64_t budget_;
  Refinement at_;
  std::vector<double> trial_, d_;
  Linear here_;
  Refined end_;
  double damping_ = 0.0, promise_ = 0.0;
  bool begun_ = false, over_ = false;
};

}  // namespace

Refined refine(double* x, std::int64_t n, const double* lower, const double* upper,
               std::int64_t budget, const Linearize& linearize) {
  Asking fit(x, n, lower, upper, budget);
  Linear there;
  while (const double* point = fit.point()) {
    linearize(point, there);
    fit.tell(there);
  }
  return fit.end();
}

std::vector<Refined> refine_many(double* x, std::int64_t n, const Bounds& bounds,
                                 std::span<const std::int64_t> budgets,
                                 const LinearizeMany& linearize) {
  std::vector<Asking> fits;
  std::vector<std::int64_t> which;
  for (std::size_t i = 0; i < budgets.size(); ++i) {
    which.push_back(static_cast<std::int64_t>(i));
    const std::int64_t own = which.back() * n, from = bounds.each ? own : 0;
    fits.emplace_back(x + own, n, bounds ? bounds.lower + from : nullptr,
                      bounds ? bounds.upper + from : nullptr, budgets[i]);
  }
  std::vector<double> points;
  std::vector<Linear> there(fits.size());
  while (!which.empty()) {
    points.clear();
    for (const auto i : which)
      points.insert(points.end(), fits[index(i)].point(), fits[index(i)].point() + n);
    linearize(which, points.data(), {there.data(), which.size()});
    for (std::size_t k = 0; k < which.size(); ++k) fits[index(which[k])].tell(there[k]);
    std::erase_if(which, [&](std::int64_t i) { return !fits[index(i)].point(); });
  }
  std::vector<Refined> ends;
  for (const Asking& fit : fits) ends.push_back(fit.end());
  return ends;
}

}  // namespace thalweg
