// SPDX-License-Identifier: BSD-3-Clause
// Turns a graph into steps: nodes that depend on inputs become steps in the order of the graph, and
// products that are used once are fused into the sum that uses them. step_maker.hpp creates the
// steps.
#include <algorithm>
#include <tuple>

#include "graph/reached.hpp"
#include "lowering/step_maker.hpp"
#include "thalweg/graph/routine.hpp"

namespace thalweg::intermediate {
namespace {

class Selection : StepMaker {
 public:
  Selection(Graph& g, const std::vector<bool>& varying, bool everything)
      : g_(g), varying_inputs_(varying), everything_(everything) {}

  List run(std::span<const NodeId> outputs) {
    const auto size = static_cast<std::size_t>(g_.size());
    const std::vector<bool> reached = reached_from(g_, outputs);
    stepped_.assign(size, false);
    std::vector<bool> of_inputs(size, false);
    values_.resize(size);
    for (NodeId id = 0, end = g_.size(); id < end; ++id) {  // visiting may add nodes
      const auto u = static_cast<std::size_t>(id);
      if (!reached[u]) continue;
      const Node& n = g_[id];
      if (n.kind == Kind::Input) list_.inputs.push_back(id);
      of_inputs[u] = n.kind == Kind::Input || std::ranges::any_of(g_.inputs(id), [&](NodeId i) {
                       return of_inputs[static_cast<std::size_t>(i)];
                     });
      stepped_[u] = n.kind == Kind::Input ? varying_inputs_[static_cast<std::size_t>(n.op)]
                    : everything_         ? n.kind != Kind::Constant && n.kind != Kind::Data
                                          : of_inputs[u];
      if (stepped_[u]) visit(id);
    }
    for (NodeId o : outputs) list_.outputs.push_back(as_parts(o));
    fuse(list_);
    return std::move(list_);
  }

 private:
  // How a node's value is stored: in one place for the whole array, or in one place per element.
  struct Value {
    bool known = false, apart = false;
    Place whole;
    std::size_t first = 0;  // elements_[first, first + n) if split
  };

  Value& value(NodeId id) {
    Value& v = values_[static_cast<std::size_t>(id)];
    if (!v.known && !stepped_[static_cast<std::size_t>(id)]) uniform(id, v);
    return v;
  }
  std::int64_t count(NodeId id) const { return size_of(g_.shape(id)); }

  void uniform(NodeId id, Value& v) {
    v.known = true;
    if (g_[id].kind == Kind::Constant) {
      v.whole = number(g_[id].value);
      return;
    }
    v.whole = {Space::Uniform, position(list_.uniform.size(), "values"), 0};
    list_.uniform.push_back(id);
  }

  Place element(NodeId id, std::int64_t i) {
    const Value& v = value(id);
    if (v.apart) return elements_[v.first + static_cast<std::size_t>(i)];
    Place p = v.whole;
    if (p.space != Space::Number) p.offset += i;
    return p;
  }
  // The node as one array in one place.
  Place whole(NodeId id) {
    const Value v = value(id);
    if (!v.apart) return v.whole;
    Step s{.code = kAssemble, .n = count(id)};
    std::vector<Part> parts;
    for (std::int64_t i = 0; i < s.n; ++i)
      parts.push_back({element(id, i), 1, true, {i, {}, {}}, {}});
    const Place p = assembled(std::move(s), std::move(parts));
    Value& now = values_[static_cast<std::size_t>(id)];
    now.apart = false;
    now.whole = p;
    return p;
  }
  void set(NodeId id, Place p) { values_[static_cast<std::size_t>(id)] = {true, false, p, 0}; }
  void set(NodeId id, const std::vector<Place>& elements) {
    if (elements.size() == 1) return set(id, elements[0]);
    values_[static_cast<std::size_t>(id)] = {true, true, {}, elements_.size()};
    elements_.insert(elements_.end(), elements.begin(), elements.end());
  }

  std::vector<Part> as_parts(NodeId id) {
    const Value v = value(id);
    const std::int64_t n = count(id);
    if (!v.apart) return {{v.whole, n, !is_number(v.whole), {0, {}, {}}, {}}};
    std::vector<Part> parts;
    for (std::int64_t i = 0; i < n; ++i)
      parts.push_back({element(id, i), 1, true, {i, {}, {}}, {}});
    return parts;
  }

  void visit(NodeId id) {
    switch (g_[id].kind) {
      case Kind::Input:
        return set(id, {Space::Input, g_[id].op, 0});
      case Kind::Elementwise:
        return elementwise(id);
      case Kind::Reduce:
        return reduce(id);
      case Kind::MatMul:
        return matmul(id);
      case Kind::View:
        return view(id);
      case Kind::Gather:
        return gather(id);
      case Kind::Assemble:
        return assemble(id);
      case Kind::Scan:
        return scan(id);
      case Kind::Lookup:
        return lookup(id);
      case Kind::Routine:
        return routine(id);
      default:
        return;
    }
  }

  // ---- elementwise

  void elementwise(NodeId id) {
    const std::int64_t n = count(id);
    const Node node = g_[id];
    const std::vector<NodeId> in(g_.inputs(id).begin(), g_.inputs(id).end());
    if (n > 0 && n <= kApart) {
      const Shape shape = g_.shape(id);
      std::vector<Place> out;
      for (std::int64_t e = 0; e < n; ++e) {
        Place p[3];
        for (std::size_t k = 0; k < in.size(); ++k)
          p[k] = element(in[k], broadcast_index(e, shape, g_.shape(in[k])));
        out.push_back(operation(node.op, static_cast<int>(in.size()), p, 1, nullptr));
      }
      return set(id, out);
    }
    Place p[3];
    bool whole_operand[3] = {true, true, true};
    for (std::size_t k = 0; k < in.size(); ++k) {
      if (count(in[k]) == 1 && n != 1) {
        p[k] = element(in[k], 0);
        whole_operand[k] = false;
      } else {
        p[k] = count(in[k]) == n ? whole(in[k]) : spread(in[k], Shape(g_.shape(id)));
      }
    }
    set(id, operation(node.op, static_cast<int>(in.size()), p, n, whole_operand));
  }

  static std::int64_t broadcast_index(std::int64_t flat, const Shape& shape, const Shape& of) {
    if (of.empty() || of == shape) return of.empty() ? 0 : flat;
    const Shape strides = contiguous_strides(of);
    const std::size_t shift = shape.size() - of.size();
    std::int64_t index = 0;
    for (std::size_t d = shape.size(); d-- > 0;) {
      const std::int64_t i = flat % shape[d];
      flat /= shape[d];
      if (d >= shift && of[d - shift] != 1) index += i * strides[d - shift];
    }
    return index;
  }

  // An operand that broadcasts along only some axes is expanded.
  Place spread(NodeId id, const Shape& shape) {
    const NodeId node = g_.broadcast_to(id, shape);
    if (static_cast<std::size_t>(node) >= values_.size()) {
      values_.resize(static_cast<std::size_t>(g_.size()));
      stepped_.resize(static_cast<std::size_t>(g_.size()), false);
    }
    stepped_[static_cast<std::size_t>(node)] =
        stepped_[static_cast<std::size_t>(id)] || g_[id].kind == Kind::Input;
    if (stepped_[static_cast<std::size_t>(node)] && !values_[static_cast<std::size_t>(node)].known)
      visit(node);
    return whole(node);
  }

  // ---- sums, products, moves

  void reduce(NodeId id) {
    const auto a = g_.attributes(id);
    const NodeId x = g_.inputs(id)[0];
    const auto kind = static_cast<Reduction>(g_[id].op);
    const std::int64_t outer = a[0], length = a[1], inner = a[2], n = outer * inner;
    if (length >= 1 && count(x) <= kApart && n > 0) {
      std::vector<Place> out;
      for (std::int64_t o = 0; o < outer; ++o)
        for (std::int64_t i = 0; i < inner; ++i)
          out.push_back(joined(kind, length, 0, 1, [&](std::int64_t k) {
            return element(x, (o * length + k) * inner + i);
          }));
      return set(id, out);
    }
    static constexpr Bulk kBulk[] = {Bulk::Sum, Bulk::Max, Bulk::Min, Bulk::Prod};
    OwnedExtent e;
    e.sizes.outer = outer, e.sizes.length = length, e.sizes.inner = inner;
    set(id, append({.code = code16(code(kBulk[static_cast<int>(kind)])),
                    .arity = 1,
                    .in = {whole(x)},
                    .n = n,
                    .extent = extent(std::move(e))}));
  }
  // A product of few elements is written as steps, in the order of matmul.inl.hpp: one chain.
  void matmul(NodeId id) {
    const NodeId p = g_.inputs(id)[0], q = g_.inputs(id)[1];
    const bool ta = g_.attributes(id)[0] != 0, tb = g_.attributes(id)[1] != 0;
    const Shape out = g_.shape(id), left = g_.shape(p);
    OwnedExtent e;
    e.sizes.batch = out[0], e.sizes.m = out[1], e.sizes.n = out[2], e.sizes.k = left[ta ? 1 : 2];
    const std::int64_t m = e.sizes.m, n = e.sizes.n, k = e.sizes.k;
    e.sizes.a_m = ta ? 1 : k, e.sizes.a_k = ta ? m : 1;
    e.sizes.b_k = tb ? 1 : n, e.sizes.b_n = tb ? k : 1;
    if (out[0] == 1 && k >= 1 && k <= kApart && m * n <= kApart && m * n > 0) {
      std::vector<Place> elements;
      for (std::int64_t i = 0; i < m; ++i)
        for (std::int64_t j = 0; j < n; ++j) {
          const auto at = [&](std::int64_t s) {
            return std::pair(element(p, i * e.sizes.a_m + s * e.sizes.a_k),
                             element(q, s * e.sizes.b_k + j * e.sizes.b_n));
          };
          auto [a, b] = at(0);
          Place sum = one<ops::Multiply>(a, b);
          for (std::int64_t s = 1; s < k; ++s) {
            std::tie(a, b) = at(s);
            sum = one<fused::MultiplyAdd>(a, b, sum);
          }
          elements.push_back(sum);
        }
      return set(id, elements);
    }
    set(id, append({.code = code16(code(Bulk::MatMul)),
                    .arity = 2,
                    .in = {whole(p), whole(q)},
                    .n = count(id),
                    .extent = extent(std::move(e))}));
  }

  // Splits a small node into elements of x, at the given positions; false if it is too large.
  template <class Position> bool taken_apart(NodeId id, NodeId x, const Position& position) {
    const std::int64_t n = count(id);
    if (n > kApart || n == 0) return false;
    std::vector<Place> out;
    for (std::int64_t i = 0; i < n; ++i) out.push_back(element(x, position(i)));
    set(id, out);
    return true;
  }

  void view(NodeId id) {
    const auto a = g_.attributes(id);
    const NodeId x = g_.inputs(id)[0];
    const Shape shape = g_.shape(id), strides(a.begin() + 1, a.end());
    const auto position = [&](std::int64_t i) {
      std::int64_t at = a[0];
      for (std::size_t d = shape.size(); d-- > 0; i /= shape[d]) at += i % shape[d] * strides[d];
      return at;
    };
    if (taken_apart(id, x, position)) return;
    bool contiguous = true;
    const Shape straight = contiguous_strides(shape);
    for (std::size_t d = 0; d < shape.size(); ++d)
      contiguous &= shape[d] == 1 || strides[d] == straight[d];
    if (contiguous) {
      Place p = whole(x);
      p.offset += a[0];
      return set(id, p);
    }
    move(id, x, Placement{a[0], strides, {}}, shape);
  }

  void gather(NodeId id) {
    const auto table = g_.attributes(id);
    const NodeId x = g_.inputs(id)[0];
    if (taken_apart(id, x, [&](std::int64_t i) { return table[static_cast<std::size_t>(i)]; }))
      return;
    OwnedExtent e;
    e.from_table.assign(table.begin(), table.end());
    set(id, append({.code = code16(code(Bulk::Move)),
                    .arity = 1,
                    .in = {whole(x)},
                    .n = count(id),
                    .extent = extent(std::move(e))}));
  }

  void move(NodeId id, NodeId x, const Placement& from, const Shape& shape) {
    OwnedExtent e;
    e.shape = shape, e.from = from.strides, e.to = contiguous_strides(shape);
    Place p = whole(x);
    if (p.space != Space::Number) p.offset += from.offset;
    set(id, append({.code = code16(code(Bulk::Move)),
                    .arity = 1,
                    .in = {p},
                    .n = count(id),
                    .extent = extent(std::move(e))}));
  }

  void assemble(NodeId id) {
    const Node node = g_[id];
    const std::vector<NodeId> in(g_.inputs(id).begin(), g_.inputs(id).end());
    const auto& where = g_.placements(id);
    const std::int64_t n = count(id);
    bool small = true;
    for (NodeId i : in) small &= count(i) <= kApart;
    if (n <= kApart ||
        (node.accumulate && small)) {  // element by element: sums become chains of additions
      std::vector<Place> out(static_cast<std::size_t>(n), number(0.0));
      std::vector<bool> touched(out.size(), false);
      for (std::size_t k = 0; k < in.size(); ++k) {
        const Shape shape = g_.shape(in[k]);
        for (std::int64_t e = 0; e < count(in[k]); ++e) {
          const auto to = static_cast<std::size_t>(position_of(where[k], shape, e));
          const Place p = element(in[k], e);
          out[to] = touched[to] && node.accumulate ? sum(out[to], p) : p;
          touched[to] = true;
        }
      }
      set(id, out);
      return;
    }
    std::vector<Part> parts;
    for (std::size_t k = 0; k < in.size(); ++k)
      if (count(in[k]) > 0) {
        const bool single = count(in[k]) == 1;
        parts.push_back({single ? element(in[k], 0) : whole(in[k]), count(in[k]), true, where[k],
                         g_.shape(in[k])});
      }
    Step s{.code = kAssemble, .n = n};
    s.accumulate = node.accumulate;
    set(id, assembled(std::move(s), std::move(parts)));
  }
  static std::int64_t position_of(const Placement& p, const Shape& shape, std::int64_t e) {
    if (!p.table.empty()) return p.table[static_cast<std::size_t>(e)];
    std::int64_t at = p.offset;
    for (std::size_t d = shape.size(); d-- > 0; e /= shape[d]) at += e % shape[d] * p.strides[d];
    return at;
  }

  void scan(NodeId id) {
    const auto a = g_.attributes(id);
    OwnedExtent e;
    e.sizes.outer = a[0], e.sizes.length = a[1], e.sizes.inner = a[2], e.sizes.reverse = a[3] != 0;
    set(id, append({.code = code16(code(Bulk::Scan)),
                    .arity = 2,
                    .in = {whole(g_.inputs(id)[0]), whole(g_.inputs(id)[1])},
                    .n = count(id),
                    .extent = extent(std::move(e))}));
  }

  void lookup(NodeId id) {
    const NodeId x = g_.inputs(id)[0];
    OwnedExtent e;
    e.table = g_.table_of(id);
    set(id, append({.code = code16(code(Bulk::Lookup)),
                    .arity = 1,
                    .in = {whole(x)},
                    .n = count(id),
                    .extent = extent(std::move(e))}));
  }

  void routine(NodeId id) {
    OwnedExtent e;
    e.routine = g_.routine_of(id);
    Step s{.code = code16(code(Bulk::Routine)), .n = count(id)};
    const std::vector<NodeId> in(g_.inputs(id).begin(), g_.inputs(id).end());
    for (std::size_t k = 0; k < in.size(); ++k)
      if (e.routine->reads(k)) s.in[s.arity++] = whole(in[k]);
    s.extent = extent(std::move(e));
    set(id, append(s));
  }

  Graph& g_;
  const std::vector<bool>& varying_inputs_;
  const bool everything_;
  std::vector<bool> stepped_;  // by node: whether it is a varying input or computed by steps
  std::vector<Value> values_;
  std::vector<Place> elements_;
};

}  // namespace

List select(Graph& graph, std::span<const NodeId> outputs, const std::vector<bool>& varying,
            bool everything) {
  return Selection(graph, varying, everything).run(outputs);
}

}  // namespace thalweg::intermediate
