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
    const NodeId last = *std::ranges::max_element(outputs);
    for (NodeId id = 0; id <= last; ++id)
      if (at(id).is_zero()) at(id) = tangent(id);
    std::vector<NodeId> out;
    for (NodeId o : outputs) out.push_back(spread(g_, at(o), Shape(g_.shape(o))).in(g_));
    return out;
  }

 private:
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
};

}  // namespace

std::vector<NodeId> jacobian_vector_product(Graph& graph, std::span<const NodeId> outputs,
                                            std::span<const NodeId> wrt,
                                            std::span<const NodeId> tangents) {
  return Forward(graph, graph.size()).run(outputs, wrt, tangents);
}

}  // namespace thalweg
