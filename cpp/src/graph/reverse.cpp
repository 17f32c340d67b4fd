// SPDX-License-Identifier: BSD-3-Clause
// The reverse sweep: computes adjoints. A node that only one branch of np.where uses, or that a
// maximum may not select, carries the condition under which it is used. Products there are selected
// by the condition, so infinities in an unused branch have no effect.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>

#include "graph/reached.hpp"
#include "graph/smooth.hpp"
#include "graph/sweep.hpp"
#include "thalweg/graph/routine.hpp"

namespace thalweg {
namespace {

class Reverse {
 public:
  Reverse(Graph& g, NodeId size) : g_(g), size_(size), nodes_(static_cast<std::size_t>(size)) {}

  std::vector<NodeId> run(std::span<const NodeId> outputs, std::span<const NodeId> seeds,
                          std::span<const NodeId> wrt) {
    for (NodeId w : wrt) at(w).needed = true;
    const std::vector<bool> reached = reached_from(g_, outputs);
    for (NodeId id = 0; id < size_; ++id) {
      State& s = at(id);
      for (NodeId i : g_.inputs(id)) {
        s.needed |= at(i).needed;
        s.fragile |= at(i).needed && at(i).fragile;
      }
      s.fragile |= s.needed && !tame(id);
      chooses_ |= reached[static_cast<std::size_t>(id)] && chooses(id);
    }
    for (std::size_t k = 0; k < outputs.size(); ++k) {
      receive(outputs[k], Expr(g_, seeds[k]));
      at(outputs[k]).live = Expr(1.0);
    }
    std::vector<bool> wanted(nodes_.size(), false);
    for (NodeId w : wrt) wanted[static_cast<std::size_t>(w)] = true;
    std::vector<Expr> found(nodes_.size());
    for (NodeId id = size_; id-- > 0;) {
      State& s = at(id);
      settle(id);
      if (!s.needed || !s.live) continue;
      const Expr adjoint = total(id);
      if (wanted[static_cast<std::size_t>(id)]) found[static_cast<std::size_t>(id)] = adjoint;
      if (!adjoint.is_zero()) visit(id, adjoint, *s.live);
      s.dense = {};
      s.parts = {};
    }
    std::vector<NodeId> out;
    for (NodeId w : wrt) {
      const Shape shape = g_.shape(w);
      out.push_back(spread(g_, found[static_cast<std::size_t>(w)], shape).in(g_));
    }
    return out;
  }

 private:
  struct State {
    bool needed = false;       // depends on the variables of differentiation
    bool fragile = false;      // and a slope on the way may be infinite
    std::optional<Expr> live;  // the condition under which outputs use it; number 1: always
    Expr dense;                // adjoint so far, in a shape that broadcasts to the node's
    std::vector<std::pair<NodeId, Placement>>
        parts;  // and the contributions of its slices and gathers
    std::vector<std::pair<NodeId, Placement>> live_parts;  // and their conditions
  };

  // Whether a node's slopes are finite wherever its inputs are. If this holds for all nodes, as in
  // a layer of a network, a maximum needs no mask.
  bool tame(NodeId id) {
    if (g_[id].kind == Kind::Reduce) return g_[id].op != static_cast<int>(Reduction::Prod);
    if (g_[id].kind != Kind::Elementwise)
      return g_[id].kind != Kind::Scan && g_[id].kind != Kind::Routine;
    const int op = g_[id].op;
    if (op == kOpcode<ops::Multiply>) {  // by data or a number, usually finite
      const auto in = g_.inputs(id);
      return std::ranges::count_if(in, [this](NodeId i) { return needed(i); }) < 2 &&
             std::ranges::none_of(
                 in,
                 [this](NodeId i) {
                   return g_[i].kind == Kind::Constant && !std::isfinite(g_[i].value);
                 });
    }
    constexpr std::array kTame{
        kOpcode<ops::Add>,     kOpcode<ops::Subtract>, kOpcode<ops::Negative>,
        kOpcode<ops::Square>,  kOpcode<ops::Absolute>, kOpcode<ops::Maximum>,
        kOpcode<ops::Minimum>, kOpcode<ops::Where>,    kOpcode<ops::Tanh>,
        kOpcode<ops::Expit>,   kOpcode<ops::LogExpit>, kOpcode<ops::Sin>,
        kOpcode<ops::Cos>,     kOpcode<ops::Arctan>,   kOpcode<ops::Erf>,
        kOpcode<ops::Erfc>,    kOpcode<ops::Sinc>,     kOpcode<ops::Arcsinh>};
    return std::ranges::find(kTame, op) != kTame.end();
  }
  // Whether a node ignores some of its inputs, which needs a mask. Data may hold a NaN that fmax
  // and fmin ignore.
  bool chooses(NodeId id) {
    const int op = g_[id].op;
    const auto fragile = [this](NodeId i) { return at(i).needed && at(i).fragile; };
    if (g_[id].kind == Kind::Reduce)
      return (op == static_cast<int>(Reduction::Max) || op == static_cast<int>(Reduction::Min)) &&
             fragile(g_.inputs(id)[0]);
    if (g_[id].kind != Kind::Elementwise) return false;
    return op == kOpcode<ops::Where> || op == kOpcode<ops::Fmax> || op == kOpcode<ops::Fmin> ||
           (picks(op) && std::ranges::any_of(g_.inputs(id), fragile));
  }

  State& at(NodeId id) { return nodes_[static_cast<std::size_t>(id)]; }
  bool needed(NodeId id) { return at(id).needed; }

  void receive(NodeId id, Expr contribution) { at(id).dense = at(id).dense + contribution; }

  void receive_part(NodeId id, Expr contribution, const Shape& shape, Placement where) {
    if (contribution.is_zero()) return;
    at(id).parts.emplace_back(spread(g_, contribution, shape).in(g_), std::move(where));
  }

  // Parts accumulate into one buffer, so that x[i] in a loop takes linear time.
  Expr total(NodeId id) {
    State& s = at(id);
    return s.parts.empty() ? s.dense : laid(id, s.dense, std::move(s.parts));
  }
  // The sum of `dense`, spread to an array like id, and of the parts.
  Expr laid(NodeId id, const Expr& dense, std::vector<std::pair<NodeId, Placement>> parts) {
    const Shape shape = g_.shape(id);
    std::vector<NodeId> ids;
    std::vector<Placement> where;
    if (!dense.is_zero()) {
      ids.push_back(spread(g_, dense, shape).in(g_));
      where.push_back({0, contiguous_strides(shape), {}});
    }
    for (auto& [part, placement] : parts) {
      ids.push_back(part);
      where.push_back(std::move(placement));
    }
    return {g_, g_.assemble(shape, ids, std::move(where), true)};
  }

  // Conditions are 0 or 1, in shapes that broadcast to the node's.
  void keep_alive(NodeId id, const Expr& condition) {
    if (!needed(id)) return;
    if (g_[id].kind == Kind::Input) {  // no earlier node needs a mask
      at(id).live = Expr(1.0);
      return;
    }
    std::optional<Expr>& live = at(id).live;
    if (!live) live = condition;
    else if (live->is(1.0) || condition.is(1.0)) live = Expr(1.0);
    else if (live->id != condition.id) live = apply<ops::LogicalOr>(*live, condition);
  }
  // Adds a condition on a part of id. Like adjoints, conditions are summed in one array once all
  // are known; one array for each would make slices of an array in a loop quadratic.
  void keep_alive_part(NodeId id, const Expr& condition, const Shape& shape,
                       const Placement& where) {
    State& s = at(id);
    if (!s.needed || (s.live && s.live->is(1.0))) return;
    if (g_[id].kind == Kind::Input || (condition.is(1.0) && !chooses_)) s.live = Expr(1.0);
    else s.live_parts.emplace_back(spread(g_, condition, shape).in(g_), where);
  }
  void settle(NodeId id) {
    State& s = at(id);
    if (!s.live_parts.empty() && !(s.live && s.live->is(1.0)))
      keep_alive(id, truth_of(laid(id, {}, std::move(s.live_parts)), true));
    s.live_parts = {};
  }
  Expr both(const Expr& a, const Expr& b) {
    if (a.is(1.0)) return b;
    if (b.is(1.0)) return a;
    return apply<ops::LogicalAnd>(a, b);
  }
  // The product where the node is used, else 0. If the adjoint is already selected by the same
  // condition, it is not selected again.
  Expr masked(const Expr& live, const Expr& adjoint, const Expr& partial) {
    if (live.is(1.0)) return adjoint * partial;
    if (partial.is_number() && std::isfinite(partial.number)) return partial * adjoint;
    if (!adjoint.is_number() && g_[adjoint.id].kind == Kind::Elementwise &&
        g_[adjoint.id].op == kOpcode<ops::Where>) {
      const auto in = g_.inputs(adjoint.id);
      const NodeId c = in[0], taken = in[1], other = in[2];
      if (c == live.id && Expr(g_, other).is_zero())
        return select(live, Expr(g_, taken) * partial, 0.0);
    }
    return select(live, adjoint * partial, 0.0);
  }

  void visit(NodeId id, const Expr& adjoint, const Expr live) {
    const Node node = g_[id];
    const std::vector<NodeId> in(g_.inputs(id).begin(), g_.inputs(id).end());
    switch (node.kind) {
      case Kind::Elementwise:
        return elementwise(id, node, in, adjoint, live);
      case Kind::Reduce:
        return reduce(id, node, in[0], adjoint, live);
      case Kind::MatMul:
        return matmul(id, in, adjoint, live);
      case Kind::View:
        return view(id, in[0], adjoint, live);
      case Kind::Gather:
        return gather(id, in[0], adjoint, live);
      case Kind::Assemble:
        return assemble(id, in, adjoint, live);
      case Kind::Scan:
        return scan(id, in, adjoint, live);
      case Kind::Lookup: {
        const Expr slope(g_, g_.lookup(in[0], slope_of(*g_.table_of(id))));
        keep_alive(in[0], live);
        return receive(in[0], masked(live, adjoint, slope));
      }
      case Kind::Routine:
        return routine(id, in, adjoint, live);
      default:
        return;
    }
  }

  void elementwise(NodeId id, const Node& node, const std::vector<NodeId>& in, const Expr& adjoint,
                   const Expr& live) {
    const Shape shape = g_.shape(id);
    const auto give = [&](NodeId to, const Expr& contribution, const Expr& condition) {
      const Shape target = g_.shape(to);
      keep_alive(to, gather_up(g_, condition, shape, target, Reduction::Max));
      receive(to, gather_up(g_, contribution, shape, target, Reduction::Sum));
    };
    if (const auto parts = smooth_parts(g_, id); !parts.empty()) {
      for (const auto& [of, slope] : parts)
        if (needed(of)) give(of, masked(live, adjoint, slope), live);
      return;
    }
    if (node.op == kOpcode<ops::Where>) {
      const Expr c(g_, in[0]);
      if (needed(in[1])) give(in[1], select(c, adjoint, 0.0), both(live, truth_of(c, true)));
      if (needed(in[2])) give(in[2], select(c, 0.0, adjoint), both(live, truth_of(c, false)));
      return;
    }
    std::array<Expr, 3> p;
    partial_products(g_, id, p);
    const bool leaves_out = picks(node.op) && chooses(id);
    for (std::size_t k = 0; k < in.size(); ++k) {
      if (!needed(in[k]) || p[k].is_zero()) continue;
      const Expr taken = leaves_out ? both(live, truth_of(p[k], true)) : live;
      give(in[k], masked(live, adjoint, p[k]), taken);
    }
  }

  Expr truth_of(const Expr& c, bool wanted) {
    if (c.is_number()) return (c.number != 0.0) == wanted ? 1.0 : 0.0;
    if (!wanted) return apply<ops::LogicalNot>(c);
    return g_.is_boolean(c.id) ? c : apply<ops::LogicalNot>(apply<ops::LogicalNot>(c));
  }

  void reduce(NodeId id, const Node& node, NodeId x, const Expr& adjoint, const Expr& live) {
    const Folded f = folded(g_.attributes(id));
    const Shape out = g_.shape(id), in = g_.shape(x);
    const auto lift = [&](const Expr& e) {  // to shape (outer, 1, inner)
      return e.is_number() || flat(g_, e.id)
                 ? scalar(e)
                 : Expr(g_, g_.reshape(spread(g_, e, out).in(g_), f.reduced));
    };
    const auto lower = [&](const Expr& e) {  // back to the shape of x
      if (e.is_number() || e.shape().empty()) return e;
      if (e.shape() == f.whole) return Expr(g_, g_.reshape(e.id, in));
      return Expr(g_, g_.reshape(g_.broadcast_to(e.id, f.whole), in));
    };
    const Expr a = lift(adjoint), condition = lift(live);
    if (chooses(id)) {
      const Expr is = Expr(g_, g_.reshape(x, f.whole)) == Expr(g_, g_.reshape(id, f.reduced));
      keep_alive(x, lower(both(condition, is)));
    } else {
      keep_alive(x, lower(condition));
    }
    Expr share = 1.0;
    switch (static_cast<Reduction>(node.op)) {
      case Reduction::Sum:
        return receive(x, lower(a));
      case Reduction::Max:
      case Reduction::Min:
        share = extreme_share(g_, x, id, f);
        break;
      case Reduction::Prod:
        share = Expr(g_, products_of_others(g_, g_.reshape(x, f.whole), f.whole));
        break;
    }
    receive(x, lower(masked(condition, a, share)));
  }

  Expr scalar(const Expr& e) { return e.is_number() ? e : Expr(g_, g_.reshape(e.id, {})); }

  void matmul(NodeId id, const std::vector<NodeId>& in, const Expr& adjoint, const Expr& live) {
    const bool ta = g_.attributes(id)[0] != 0, tb = g_.attributes(id)[1] != 0;
    const Shape out = g_.shape(id);
    const NodeId y = spread(g_, adjoint, out).in(g_);
    // Sets a factor to 0 where no used element needs it: 0 * inf in an unused row would be NaN.
    const auto cleared = [&](NodeId factor, int axis, bool transposed) {
      if (live.is(1.0)) return factor;
      const NodeId any = g_.reduce(Reduction::Max, spread(g_, live, out).in(g_), {axis}, true);
      const NodeId mask = transposed ? g_.transpose(any, {0, 2, 1}) : any;
      return select(Expr(g_, mask), Expr(g_, factor), 0.0).in(g_);
    };
    // The condition of a factor: whether any element along the other's axis is used, repeated along
    // k.
    const auto condition = [&](int axis, bool transposed) {
      if (live.is(1.0)) return live;
      const NodeId any = g_.reduce(Reduction::Max, spread(g_, live, out).in(g_), {axis}, true);
      return Expr(g_, transposed ? g_.transpose(any, {0, 2, 1}) : any);
    };
    if (needed(in[0])) {
      const NodeId b = cleared(in[1], 1, tb);
      receive(in[0], Expr(g_, ta ? g_.matmul(b, y, tb, true) : g_.matmul(y, b, false, !tb)));
      keep_alive(in[0], condition(2, ta));
    }
    if (needed(in[1])) {
      const NodeId a = cleared(in[0], 2, ta);
      receive(in[1], Expr(g_, tb ? g_.matmul(y, a, true, ta) : g_.matmul(a, y, !ta, false)));
      keep_alive(in[1], condition(1, tb));
    }
  }

  void view(NodeId id, NodeId x, const Expr& adjoint, const Expr& live) {
    const auto a = g_.attributes(id);
    const Shape out = g_.shape(id), in = g_.shape(x);
    const Shape strides(a.begin() + 1, a.end());
    const std::int64_t offset = a[0];
    // Axes of stride 0 repeat elements, so sum over them first.
    Shape kept_shape, kept_strides;
    std::vector<int> repeated;
    std::int64_t copies = 1;
    for (std::size_t i = 0; i < out.size(); ++i) {
      if (strides[i] == 0 && out[i] != 1) {
        repeated.push_back(static_cast<int>(i));
        copies *= out[i];
      } else {
        kept_shape.push_back(out[i]);
        kept_strides.push_back(strides[i]);
      }
    }
    const auto move = [&](const Expr& e, Reduction kind) -> Expr {
      if (e.is_zero()) return e;
      if (e.is_number() || flat(g_, e.id)) {
        const Expr s = scalar(e);
        return kind == Reduction::Sum ? Expr(static_cast<double>(copies)) * s : s;
      }
      const NodeId whole = spread(g_, e, out).in(g_);
      return {g_, repeated.empty() ? whole : g_.reduce(kind, whole, repeated, false)};
    };
    const bool reshaped = offset == 0 && size_of(kept_shape) == size_of(in) &&
                          kept_strides == contiguous_strides(kept_shape);
    const Expr contribution = move(adjoint, Reduction::Sum), condition = move(live, Reduction::Max);
    const auto back = [&](const Expr& e) {
      return e.is_number() || e.shape().empty() ? e : Expr(g_, g_.reshape(e.id, in));
    };
    if (reshaped) {
      receive(x, back(contribution));
      keep_alive(x, back(condition));
      return;
    }
    const Placement where{offset, kept_strides, {}};
    receive_part(x, contribution, kept_shape, where);
    keep_alive_part(x, condition, kept_shape, where);
  }

  void gather(NodeId id, NodeId x, const Expr& adjoint, const Expr& live) {
    const Shape shape = g_.shape(id);
    const Placement where{0, {}, {g_.attributes(id).begin(), g_.attributes(id).end()}};
    receive_part(x, adjoint, shape, where);
    keep_alive_part(x, live, shape, where);
  }

  void assemble(NodeId id, const std::vector<NodeId>& in, const Expr& adjoint, const Expr& live) {
    const Shape shape = g_.shape(id);
    const auto& where = g_.placements(id);
    const auto taken = [&](const Expr& e, std::size_t k) {
      if (e.is_number() || flat(g_, e.id)) return scalar(e);
      const NodeId whole = spread(g_, e, shape).in(g_);
      const Shape own = g_.shape(in[k]);
      if (!where[k].table.empty()) return Expr(g_, g_.gather(whole, own, where[k].table));
      return Expr(g_, g_.view(whole, own, where[k].offset, where[k].strides));
    };
    for (std::size_t k = 0; k < in.size(); ++k)
      if (needed(in[k])) {
        receive(in[k], taken(adjoint, k));
        keep_alive(in[k], taken(live, k));
      }
  }

  // s_k = a_k s_{k-1} + b_k has the adjoint l_k = g_k + a_{k+1} l_{k+1}: the same recurrence in the
  // reverse direction.
  void scan(NodeId id, const std::vector<NodeId>& in, const Expr& adjoint, const Expr& live) {
    const auto a = g_.attributes(id);
    const Shape shape = g_.shape(id), f{a[0], a[1], a[2]};
    const bool reverse = a[3] != 0;
    // An input affects every later output; it is used if any of them is.
    Expr condition = live;
    NodeId factors = in[0];
    if (!live.is(1.0)) {
      const NodeId folded_live = g_.reshape(spread(g_, live, shape).in(g_), f);
      const NodeId one = g_.broadcast_to(g_.constant(1.0), f);
      const NodeId later = g_.reshape(g_.scan(one, folded_live, 1, !reverse), shape);
      condition = truth_of(Expr(g_, later), true);
      factors = select(condition, Expr(g_, factors), 0.0).in(g_);
    }
    keep_alive(in[0], condition);
    keep_alive(in[1], condition);
    const NodeId y = g_.reshape(spread(g_, adjoint, shape).in(g_), f);
    const NodeId next = shifted(g_, g_.reshape(factors, f), f, reverse ? 1 : -1, 0.0);
    const NodeId l = g_.scan(next, y, 1, !reverse);
    if (needed(in[1])) receive(in[1], Expr(g_, g_.reshape(l, shape)));
    if (needed(in[0])) {
      const NodeId previous = shifted(g_, g_.reshape(id, f), f, reverse ? -1 : 1, 0.0);
      const Expr before(g_, g_.reshape(previous, shape));
      receive(in[0], masked(condition, Expr(g_, g_.reshape(l, shape)), before));
    }
  }

  // Every element of an input counts if any of the result does.
  void routine(NodeId id, const std::vector<NodeId>& in, const Expr& adjoint, const Expr& live) {
    const NodeId y = spread(g_, adjoint, Shape(g_.shape(id))).in(g_);
    Expr condition = live;
    if (!live.is_number() && !live.shape().empty()) {
      std::vector<int> axes(live.shape().size());
      std::iota(axes.begin(), axes.end(), 0);
      condition = Expr(g_, g_.reduce(Reduction::Max, live.id, axes, false));
    }
    std::vector<bool> wanted;
    for (const NodeId i : in) wanted.push_back(needed(i));
    const std::vector<Expr> slopes = g_.routine_of(id)->reverse(g_, id, y, wanted);
    for (std::size_t k = 0; k < in.size(); ++k) {
      if (!wanted[k] || slopes[k].is_zero()) continue;
      keep_alive(in[k], condition);
      receive(in[k], condition.is(1.0) ? slopes[k] : select(condition, slopes[k], 0.0));
    }
  }

  Graph& g_;
  NodeId size_;
  // Whether the outputs depend on any branch; otherwise masks are not worth their cost.
  bool chooses_ = false;
  std::vector<State> nodes_;
};

}  // namespace

std::vector<NodeId> vector_jacobian_product(Graph& graph, std::span<const NodeId> outputs,
                                            std::span<const NodeId> seeds,
                                            std::span<const NodeId> wrt) {
  const auto hold = graph.hold();
  return Reverse(graph, graph.size()).run(outputs, seeds, wrt);
}

NodeId gradient(Graph& graph, NodeId output, NodeId wrt) {
  const auto hold = graph.hold();
  const NodeId scalar = graph.reshape(output, {}), one = graph.constant(1.0);
  return vector_jacobian_product(graph, std::array{scalar}, std::array{one}, std::array{wrt})[0];
}

}  // namespace thalweg
