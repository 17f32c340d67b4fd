// SPDX-License-Identifier: BSD-3-Clause
// A loop that stays a loop: (c, y_t) = body(c, x_t, k) for t = 0 … length - 1, where c is carried
// from step to step, x_t is row t of an array, and k is the same in all steps. The result is the
// last c, followed by the rows y_t. The derivatives are loops over derivatives of the body, which
// are nodes of the body's graph.
#pragma once
#include "thalweg/graph/routine.hpp"
#include "thalweg/lowering/tape.hpp"

namespace thalweg {

class Iteration final : public Routine, public std::enable_shared_from_this<Iteration> {
 public:
  enum class Role : std::uint8_t { Carry, Each, Same };
  static constexpr int kRoles = 3;
  // An input of the body: part of what is carried, of each row, or of what is the same.
  struct Input {
    std::int32_t number;
    Shape shape;
    Role role;
    bool operator==(const Input&) const = default;
  };
  // The inputs of a role lie one after another, in the order of the list; what is carried on has
  // the shapes of the inputs of that role.
  struct Form {
    std::shared_ptr<Graph> body;
    std::vector<Input> inputs;
    std::vector<NodeId> carried, given;
    std::int64_t length;
    bool backward = false;
    std::int64_t carries_at = -1;  // where a row of the result has the c before its step, if it has
    bool operator==(const Form&) const = default;
  };

  explicit Iteration(Form form);
  // A node of it. The inputs are those of the roles that occur: c before the first step, rows, k.
  static NodeId node(Graph& graph, Form form, std::span<const NodeId> inputs);

  const Form& form() const { return form_; }
  // Numbers that the inputs of a role have; those of a row of the result.
  std::int64_t size(Role role) const { return sizes_[static_cast<std::size_t>(role)]; }
  std::int64_t given() const { return given_; }
  // The position of a role among the node's inputs.
  std::size_t place(Role role) const;
  const Program& program(const Kernels& kernels, Layout layout) const;

  std::string name() const override { return "scan"; }
  bool sequential() const override { return true; }
  std::optional<Culprit> culprit(std::span<const std::span<const double>> in) const override;
  bool equals(const Routine& other) const override;
  std::uint64_t hash() const override;
  std::vector<Expr> reverse(Graph& graph, NodeId id, NodeId adjoint,
                            const std::vector<bool>& needed) const override;
  Expr forward(Graph& graph, NodeId id, std::span<const Expr> tangents) const override;
  std::unique_ptr<RoutineWork> work(const Kernels& kernels, Layout layout,
                                    std::int64_t lanes) const override;

 private:
  std::vector<NodeId> nodes_of(Role role) const;
  std::int32_t count() const;
  NodeId carries(Graph& graph, NodeId id) const;

  Form form_;
  std::array<std::int64_t, kRoles> sizes_{};
  std::int64_t given_ = 0;
  mutable Programs programs_;
};

}  // namespace thalweg
