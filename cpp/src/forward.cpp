// SPDX-License-Identifier: BSD-3-Clause
// The forward sweep: tangents in the order of evaluation.
#include <algorithm>

#include "sweep.hpp"

namespace thalweg {
namespace {

class Forward {
 public:
  Forward(Graph& g, NodeId size) : g_(g), tangents_(static_cast<std::size_t>(size)) {}

  std::vector<NodeId> run(std::span<const NodeId> outputs, std::span<const NodeId> wrt,
                          std::span<const NodeId> tangents) {
    for (std::size_t k = 0; k < wrt.size(); ++k) at(wrt[k]) = Expr(g_, tangents[k]);
    return sweep(outputs);
  }

  // Along one element of x, a vector: what does not depend on it is known to be zero.
  std::vector<NodeId> run(std::span<const NodeId> outputs, NodeId x, std::int64_t element) {
    const Shape shape = g_.shape(x);
    from_ = x, element_ = element;
    if (size_of(shape) == 1) return at(x) = 1.0, sweep(outputs);
    auto unit = std::make_shared<std::vector<double>>(static_cast<std::size_t>(size_of(shape)));
    (*unit)[static_cast<std::size_t>(element)] = 1.0;
    const double* values = unit->data();
    at(x) = Expr(g_, g_.data({std::move(unit), values, shape}));
    return sweep(outputs);
  }

 private:
  std::vector<NodeId> sweep(std::span<const NodeId> outputs) {
    const NodeId last = *std::ranges::max_element(outputs);
    for (NodeId id = 0; id <= last; ++id)
      if (at(id).is_zero()) at(id) = tangent(id);
    std::vector<NodeId> out;
    for (NodeId o : outputs) out.push_back(spread(g_, at(o), Shape(g_.shape(o))).in(g_));
    return out;
  }

  // The tangent of a view of x: 0 or 1 where its elements are all the same.
  Expr of_unit(Expr seen) const {
    if (seen.is_number() || g_[seen.id].kind == Kind::Data) return seen;
    const auto a = g_.attributes(seen.id);
    const Shape& shape = g_.shape(seen.id);
    std::int64_t ones = 0;
    const std::int64_t size = size_of(shape);
    for (std::int64_t i = 0; i < size; ++i) {
      std::int64_t from = a[0], rest = i;
      for (std::size_t k = shape.size(); k-- > 0; rest /= shape[k])
        from += rest % shape[k] * a[k + 1];
      ones += from == element_;
    }
    return ones == 0 ? Expr(0.0) : ones == size ? Expr(1.0) : seen;
  }

  Expr& at(NodeId id) { return tangents_[static_cast<std::size_t>(id)]; }
  NodeId full(NodeId id) { return spread(g_, at(id), Shape(g_.shape(id))).in(g_); }

  Expr tangent(NodeId id) {
    const Node node = g_[id];
    const std::vector<NodeId> in(g_.inputs(id).begin(), g_.inputs(id).end());
    if (std::ranges::all_of(in, [this](NodeId i) { return at(i).is_zero(); })) return 0.0;
    const Shape shape = g_.shape(id);
    switch (node.kind) {
      case Kind::Elementwise: {
        if (node.op == kOpcode<ops::Where>) return select(Expr(g_, in[0]), at(in[1]), at(in[2]));
        std::array<Expr, 3> p;
        partial_products(g_, id, p);
        Expr sum;
        for (std::size_t k = 0; k < in.size(); ++k)
          if (!at(in[k]).is_zero()) sum = sum + p[k] * at(in[k]);
        return sum;
      }
      case Kind::Reduce: {
        const Folded f = folded(g_.attributes(id));
        Expr t(g_, g_.reshape(full(in[0]), f.whole));
        switch (static_cast<Reduction>(node.op)) {
          case Reduction::Sum:
            break;
          case Reduction::Max:
          case Reduction::Min: {  // a tangent of an element that is not the extreme is left out,
                                  // not multiplied by 0
            const Expr share = extreme_share(g_, in[0], id, f);
            t = select(share, share * t, 0.0);
            break;
          }
          case Reduction::Prod:
            if (f.whole[1] == 0) return 0.0;  // the product of nothing
            t = t * Expr(g_, products_of_others(g_, g_.reshape(in[0], f.whole), f.whole));
        }
        return {g_, g_.reshape(g_.reduce(Reduction::Sum, t.in(g_), {1}, false), shape)};
      }
      case Kind::MatMul: {
        const bool ta = g_.attributes(id)[0] != 0, tb = g_.attributes(id)[1] != 0;
        Expr sum;
        if (!at(in[0]).is_zero()) sum = sum + Expr(g_, g_.matmul(full(in[0]), in[1], ta, tb));
        if (!at(in[1]).is_zero()) sum = sum + Expr(g_, g_.matmul(in[0], full(in[1]), ta, tb));
        return sum;
      }
      case Kind::View: {
        const auto a = g_.attributes(id);
        const Expr seen(g_, g_.view(full(in[0]), shape, a[0], Shape(a.begin() + 1, a.end())));
        return in[0] == from_ ? of_unit(seen) : seen;
      }
      case Kind::Gather: {
        const auto a = g_.attributes(id);
        return {g_, g_.gather(full(in[0]), shape, {a.begin(), a.end()})};
      }
      case Kind::Assemble: {
        std::vector<NodeId> parts;
        for (NodeId i : in) parts.push_back(full(i));
        return {g_, g_.assemble(shape, parts, g_.placements(id), node.accumulate)};
      }
      case Kind::Scan: {  // t_k = a_k t_{k-1} + (a'_k s_{k-1} + b'_k)
        const auto a = g_.attributes(id);
        const Shape f{a[0], a[1], a[2]};
        const bool reverse = a[3] != 0;
        Expr drive = Expr(g_, g_.reshape(full(in[1]), f));
        if (!at(in[0]).is_zero()) {
          const Expr previous(g_, shifted(g_, g_.reshape(id, f), f, reverse ? -1 : 1, 0.0));
          drive = drive + Expr(g_, g_.reshape(full(in[0]), f)) * previous;
        }
        const NodeId s = g_.scan(g_.reshape(in[0], f), spread(g_, drive, f).in(g_), 1, reverse);
        return {g_, g_.reshape(s, shape)};
      }
      case Kind::Lookup:
        return at(in[0]) * Expr(g_, g_.lookup(in[0], slope_of(*g_.table_of(id))));
      default:
        return 0.0;
    }
  }

  Graph& g_;
  std::vector<Expr> tangents_;
  NodeId from_ = -1;  // what there is one element of to be differentiated along
  std::int64_t element_ = 0;
};

// Up to so many columns their products are sums of their own, which need no matrix of all rows.
constexpr std::size_t kFewColumns = 16;

}  // namespace

std::vector<NodeId> jacobian_vector_product(Graph& graph, std::span<const NodeId> outputs,
                                            std::span<const NodeId> wrt,
                                            std::span<const NodeId> tangents) {
  return Forward(graph, graph.size()).run(outputs, wrt, tangents);
}

namespace {
// The derivatives of m residuals by each element of x.
std::vector<NodeId> columns_of(Graph& graph, NodeId residuals, NodeId x) {
  const std::int64_t m = size_of(graph.shape(residuals)), n = size_of(graph.shape(x));
  std::vector<NodeId> columns;
  for (std::int64_t j = 0; j < n; ++j) {
    const auto column = Forward(graph, graph.size()).run(std::array{residuals}, x, j);
    columns.push_back(graph.reshape(column[0], {m}));
  }
  return columns;
}
// Parts of one size, one after the other.
NodeId stacked(Graph& graph, const std::vector<NodeId>& parts, const Shape& shape) {
  std::vector<Placement> at;
  const std::int64_t each = size_of(shape) / static_cast<std::int64_t>(parts.size());
  for (std::size_t k = 0; k < parts.size(); ++k)
    at.push_back(
        {static_cast<std::int64_t>(k) * each, contiguous_strides(graph.shape(parts[k])), {}});
  return graph.assemble(shape, parts, std::move(at), false);
}
}  // namespace

NodeId jacobian(Graph& graph, NodeId residuals, NodeId x) {
  const std::int64_t m = size_of(graph.shape(residuals)), n = size_of(graph.shape(x));
  return stacked(graph, columns_of(graph, residuals, x), {n, m});
}

NormalEquations normal_equations(Graph& graph, NodeId residuals, NodeId slopes, NodeId weights,
                                 NodeId x) {
  const std::int64_t m = size_of(graph.shape(residuals)), n = size_of(graph.shape(x));
  const std::vector<NodeId> columns = columns_of(graph, residuals, x);
  std::vector<NodeId> weighted = columns;
  if (weights >= 0)
    for (NodeId& c : weighted) c = (Expr(graph, c) * Expr(graph, weights)).in(graph);
  if (columns.size() > kFewColumns) {
    const NodeId rows = stacked(graph, columns, {1, n, m});
    const NodeId scaled = weights < 0 ? rows : stacked(graph, weighted, {1, n, m});
    const NodeId gradient = graph.matmul(rows, graph.reshape(slopes, {1, m, 1}), false, false);
    return {graph.reshape(gradient, {n}),
            graph.reshape(graph.matmul(rows, scaled, false, true), {n, n})};
  }
  const auto dot = [&](NodeId a, NodeId b) {
    return graph.reduce(Reduction::Sum, (Expr(graph, a) * Expr(graph, b)).in(graph), {0}, false);
  };
  std::vector<NodeId> gradient, matrix(columns.size() * columns.size());
  for (std::size_t i = 0; i < columns.size(); ++i) {
    gradient.push_back(dot(columns[i], slopes));
    for (std::size_t j = 0; j <= i; ++j)
      matrix[i * columns.size() + j] = matrix[j * columns.size() + i] =
          dot(columns[i], weighted[j]);
  }
  return {stacked(graph, gradient, {n}), stacked(graph, matrix, {n, n})};
}

}  // namespace thalweg
