// SPDX-License-Identifier: BSD-3-Clause
// The forms, as users write them, and what is computed instead:
//   log(1 + exp(u)), log1p(exp(u))      -log_expit(-u)
//   log(exp(u) + exp(v))                logaddexp(u, v)
//   log(sum(exp(u)))                    s + log(sum(exp(u - s)))
//   exp(u) / sum(exp(u))                exp(u - s) / sum(exp(u - s)), and its logarithm
//   a / (1 + exp(u)), 1 - expit(u)      a expit(-u), expit(-u)
//   exp(u) / (1 + exp(u))               expit(u), and its logarithm; exp(u) / (exp(u) + exp(v))
//   log(1 - exp(u)), log(exp(u) - 1)    by expm1 near 0 and by log1p elsewhere
//   exp(u) - 1                          expm1(u)
//   u / expm1(u), a / expm1(u)          exp(-u) / exprel(-u) for u > 0, 1 / exprel(u) elsewhere
//   sqrt(u^2 + v^2)                     hypot(u, v)
//   log(cosh(u))                        |u| + log1p(exp(-2 |u|)) - log(2); by sinh near 0
//   sin(u) / u, expm1(u) / u            1 at 0
// Here s is a whole number near the largest u, which as a function of u has no slope.
#include "thalweg/graph/stable.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <optional>
#include <set>
#include <vector>

#include "graph/reached.hpp"

namespace thalweg {
namespace {

using Found = std::optional<Expr>;

// Matches nodes, and builds what takes their place.
class Forms {
 public:
  explicit Forms(Graph& graph) : g_(graph) {}

  // What takes the place of a node, if it is one of the forms.
  Found of(NodeId id) {
    if (g_[id].kind != Kind::Elementwise) return {};
    switch (g_[id].op) {
      case kOpcode<ops::Log>:
        return of_log(in(id, 0));
      case kOpcode<ops::Log1p>:
        return of_log1p(in(id, 0));
      case kOpcode<ops::Divide>:
        return of_quotient(in(id, 0), in(id, 1));
      case kOpcode<ops::Reciprocal>:
        return of_quotient(Expr(1.0, &g_), in(id, 0));
      case kOpcode<ops::Add>:
        return of_sum(in(id, 0), in(id, 1));
      case kOpcode<ops::Subtract>:
        return of_difference(in(id, 0), in(id, 1));
      case kOpcode<ops::Sqrt>:
        return of_root(in(id, 0));
      case kOpcode<ops::Where>:
        return of_choice(id);
      default:
        return {};
    }
  }

 private:
  // ---- matching

  Expr in(NodeId id, std::size_t k) const { return {g_, g_.inputs(id)[k]}; }
  template <class Op> bool is(const Expr& e) const {
    return !e.is_number() && g_[e.id].kind == Kind::Elementwise && g_[e.id].op == kOpcode<Op>;
  }
  // The operand of an operation, if e is that operation of something that varies.
  template <class Op> Found operand(const Expr& e) const {
    return is<Op>(e) && !in(e.id, 0).is_number() ? Found(in(e.id, 0)) : std::nullopt;
  }
  static bool same(const Expr& a, const Expr& b) {
    return !a.is_number() && !b.is_number() && a.id == b.id;
  }
  // The u of 1 + exp(u).
  Found above_one(const Expr& e) const {
    if (!is<ops::Add>(e)) return {};
    for (const std::size_t k : {std::size_t{0}, std::size_t{1}})
      if (in(e.id, k).is(1.0))
        if (const Found u = exponent(in(e.id, 1 - k))) return u;
    return {};
  }
  // The u of exp(u) that may overflow.
  Found exponent(const Expr& e) const {
    const Found u = operand<ops::Exp>(e);
    return u && !is_bounded(*u) ? u : std::nullopt;
  }
  // Whether u is below 0, as in a Gaussian, or has been shifted by a maximum already.
  bool is_bounded(const Expr& u) const {
    const auto is_even = [this](const Expr& e) {
      return is<ops::Absolute>(e) || is<ops::Square>(e);
    };
    if (const Found v = operand<ops::Negative>(u)) return is_even(*v);
    if (is<ops::Multiply>(u)) {
      const Expr a = in(u.id, 0), b = in(u.id, 1);
      return (a.is_number() && a.number < 0 && is_even(b)) ||
             (b.is_number() && b.number < 0 && is_even(a));
    }
    return is<ops::Subtract>(u) && is_shift(in(u.id, 1), 6);
  }
  bool is_shift(const Expr& e, int depth) const {
    if (e.is_number() || depth == 0) return false;
    const Node& n = g_[e.id];
    if (n.kind == Kind::Reduce) return n.op == static_cast<int>(Reduction::Max);
    if (is<ops::Maximum>(e)) return true;
    if (n.kind != Kind::View && !is<ops::Where>(e) && !is<ops::Floor>(e)) return false;
    return is_shift(in(e.id, is<ops::Where>(e) ? 1 : 0), depth - 1);
  }
  // The node under views, and these from the inside out.
  NodeId under_views(NodeId id, std::vector<NodeId>& views) const {
    for (; g_[id].kind == Kind::View; id = g_.inputs(id)[0]) views.insert(views.begin(), id);
    return id;
  }
  // e seen through the views that another node of its shape is seen through.
  Expr through(const std::vector<NodeId>& views, const Expr& e) {
    NodeId id = e.in(g_);
    for (const NodeId v : views) {
      const std::vector<std::int64_t> at(g_.attributes(v).begin(), g_.attributes(v).end());
      id = g_.view(id, Shape(g_.shape(v)), at[0], {at.begin() + 1, at.end()});
    }
    return {g_, id};
  }

  // ---- sums of exponentials

  struct Shifted {
    Expr shift, total;  // sum(exp(u)) = exp(shift) total
  };
  // If the node is the sum of exp(u) over some axes, which a view may have moved.
  std::optional<Shifted> sum_of_exponentials(NodeId id) {
    if (g_[id].kind != Kind::Reduce || g_[id].op != static_cast<int>(Reduction::Sum)) return {};
    std::vector<NodeId> views;
    const NodeId exponential = under_views(g_.inputs(id)[0], views);
    const Found seen = exponent(Expr(g_, exponential));
    if (!seen) return {};
    const Expr u = through(views, *seen);
    const Shape shape = g_.shape(u.id), out = g_.shape(id);
    const Shape folded(g_.attributes(id).begin(), g_.attributes(id).end());
    const Shape kept = kept_axes(shape, folded);
    if (kept.empty()) return {};
    const Expr top(g_, g_.reduce_folded(Reduction::Max, u.id, folded, out));
    const Expr shift = select(apply<ops::Isfinite>(top), apply<ops::Floor>(top), Expr(0.0, &g_));
    const Expr moved =
        apply<ops::Exp>(apply<ops::Subtract>(u, Expr(g_, g_.reshape(shift.id, kept))));
    return Shifted{shift, {g_, g_.reduce_folded(Reduction::Sum, moved.id, folded, out)}};
  }
  // The shape with 1 for the axes that a sum over (outer, summed, inner) removes; empty if these
  // are no axes of it.
  static Shape kept_axes(const Shape& shape, const Shape& folded) {
    Shape kept = shape;
    std::size_t k = 0;
    for (std::int64_t outer = 1; outer < folded[0] && k < shape.size(); ++k) outer *= shape[k];
    std::int64_t summed = 1;
    for (; summed < folded[1] && k < shape.size(); ++k) summed *= shape[k], kept[k] = 1;
    return size_of(kept) == folded[0] * folded[2] ? kept : Shape{};
  }

  // ---- logarithms

  Found of_log(const Expr& x) {
    if (x.is_number()) return {};
    if (const Found u = operand<ops::Cosh>(x)) return log_cosh(*u);
    if (const Found u = operand<ops::Expit>(x)) return apply<ops::LogExpit>(*u);
    if (const Found u = operand<ops::Expm1>(x)) return log_expm1(*u);
    if (is<ops::Subtract>(x) && in(x.id, 0).is(1.0))
      if (const Found u = operand<ops::Exp>(in(x.id, 1))) return log1mexp(*u);
    if (const Found v = operand<ops::Negative>(x))
      if (const Found u = operand<ops::Expm1>(*v)) return log1mexp(*u);
    if (is<ops::Divide>(x))  // a softmax that has been shifted
      if (const Found u = operand<ops::Exp>(in(x.id, 0)); u && softmax_.contains(x.id))
        return *u - apply<ops::Log>(in(x.id, 1));
    return logarithm(x, 8);
  }
  // log(x) where x is a sum of exponentials, or that times a positive number.
  Found logarithm(const Expr& x, int depth) {
    if (x.is_number() || depth == 0) return {};
    if (is<ops::Multiply>(x) || is<ops::Divide>(x)) {
      const bool divided = is<ops::Divide>(x);
      const Expr a = in(x.id, 0), b = in(x.id, 1);
      const bool first = !divided && a.is_number();
      const Expr &c = first ? a : b, &rest = first ? b : a;
      if (!c.is_number() || !(c.number > 0)) return {};
      const Found l = logarithm(rest, depth - 1);
      if (!l) return {};
      return divided ? *l - Expr(std::log(c.number)) : *l + Expr(std::log(c.number));
    }
    if (const Found u = above_one(x)) return softplus(*u);
    if (is<ops::Add>(x)) {
      const Found a = term(in(x.id, 0), depth), b = a ? term(in(x.id, 1), depth) : a;
      return b ? Found(apply<ops::Logaddexp>(*a, *b)) : b;
    }
    std::vector<NodeId> views;
    const NodeId sum = under_views(x.id, views);
    const auto shifted = sum_of_exponentials(sum);
    if (!shifted) return {};
    return through(views, apply<ops::Add>(apply<ops::Log>(shifted->total), shifted->shift));
  }
  // The logarithm of a term of a sum.
  Found term(const Expr& x, int depth) {
    if (const Found u = exponent(x)) return u;
    if (x.is_number() && x.number > 0) return Expr(std::log(x.number), &g_);
    return logarithm(x, depth - 1);
  }
  Found of_log1p(const Expr& x) {
    if (const Found u = exponent(x)) return softplus(*u);
    if (const Found v = operand<ops::Negative>(x)) {
      if (const Found u = operand<ops::Exp>(*v)) return log1mexp(*u);
      if (const Found u = operand<ops::Expit>(*v)) return apply<ops::LogExpit>(-*u);
    }
    return {};
  }
  static Expr softplus(const Expr& u) { return -apply<ops::LogExpit>(-u); }

  // log(1 - exp(u)) (Maechler 2012, Accurately computing log(1 - exp(-|a|))). Each formula is given
  // an argument at which it is smooth where the other one is chosen.
  Expr log1mexp(const Expr& u) {
    constexpr double kLn2 = std::numbers::ln2;
    const Expr near = u > Expr(-kLn2);
    const Expr a = select(near, u, Expr(-1.0)), b = select(near, Expr(-1.0), u);
    return select(near, apply<ops::Log>(-apply<ops::Expm1>(a)),
                  apply<ops::Log1p>(-apply<ops::Exp>(b)));
  }
  // log(exp(u) - 1)
  Expr log_expm1(const Expr& u) {
    const Expr far = u > Expr(1.0);
    const Expr a = select(far, Expr(1.0), u), b = select(far, u, Expr(1.0));
    return select(far, b + apply<ops::Log1p>(-apply<ops::Exp>(-b)),
                  apply<ops::Log>(apply<ops::Expm1>(a)));
  }
  // cosh(u) = 1 + 2 sinh(u / 2)^2 = exp(|u|) (1 + exp(-2 |u|)) / 2
  Expr log_cosh(const Expr& u) {
    const Expr size = apply<ops::Absolute>(u), near = size < Expr(1.0);
    const Expr a = select(near, u, Expr(0.0)), b = select(near, Expr(1.0), size);
    const Expr half = apply<ops::Sinh>(Expr(0.5) * a);
    return select(near, apply<ops::Log1p>(Expr(2.0) * apply<ops::Square>(half)),
                  b - Expr(std::numbers::ln2) + apply<ops::Log1p>(apply<ops::Exp>(Expr(-2.0) * b)));
  }

  // ---- quotients

  Found of_quotient(const Expr& a, const Expr& b) {
    if (b.is_number()) return {};
    const Found above = exponent(a);
    if (const Found u = above_one(b))
      return above && same(*above, *u) ? apply<ops::Expit>(*u) : times(a, apply<ops::Expit>(-*u));
    if (is<ops::Square>(b))
      if (const Found u = above_one(in(b.id, 0))) {
        const Expr share = apply<ops::Expit>(-*u);
        return above && same(*above, *u) ? share * apply<ops::Expit>(*u)
                                         : times(a, apply<ops::Square>(share));
      }
    if (const Found u = operand<ops::Expm1>(b)) return of_expm1(a, *u, above);
    if (same(a, b)) return {};
    if ((is<ops::Sin>(a) || is<ops::Expm1>(a)) && same(in(a.id, 0), b) && !is<ops::Where>(b))
      return smooth_at_zero(a, b);
    return above ? share_of(a, *above, b) : Found();
  }
  static Expr times(const Expr& a, const Expr& b) { return a.is(1.0) ? b : a * b; }

  // a / expm1(u). With m = -|u|, expm1(u) is expm1(m) or -expm1(m) / exp(m).
  Expr of_expm1(const Expr& a, const Expr& u, const Found& above) {
    if (above && same(*above, u)) {  // exp(u) / expm1(u)
      return -of_expm1(Expr(1.0, &g_), -u, {});
    }
    const Expr below = u < Expr(0.0), m = select(below, u, -u);
    if (same(a, u)) {
      const Expr e = select(below, Expr(1.0), apply<ops::Exp>(m)) / apply<ops::Exprel>(m);
      smooth_.insert({e.id, u.id});
      return e;
    }
    return times(a, select(below, Expr(1.0), -apply<ops::Exp>(m)) / apply<ops::Expm1>(m));
  }
  // sin(u) / u, or expm1(u) / u, which are 1 at 0.
  Expr smooth_at_zero(const Expr& a, const Expr& u) {
    const Expr e = is<ops::Sin>(a) ? select(u == Expr(0.0), Expr(1.0), apply<ops::Divide>(a, u))
                                   : apply<ops::Exprel>(u);
    smooth_.insert({e.id, u.id});
    return e;
  }
  // exp(v) / b where b is exp(v) + exp(w), or a sum of exponentials over axes.
  Found share_of(const Expr& a, const Expr& v, const Expr& b) {
    if (is<ops::Add>(b)) {
      for (const std::size_t k : {std::size_t{0}, std::size_t{1}})
        if (same(in(b.id, k), a))
          if (const Found w = exponent(in(b.id, 1 - k))) return apply<ops::Expit>(v - *w);
      return {};
    }
    std::vector<NodeId> views;
    const NodeId sum = under_views(b.id, views);
    const auto shifted = sum_of_exponentials(sum);
    if (!shifted) return {};
    const Expr moved = apply<ops::Exp>(apply<ops::Subtract>(v, through(views, shifted->shift)));
    const Expr share = apply<ops::Divide>(moved, through(views, shifted->total));
    softmax_.insert(share.id);
    return share;
  }
  // where(u == 0, 1, e), or the same with u != 0, where e is a quotient made smooth: e alone.
  Found of_choice(NodeId id) const {
    const Expr condition = in(id, 0);
    const bool equal = is<ops::Equal>(condition);
    if (!equal && !is<ops::NotEqual>(condition)) return {};
    const Expr one = in(id, equal ? 1 : 2), e = in(id, equal ? 2 : 1), x = in(condition.id, 0);
    if (!one.is(1.0) || e.is_number() || x.is_number() || !in(condition.id, 1).is_zero()) return {};
    const auto made = std::ranges::find(smooth_, e.id, &std::pair<NodeId, NodeId>::first);
    if (made == smooth_.end()) return {};
    return made->second == x.id || is_multiple(Expr(g_, made->second), x) ? Found(e) : Found();
  }
  bool is_multiple(const Expr& e, const Expr& x) const {
    if (!is<ops::Multiply>(e)) return false;
    const Expr a = in(e.id, 0), b = in(e.id, 1);
    return (a.is_number() && !a.is_zero() && same(b, x)) ||
           (b.is_number() && !b.is_zero() && same(a, x));
  }

  // ---- sums, differences and roots

  Found of_sum(const Expr& a, const Expr& b) const {
    if (a.is(-1.0)) return of_difference(b, Expr(1.0));
    return b.is(-1.0) ? of_difference(a, Expr(1.0)) : Found();
  }
  Found of_difference(const Expr& a, const Expr& b) const {
    if (b.is(1.0))
      if (const Found u = exponent(a)) return apply<ops::Expm1>(*u);
    if (a.is(1.0))
      if (const Found u = operand<ops::Expit>(b)) return apply<ops::Expit>(-*u);
    return {};
  }
  Found of_root(const Expr& x) const {
    const auto root = [this](const Expr& e) -> Found {
      if (is<ops::Multiply>(e) && same(in(e.id, 0), in(e.id, 1))) return in(e.id, 0);
      return operand<ops::Square>(e);
    };
    if (!is<ops::Add>(x)) return {};
    const Found a = root(in(x.id, 0)), b = root(in(x.id, 1));
    return a && b ? Found(apply<ops::Hypot>(*a, *b)) : Found();
  }

  Graph& g_;
  std::set<NodeId> softmax_;
  std::set<std::pair<NodeId, NodeId>> smooth_;  // what has been made of a quotient, and its u
};

// The node with other inputs.
NodeId with_inputs(Graph& g, NodeId id, const std::vector<NodeId>& in) {
  const Node n = g[id];
  const Shape shape = g.shape(id);
  const auto attributes = [&] {
    const auto a = g.attributes(id);
    return std::vector<std::int64_t>(a.begin(), a.end());
  };
  switch (n.kind) {
    case Kind::Elementwise:
      return g.elementwise(n.op, in);
    case Kind::Reduce:
      return g.reduce_folded(static_cast<Reduction>(n.op), in[0], attributes(), shape);
    case Kind::MatMul: {
      const auto a = attributes();
      return g.matmul(in[0], in[1], a[0] != 0, a[1] != 0);
    }
    case Kind::View: {
      const auto a = attributes();
      return g.view(in[0], shape, a[0], {a.begin() + 1, a.end()});
    }
    case Kind::Gather:
      return g.gather(in[0], shape, attributes());
    case Kind::Assemble:
      return g.assemble(shape, in, g.placements(id), n.accumulate);
    case Kind::Scan: {
      const auto a = attributes();
      return g.scan_folded(in[0], in[1], {a[0], a[1], a[2]}, a[3] != 0);
    }
    case Kind::Lookup:
      return g.lookup(in[0], g.table_of(id));
    case Kind::Routine:
      return g.routine(g.routine_of(id), in, shape);
    default:
      return id;
  }
}

}  // namespace

std::vector<NodeId> stable(Graph& graph, std::span<const NodeId> roots) {
  const auto held = graph.hold();
  const std::vector<bool> reached = reached_from(graph, roots);
  std::vector<NodeId> now(reached.size());
  Forms forms(graph);
  std::vector<NodeId> in;
  for (NodeId id = 0; id < static_cast<NodeId>(reached.size()); ++id) {
    if (!reached[static_cast<std::size_t>(id)]) continue;
    in.clear();
    bool changed = false;
    for (const NodeId i : graph.inputs(id)) {
      in.push_back(now[static_cast<std::size_t>(i)]);
      changed |= in.back() != i;
    }
    const NodeId node = changed ? with_inputs(graph, id, in) : id;
    const Found form = forms.of(node);
    now[static_cast<std::size_t>(id)] = form ? form->in(graph) : node;
  }
  std::vector<NodeId> out;
  for (const NodeId root : roots) out.push_back(now[static_cast<std::size_t>(root)]);
  return out;
}

}  // namespace thalweg
