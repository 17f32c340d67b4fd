// SPDX-License-Identifier: BSD-3-Clause
// What the two sweeps share. An adjoint or tangent may be a number or have a shape that broadcasts
// to its node's: it is spread out only where an array is needed.
#pragma once
#include <array>
#include <memory>
#include <vector>

#include "thalweg/differentiate.hpp"

namespace thalweg {

inline bool flat(const Graph& g, NodeId id) { return size_of(g.shape(id)) == 1; }

// The node's array in full, where e has a shape that broadcasts to it.
inline Expr spread(Graph& g, Expr e, const Shape& shape) {
  if (e.shape() == shape) return e;
  return {g, g.broadcast_to(e.in(g), shape)};
}

// A number that e's elements all have as a factor, and the rest; else 1 and e. Taken out of a sum,
// it often leaves one that is there already: in log-sum-exp a pass over all elements.
inline std::array<Expr, 2> common_factor(Graph& g, Expr e) {
  if (e.is_number() || g[e.id].kind != Kind::Elementwise) return {Expr(1.0), e};
  const auto in = g.inputs(e.id);
  if (g[e.id].op == kOpcode<ops::Negative>) {
    const auto [factor, rest] = common_factor(g, Expr(g, in[0]));
    return {-factor, rest};
  }
  if (g[e.id].op != kOpcode<ops::Multiply>) return {Expr(1.0), e};
  for (std::size_t k = 0; k < 2; ++k)
    if (flat(g, in[k]) && g.shape(in[1 - k]) == g.shape(e.id)) {
      const NodeId rest = in[1 - k];
      return {Expr(g, g.reshape(in[k], {})), Expr(g, rest)};
    }
  return {Expr(1.0), e};
}

// e stands for an array of shape `from` (which it broadcasts to), made from one of shape `to` by
// broadcasting: the sum (or the maximum) over the axes along which it was repeated.
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
    const bool all = axes.size() == own.size();  // then the node is that of the user's own sum
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

// A reduced array seen as (outer, 1, inner), and the array itself as (outer, length, inner).
struct Folded {
  Shape whole, reduced;
};
inline Folded folded(std::span<const std::int64_t> a) {
  return {{a[0], a[1], a[2]}, {a[0], 1, a[2]}};
}

// x moved one step along axis 1 of (outer, length, inner), towards the end or (by < 0) the start,
// `fill` coming in.
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

// Sum of products of the other elements along axis 1: the partial derivatives of a product without
// a division.
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

// d max / dx: ones where x is the extreme, shared evenly among equals.
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

// Operations that pick one of their two inputs: what the other one holds, infinities included, has
// no part in the value and must have none in a slope.
inline bool picks(int op) {
  return op == kOpcode<ops::Maximum> || op == kOpcode<ops::Minimum> || op == kOpcode<ops::Fmax> ||
         op == kOpcode<ops::Fmin>;
}

// The square of a node with a corner may have none: sqrt(u)^2 is u, |a|^2 is a^2, hypot(a, b)^2 is
// a^2 + b^2. Its slopes are those of what it is; by the chain rule through the corner, where the
// node's own slope is 0 by choice, its second derivatives would be 0 there.
struct SmoothPart {
  NodeId of;
  Expr slope;  // by this part
};
// Is the condition x == 0?
inline bool is_equal_to_zero(Graph& g, NodeId condition, NodeId x) {
  return g[condition].kind == Kind::Elementwise && g[condition].op == kOpcode<ops::Equal> &&
         g.inputs(condition)[0] == x && Expr(g, g.inputs(condition)[1]).is_zero();
}
// Is y such a node, or one times or divided by others? Then the parts of its square are appended.
inline bool square_is_smooth(Graph& g, NodeId y, std::vector<SmoothPart>& parts, int depth = 0) {
  constexpr int kDeepest = 4;  // of a product of products, each of whose factors is looked at
  if (g[y].kind != Kind::Elementwise || depth > kDeepest) return false;
  const int op = g[y].op;
  const std::vector<NodeId> in(g.inputs(y).begin(), g.inputs(y).end());
  const auto x = [&](std::size_t k) { return Expr(g, in[k]); };
  if (op == kOpcode<ops::Sqrt>) {
    parts.push_back({in[0], 1.0});
    return true;
  }
  if (op == kOpcode<ops::Where>) {  // where(u == 0, 0, sqrt(u)): a norm, whose slope at 0 is 0
    const bool root = x(1).is_zero() && g[in[2]].kind == Kind::Elementwise &&
                      g[in[2]].op == kOpcode<ops::Sqrt> &&
                      is_equal_to_zero(g, in[0], g.inputs(in[2])[0]);
    if (root) parts.push_back({g.inputs(in[2])[0], 1.0});
    return root;
  }
  if (op == kOpcode<ops::Absolute> || op == kOpcode<ops::Hypot>) {
    for (std::size_t k = 0; k < in.size(); ++k) parts.push_back({in[k], Expr(2.0) * x(k)});
    return true;
  }
  if (op == kOpcode<ops::Negative>) return square_is_smooth(g, in[0], parts, depth + 1);
  if (op != kOpcode<ops::Multiply> && op != kOpcode<ops::Divide>) return false;
  std::vector<SmoothPart> first, second;
  const bool a = square_is_smooth(g, in[0], first, depth + 1);
  const bool b = op == kOpcode<ops::Multiply> && square_is_smooth(g, in[1], second, depth + 1);
  if (!a && !b) return false;
  const Expr two_y = Expr(2.0) * Expr(g, y);
  if (op == kOpcode<ops::Divide>) {  // a^2 / b^2
    for (const auto& [of, slope] : first)
      parts.push_back({of, divided(divided(slope, x(1)), x(1))});
    if (!x(1).is_number()) parts.push_back({in[1], -(two_y * divided(Expr(g, y), x(1)))});
    return true;
  }
  for (const auto& [of, slope] : first) parts.push_back({of, slope * x(1) * x(1)});
  for (const auto& [of, slope] : second) parts.push_back({of, slope * x(0) * x(0)});
  if (!a && !x(0).is_number()) parts.push_back({in[0], two_y * x(1)});
  if (!b && !x(1).is_number()) parts.push_back({in[1], two_y * x(0)});
  return true;
}
// sin(t) / t or expm1(t) / t, which a user may write for sinc or exprel, also with
// where(t == 0, c, t) below: there the slope is 1 / c at 0.
inline void append_quotient(Graph& g, NodeId id, std::vector<SmoothPart>& parts) {
  const NodeId above = g.inputs(id)[0], below = g.inputs(id)[1];
  if (g[above].kind != Kind::Elementwise) return;
  const int op = g[above].op;
  if (op != kOpcode<ops::Sin> && op != kOpcode<ops::Expm1>) return;
  const NodeId t = g.inputs(above)[0];
  const Expr x(g, t), y(g, id);
  const auto slope = [&] {
    return op == kOpcode<ops::Sin> ? ops::Sinc::slope_of_quotient(x, y)
                                   : ops::Exprel::partials(x, y)[0];
  };
  if (below == t) return parts.push_back({t, slope()});
  if (g[below].kind != Kind::Elementwise || g[below].op != kOpcode<ops::Where>) return;
  const NodeId zero = g.inputs(below)[0], instead = g.inputs(below)[1];
  const Expr c(g, instead);
  if (g.inputs(below)[2] != t || !c.is_number() || !is_equal_to_zero(g, zero, t)) return;
  parts.push_back({t, select(Expr(g, zero), Expr(1.0) / c, slope())});
}

// The slopes of a node that is smooth where its inputs are not, or whose chain rule cancels. Empty:
// the chain rule says it all.
inline std::vector<SmoothPart> smooth_parts(Graph& g, NodeId id) {
  std::vector<SmoothPart> parts;
  const int op = g[id].op;
  const NodeId first = g.inputs(id)[0], last = g.inputs(id).back();
  if (op == kOpcode<ops::Square> || (op == kOpcode<ops::Multiply> && first == last))
    square_is_smooth(g, first, parts);
  else if (op == kOpcode<ops::Divide>) append_quotient(g, id, parts);
  return parts;
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
