// SPDX-License-Identifier: BSD-3-Clause
// Applies a solver to one objective: lowers the tapes that it needs, once for each choice of inputs
// that differ between starts. Any thread may request them.
#pragma once
#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "thalweg/descent/block.hpp"

namespace thalweg {

class SolverTapes {
 public:
  // `derivatives`: nodes of the gradient and of the solver's other derivatives, if they are given
  // and not derived from f.
  SolverTapes(const Solver& solver, const Objective& objective,
              std::span<const NodeId> derivatives = {});

  const Solver& solver() const { return solver_; }
  std::int64_t n() const { return n_; }
  int args() const { return args_; }
  bool driven() const { return !values_; }  // values come from a driver
  // For k starts in batches of `width`. `varying` tells which of the objective's inputs have a row
  // per start. A small Hessian is computed with every value, a large one by products.
  Sources sources(const std::vector<bool>& varying, std::int64_t k, int width);

 private:
  const Program& laid_as(Layout values, const std::vector<bool>& varying, int width,
                         std::int64_t k);
  const Solver& solver_;
  std::int64_t n_;
  int args_;                // arguments of the objective, after x
  bool all_given_ = false;  // the program of values has every derivative
  std::optional<Programs> values_, joint_, product_;
  std::once_flag joint_made_;
  std::function<void()> make_joint_;
};

// How many matrices (n, n) a solver keeps per start, including those that it receives.
int matrices_of(const Solver& solver);

}  // namespace thalweg
