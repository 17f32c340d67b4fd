// SPDX-License-Identifier: BSD-3-Clause
// A solver on one objective: the tapes that it needs, lowered for each choice of what differs
// between starts, once. Any threads may ask for them.
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
  // `derivatives`: nodes of the gradient and of what the solver needs besides, where they are not
  // to be made from f.
  SolverTapes(const Solver& solver, const Objective& objective,
              std::span<const NodeId> derivatives = {});

  const Solver& solver() const { return solver_; }
  std::int64_t n() const { return n_; }
  int args() const { return args_; }
  bool driven() const { return !values_; }  // values come from a driver
  // For k starts in batches of `width`; `varying`: which of the objective's inputs have a row for
  // each start. The Hessian comes with every value where it is small, else by its products.
  Sources sources(const std::vector<bool>& varying, std::int64_t k, int width);

 private:
  const Program& laid_as(Layout values, const std::vector<bool>& varying, int width,
                         std::int64_t k);
  const Solver& solver_;
  std::int64_t n_;
  int args_;                // of the objective, after x
  bool all_given_ = false;  // the values' program has every derivative
  std::optional<Programs> values_, joint_, product_;
  std::once_flag joint_made_;
  std::function<void()> make_joint_;
};

// How many matrices (n, n) a solver keeps of one start, with those that it is told.
int matrices_of(const Solver& solver);

}  // namespace thalweg
