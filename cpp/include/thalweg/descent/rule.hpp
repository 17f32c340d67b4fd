// SPDX-License-Identifier: BSD-3-Clause
// What is known of a rule at run time: a first-order method, whose update of the point from its
// gradient is one formula. solver.hpp has the same of solvers.
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
  std::span<const rules::Memory> counted;  // the same, and the number of steps made, t
  // (x, g, memory, hyper) to x and memory.
  void (*step)(Expr x, Expr g, const Expr* memory, const Expr* hyper, Expr& x_next,
               Expr* memory_next);
};
std::span<const Rule> all_rules();
const Rule* find_rule(std::string_view name);

// What every rule takes besides its own hyper-parameters: what is done to the gradient before the
// rule sees it, in this order.
std::span<const rules::Hyper> options();

}  // namespace thalweg
