// SPDX-License-Identifier: BSD-3-Clause
// Least squares of traced residuals by `lm`, and what the answer says of the parameters: their
// covariance.
#pragma once
#include <functional>
#include <optional>
#include <vector>

#include "thalweg/descent/descend.hpp"
#include "thalweg/fit/covariance.hpp"

namespace thalweg {

// Where a fit begins, and what it is given.
struct FitStart {
  const double* x = nullptr;          // (n)
  std::vector<const double*> values;  // by input; the first, x, is not read
  Bounds bounds;
  const double* scale = nullptr;  // (n), what a parameter is measured in, or null
  double factor = 1.0;            // of lm's first damping
  std::int64_t data = 0;          // see Misfit
};

// Where results go: x (n), covariance (n, n), and `loose` (n), which parameters are dependent.
struct FitRoom {
  double *x, *covariance;
  bool* loose;
};

struct Fitted {
  Determined found{0, 0.0};
  double cost = 0.0;  // half the sum of squares
  Reason reason = Reason::Interrupted;
  double left = 0.0, right = 0.0;  // both sides of what decided it
  std::int64_t evaluations = 0, iterations = 0;
};

class Fit {
 public:
  // Residuals of the parameters x, an input of the graph, and of further inputs, none of which
  // differs from fit to fit in anything but its numbers.
  Fit(const std::shared_ptr<Graph>& graph, NodeId residuals, NodeId x, int inputs);

  std::int64_t n() const { return n_; }
  std::size_t inputs() const { return varying_.size(); }
  // None where it was interrupted.
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
