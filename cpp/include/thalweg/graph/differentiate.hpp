// SPDX-License-Identifier: BSD-3-Clause
// Differentiation, expression in and expression out, so that common parts are shared and
// derivatives can be taken again.
#pragma once
#include <span>
#include <vector>

#include "thalweg/graph/expression.hpp"

namespace thalweg {

// Reverse mode: sum_k <seeds[k], outputs[k]> differentiated with respect to each of `wrt`; shapes
// as theirs. Griewank and Walther, Evaluating Derivatives, 2nd ed. 2008, section 3.2.
std::vector<NodeId> vector_jacobian_product(Graph& graph, std::span<const NodeId> outputs,
                                            std::span<const NodeId> seeds,
                                            std::span<const NodeId> wrt);

// Forward mode: the derivative of each output along the tangents of `wrt`; shapes as the outputs'.
std::vector<NodeId> jacobian_vector_product(Graph& graph, std::span<const NodeId> outputs,
                                            std::span<const NodeId> wrt,
                                            std::span<const NodeId> tangents);

// The derivatives of an output with respect to each element of wrt, one after another; shapes as
// the output's. What an element does not reach is left out: meant for a few elements.
std::vector<NodeId> jacobian_columns(Graph& graph, NodeId output, NodeId wrt);

// The Hessian (n, n) from a gradient (n), likewise.
NodeId hessian(Graph& graph, NodeId gradient, NodeId wrt);

// The derivatives of m residuals by the n elements of x, transposed: (n, m).
NodeId jacobian(Graph& graph, NodeId residuals, NodeId x);

// Of residuals r (m), J their derivatives by the elements of x: J'u and J'diag(w)J, where u (m) are
// `slopes`, and w (m) are `weights`, or ones where these are -1.
struct NormalEquations {
  NodeId gradient, matrix;  // (n) and (n, n)
};
NormalEquations normal_equations(Graph& graph, NodeId residuals, NodeId slopes, NodeId weights,
                                 NodeId x);

// The gradient of an output with one element.
NodeId gradient(Graph& graph, NodeId output, NodeId wrt);

}  // namespace thalweg
