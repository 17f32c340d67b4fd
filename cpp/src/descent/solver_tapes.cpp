// SPDX-License-Identifier: BSD-3-Clause
// Lowers the derivatives that a solver needs to tapes.
#include "thalweg/descent/solver_tapes.hpp"

#include <array>
#include <cmath>

#include "thalweg/graph/differentiate.hpp"
#include "thalweg/kernels/kernels.hpp"

namespace thalweg {

SolverTapes::SolverTapes(const Solver& solver, const Objective& objective,
                         std::span<const NodeId> derivatives)
    : solver_(solver), n_(objective.n), args_(objective.inputs - 1) {
  if (objective.f < 0) return;
  const std::shared_ptr<Graph>& graph = objective.graph;
  Graph& g = *graph;
  const auto hold = g.hold();
  const NodeId x = g.input(0, {n_});
  std::vector<NodeId> outputs{g.reshape(objective.f, {})};
  if (!derivatives.empty()) {
    outputs.insert(outputs.end(), derivatives.begin(), derivatives.end());
    values_.emplace(graph, std::move(outputs));
    all_given_ = true;
    return;
  }
  if (solver_.needs != Needs::Value) outputs.push_back(gradient(g, objective.f, x));
  if (solver_.needs == Needs::Hessian || solver_.needs == Needs::HessianVector) {
    const NodeId slope = outputs[1], v = g.input(objective.inputs, {n_});
    product_.emplace(graph,
                     jacobian_vector_product(g, std::array{slope}, std::array{x}, std::array{v}));
  }
  values_.emplace(graph, outputs);
  make_joint_ = [this, graph, outputs, x] {
    std::vector<NodeId> all = outputs;
    all.push_back(hessian(*graph, outputs[1], x));
    joint_.emplace(graph, std::move(all));
  };
}

int matrices_of(const Solver& solver) {
  constexpr std::int64_t n = 1 << 13;  // large enough that only matrices count
  constexpr double matrix = static_cast<double>(n) * n;
  std::vector<double> hyper;
  for (const rules::Hyper& h : solver.hyper) hyper.push_back(h.value);
  SolverCall call{};
  call.n = n, call.hyper = hyper.data();
  const std::int64_t own = kernels().solvers[solver.index].elements.size(call);
  // A Hessian that is received takes a second matrix, in which its rows are computed.
  const int given = solver.needs == Needs::Hessian ? 2 : solver.needs == Needs::Normal ? 1 : 0;
  return static_cast<int>(std::lround(static_cast<double>(own) / matrix)) + given;
}

Sources SolverTapes::sources(const std::vector<bool>& varying, std::int64_t k, int width) {
  Sources sources;
  if (driven()) {
    sources.told_lanes = k;
    return sources;
  }
  const bool hessian = solver_.needs == Needs::Hessian && !all_given_;
  if (hessian && n_ <= kJointHessian) {
    const Unforked unforked;
    std::call_once(joint_made_, make_joint_);
    sources.values = &joint_->for_lanes(varying, width, k);
    return sources;
  }
  sources.values = &values_->for_lanes(varying, width, k);
  if (!product_) return sources;
  std::vector<bool> with_v = varying;
  // With one start the unit vectors are the lanes, and all that the start has is the same in them.
  if (hessian && k == 1) with_v.assign(varying.size(), false);
  with_v.push_back(true);
  if (hessian && k == 1) {
    const bool rows = sources.values->body.layout == Layout::Rows;
    sources.product =
        rows ? &product_->for_lanes(with_v, width, n_) : &product_->with(with_v, Layout::Lanes);
  } else {
    sources.product = &laid_as(sources.values->body.layout, with_v, width, k);
  }
  return sources;
}

// The products, in the layout that points and lanes have for the values. Rows have other bits than
// lanes and elements, so that products may have them only where the values do, whatever k is.
const Program& SolverTapes::laid_as(Layout values, const std::vector<bool>& varying, int width,
                                    std::int64_t k) {
  if (values != Layout::Rows) return product_->with(varying, values);
  const Program& own = product_->for_lanes(varying, width, k);
  return own.body.layout == Layout::Lanes ? product_->with(varying, Layout::Elements) : own;
}

}  // namespace thalweg
