// SPDX-License-Identifier: BSD-3-Clause
// Runs lm, then computes the Jacobian at the final point.
#include "thalweg/fit/fit.hpp"

#include <memory>

#include "thalweg/graph/differentiate.hpp"

namespace thalweg {
namespace {

// From this many data on, they are processed by rows, and the Jacobian is computed only at the end.
constexpr std::int64_t kLong = 256;

// Marks the parameters that lie at a bound; null without bounds.
std::unique_ptr<bool[]> at_bounds(const double* x, const Bounds& bounds, std::int64_t n) {
  if (!bounds) return nullptr;
  auto held = std::make_unique<bool[]>(index(n));
  for (std::int64_t i = 0; i < n; ++i)
    held[index(i)] = x[i] <= bounds.lower[i] || x[i] >= bounds.upper[i];
  return held;
}

}  // namespace

Fit::Fit(const std::shared_ptr<Graph>& graph, NodeId residuals, NodeId x, int inputs)
    : varying_(static_cast<std::size_t>(inputs), false) {
  Graph& g = *graph;
  const auto hold = g.hold();
  n_ = size_of(g.shape(x)), m_ = size_of(g.shape(residuals));
  varying_[0] = true;
  const NodeId r = g.reshape(residuals, {m_});
  const Expr squares(g, g.reduce(Reduction::Sum, (Expr(g, r) * Expr(g, r)).in(g), {0}, false));
  const auto [gradient, matrix] = normal_equations(g, r, r, -1, x);
  std::vector<NodeId> outputs{(Expr(0.5) * squares).in(g), gradient, matrix},
      ends{r, jacobian(g, r, x)};
  if (m_ < kLong) outputs.insert(outputs.end(), ends.begin(), ends.end());
  else ends_.emplace(graph, std::move(ends));
  values_.emplace(graph, std::move(outputs));
}

std::optional<Fitted> Fit::run(const FitStart& start, const Stopping& stopping, const FitRoom& to,
                               const std::function<bool()>& interrupted) {
  const Kernels& isa = kernels();
  const Program& values = values_->for_lanes(varying_, isa.width, 1);
  const Program& ends = ends_ ? ends_->for_lanes(varying_, isa.width, 1) : values;
  Fitted fitted = descended(values, start, stopping, to.x, interrupted);
  if (fitted.reason == Reason::Interrupted) return std::nullopt;

  std::vector<std::vector<double>> out;
  std::vector<double*> into;
  for (const auto size : ends.output_sizes)
    into.push_back(out.emplace_back(static_cast<std::size_t>(size)).data());
  std::vector<const double*> in = start.values;
  in[0] = to.x;
  if (!evaluate(ends, isa, in, into, 1, stopping.threads, interrupted)) return std::nullopt;
  const auto held = at_bounds(to.x, start.bounds, n_);
  fitted.found = covariance(out.back().data(), n_, m_, held.get(), {fitted.cost, start.data},
                            to.covariance, to.loose);
  return fitted;
}

Fitted Fit::descended(const Program& values, const FitStart& start, const Stopping& stopping,
                      double* x, const std::function<bool()>& interrupted) const {
  Fitted fitted;
  auto reason = static_cast<std::int8_t>(fitted.reason);
  const Endings endings{x,       nullptr,      &fitted.cost,  nullptr, &fitted.iterations,
                        &reason, &fitted.left, &fitted.right, {},      &fitted.evaluations};
  const Setup setup{find_solver("lm"), n_, {start.factor}, start.bounds, start.scale};
  Sources sources;
  sources.values = &values;
  descend(setup, sources, kernels(), {1, start.x, start.values, {}}, stopping, endings,
          {interrupted, nullptr, nullptr});
  fitted.reason = static_cast<Reason>(reason);
  return fitted;
}

}  // namespace thalweg
