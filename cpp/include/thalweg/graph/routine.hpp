// SPDX-License-Identifier: BSD-3-Clause
// A computation on whole arrays that is one node: a factorization, a transform, a loop, a call.
// What it computes, and the derivatives, are its own; the graph, the tapes and the layouts treat
// all routines alike.
#pragma once
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "thalweg/graph/diagnose.hpp"
#include "thalweg/graph/expression.hpp"

namespace thalweg {

struct Kernels;
struct RoutineWork;
enum class Layout : std::uint8_t;

class Routine {
 public:
  virtual ~Routine();
  // As printed tapes and messages name it.
  virtual std::string name() const = 0;
  // What its argument is where the result is not finite, in words; empty if there is no such
  // domain.
  virtual std::string undefined() const { return {}; }
  // Equal routines with equal inputs are one node.
  virtual bool equals(const Routine& other) const { return this == &other; }
  virtual std::uint64_t hash() const { return reinterpret_cast<std::uintptr_t>(this); }
  // Whether the work reads the input, or derivatives alone do. It reads up to three.
  virtual bool reads(std::size_t) const { return true; }
  // What went wrong inside, where the result is not finite although the inputs are; nothing if that
  // is the routine itself.
  virtual std::optional<Culprit> culprit(std::span<const std::span<const double>>) const {
    return std::nullopt;
  }
  // Whether its steps wait for one another, so that lanes side by side are faster than one lane.
  virtual bool sequential() const { return false; }
  // The adjoints of the inputs from that of the result, an array of its shape; the number 0 where
  // an input is not needed or has no slope.
  virtual std::vector<Expr> reverse(Graph& graph, NodeId id, NodeId adjoint,
                                    const std::vector<bool>& needed) const = 0;
  // The tangent of the result. Those of the inputs are arrays of their shapes, or the number 0.
  virtual Expr forward(Graph& graph, NodeId id, std::span<const Expr> tangents) const = 0;
  // What does the work for a block of lanes.
  virtual std::unique_ptr<RoutineWork> work(const Kernels& kernels, Layout layout,
                                            std::int64_t lanes) const = 0;
};

}  // namespace thalweg
