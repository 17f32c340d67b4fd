// SPDX-License-Identifier: BSD-3-Clause
// Recognizes nodes that are smooth where their inputs are not, or whose slopes cancel under the
// chain rule. Both sweeps take the slopes of these nodes from here.
#pragma once
#include <algorithm>
#include <vector>

#include "thalweg/graph/differentiate.hpp"

namespace thalweg {

struct SmoothPart {
  NodeId of;
  Expr slope;  // with respect to this part
};

inline bool is_operation(const Graph& g, NodeId id, int op) {
  return g[id].kind == Kind::Elementwise && g[id].op == op;
}
// Whether the condition is x == 0.
inline bool is_equal_to_zero(Graph& g, NodeId condition, NodeId x) {
  return is_operation(g, condition, kOpcode<ops::Equal>) && g.inputs(condition)[0] == x &&
         Expr(g, g.inputs(condition)[1]).is_zero();
}

// where(u == 0, 0, sqrt(u)): a norm, whose slope at 0 is 0.
inline bool is_norm(Graph& g, NodeId id) {
  if (!is_operation(g, id, kOpcode<ops::Where>)) return false;
  const auto in = g.inputs(id);
  return Expr(g, in[1]).is_zero() && is_operation(g, in[2], kOpcode<ops::Sqrt>) &&
         is_equal_to_zero(g, in[0], g.inputs(in[2])[0]);
}
// |a|, or copysign(a, b), whose sign does not matter to even functions.
inline bool is_absolute(Graph& g, NodeId id) {
  return is_operation(g, id, kOpcode<ops::Absolute>) || is_operation(g, id, kOpcode<ops::Copysign>);
}
// Whether the node has a corner that its square does not have.
inline bool has_corner(Graph& g, NodeId id) {
  return is_operation(g, id, kOpcode<ops::Sqrt>) || is_absolute(g, id) ||
         is_operation(g, id, kOpcode<ops::Hypot>) || is_norm(g, id);
}
// The slopes of the node's square: sqrt(u)^2 is u, |a|^2 is a^2, hypot(a, b)^2 is a^2 + b^2. The
// chain rule through the corner, where the node's own slope is 0 by convention, would give second
// derivatives of 0.
inline std::vector<SmoothPart> parts_of_square(Graph& g, NodeId id) {
  if (is_norm(g, id)) return {{g.inputs(g.inputs(id)[2])[0], 1.0}};
  if (is_operation(g, id, kOpcode<ops::Sqrt>)) return {{g.inputs(id)[0], 1.0}};
  std::vector<SmoothPart> parts;
  std::vector<NodeId> inputs(g.inputs(id).begin(), g.inputs(id).end());
  if (is_absolute(g, id)) inputs.resize(1);
  for (NodeId in : inputs) parts.push_back({in, Expr(2.0) * Expr(g, in)});
  return parts;
}

// A product or quotient split into factors, to a depth of a few levels, since every product is.
struct Factored {
  std::vector<NodeId> above, below;
  double sign = 1.0;
};
template <class Leaf>
void for_factors(Graph& g, NodeId id, bool below, const Leaf& leaf, int depth = 0) {
  constexpr int kDeepest = 4;
  const int op = g[id].kind == Kind::Elementwise && depth < kDeepest ? g[id].op : -1;
  const bool square = op == kOpcode<ops::Square>, divided = op == kOpcode<ops::Divide>;
  if (!square && !divided && op != kOpcode<ops::Multiply> && op != kOpcode<ops::Negative>)
    return leaf(id, below);
  const NodeId first = g.inputs(id)[0], last = g.inputs(id).back();
  for_factors(g, first, below, leaf, depth + 1);
  if (op == kOpcode<ops::Negative>) leaf(-1, below);
  else for_factors(g, square ? first : last, below != divided, leaf, depth + 1);
}

// The slopes of a product with the same corner twice, such as (r / s)^2 or a r r.
inline void append_product(Graph& g, NodeId id, std::vector<SmoothPart>& parts) {
  int corners = 0;
  for_factors(g, id, false, [&](NodeId leaf, bool below) {
    corners += leaf >= 0 && !below && has_corner(g, leaf);
  });
  if (corners < 2) return;
  Factored f;
  for_factors(g, id, false, [&](NodeId leaf, bool below) {
    if (leaf < 0) f.sign = -f.sign;
    else (below ? f.below : f.above).push_back(leaf);
  });
  const auto distinct = [](std::vector<NodeId> ids) {
    std::ranges::sort(ids);
    const auto rest = std::ranges::unique(ids);
    ids.erase(rest.begin(), rest.end());
    return ids;
  };
  const auto times_all_but = [&](NodeId left_out, int times, Expr product) {
    for (NodeId a : f.above)
      if (a != left_out || times-- <= 0) product = product * Expr(g, a);
    for (NodeId b : f.below) product = divided(product, Expr(g, b));
    return product;
  };
  const std::vector<NodeId> above = distinct(f.above), below = distinct(f.below);
  const bool twice = std::ranges::any_of(
      above, [&](NodeId a) { return std::ranges::count(f.above, a) > 1 && has_corner(g, a); });
  if (!twice) return;
  for (NodeId a : above) {
    const auto power = static_cast<double>(std::ranges::count(f.above, a));
    if (power > 1 && has_corner(g, a)) {  // a^n = (a^2)^(n/2)
      for (const auto& [of, slope] : parts_of_square(g, a))
        parts.push_back({of, times_all_but(a, 2, Expr(f.sign * power / 2) * slope)});
    } else if (!Expr(g, a).is_number()) {
      parts.push_back({a, times_all_but(a, 1, Expr(f.sign * power, &g))});
    }
  }
  for (NodeId b : below)
    if (!Expr(g, b).is_number())
      parts.push_back({b, Expr(-static_cast<double>(std::ranges::count(f.below, b))) *
                              divided(Expr(g, id), Expr(g, b))});
}

// Whether the node is t, or where(t == 0, c, t), the usual guard for a division by t.
inline bool is_or_guards(Graph& g, NodeId id, NodeId t) {
  return id == t || (is_operation(g, id, kOpcode<ops::Where>) && g.inputs(id)[2] == t &&
                     is_equal_to_zero(g, g.inputs(id)[0], t));
}
// The t of sin(t) / t or expm1(t) / t, which users write for sinc or exprel; -1 for other nodes.
inline NodeId argument_of_quotient(Graph& g, NodeId id) {
  if (!is_operation(g, id, kOpcode<ops::Divide>)) return -1;
  const NodeId above = g.inputs(id)[0], below = g.inputs(id)[1];
  if (!is_operation(g, above, kOpcode<ops::Sin>) && !is_operation(g, above, kOpcode<ops::Expm1>))
    return -1;
  const NodeId t = g.inputs(above)[0];
  return is_or_guards(g, below, t) ? t : -1;
}
inline Expr slope_of_quotient(Graph& g, NodeId quotient, NodeId t, NodeId value) {
  const Expr x(g, t), y(g, value);
  return is_operation(g, g.inputs(quotient)[0], kOpcode<ops::Sin>)
             ? ops::Sinc::slope_of_quotient(x, y)
             : ops::Exprel::partials(x, y)[0];
}
inline void append_quotient(Graph& g, NodeId id, std::vector<SmoothPart>& parts) {
  const NodeId t = argument_of_quotient(g, id), below = g.inputs(id)[1];
  if (t < 0) return;
  if (below == t) return parts.push_back({t, slope_of_quotient(g, id, t, id)});
  const Expr zero(g, g.inputs(below)[0]), c(g, g.inputs(below)[1]);
  if (c.is_number())  // sin(0) / c, whose slope is 1 / c
    parts.push_back({t, select(zero, Expr(1.0) / c, slope_of_quotient(g, id, t, id))});
}
// where(x == 0, 1, sin(t) / t), or the same with x != 0, where t is x, a multiple of it, or where(x
// == 0, c, x): this is sinc or exprel, which is smooth at 0.
inline void append_choice(Graph& g, NodeId id, std::vector<SmoothPart>& parts) {
  const NodeId condition = g.inputs(id)[0];
  const bool equal = is_operation(g, condition, kOpcode<ops::Equal>);
  if (!equal && !is_operation(g, condition, kOpcode<ops::NotEqual>)) return;
  const NodeId at_zero = g.inputs(id)[equal ? 1 : 2], quotient = g.inputs(id)[equal ? 2 : 1];
  const NodeId argument = argument_of_quotient(g, quotient), x = g.inputs(condition)[0];
  if (argument < 0 || !Expr(g, at_zero).is(1.0) || !Expr(g, g.inputs(condition)[1]).is_zero())
    return;
  const auto in = g.inputs(argument);
  const auto is_multiple_by = [&](std::size_t k) {
    const Expr c(g, in[k]);
    return c.is_number() && !c.is_zero() && in[1 - k] == x;
  };
  const bool multiple =
      is_operation(g, argument, kOpcode<ops::Multiply>) && (is_multiple_by(0) || is_multiple_by(1));
  if (!multiple && !is_or_guards(g, argument, x)) return;
  const NodeId t = multiple ? argument : x;
  parts.push_back({t, slope_of_quotient(g, quotient, t, id)});
}

// If the node is a number times r, or r divided by one: that factor, and r in `of`; else 1.
inline double factor_of(Graph& g, NodeId id, NodeId& of) {
  of = id;
  const bool times = is_operation(g, id, kOpcode<ops::Multiply>);
  if (!times && !is_operation(g, id, kOpcode<ops::Divide>)) return 1.0;
  const NodeId first = g.inputs(id)[0], last = g.inputs(id)[1];
  const Expr a(g, first), c(g, last);
  if (times && a.is_number()) return of = last, a.number;
  if (!c.is_number()) return 1.0;
  return of = first, times ? c.number : 1.0 / c.number;
}
// cos(k |a|) and cosh(k |a|) equal cos(k a) and cosh(k a); those of a norm are smooth in its
// square.
inline void append_even(Graph& g, NodeId id, std::vector<SmoothPart>& parts) {
  NodeId r;
  const Expr k(factor_of(g, g.inputs(id)[0], r));
  const bool circular = g[id].op == kOpcode<ops::Cos>, norm = is_norm(g, r);
  if (!norm && !is_absolute(g, r)) return;
  const NodeId a = norm ? g.inputs(g.inputs(r)[2])[0] : g.inputs(r)[0];
  const Expr t = norm ? Expr(g, g.inputs(id)[0]) : k * Expr(g, a),
             odd = circular ? -apply<ops::Sin>(t) : apply<ops::Sinh>(t);
  if (!norm) return parts.push_back({a, k * odd});
  const Expr square = Expr(0.5) * k * k, limit = circular ? -square : square;
  parts.push_back({a, select(t == Expr(0.0), limit, square * (odd / t))});
}

// The slopes of an elementwise node that is smooth where its inputs are not, or that cancels under
// the chain rule. Empty if the chain rule is right.
inline std::vector<SmoothPart> smooth_parts(Graph& g, NodeId id) {
  std::vector<SmoothPart> parts;
  const int op = g[id].op;
  if (op == kOpcode<ops::Where>) append_choice(g, id, parts);
  if (op == kOpcode<ops::Divide>) append_quotient(g, id, parts);
  if (op == kOpcode<ops::Copysign> && g.inputs(id)[0] == g.inputs(id)[1])  // this is a itself
    parts.push_back({g.inputs(id)[0], Expr(1.0, &g)});
  if (op == kOpcode<ops::Cos> || op == kOpcode<ops::Cosh>) append_even(g, id, parts);
  const bool product =
      op == kOpcode<ops::Square> || op == kOpcode<ops::Multiply> || op == kOpcode<ops::Divide>;
  if (product && parts.empty()) append_product(g, id, parts);
  return parts;
}

}  // namespace thalweg
