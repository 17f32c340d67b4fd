// SPDX-License-Identifier: BSD-3-Clause
// The run-time description of a rule: a first-order method, whose update of the point from its
// gradient is a single formula. solver.hpp describes solvers in the same way.
#pragma once
#include <span>
#include <string_view>

#include "thalweg/graph/expression.hpp"
#include "thalweg/rules/rule.hpp"

namespace thalweg {

struct Rule {
  const char *name, *class_name, *summary, *source;
  std::span<const rules::Hyper> hyper;
  std::span<const rules::Memory> memory;
  std::span<const rules::Memory> counted;  // the same and t, the number of steps made
  // Maps (x, g, memory, hyper) to the next x and memory.
  void (*step)(Expr x, Expr g, const Expr* memory, const Expr* hyper, Expr& x_next,
               Expr* memory_next);
};
std::span<const Rule> all_rules();
const Rule* find_rule(std::string_view name);

// The options that every rule accepts besides its own hyper-parameters: changes made to the
// gradient before the rule uses it, in this order.
std::span<const rules::Hyper> options();

}  // namespace thalweg
