// SPDX-License-Identifier: BSD-3-Clause
// Differentiates expressions into expressions, so that common subexpressions are shared and
// derivatives can be differentiated again.
#pragma once
#include <span>
#include <vector>

#include "thalweg/graph/expression.hpp"

namespace thalweg {

// Reverse mode: the derivatives of sum_k <seeds[k], outputs[k]> with respect to each of `wrt`, in
// the shapes of `wrt`. Griewank and Walther, Evaluating Derivatives, 2nd ed. 2008, section 3.2.
std::vector<NodeId> vector_jacobian_product(Graph& graph, std::span<const NodeId> outputs,
                                            std::span<const NodeId> seeds,
                                            std::span<const NodeId> wrt);

// Forward mode: the derivative of each output along the tangents of `wrt`, in the output's shape.
std::vector<NodeId> jacobian_vector_product(Graph& graph, std::span<const NodeId> outputs,
                                            std::span<const NodeId> wrt,
                                            std::span<const NodeId> tangents);

// The derivatives of an output with respect to each element of wrt, in order, each in the output's
// shape. Parts of the graph that an element does not affect are skipped. Meant for few elements.
std::vector<NodeId> jacobian_columns(Graph& graph, NodeId output, NodeId wrt);

// The Hessian (n, n), computed from a gradient (n) in the same way.
NodeId hessian(Graph& graph, NodeId gradient, NodeId wrt);

// The Jacobian of m residuals with respect to the n elements of x, transposed: (n, m).
NodeId jacobian(Graph& graph, NodeId residuals, NodeId x);

// The normal equations of residuals r (m) with the Jacobian J with respect to x: J'u and
// J'diag(w)J. `slopes` is u (m). `weights` is w (m); if it is -1, all weights are 1.
struct NormalEquations {
  NodeId gradient, matrix;  // (n) and (n, n)
};
NormalEquations normal_equations(Graph& graph, NodeId residuals, NodeId slopes, NodeId weights,
                                 NodeId x);

// The gradient of an output with one element.
NodeId gradient(Graph& graph, NodeId output, NodeId wrt);

}  // namespace thalweg
