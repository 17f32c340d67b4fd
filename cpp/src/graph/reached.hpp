// SPDX-License-Identifier: BSD-3-Clause
// What outputs are made of.
#pragma once
#include <vector>

#include "thalweg/graph/expression.hpp"

namespace thalweg {

// Marks, by id, the nodes that outputs are made of. What a user made and then left alone, or what a
// transform made before, must not be seen: neither a derivative nor a tape may depend on it.
inline std::vector<bool> reached_from(const Graph& graph, std::span<const NodeId> outputs) {
  std::vector<bool> reached(static_cast<std::size_t>(graph.size()), false);
  for (const NodeId o : outputs) reached[static_cast<std::size_t>(o)] = true;
  for (NodeId id = graph.size(); id-- > 0;)
    if (reached[static_cast<std::size_t>(id)])
      for (const NodeId i : graph.inputs(id)) reached[static_cast<std::size_t>(i)] = true;
  return reached;
}

}  // namespace thalweg
