// SPDX-License-Identifier: BSD-3-Clause
// Copies nodes from one graph to another.
#pragma once
#include "thalweg/graph/expression.hpp"

namespace thalweg {

// A node that is no input, with operands that are in the new graph already.
NodeId copied(Graph& to, const Graph& from, NodeId id, std::span<const NodeId> operands);

// The part of a graph that lies between inputs and outputs, as a graph of its own. Its inputs are
// those, numbered in order, and then what else the part reads: `captured`, nodes of the original
// that depend on none of the inputs. Numbers and data are copied.
struct Cut {
  std::shared_ptr<Graph> graph;
  std::vector<NodeId> outputs, captured;
};
Cut cut(const Graph& graph, std::span<const NodeId> outputs, std::span<const NodeId> inputs);

// The numbers of the inputs that a node depends on.
std::vector<std::int32_t> input_numbers(const Graph& graph, NodeId id);

}  // namespace thalweg
