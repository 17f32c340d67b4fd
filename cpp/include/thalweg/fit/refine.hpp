// SPDX-License-Identifier: BSD-3-Clause
// Continues a least-squares fit with J itself where J'J, whose condition number is squared, is
// singular to rounding: steps by QR with column pivoting, as accurate as the data allow.
#pragma once
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "thalweg/descent/objective.hpp"

namespace thalweg {

// The sum of squares at a point: cost, residuals (m), and J's columns one after another (n, m).
struct Linear {
  double cost = 0.0;
  std::vector<double> residuals, columns;
};
using Linearize = std::function<void(const double* x, Linear& there)>;
// Likewise for the sums of squares `which` among many, at a point (n) of each.
using LinearizeMany = std::function<void(std::span<const std::int64_t> which, const double* points,
                                         std::span<Linear> there)>;

struct Refined {
  bool settled = false;  // no step promises more than rounding: `left` <= `right`
  double cost = 0.0, left = 0.0, right = 0.0;
  std::int64_t evaluations = 0, iterations = 0;
};

// Starts from x (n), which is replaced by the final point, with at most `budget` evaluations.
// Bounds may be null.
Refined refine(double* x, std::int64_t n, const double* lower, const double* upper,
               std::int64_t budget, const Linearize& linearize);
// Does the same for many, from x (k, n), in rounds that evaluate all that have not ended.
std::vector<Refined> refine_many(double* x, std::int64_t n, const Bounds& bounds,
                                 std::span<const std::int64_t> budgets,
                                 const LinearizeMany& linearize);

}  // namespace thalweg
