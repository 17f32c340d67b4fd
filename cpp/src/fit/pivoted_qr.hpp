// SPDX-License-Identifier: BSD-3-Clause
// Householder's QR with column pivoting, of columns stored one after another (P. Businger and G. H.
// Golub 1965, Numer. Math. 7, 269-276).
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include "thalweg/sizes.hpp"

namespace thalweg {

// Four partial sums; a single one would wait for its own additions.
inline double dot(const double* a, const double* b, std::int64_t n) {
  double s[4] = {};
  std::int64_t i = 0;
  for (; i + 4 <= n; i += 4)
    for (int k = 0; k < 4; ++k) s[k] += a[i + k] * b[i + k];
  for (; i < n; ++i) s[0] += a[i] * b[i];
  return (s[0] + s[1]) + (s[2] + s[3]);
}

// Returns the length, without overflow, and scales a to length one. If the length is 0 or not
// finite, a is unchanged.
inline double normalize(double* a, std::int64_t n) {
  double largest = 0.0;
  for (std::int64_t i = 0; i < n; ++i) {
    if (!(std::abs(a[i]) < std::numeric_limits<double>::infinity())) return a[i] - a[i];  // NaN
    largest = std::max(largest, std::abs(a[i]));
  }
  if (largest == 0.0) return 0.0;
  for (std::int64_t i = 0; i < n; ++i) a[i] /= largest;
  const double length = std::sqrt(dot(a, a, n));
  for (std::int64_t i = 0; i < n; ++i) a[i] /= length;
  return largest * length;
}

// A = QR for columns of length at most one, which are overwritten.
class PivotedQR {
 public:
  PivotedQR(std::vector<double*> columns, std::int64_t rows)
      : a_(std::move(columns)), m_(rows), n_(static_cast<std::int64_t>(a_.size())) {}

  // R replaces the upper triangle, `order` is permuted like the columns, and `right` (m, or null)
  // becomes Q'right. Returns the rank.
  std::int64_t reduce(std::vector<std::int64_t>& order, double* right = nullptr) {
    const double least =
        std::numeric_limits<double>::epsilon() * static_cast<double>(std::max(m_, n_));
    for (std::int64_t k = 0; k < n_; ++k) {
      if (k >= m_) return k;
      const std::int64_t next = longest(k);
      std::swap(a_[index(k)], a_[index(next)]);
      std::swap(order[index(k)], order[index(next)]);
      double* v = a_[index(k)] + k;
      const double length = std::sqrt(dot(v, v, m_ - k));
      if (!(length > least)) return k;  // the first column has length one
      // Reflects v onto its first axis, in the direction away from v.
      const double sign = v[0] > 0.0 ? -1.0 : 1.0,
                   scale = 1.0 / (length * (length + std::abs(v[0])));
      v[0] -= sign * length;
      const auto reflect = [&](double* w) {
        const double t = scale * dot(v, w, m_ - k);
        for (std::int64_t i = 0; i < m_ - k; ++i) w[i] -= t * v[i];
      };
      for (std::int64_t j = k + 1; j < n_; ++j) reflect(a_[index(j)] + k);
      if (right) reflect(right + k);
      v[0] = sign * length;
    }
    return n_;
  }

  double r(std::int64_t i, std::int64_t j) const { return a_[index(j)][i]; }

  // Solves R y = y in place for the first `count` elements.
  void solve(double* y, std::int64_t count) const {
    for (std::int64_t i = count; i-- > 0;) {
      y[i] /= r(i, i);
      for (std::int64_t k = 0; k < i; ++k) y[k] -= y[i] * r(k, i);
    }
  }

  // R^-1 by columns, upper triangular, (n, n).
  std::vector<double> inverse() const {
    std::vector<double> x(index(n_ * n_));
    for (std::int64_t j = 0; j < n_; ++j) {
      x[index(j * n_ + j)] = 1.0;
      solve(x.data() + j * n_, j + 1);
    }
    return x;
  }

 private:
  // The column with the longest remainder. Lengths are recomputed, as n is small and updates
  // cancel.
  std::int64_t longest(std::int64_t k) const {
    std::int64_t best = k;
    double most = -1.0;
    for (std::int64_t j = k; j < n_; ++j) {
      const double left = dot(a_[index(j)] + k, a_[index(j)] + k, m_ - k);
      if (left > most) most = left, best = j;
    }
    return best;
  }
  std::vector<double*> a_;
  std::int64_t m_, n_;
};

}  // namespace thalweg
