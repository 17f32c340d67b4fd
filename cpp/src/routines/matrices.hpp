// SPDX-License-Identifier: BSD-3-Clause
// Formulas of matrices as nodes, for the derivatives of factorizations. Every matrix is an array
// (batch, rows, columns); Giles 2008, "Collected matrix derivative results", has the formulas.
#pragma once
#include <array>

#include "thalweg/routines/numeric.hpp"

namespace thalweg {

class Matrices {
 public:
  Matrices(Graph& graph, std::int64_t batch) : g(graph), batch_(batch) {}
  Graph& g;

  Expr matrix(NodeId x, std::int64_t m, std::int64_t n) const {
    return {g, g.reshape(x, {batch_, m, n})};
  }
  // A part of a packed result, from a position on.
  Expr part(NodeId packed, std::int64_t each, std::int64_t from, std::int64_t m,
            std::int64_t n) const {
    return {g, g.view(packed, {batch_, m, n}, from, {each, n, 1})};
  }
  Expr transposed(Expr x) const { return {g, g.transpose(x.id, {0, 2, 1})}; }
  Expr diagonal(Expr x) const {  // (batch, 1, n)
    const std::int64_t n = columns(x);
    return {g, g.view(x.id, {batch_, 1, n}, 0, {n * n, n + 1, n + 1})};
  }
  Expr product(Expr a, Expr b) const { return times(a, b, false, false); }
  Expr transposed_product(Expr a, Expr b) const { return times(a, b, true, false); }  // A' B
  Expr product_transposed(Expr a, Expr b) const { return times(a, b, false, true); }  // A B'

  Expr triangle(Expr x, MatrixPart which) const {
    const Shape shape = x.shape();
    return made("triangle", std::array{x.id},
                {batch_, shape[1], shape[2], static_cast<std::int64_t>(which)}, shape);
  }
  // X with op(T) X = B.
  Expr triangular(Expr t, Expr b, bool lower, bool transpose, bool unit = false) const {
    const Shape shape = b.shape();
    return made("solve_triangular", std::array{t.id, b.id},
                {batch_, shape[1], shape[2], lower, transpose, unit}, shape);
  }
  Expr made(const char* name, std::span<const NodeId> inputs, Numeric::Sizes sizes,
            const Shape& shape) const {
    return {g, numeric(g, name, inputs, std::move(sizes), shape)};
  }
  // The sum of the products of elements, (batch, 1, 1).
  Expr inner(Expr a, Expr b) const {
    return {g, g.reduce(Reduction::Sum, (a * b).in(g), {1, 2}, true)};
  }
  // [[A, 0], [0, A]].
  Expr repeated(Expr a) const {
    const std::int64_t n = columns(a), down = 2 * n;
    const Shape strides{4 * n * n, down, 1};
    return {g, g.assemble({batch_, down, down}, std::array{a.id, a.id},
                          {{0, strides, {}}, {n * down + n, strides, {}}}, true)};
  }
  // [[A, E], [0, A]].
  Expr doubled(Expr a, Expr e) const {
    const std::int64_t n = columns(a), down = 2 * n;
    const Shape strides{4 * n * n, down, 1};
    return {g, g.assemble({batch_, down, down}, std::array{a.id, e.id, a.id},
                          {{0, strides, {}}, {n, strides, {}}, {n * down + n, strides, {}}}, true)};
  }
  // Joins parts of a packed result, (batch, each); those that are the number 0 are left out.
  Expr packed(std::span<const Expr> parts, std::int64_t each, const Shape& shape) const {
    std::vector<NodeId> nodes;
    std::vector<Placement> at;
    std::int64_t from = 0;
    for (const Expr& p : parts) {
      const Shape own = p.shape();
      nodes.push_back(p.id);
      at.push_back({from, {each, own[2], 1}, {}});
      from += own[1] * own[2];
    }
    return {g, g.reshape(g.assemble({batch_, each}, nodes, std::move(at), false), shape)};
  }
  // An adjoint in the shape of its input.
  Expr adjoint_of(NodeId input, Expr x) const {
    return {g, g.reshape(x.in(g), Shape(g.shape(input)))};
  }
  // 1 / (x_j - x_i) for x (batch, 1, n), and 0 where both are equal to rounding.
  Expr reciprocal_gaps(Expr x) const {
    const std::int64_t n = columns(x);
    const Expr column{g, g.reshape(x.id, {batch_, n, 1})}, gap = x - column;
    const Expr largest{g, g.reduce(Reduction::Max, apply<ops::Absolute>(x).in(g), {2}, true)};
    const double relative = 0x1p-52 * static_cast<double>(n);
    const Expr apart = apply<ops::Absolute>(gap) > Expr(relative) * largest;
    return select(apart, Expr(1.0) / select(apart, gap, 1.0), 0.0);
  }

 private:
  static std::int64_t columns(const Expr& x) { return x.shape().back(); }
  Expr times(Expr a, Expr b, bool ta, bool tb) const { return {g, g.matmul(a.id, b.id, ta, tb)}; }
  std::int64_t batch_;
};

// Whether an adjoint has nothing at positions from … end of each packed result of `each` numbers.
inline bool leaves_out(const Graph& g, NodeId adjoint, std::int64_t each, std::int64_t from,
                       std::int64_t end) {
  while (g[adjoint].kind == Kind::View &&
         size_of(g.shape(adjoint)) == size_of(g.shape(g.inputs(adjoint)[0])) &&
         g.attributes(adjoint)[0] == 0)
    adjoint = g.inputs(adjoint)[0];
  const Node& node = g[adjoint];
  if (node.kind != Kind::Assemble || !node.accumulate) return false;
  const auto& at = g.placements(adjoint);
  for (std::size_t k = 0; k < at.size(); ++k) {
    if (!at[k].table.empty()) return false;
    const Shape& shape = g.shape(g.inputs(adjoint)[k]);
    // Axes that step over whole results, then the rest.
    std::int64_t low = at[k].offset % each, high = low;
    for (std::size_t d = 0; d < shape.size(); ++d) {
      if (at[k].strides[d] % each == 0) continue;
      (at[k].strides[d] < 0 ? low : high) += at[k].strides[d] * (shape[d] - 1);
    }
    if (high >= from && low < end) return false;
  }
  return true;
}

}  // namespace thalweg
