// SPDX-License-Identifier: BSD-3-Clause
// The shortest vector in the convex hull of a few vectors. P. Wolfe 1976, Finding the nearest point
// in a polytope, Math. Program. 11, 128-149; comments name the steps as the paper does.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

namespace thalweg {

using Point = std::vector<double>;

inline double dot(const Point& a, const Point& b) {
  double sum = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

namespace hull {

struct Table {
  std::size_t columns;
  Point entries;
  Table(std::size_t rows, std::size_t of_row) : columns(of_row), entries(rows * of_row) {}
  double& operator()(std::size_t i, std::size_t j) { return entries[i * columns + j]; }
  double operator()(std::size_t i, std::size_t j) const { return entries[i * columns + j]; }
};

// Weights that add up to 1 and give the shortest combination; some may be negative. Solves the
// system of 1 1' + G, where G holds the vectors' inner products. Returns false if it is singular.
inline bool weigh(const Table& products, const std::vector<std::size_t>& corral, Point& weights) {
  const std::size_t m = corral.size();
  double scale = 0.0;
  for (const std::size_t i : corral) scale = std::max(scale, products(i, i));
  Table a(m, m + 1);
  for (std::size_t i = 0; i < m; ++i) {
    for (std::size_t j = 0; j < m; ++j) a(i, j) = scale + products(corral[i], corral[j]);
    a(i, m) = scale;
  }
  for (std::size_t k = 0; k < m; ++k) {
    std::size_t pivot = k;
    for (std::size_t i = k + 1; i < m; ++i)
      if (std::abs(a(i, k)) > std::abs(a(pivot, k))) pivot = i;
    if (!(std::abs(a(pivot, k)) > 1e-14 * scale)) return false;
    for (std::size_t j = k; j <= m; ++j) std::swap(a(k, j), a(pivot, j));
    for (std::size_t i = 0; i < m; ++i) {
      if (i == k) continue;
      const double share = a(i, k) / a(k, k);
      for (std::size_t j = k; j <= m; ++j) a(i, j) -= share * a(k, j);
    }
  }
  weights.resize(m);
  double sum = 0.0;
  for (std::size_t i = 0; i < m; ++i) sum += weights[i] = a(i, m) / a(i, i);
  for (double& w : weights) w /= sum;
  return std::isfinite(sum) && sum > 0.0;
}

}  // namespace hull

// `vectors` must be finite and not empty. `shares` receives each vector's weight in the result.
inline Point shortest_in_hull(const std::vector<Point>& vectors, std::vector<double>& shares) {
  const std::size_t k = vectors.size(), n = vectors[0].size();
  hull::Table products(k, k);
  for (std::size_t i = 0; i < k; ++i)
    for (std::size_t j = 0; j < k; ++j) products(i, j) = dot(vectors[i], vectors[j]);
  std::vector<std::size_t> corral{0};
  for (std::size_t i = 1; i < k; ++i)
    if (products(i, i) < products(corral[0], corral[0])) corral[0] = i;
  Point weights{1.0}, next;
  const auto combined = [&] {
    Point p(n, 0.0);
    shares.assign(k, 0.0);
    for (std::size_t c = 0; c < corral.size(); ++c) {
      shares[corral[c]] = weights[c];
      for (std::size_t i = 0; i < n; ++i) p[i] += weights[c] * vectors[corral[c]][i];
    }
    return p;
  };
  for (std::size_t major = 0; major < 10 * k; ++major) {
    const Point p = combined();
    std::size_t entering = 0;  // step 1
    double least = INFINITY, largest = 0.0;
    for (std::size_t j = 0; j < k; ++j) {
      const double along = dot(vectors[j], p);
      largest = std::max(largest, products(j, j));
      if (along < least) least = along, entering = j;
    }
    if (least >= dot(p, p) - 1e-15 * largest || std::ranges::find(corral, entering) != corral.end())
      break;
    corral.push_back(entering), weights.push_back(0.0);
    while (true) {  // steps 2 and 3
      if (!hull::weigh(products, corral, next)) {
        corral.pop_back(), weights.pop_back();
        return combined();
      }
      double share = 1.0;
      for (std::size_t c = 0; c < next.size(); ++c)
        if (next[c] <= 0.0) share = std::min(share, weights[c] / (weights[c] - next[c]));
      for (std::size_t c = 0; c < next.size(); ++c) weights[c] += share * (next[c] - weights[c]);
      if (share == 1.0) break;
      for (std::size_t c = weights.size(); c-- > 0;) {
        if (weights[c] > 1e-15) continue;
        weights.erase(weights.begin() + static_cast<std::ptrdiff_t>(c));
        corral.erase(corral.begin() + static_cast<std::ptrdiff_t>(c));
      }
    }
  }
  return combined();
}

}  // namespace thalweg
