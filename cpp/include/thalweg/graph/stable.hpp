// SPDX-License-Identifier: BSD-3-Clause
// Replaces forms that overflow, or lose their digits, by operations that do not.
#pragma once
#include "thalweg/graph/expression.hpp"

namespace thalweg {

// Nodes equal to `roots` in exact arithmetic, in which the forms that stable.cpp lists have values
// and slopes that are right at every argument. Nodes that depend on no such form stay what they
// are.
std::vector<NodeId> stable(Graph& graph, std::span<const NodeId> roots);

}  // namespace thalweg
