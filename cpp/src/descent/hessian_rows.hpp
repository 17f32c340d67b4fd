// SPDX-License-Identifier: BSD-3-Clause
// Computes the Hessian at one point row by row: products with unit vectors, one per lane.
#pragma once
#include <functional>
#include <optional>
#include <vector>

#include "thalweg/descent/block.hpp"
#include "thalweg/running/workers.hpp"

namespace thalweg {

class HessianRows {
 public:
  // product: the Hessian at x, which is input 0 and the same in every lane, times the last input.
  HessianRows(const Program& product, const Kernels& kernels, std::int64_t n, const Starts& starts,
              int threads, std::function<bool()> interrupted);
  // x (n) and h (n, n) are contiguous. Returns false if it was interrupted.
  bool run(const double* x, double* h);

 private:
  const Program& product_;
  const Kernels& kernels_;
  std::int64_t n_;
  int threads_;
  const std::function<bool()> interrupted_;
  Patience::Time asked_ = std::chrono::steady_clock::now();
  Patience patience_{interrupted_, asked_};
  std::vector<double> x_;
  std::vector<const double*> inputs_;
  std::optional<Evaluator> block_;  // empty if long arrays are processed tile by tile
  std::vector<double> units_;       // for those: rows of unit vectors
};

}  // namespace thalweg
