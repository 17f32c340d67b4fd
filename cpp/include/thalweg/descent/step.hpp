// SPDX-License-Identifier: BSD-3-Clause
// One step of a rule on an objective, as one graph: value, gradient, update, and the quantities
// that the stopping tests read.
#pragma once
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "thalweg/descent/objective.hpp"
#include "thalweg/descent/rule.hpp"

namespace thalweg {

// How a hyper-parameter enters a step: as an input; as a formula of t (0 at the first step) and of
// inputs of its own; or, for options, not at all.
using Formula = std::function<Expr(Expr t, std::span<const Expr> parameters)>;
struct Setting {
  int inputs = 1;
  Formula formula = nullptr;
};

// Which outputs a step has for the stopping tests. Others are not computed.
struct StepParts {
  bool bounds = false;
  bool gradient_norm = false;  // of the projected gradient
  bool change = false;         // |x' - x| / (1 + |x'|), in maximum norms
  bool value = false;          // for reports: f, even if the next point is not finite
};

// The numbers of the step's inputs and outputs.
struct StepLayout {
  // Inputs 0 … objective.inputs - 1 are the objective's own; x is the first.
  int memory = 0, hyper = 0, hyper_inputs = 0, lower = -1, upper = -1, inputs = 0;
  int told_f = -1, told_g = -1;  // inputs for value and gradient, if they are not traced
  // Outputs.
  int f = 0, x = 1, memory_out = 2, gradient_norm = -1, change = -1, value = -1;
};

struct Step {
  std::shared_ptr<Graph> graph;
  std::vector<NodeId> outputs;
  StepLayout at;
  std::int64_t n = 0;
  std::span<const rules::Memory> memory;  // the rule's; includes t if a setting is a formula
  // By memory: the input that holds its initial value, or -1 if that is a fixed number.
  std::vector<int> initial;
  // How many numbers memory m holds per lane.
  std::int64_t remembered(std::size_t m) const { return memory[m].per_variable ? n : 1; }
};

// Builds the step in the objective's graph. If the objective has no f, value and gradient become
// inputs. The output f is NaN if the next point is not finite. The settings are those of the rule's
// hyper-parameters, then of the options. A hyper-parameter without a setting is an input; an option
// without one is absent.
Step build_step(const Rule& rule, const Objective& objective, const StepParts& parts,
                std::span<const Setting> settings = {});

}  // namespace thalweg
