// SPDX-License-Identifier: BSD-3-Clause
// The forward sweep: computes tangents in the order of evaluation.
#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "graph/reached.hpp"
#include "graph/smooth.hpp"
#include "graph/sweep.hpp"
#include "thalweg/graph/routine.hpp"

namespace thalweg {
namespace {

class Forward {
 public:
  Forward(Graph& g, NodeId size)
      : g_(g), tangents_(static_cast<std::size_t>(size)), set_(tangents_.size(), false) {}

  // The derivative of one output with respect to one element of wrt. Views of wrt are resolved
  // element by element, so that whatever the element does not affect is skipped.
  NodeId column(NodeId output, NodeId wrt, std::int64_t element) {
    const auto unit = [&](const Shape& shape, std::vector<std::int64_t> ones) -> Expr {
      if (ones.empty()) return 0.0;
      if (static_cast<std::int64_t>(ones.size()) == size_of(shape)) return 1.0;
      const auto count = static_cast<std::int64_t>(ones.size());
      const NodeId one = g_.broadcast_to(g_.constant(1.0), {count});
      return {g_, g_.assemble(shape, std::array{one}, {{0, {}, std::move(ones)}}, true)};
    };
    set(wrt, unit(g_.shape(wrt), {element}));
    for (NodeId id = wrt + 1; id <= output; ++id) {
      const Kind kind = g_[id].kind;
      if ((kind != Kind::View && kind != Kind::Gather) || g_.inputs(id)[0] != wrt ||
          size_of(g_.shape(id)) > kSeenThrough)
        continue;
      const std::vector<std::int64_t> from = positions(id);
      std::vector<std::int64_t> ones;
      for (std::size_t k = 0; k < from.size(); ++k)
        if (from[k] == element) ones.push_back(static_cast<std::int64_t>(k));
      set(id, unit(g_.shape(id), std::move(ones)));
    }
    return run(std::array{output}, {}, {})[0];
  }

  std::vector<NodeId> run(std::span<const NodeId> outputs, std::span<const NodeId> wrt,
                          std::span<const NodeId> tangents) {
    for (std::size_t k = 0; k < wrt.size(); ++k) set(wrt[k], Expr(g_, tangents[k]));
    const std::vector<bool> reached = reached_from(g_, outputs);
    const NodeId last = *std::ranges::max_element(outputs);
    for (NodeId id = 0; id <= last; ++id) {
      const auto u = static_cast<std::size_t>(id);
      if (reached[u] && !set_[u]) at(id) = tangent(id);
    }
    std::vector<NodeId> out;
    for (NodeId o : outputs) out.push_back(spread(g_, at(o), Shape(g_.shape(o))).in(g_));
    return out;
  }

 private:
  // Views with more elements than this are not resolved.
  static constexpr std::int64_t kSeenThrough = 256;

  Expr& at(NodeId id) { return tangents_[static_cast<std::size_t>(id)]; }
  void set(NodeId id, Expr tangent) {
    at(id) = tangent;
    set_[static_cast<std::size_t>(id)] = true;
  }
  // The elements that a view or gather reads.
  std::vector<std::int64_t> positions(NodeId id) const {
    const auto a = g_.attributes(id);
    if (g_[id].kind == Kind::Gather) return {a.begin(), a.end()};
    std::vector<std::int64_t> out{a[0]};
    const Shape& shape = g_.shape(id);
    for (std::size_t d = 0; d < shape.size(); ++d) {
      std::vector<std::int64_t> next;
      for (const std::int64_t from : out)
        for (std::int64_t i = 0; i < shape[d]; ++i) next.push_back(from + i * a[1 + d]);
      out = std::move(next);
    }
    return out;
  }
  NodeId full(NodeId id) { return spread(g_, at(id), Shape(g_.shape(id))).in(g_); }

  Expr tangent(NodeId id) {
    const Node node = g_[id];
    const std::vector<NodeId> in(g_.inputs(id).begin(), g_.inputs(id).end());
    if (std::ranges::all_of(in, [this](NodeId i) { return at(i).is_zero(); })) return 0.0;
    const Shape shape = g_.shape(id);
    switch (node.kind) {
      case Kind::Elementwise:
        return operation(id, node.op, in);
      case Kind::Reduce:
        return reduction(id, static_cast<Reduction>(node.op), in[0]);
      case Kind::MatMul: {
        const bool ta = g_.attributes(id)[0] != 0, tb = g_.attributes(id)[1] != 0;
        Expr sum;
        if (!at(in[0]).is_zero()) sum = sum + Expr(g_, g_.matmul(full(in[0]), in[1], ta, tb));
        if (!at(in[1]).is_zero()) sum = sum + Expr(g_, g_.matmul(in[0], full(in[1]), ta, tb));
        return sum;
      }
      case Kind::View: {
        const auto a = g_.attributes(id);
        return {g_, g_.view(full(in[0]), shape, a[0], Shape(a.begin() + 1, a.end()))};
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
      case Kind::Scan:
        return scan(id, in[0], in[1]);
      case Kind::Lookup:
        return at(in[0]) * Expr(g_, g_.lookup(in[0], slope_of(*g_.table_of(id))));
      case Kind::Routine: {
        std::vector<Expr> tangents;
        for (NodeId i : in) tangents.push_back(at(i).is_zero() ? Expr(0.0) : Expr(g_, full(i)));
        return g_.routine_of(id)->forward(g_, id, tangents);
      }
      default:
        return 0.0;
    }
  }

  Expr operation(NodeId id, int op, const std::vector<NodeId>& in) {
    if (const auto parts = smooth_parts(g_, id); !parts.empty()) {
      Expr sum;
      for (const auto& [of, slope] : parts)
        if (!at(of).is_zero()) sum = sum + slope * at(of);
      return sum;
    }
    if (op == kOpcode<ops::Where>) return select(Expr(g_, in[0]), at(in[1]), at(in[2]));
    if (picks(op)) return picked(id, op, in);
    std::array<Expr, 3> p;
    partial_products(g_, id, p);
    Expr sum;
    for (std::size_t k = 0; k < in.size(); ++k)
      if (!at(in[k]).is_zero()) sum = sum + p[k] * at(in[k]);
    return sum;
  }

  Expr reduction(NodeId id, Reduction kind, NodeId x) {
    const Shape shape = g_.shape(id);
    const Folded f = folded(g_.attributes(id));
    Expr t(g_, g_.reshape(full(x), f.whole));
    switch (kind) {
      case Reduction::Sum:
        break;
      case Reduction::Max:
      case Reduction::Min: {  // drop the tangents of other elements instead of multiplying by 0
        const Expr share = extreme_share(g_, x, id, f);
        t = select(share, share * t, 0.0);
        break;
      }
      case Reduction::Prod:
        t = t * Expr(g_, products_of_others(g_, g_.reshape(x, f.whole), f.whole));
    }
    return {g_, g_.reshape(g_.reduce(Reduction::Sum, t.in(g_), {1}, false), shape)};
  }

  // t_k = a_k t_{k-1} + (a'_k s_{k-1} + b'_k)
  Expr scan(NodeId id, NodeId a, NodeId b) {
    const Shape shape = g_.shape(id);
    const auto attributes = g_.attributes(id);
    const Shape f{attributes[0], attributes[1], attributes[2]};
    const bool reverse = attributes[3] != 0;
    Expr drive = Expr(g_, g_.reshape(full(b), f));
    if (!at(a).is_zero()) {
      const Expr previous(g_, shifted(g_, g_.reshape(id, f), f, reverse ? -1 : 1, 0.0));
      drive = drive + Expr(g_, g_.reshape(full(a), f)) * previous;
    }
    const NodeId s = g_.scan(g_.reshape(a, f), spread(g_, drive, f).in(g_), 1, reverse);
    return {g_, g_.reshape(s, shape)};
  }

  // The tangent of the input that a maximum or minimum selects, or of both equally at a tie.
  Expr picked(NodeId id, int op, const std::vector<NodeId>& in) {
    const Expr a(g_, in[0]), b(g_, in[1]), ta = at(in[0]), tb = at(in[1]);
    const Expr first = op == kOpcode<ops::Maximum>   ? a > b
                       : op == kOpcode<ops::Minimum> ? a < b
                                                     : a == Expr(g_, id);
    return select(a == b, Expr(0.5) * ta + Expr(0.5) * tb, select(first, ta, tb));
  }

  Graph& g_;
  std::vector<Expr> tangents_;
  std::vector<bool> set_;  // whether the tangent is known beforehand
};

}  // namespace

std::vector<NodeId> jacobian_columns(Graph& graph, NodeId output, NodeId wrt) {
  const auto hold = graph.hold();
  std::vector<NodeId> columns;
  const NodeId size = graph.size();
  for (std::int64_t i = 0; i < size_of(graph.shape(wrt)); ++i)
    columns.push_back(Forward(graph, size).column(output, wrt, i));
  return columns;
}

NodeId hessian(Graph& graph, NodeId slope, NodeId wrt) {
  const auto hold = graph.hold();
  const std::vector<NodeId> rows = jacobian_columns(graph, slope, wrt);
  const auto n = static_cast<std::int64_t>(rows.size());
  std::vector<Placement> at;
  for (std::int64_t i = 0; i < n; ++i) at.push_back({i * n, {1}, {}});
  return graph.assemble({n, n}, rows, std::move(at), false);
}

std::vector<NodeId> jacobian_vector_product(Graph& graph, std::span<const NodeId> outputs,
                                            std::span<const NodeId> wrt,
                                            std::span<const NodeId> tangents) {
  const auto hold = graph.hold();
  return Forward(graph, graph.size()).run(outputs, wrt, tangents);
}

namespace {
// For up to this many columns, each product is a sum of its own, without a matrix of all rows.
constexpr std::size_t kFewColumns = 16;

// The derivatives of m residuals with respect to each element of x.
std::vector<NodeId> columns_of(Graph& graph, NodeId residuals, NodeId x) {
  std::vector<NodeId> columns = jacobian_columns(graph, residuals, x);
  for (NodeId& c : columns) c = graph.reshape(c, {size_of(graph.shape(residuals))});
  return columns;
}
// Concatenates parts of equal size.
NodeId stacked(Graph& graph, const std::vector<NodeId>& parts, const Shape& shape) {
  std::vector<Placement> at;
  const std::int64_t each = size_of(shape) / static_cast<std::int64_t>(parts.size());
  for (std::size_t k = 0; k < parts.size(); ++k)
    at.push_back(
        {static_cast<std::int64_t>(k) * each, contiguous_strides(graph.shape(parts[k])), {}});
  return graph.assemble(shape, parts, std::move(at), false);
}
// Splits an array into a number, common to all elements, and the rest. Sums of products are then
// multiplied by the number once, not element by element.
class Factors {
 public:
  struct Parts {
    Expr number, rest;
  };
  explicit Factors(Graph& g) : g_(g) {}
  Parts of(NodeId array, int depth = 0) {
    if (const auto it = known_.find(array); it != known_.end()) return it->second;
    const Parts parts = apart(array, depth);
    known_.emplace(array, parts);
    return parts;
  }

 private:
  static constexpr int kDeep = 64;
  Expr number(NodeId id) { return {g_, g_.reshape(id, {})}; }
  Parts apart(NodeId id, int depth) {
    const Expr whole(g_, id);
    if (whole.is_number()) return {whole, 1.0};
    if (size_of(g_.shape(id)) == 1) return {number(id), 1.0};
    const Kind kind = g_[id].kind;
    const int op = g_[id].op;
    const auto inputs = g_.inputs(id);
    const std::vector<NodeId> in(inputs.begin(), inputs.end());
    if (kind == Kind::View && size_of(g_.shape(in[0])) == 1) return {number(in[0]), 1.0};
    if (kind != Kind::Elementwise || depth > kDeep) return {1.0, whole};
    if (op == kOpcode<ops::Negative>) {
      const Parts a = of(in[0], depth + 1);
      return {-a.number, a.rest};
    }
    if (op == kOpcode<ops::Multiply>) {
      const Parts a = of(in[0], depth + 1), b = of(in[1], depth + 1);
      const Expr number = a.number * b.number;
      // The rest is squared, and a large or small factor may be what keeps it in range.
      if (number.is_number() &&
          !(std::abs(number.number) < 0x1p64 && std::abs(number.number) > 0x1p-64))
        return {1.0, whole};
      return {number, a.rest * b.rest};
    }
    if (op == kOpcode<ops::Divide> && size_of(g_.shape(in[1])) == 1) {
      const Parts a = of(in[0], depth + 1);
      return {a.number / number(in[1]), a.rest};
    }
    return {1.0, whole};
  }
  Graph& g_;
  std::unordered_map<NodeId, Parts> known_;
};
}  // namespace

NodeId jacobian(Graph& graph, NodeId residuals, NodeId x) {
  const auto hold = graph.hold();
  const std::int64_t m = size_of(graph.shape(residuals)), n = size_of(graph.shape(x));
  return stacked(graph, columns_of(graph, residuals, x), {n, m});
}

NormalEquations normal_equations(Graph& graph, NodeId residuals, NodeId slopes, NodeId weights,
                                 NodeId x) {
  const auto hold = graph.hold();
  const std::int64_t m = size_of(graph.shape(residuals)), n = size_of(graph.shape(x));
  const std::vector<NodeId> columns = columns_of(graph, residuals, x);
  const Expr weight = weights < 0 ? Expr(1.0) : Expr(graph, weights);
  if (columns.size() > kFewColumns) {
    std::vector<NodeId> weighted = columns;
    if (weights >= 0)
      for (NodeId& c : weighted) c = (Expr(graph, c) * weight).in(graph);
    const NodeId rows = stacked(graph, columns, {1, n, m});
    const NodeId scaled = weights < 0 ? rows : stacked(graph, weighted, {1, n, m});
    const NodeId gradient = graph.matmul(rows, graph.reshape(slopes, {1, m, 1}), false, false);
    return {graph.reshape(gradient, {n}),
            graph.reshape(graph.matmul(rows, scaled, false, true), {n, n})};
  }
  Factors factors(graph);
  std::vector<Factors::Parts> parts;
  for (const NodeId c : columns) parts.push_back(factors.of(c));
  // The dot product of a column and an array.
  const auto dot = [&](const Factors::Parts& c, const Expr& with) {
    const Expr product = c.rest * with;
    if (product.is_number())
      return c.number * Expr(static_cast<double>(m) * product.number, &graph);
    return c.number * Expr(graph, graph.reduce(Reduction::Sum, product.in(graph), {0}, false));
  };
  std::vector<NodeId> gradient, matrix(columns.size() * columns.size());
  for (std::size_t i = 0; i < columns.size(); ++i) {
    gradient.push_back(dot(parts[i], Expr(graph, slopes)).in(graph));
    for (std::size_t j = 0; j <= i; ++j)
      matrix[i * columns.size() + j] = matrix[j * columns.size() + i] =
          (parts[j].number * dot(parts[i], parts[j].rest * weight)).in(graph);
  }
  return {stacked(graph, gradient, {n}), stacked(graph, matrix, {n, n})};
}

}  // namespace thalweg
