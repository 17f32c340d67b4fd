// SPDX-License-Identifier: BSD-3-Clause
// One step of a rule on an objective, as one graph: value, gradient, update and what the stopping
// tests read.
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

// Which tests a step's tape feeds: what nobody reads is not computed.
struct StepParts {
  bool bounds = false;
  bool gradient_norm = false;  // of the projected gradient
  bool change = false;         // |x' - x| / (1 + |x'|), norms of the largest element
  bool value = false;          // f also where the next point is not finite: for reports
};

// The step's inputs and outputs by number.
struct StepLayout {
  // Inputs 0 … objective.inputs - 1 are the objective's own, x the first.
  int memory = 0, hyper = 0, hyper_inputs = 0, lower = -1, upper = -1, inputs = 0;
  int told_f = -1, told_g = -1;  // where value and gradient are told, not traced
  // Outputs.
  int f = 0, x = 1, memory_out = 2, gradient_norm = -1, change = -1, value = -1;
};

struct Step {
  std::shared_ptr<Graph> graph;
  std::vector<NodeId> outputs;
  StepLayout at;
  std::int64_t n = 0;
  std::span<const rules::Memory> memory;  // the rule's; counted where a setting is a formula
  // By memory: the input that holds its initial value, or -1 where that is the number it names.
  std::vector<int> initial;
  // Numbers that memory m holds of one lane.
  std::int64_t remembered(std::size_t m) const { return memory[m].per_variable ? n : 1; }
};

// In the objective's graph. Where the objective has no f, value and gradient come in as inputs. The
// value handed out is NaN too where the next point is not finite. Settings: of the rule's
// hyper-parameters, then of the options; those left out are inputs and absent.
Step build_step(const Rule& rule, const Objective& objective, const StepParts& parts,
                std::span<const Setting> settings = {});

}  // namespace thalweg
