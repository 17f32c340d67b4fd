// SPDX-License-Identifier: BSD-3-Clause
// A function from outside as a node: it is called for each lane, and so is its Jacobian.
#pragma once
#include <functional>
#include <mutex>

#include "thalweg/graph/routine.hpp"

namespace thalweg {

class Call final : public Routine, public std::enable_shared_from_this<Call> {
 public:
  // Reads x and writes y. It may throw.
  using Function = std::function<void(const double* x, double* y)>;

  // y has `results` numbers. The Jacobian, if it is known, writes (results, arguments) numbers.
  // `owner` is what the bridge made them from.
  Call(Function function, Function jacobian, std::int64_t arguments, std::int64_t results,
       std::shared_ptr<const void> owner)
      : function_(std::move(function)),
        jacobian_(std::move(jacobian)),
        arguments_(arguments),
        results_(results),
        owner_(std::move(owner)) {}

  const std::shared_ptr<const void>& owner() const { return owner_; }
  std::string name() const override { return "call"; }
  std::vector<Expr> reverse(Graph& graph, NodeId id, NodeId adjoint,
                            const std::vector<bool>& needed) const override;
  Expr forward(Graph& graph, NodeId id, std::span<const Expr> tangents) const override;
  std::unique_ptr<RoutineWork> work(const Kernels& kernels, Layout layout,
                                    std::int64_t lanes) const override;

 private:
  NodeId slopes(Graph& graph, NodeId id) const;

  Function function_, jacobian_;
  std::int64_t arguments_, results_;
  std::shared_ptr<const void> owner_;
  mutable std::once_flag made_;  // several graphs may have this call
  mutable std::shared_ptr<const Call> slope_;
};

}  // namespace thalweg
