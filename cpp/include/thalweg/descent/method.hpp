// SPDX-License-Identifier: BSD-3-Clause
// What is known of a method at run time, and the tape of one step of a rule: gradient, update and
// what the stopping tests read.
#pragma once
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "thalweg/graph/expression.hpp"
#include "thalweg/lowering/tape.hpp"
#include "thalweg/rules/rule.hpp"

namespace thalweg {

struct Method {
  const char *name, *class_name, *summary, *source;
  std::span<const rules::Hyper> hyper;
  std::span<const rules::Memory> memory;
  std::span<const rules::Memory> counted;  // the same, and the number of steps made, t
  // (x, g, memory, hyper) to x and memory.
  void (*step)(Expr x, Expr g, const Expr* memory, const Expr* hyper, Expr& x_next,
               Expr* memory_next);
};
std::span<const Method> methods();
const Method* find_method(std::string_view name);

// What every rule takes besides its own hyper-parameters: what is done to the gradient before the
// rule sees it, in this order.
std::span<const rules::Hyper> options();

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
  // Inputs 0 … objective_inputs - 1 are the objective's own, x the first.
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
  std::span<const rules::Memory> memory;  // the method's; counted where a setting is a formula
  // By memory: the input that holds its initial value, or -1 where that is the number it names.
  std::vector<int> initial;
  // Numbers that memory m holds of one lane.
  std::int64_t remembered(std::size_t m) const { return memory[m].per_variable ? n : 1; }
};

// f: a node of one element in a copy of the objective's graph, x its input 0, gradient g; or, where
// f is none (-1), value and gradient come in as inputs. The value handed out is NaN too where the
// next point is not finite. Settings: of the method's hyper-parameters, then of the options; those
// left out are inputs and absent.
Step build_step(const Method& method, std::shared_ptr<Graph> graph, NodeId f, std::int64_t n,
                int objective_inputs, const StepParts& parts,
                std::span<const Setting> settings = {});

}  // namespace thalweg
