// SPDX-License-Identifier: BSD-3-Clause
// The common part of the two sweeps. An adjoint or tangent may be a number, or have a shape that
// broadcasts to its node's. It is expanded only where an array is needed.
#pragma once
#include <array>
#include <memory>
#include <vector>

#include "thalweg/graph/differentiate.hpp"

namespace thalweg {

inline bool flat(const Graph& g, NodeId id) { return size_of(g.shape(id)) == 1; }

// Expands e, whose shape broadcasts to the node's, to the full array.
inline Expr spread(Graph& g, Expr e, const Shape& shape) {
  if (e.shape() == shape) return e;
  return {g, g.broadcast_to(e.in(g), shape)};
}

// A number that is a factor of all elements of e, and the rest; otherwise 1 and e. Taken out of a
// sum, it often leaves a sum that exists already, which in log-sum-exp saves a pass over all
// elements.
inline std::array<Expr, 2> common_factor(Graph& g, Expr e) {
  const auto is = [&g](const Expr& x, int op) {
    return !x.is_number() && g[x.id].kind == Kind::Elementwise && g[x.id].op == op;
  };
  bool negative = false;
  for (; is(e, kOpcode<ops::Negative>); negative = !negative) e = Expr(g, g.inputs(e.id)[0]);
  const auto signed_ = [negative](Expr factor) { return negative ? -factor : factor; };
  if (is(e, kOpcode<ops::Multiply>)) {
    const auto in = g.inputs(e.id);
    for (std::size_t k = 0; k < 2; ++k)
      if (flat(g, in[k]) && g.shape(in[1 - k]) == g.shape(e.id)) {
        const NodeId rest = in[1 - k];
        return {signed_(Expr(g, g.reshape(in[k], {}))), Expr(g, rest)};
      }
  }
  return {signed_(Expr(1.0)), e};
}

// e stands for an array of shape `from` (and broadcasts to it) that was made by broadcasting from
// one of shape `to`. Returns the sum (or maximum) over the axes along which it was repeated.
inline Expr gather_up(Graph& g, Expr e, const Shape& from, const Shape& to, Reduction kind) {
  if (from == to || e.is_zero()) return e;
  const std::size_t shift = from.size() - to.size();
  Shape own = e.shape();
  own.insert(own.begin(), from.size() - own.size(), 1);
  std::vector<int> axes;
  std::int64_t copies = 1;
  for (std::size_t i = 0; i < from.size(); ++i) {
    const bool repeated = from[i] != 1 && (i < shift || to[i - shift] == 1);
    if (!repeated) continue;
    if (own[i] == 1) copies *= from[i];
    else axes.push_back(static_cast<int>(i));
  }
  if (!axes.empty()) {
    const auto [factor, rest] =
        kind == Reduction::Sum ? common_factor(g, e) : std::array{Expr(1.0), e};
    const bool all = axes.size() == own.size();  // then this is the node of the user's own sum
    e = factor * Expr(g, g.reduce(kind, g.reshape(rest.in(g), own), axes, !all));
  }
  if (kind == Reduction::Sum) e = Expr(static_cast<double>(copies)) * e;
  if (!e.is_number() && e.shape().size() > to.size()) {
    const Shape now = e.shape();
    e = Expr(g,
             g.reshape(e.id, Shape(now.end() - static_cast<std::ptrdiff_t>(to.size()), now.end())));
  }
  return e;
}

// A reduced array in shape (outer, 1, inner), and the original in shape (outer, length, inner).
struct Folded {
  Shape whole, reduced;
};
inline Folded folded(std::span<const std::int64_t> a) {
  return {{a[0], a[1], a[2]}, {a[0], 1, a[2]}};
}

// Shifts x by one along axis 1 of (outer, length, inner), toward the end or (by < 0) the start, and
// fills the free place with `fill`.
inline NodeId shifted(Graph& g, NodeId x, const Shape& shape, int by, double fill) {
  const std::int64_t o = shape[0], n = shape[1], i = shape[2];
  const Shape strides{n * i, i, 1};
  const NodeId kept = g.view(x, {o, n - 1, i}, by > 0 ? 0 : i, strides);
  const NodeId edge = g.broadcast_to(g.constant(fill), {o, 1, i});
  const std::array parts = by > 0 ? std::array{edge, kept} : std::array{kept, edge};
  return g.assemble(shape, parts, {{0, strides, {}}, {by > 0 ? i : (n - 1) * i, strides, {}}},
                    false);
}

inline NodeId zeros(Graph& g, const Shape& shape) { return g.broadcast_to(g.constant(0.0), shape); }

// The product of all other elements along axis 1: the partial derivatives of a product, without a
// division.
inline NodeId products_of_others(Graph& g, NodeId x, const Shape& shape) {
  const auto running = [&](bool reverse) {
    const NodeId before = shifted(g, x, shape, reverse ? -1 : 1, 1.0);
    // Start from one: s_0 = 1, s_k = x_{k-1} s_{k-1}.
    const NodeId start = shifted(g, zeros(g, shape), shape, reverse ? -1 : 1, 1.0);
    const NodeId factors = (Expr(g, before) * (Expr(1.0) - Expr(g, start))).in(g);
    return g.scan(factors, start, 1, reverse);
  };
  return (Expr(g, running(false)) * Expr(g, running(true))).in(g);
}

// d max / dx: ones where x is the extreme, divided evenly at ties.
inline Expr extreme_share(Graph& g, NodeId x, NodeId extreme, const Folded& f) {
  const Expr is = Expr(g, g.reshape(x, f.whole)) == Expr(g, g.reshape(extreme, f.reduced));
  return is / Expr(g, g.reduce(Reduction::Sum, is.in(g), {1}, true));
}

inline std::shared_ptr<const LookupTable> slope_of(const LookupTable& t) {
  auto s = std::make_shared<LookupTable>();
  s->breaks = t.breaks;
  s->c0 = t.c1;
  s->c1.assign(t.c1.size(), 0.0);
  return s;
}

// Operations that select one of two inputs. The other input, infinities included, must affect
// neither the value nor the slope.
inline bool picks(int op) {
  return op == kOpcode<ops::Maximum> || op == kOpcode<ops::Minimum> || op == kOpcode<ops::Fmax> ||
         op == kOpcode<ops::Fmin>;
}

inline Expr partial_products(Graph& g, NodeId id, std::array<Expr, 3>& p) {
  std::array<Expr, 3> in;
  std::size_t k = 0;
  for (NodeId i : g.inputs(id)) in[k++] = Expr(g, i);
  const Expr y(g, id);
  operations()[static_cast<std::size_t>(g[id].op)].partials(in.data(), y, p.data());
  return y;
}

}  // namespace thalweg
