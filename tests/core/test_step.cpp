// SPDX-License-Identifier: BSD-3-Clause
// Tests the step of a rule: formulas, options, memory, and the outputs that are left out.
#include <algorithm>
#include <cmath>

#include "check.hpp"
#include "thalweg/descent/descend.hpp"

using namespace thalweg;

namespace {
// 3 x0 - 4 x1, whose gradient is constant.
Step step_of(const char* rule, std::span<const Setting> settings) {
  auto g = std::make_shared<Graph>();
  const NodeId x = g->input(0, {2});
  const auto times = [&](double c, std::int64_t i) {
    return g->elementwise(kOpcode<ops::Multiply>,
                          std::array{g->constant(c), g->view(x, {}, i, {})});
  };
  const NodeId f = g->elementwise(kOpcode<ops::Add>, std::array{times(3.0, 0), times(-4.0, 1)});
  return build_step(*find_rule(rule), {g, f, 2, 1}, {}, settings);
}

// The last point after some steps from (10, 20).
std::vector<double> descended(const Step& step, const std::vector<double>& hyper,
                              std::int64_t steps) {
  const double start[2] = {10.0, 20.0};
  double x[2], last[2], fun, last_fun, left, right;
  std::int64_t iterations;
  std::int8_t reason;
  std::vector<bool> varying(static_cast<std::size_t>(step.at.inputs), false);
  varying[0] = true;
  Starts starts{1, start, std::vector<const double*>(varying.size(), nullptr), {}};
  for (std::size_t k = 0; k < step.memory.size(); ++k)
    varying[static_cast<std::size_t>(step.at.memory) + k] = true;
  CHECK(hyper.size() == static_cast<std::size_t>(step.at.hyper_inputs));
  for (std::size_t k = 0; k < hyper.size(); ++k)
    starts.values[static_cast<std::size_t>(step.at.hyper) + k] = &hyper[k];
  const auto program = lower(step.graph, step.outputs, {varying, Layout::Lanes});
  descend(*program, step, kernels(), starts, {.max_iter = steps},
          {x, last, &fun, &last_fun, &iterations, &reason, &left, &right, {}}, {});
  CHECK(iterations == steps);
  return {last[0], last[1]};
}

const Setting kInput{}, kOff{0};
}  // namespace

TEST(a_formula_of_the_step_is_counted_from_zero) {
  const Setting rate{1, [](Expr t, std::span<const Expr> a) { return a[0] * (t + Expr(1.0)); }};
  const Step step = step_of("gradient_descent", std::array{rate});
  CHECK(step.memory.size() == 1);
  // 1 + 2 + 3 + 4 quarters of the gradient.
  const auto x = descended(step, {0.25}, 4);
  CHECK(x[0] == 10.0 - 2.5 * 3.0);
  CHECK(x[1] == 20.0 + 2.5 * 4.0);
}

TEST(what_is_not_asked_for_is_not_in_the_step) {
  const Step plain = step_of("momentum", {});
  const Step told = step_of("momentum", std::array{kInput, kInput, kOff, kOff, kOff});
  CHECK(plain.graph->size() == told.graph->size());
  CHECK(plain.at.inputs == told.at.inputs);
  CHECK(plain.memory.size() == 1);
  const Step cut = step_of("momentum", std::array{kInput, kInput, kOff, kInput});
  CHECK(cut.graph->size() > plain.graph->size());
  CHECK(cut.at.inputs == plain.at.inputs + 1);
}

TEST(the_gradient_is_cut_then_decayed) {
  const Step step = step_of("gradient_descent", std::array{kInput, kInput, kInput, kInput});
  // The gradient is clipped to (3, -3), then to (1.5, -1.5); then 0.1 x is added.
  const auto x = descended(step, {1.0, 3.0, std::sqrt(4.5), 0.1}, 1);
  CHECK(std::abs(x[0] - (10.0 - 2.5)) < 1e-14);
  CHECK(std::abs(x[1] - (20.0 - 0.5)) < 1e-14);
}

TEST(memory_that_begins_as_a_hyper_parameter_names_its_input) {
  const Step step = step_of("rprop", {});
  CHECK(step.initial[0] == step.at.hyper);  // the initial steps are learning_rate
  CHECK(step.initial[1] == -1);
}

TEST(every_option_is_off_unless_it_is_asked_for) {
  for (const rules::Hyper& o : options()) CHECK(std::isnan(o.value));
  for (const Rule& m : all_rules()) {
    CHECK(m.counted.size() == m.memory.size() + 1);
    CHECK(std::string_view(m.counted.back().name) == "t");
    CHECK(std::equal(m.memory.begin(), m.memory.end(), m.counted.begin(),
                     [](const auto& a, const auto& b) { return a.name == b.name; }));
  }
}
