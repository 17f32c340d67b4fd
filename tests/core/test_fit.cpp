// SPDX-License-Identifier: BSD-3-Clause
// Tests fits in one call, and the tapes of rules and solvers, without Python.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "check.hpp"
#include "thalweg/descent/rule_tapes.hpp"
#include "thalweg/descent/solver_tapes.hpp"
#include "thalweg/fit/fit.hpp"

using namespace thalweg;

namespace {

// Residuals a + b t - y of a straight line, t = 0 … 3; y is input 1.
struct Line {
  std::shared_ptr<Graph> graph = std::make_shared<Graph>();
  NodeId x = graph->input(0, {2}), residuals;
  std::array<double, 4> t{0, 1, 2, 3};
  Line() {
    Graph& g = *graph;
    const NodeId times = g.data({nullptr, t.data(), {4}});
    const Expr a(g, g.view(x, {}, 0, {})), b(g, g.view(x, {}, 1, {}));
    residuals = (a + b * Expr(g, times) - Expr(g, g.input(1, {4}))).in(g);
  }
};

struct Answer {
  std::array<double, 2> x{};
  std::array<double, 4> covariance{};
  std::array<bool, 2> loose{};
  std::optional<Fitted> end;
};

Answer fitted(Line& line, const std::array<double, 4>& y, const Bounds& bounds, std::int64_t data) {
  Fit fit(line.graph, line.residuals, line.x, 2);
  const std::array<double, 2> start{0, 0};
  Answer a;
  a.end = fit.run({start.data(), {nullptr, y.data()}, bounds, nullptr, 1.0, data},
                  {.gtol = 1e-12, .xtol = 1e-12, .ftol = 1e-12},
                  {a.x.data(), a.covariance.data(), a.loose.data()}, {});
  return a;
}

// x0^2 + c x1^4, where c is input 1.
Objective valley() {
  auto graph = std::make_shared<Graph>();
  Graph& g = *graph;
  const NodeId x = g.input(0, {2});
  const Expr a(g, g.view(x, {}, 0, {})), b(g, g.view(x, {}, 1, {})), c(g, g.input(1, {}));
  return {graph, (a * a + c * b * b * b * b).in(g), 2, 2};
}

}  // namespace

TEST(a_fit_finds_the_line_and_its_covariance) {
  Line line;
  const Answer a = fitted(line, {1, 3, 5, 8}, {}, 4);
  // Computed by hand: slope 2.3, intercept 0.8, sum of squares 0.3, J'J = [[4, 6], [6, 14]].
  CHECK(a.end && a.end->found.rank == 2);
  CHECK(std::abs(a.x[0] - 0.8) < 1e-9 && std::abs(a.x[1] - 2.3) < 1e-9);
  CHECK(std::abs(a.end->cost - 0.15) < 1e-12);
  CHECK(std::abs(a.covariance[0] - 14.0 / 20.0 * 0.15) < 1e-9);
  CHECK(std::abs(a.covariance[3] - 4.0 / 20.0 * 0.15) < 1e-9);
  const Answer plain = fitted(line, {1, 3, 5, 8}, {}, 0);
  CHECK(std::abs(plain.covariance[3] - 4.0 / 20.0) < 1e-9);
  const Answer none = fitted(line, {1, 3, 5, 8}, {}, 2);  // no degrees of freedom
  CHECK(none.end->found.rank == -1 && std::isinf(none.covariance[0]));
}

TEST(a_parameter_at_a_bound_has_no_covariance) {
  Line line;
  const std::array<double, 2> lower{-9, -9}, upper{9, 2};
  const Answer a = fitted(line, {1, 3, 5, 8}, {lower.data(), upper.data()}, 4);
  CHECK(a.x[1] == 2 && a.end->found.rank == 1);
  CHECK(std::isnan(a.covariance[3]) && std::isnan(a.covariance[1]) && a.covariance[0] > 0);
}

TEST(a_fit_that_is_interrupted_has_no_answer) {
  Line line;
  Fit fit(line.graph, line.residuals, line.x, 2);
  const std::array<double, 2> start{0, 0};
  const std::array<double, 4> y{1, 3, 5, 8};
  Answer a;
  a.end = fit.run({start.data(), {nullptr, y.data()}, {}, nullptr, 1.0, 0}, {.gtol = 1e-12},
                  {a.x.data(), a.covariance.data(), a.loose.data()}, [] { return true; });
  CHECK(!a.end);
}

TEST(a_rule_begins_its_memory_as_it_is_given_and_else_by_itself) {
  RuleTapes tapes(*find_rule("rprop"), valley(), {}, {});
  const std::array<double, 4> starts{1, 2, 3, 4};
  const double c = 1.0, shrink = 0.5, grow = 1.2;
  const std::array<double, 2> rates{0.1, 0.2};
  RuleInputs inputs;
  inputs.args.push_back({&c, false});
  inputs.hyper.push_back({rates.data(), true});
  for (const double* h : {&shrink, &grow}) inputs.hyper.push_back({h, false});
  while (inputs.hyper.size() < static_cast<std::size_t>(tapes.step().at.hyper_inputs))
    inputs.hyper.push_back({&grow, false});
  const RuleRun run = tapes.run(2, starts.data(), inputs);
  std::array<double, 2> first{};
  tapes.first_memory(run, 0, 1, first.data());  // the initial steps are the learning rate
  CHECK(first[0] == 0.2 && first[1] == 0.2);
  CHECK(run.varying[0] && !run.varying[1]);
  CHECK(run.varying[static_cast<std::size_t>(tapes.step().at.hyper)]);
  const std::array<double, 4> own{5, 6, 7, 8};
  inputs.memory = {own.data()};
  tapes.first_memory(tapes.run(2, starts.data(), inputs), 0, 1, first.data());
  CHECK(first[0] == 7 && first[1] == 8);
}

TEST(a_solver_is_given_the_derivatives_that_it_needs) {
  const int width = kernels().width;
  const auto sources = [&](const char* name, std::int64_t k) {
    SolverTapes tapes(*find_solver(name), valley());
    return tapes.sources({true, false}, k, width).values->output_sizes;
  };
  using Sizes = std::vector<std::int64_t>;
  CHECK(sources("compass", 1) == Sizes({1}));
  CHECK(sources("lbfgs", 9) == Sizes({1, 2}));
  CHECK(sources("newton", 1) == Sizes({1, 2, 4}));
  SolverTapes products(*find_solver("newton_cg"), valley());
  const Sources s = products.sources({true, false}, 1, width);
  CHECK(s.product && s.product->output_sizes == Sizes({2}));
  SolverTapes driven(*find_solver("lbfgs"), {std::make_shared<Graph>(), -1, 2});
  CHECK(driven.driven() && driven.sources({}, 7, width).told_lanes == 7);
}
