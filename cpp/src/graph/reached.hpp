// SPDX-License-Identifier: BSD-3-Clause
// Finds the nodes that outputs depend on.
#pragma once
#include <vector>

#include "thalweg/graph/expression.hpp"

namespace thalweg {

// Marks, by id, the nodes that outputs depend on. Other nodes, which a user or an earlier transform
// created, must be ignored: no derivative or tape may depend on them.
inline std::vector<bool> reached_from(const Graph& graph, std::span<const NodeId> outputs) {
  std::vector<bool> reached(static_cast<std::size_t>(graph.size()), false);
  for (const NodeId o : outputs) reached[static_cast<std::size_t>(o)] = true;
  for (NodeId id = graph.size(); id-- > 0;)
    if (reached[static_cast<std::size_t>(id)])
      for (const NodeId i : graph.inputs(id)) reached[static_cast<std::size_t>(i)] = true;
  return reached;
}

}  // namespace thalweg
