// SPDX-License-Identifier: BSD-3-Clause
// Fits traced residuals by least squares with `lm`, and computes the covariance of the fitted
// parameters.
#pragma once
#include <functional>
#include <optional>
#include <vector>

#include "thalweg/descent/descend.hpp"
#include "thalweg/fit/covariance.hpp"

namespace thalweg {

// The start of a fit and its inputs.
struct FitStart {
  const double* x = nullptr;          // (n)
  std::vector<const double*> values;  // by input; the first, x, is not read
  Bounds bounds;
  const double* scale = nullptr;  // (n), the unit of each parameter, or null
  double factor = 1.0;            // lm's hyper-parameter `factor`
  std::int64_t data = 0;          // see Misfit
};

// Where results are written: x (n), covariance (n, n), and `loose` (n), which marks dependent
// parameters.
struct FitRoom {
  double *x, *covariance;
  bool* loose;
};

struct Fitted {
  Determined found{0, 0.0};
  double cost = 0.0;  // half the sum of squares
  Reason reason = Reason::Interrupted;
  double left = 0.0, right = 0.0;  // both sides of the inequality that ended it
  std::int64_t evaluations = 0, iterations = 0;
};

class Fit {
 public:
  // Residuals as a node of a graph whose inputs are the parameters x and further arrays. Fits
  // differ only in the numbers of these inputs.
  Fit(const std::shared_ptr<Graph>& graph, NodeId residuals, NodeId x, int inputs);

  std::int64_t n() const { return n_; }
  std::size_t inputs() const { return varying_.size(); }
  // Returns nothing if it was interrupted.
  std::optional<Fitted> run(const FitStart& start, const Stopping& stopping, const FitRoom& to,
                            const std::function<bool()>& interrupted);

 private:
  Fitted descended(const Program& values, const FitStart& start, const Stopping& stopping,
                   double* x, const std::function<bool()>& interrupted) const;
  std::int64_t n_ = 0, m_ = 0;
  std::vector<bool> varying_;
  std::optional<Programs> values_, ends_;
};

}  // namespace thalweg
