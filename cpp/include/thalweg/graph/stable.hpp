// SPDX-License-Identifier: BSD-3-Clause
// Replaces forms that overflow, or lose their digits, by operations that do not.
#pragma once
#include "thalweg/graph/expression.hpp"

namespace thalweg {

// A node equal to `root` in exact arithmetic, in which the forms that stable.cpp lists have values
// and slopes that are right at every argument; `root` itself if it has none of them. Nodes that
// depend on no such form stay what they are.
NodeId stable(Graph& graph, NodeId root);

}  // namespace thalweg
