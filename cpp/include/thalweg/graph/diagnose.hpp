// SPDX-License-Identifier: BSD-3-Clause
// Which operation made a value that is not finite, and from what: asked after the fact.
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

// The first operation, in the order of evaluation, whose result is not finite although its operands
// are. Values that only the branch not taken of np.where uses are ignored. Nothing if all is
// finite.
std::optional<Culprit> diagnose(std::shared_ptr<Graph> graph, NodeId output,
                                std::span<const double* const> inputs, int input_count);

// The same of k points, in brief. `between` is called every few hundred points, and may throw.
enum class Fault : std::int8_t { None, NotFinite, Infinite, OutsideDomain };
std::vector<Fault> faults(std::shared_ptr<Graph> graph, NodeId output,
                          std::span<const double* const> inputs, const std::vector<bool>& varying,
                          std::int64_t k, const std::function<void()>& between = {});

}  // namespace thalweg
