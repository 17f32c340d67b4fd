// SPDX-License-Identifier: BSD-3-Clause
// QR with column pivoting, and what the inverse of its factor says.
#include "thalweg/covariance.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

namespace thalweg {
namespace {

// Four sums side by side: one alone would wait for itself.
double dot(const double* a, const double* b, std::int64_t n) {
  double s[4] = {};
  std::int64_t i = 0;
  for (; i + 4 <= n; i += 4)
    for (int k = 0; k < 4; ++k) s[k] += a[i + k] * b[i + k];
  for (; i < n; ++i) s[0] += a[i] * b[i];
  return (s[0] + s[1]) + (s[2] + s[3]);
}

// Length, without overflow; scales to length one. 0 or what is not finite is left alone.
double normalize(double* a, std::int64_t n) {
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

class Factor {
 public:
  Factor(std::vector<double*> columns, std::int64_t rows)
      : a_(std::move(columns)), m_(rows), n_(static_cast<std::int64_t>(a_.size())) {}

  // R replaces the upper triangle; `order` follows the columns. The rank.
  std::int64_t reduce(std::vector<std::int64_t>& order) {
    std::vector<double> diagonal(static_cast<std::size_t>(n_));
    const double least =
        std::numeric_limits<double>::epsilon() * static_cast<double>(std::max(m_, n_));
    for (std::int64_t k = 0; k < n_; ++k) {
      if (k >= m_) return k;
      const std::int64_t next = longest(k);
      std::swap(a_[index(k)], a_[index(next)]);
      std::swap(order[index(k)], order[index(next)]);
      double* v = a_[index(k)] + k;
      const double length = std::sqrt(dot(v, v, m_ - k));
      if (!(length > least)) return k;  // the first has length one
      // The reflection of v onto its first axis, away from where it points.
      const double sign = v[0] > 0.0 ? -1.0 : 1.0,
                   scale = 1.0 / (length * (length + std::abs(v[0])));
      v[0] -= sign * length;
      for (std::int64_t j = k + 1; j < n_; ++j) {
        double* w = a_[index(j)] + k;
        const double t = scale * dot(v, w, m_ - k);
        for (std::int64_t i = 0; i < m_ - k; ++i) w[i] -= t * v[i];
      }
      v[0] = sign * length;
    }
    return n_;
  }
  // R^-1 by columns, upper triangular, (n, n).
  std::vector<double> inverse() const {
    std::vector<double> x(index(n_ * n_));
    for (std::int64_t j = 0; j < n_; ++j) {
      double* to = x.data() + j * n_;
      to[j] = 1.0;
      for (std::int64_t i = j; i >= 0; --i) {
        to[i] /= a_[index(i)][i];
        for (std::int64_t r = 0; r < i; ++r) to[r] -= to[i] * a_[index(i)][r];
      }
    }
    return x;
  }

 private:
  static std::size_t index(std::int64_t i) { return static_cast<std::size_t>(i); }
  // The column with most left in it. Their lengths are taken anew: n is small, and updates cancel.
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

}  // namespace

std::int64_t covariance(double* columns, std::int64_t n, std::int64_t m, const bool* held,
                        double* covariance) {
  std::fill_n(covariance, n * n, std::numeric_limits<double>::quiet_NaN());
  std::vector<std::int64_t> order;
  std::vector<double*> used;
  std::vector<double> lengths(static_cast<std::size_t>(n));
  bool whole = true;
  for (std::int64_t j = 0; j < n; ++j) {
    if (held && held[j]) continue;
    order.push_back(j);
    used.push_back(columns + j * m);
    const double length = lengths[static_cast<std::size_t>(j)] = normalize(used.back(), m);
    whole = whole && length == length;
  }
  const auto count = static_cast<std::int64_t>(used.size());
  Factor factor(std::move(used), m);
  const std::int64_t rank = whole ? factor.reduce(order) : 0;
  const auto at = [&](std::int64_t i, std::int64_t j) -> double& {
    return covariance[order[static_cast<std::size_t>(i)] * n + order[static_cast<std::size_t>(j)]];
  };
  if (rank < count) {
    for (std::int64_t i = 0; i < count; ++i)
      for (std::int64_t j = 0; j < count; ++j) at(i, j) = std::numeric_limits<double>::infinity();
    return rank;
  }
  const std::vector<double> x = factor.inverse();
  for (std::int64_t i = 0; i < count; ++i)
    for (std::int64_t j = 0; j <= i; ++j) {
      double sum = 0.0;
      for (std::int64_t k = i; k < count; ++k)
        sum +=
            x[static_cast<std::size_t>(k * count + i)] * x[static_cast<std::size_t>(k * count + j)];
      const auto unit = [&](std::int64_t c) {
        return lengths[static_cast<std::size_t>(order[static_cast<std::size_t>(c)])];
      };
      at(i, j) = at(j, i) = sum / unit(i) / unit(j);
    }
  return rank;
}

}  // namespace thalweg
