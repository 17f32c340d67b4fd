// SPDX-License-Identifier: BSD-3-Clause
// Computes a covariance by QR with column pivoting and the inverse of R.
#include "thalweg/fit/covariance.hpp"

#include <limits>
#include <span>
#include <vector>

#include "fit/pivoted_qr.hpp"

namespace thalweg {
namespace {

constexpr double kInfinite = std::numeric_limits<double>::infinity();

// Marks the columns that are part of a linear dependence: the rows of the basis [-R11^-1 R12; I] of
// the null space that are nonzero to half of the digits.
void name_dependent(const PivotedQR& factor, std::int64_t rank, std::int64_t count,
                    const std::vector<std::int64_t>& order, bool* loose) {
  const double half = std::sqrt(std::numeric_limits<double>::epsilon());
  std::vector<double> y(index(count));
  for (std::int64_t j = rank; j < count; ++j) {
    loose[order[index(j)]] = true;
    for (std::int64_t i = 0; i < rank; ++i) y[index(i)] = factor.r(i, j);
    factor.solve(y.data(), rank);
    for (std::int64_t i = 0; i < rank; ++i)
      if (!(std::abs(y[index(i)]) <= half)) loose[order[index(i)]] = true;
  }
}

// Multiplies by the residual variance of this cost and degrees of freedom. If there are none, the
// entries become infinite; returns false if there are some.
bool scale_by_variance(std::span<double> covariance, double cost, std::int64_t freedom) {
  const double variance = 2.0 * cost / static_cast<double>(freedom);
  bool known = true;
  for (double& c : covariance)
    if (freedom > 0) c *= variance;
    else if (c == c) c = kInfinite, known = false;
  return known;
}

}  // namespace

Determined covariance(double* columns, std::int64_t n, std::int64_t m, const bool* held,
                      const Misfit& misfit, double* covariance, bool* loose) {
  std::fill_n(covariance, n * n, std::numeric_limits<double>::quiet_NaN());
  std::fill_n(loose, n, false);
  std::vector<std::int64_t> order;
  std::vector<double*> used;
  std::vector<double> lengths(index(n));
  bool whole = true;
  for (std::int64_t j = 0; j < n; ++j) {
    if (held && held[j]) continue;
    order.push_back(j);
    used.push_back(columns + j * m);
    const double length = lengths[index(j)] = normalize(used.back(), m);
    whole = whole && length == length;
  }
  const auto count = static_cast<std::int64_t>(used.size());
  PivotedQR factor(std::move(used), m);
  const std::int64_t rank = whole ? factor.reduce(order) : 0;
  const auto at = [&](std::int64_t i, std::int64_t j) -> double& {
    return covariance[order[index(i)] * n + order[index(j)]];
  };
  if (rank < count) {
    for (std::int64_t i = 0; i < count; ++i)
      for (std::int64_t j = 0; j < count; ++j) at(i, j) = kInfinite;
    name_dependent(factor, rank, count, order, loose);
    return {rank, 0.0};
  }
  const std::vector<double> x = factor.inverse();
  for (std::int64_t i = 0; i < count; ++i)
    for (std::int64_t j = 0; j <= i; ++j) {
      double sum = 0.0;
      for (std::int64_t k = i; k < count; ++k)
        sum += x[index(k * count + i)] * x[index(k * count + j)];
      const auto unit = [&](std::int64_t c) { return lengths[index(order[index(c)])]; };
      at(i, j) = at(j, i) = sum / unit(i) / unit(j);
    }
  const bool known = misfit.data <= 0 || scale_by_variance({covariance, index(n * n)}, misfit.cost,
                                                           misfit.data - count);
  return {known ? rank : -1, count ? std::abs(factor.r(count - 1, count - 1)) : 1.0};
}

}  // namespace thalweg
