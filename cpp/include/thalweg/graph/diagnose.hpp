// SPDX-License-Identifier: BSD-3-Clause
// Finds the operation that first produced a value that is not finite, after a run has failed.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "thalweg/graph/expression.hpp"

namespace thalweg {

struct Culprit {
  std::string operation;
  std::vector<double> inputs;  // one element of each operand; empty where an array was reduced
  double result;
  bool outside_domain;  // an input lies outside the operation's domain
};

// Finds the first operation, in the order of evaluation, whose result is not finite although its
// operands are. Values that only the unselected branch of np.where uses are ignored. Returns
// nothing if every value is finite.
std::optional<Culprit> diagnose(std::shared_ptr<Graph> graph, NodeId output,
                                std::span<const double* const> inputs, int input_count);

// Classifies k points with a code each. `between` is called every few hundred points and may throw.
enum class Fault : std::int8_t { None, NotFinite, Infinite, OutsideDomain };
std::vector<Fault> faults(std::shared_ptr<Graph> graph, NodeId output,
                          std::span<const double* const> inputs, const std::vector<bool>& varying,
                          std::int64_t k, const std::function<void()>& between = {});

}  // namespace thalweg
