// SPDX-License-Identifier: BSD-3-Clause
// Builds the graph: checks shapes and merges equal nodes.
#include "thalweg/graph/expression.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <numeric>

#include "thalweg/graph/routine.hpp"

namespace thalweg {

namespace {
// The limit on an array's elements (if it is empty, on the product of its other axes). With it, the
// size in bytes of a block of 64 lanes cannot overflow.
constexpr std::int64_t kMostElements = std::int64_t{1} << 48;
constexpr std::size_t kMostAxes = 64;  // NumPy's limit; moves have as many counters
}  // namespace

std::int64_t size_of(const Shape& shape) {
  std::int64_t n = 1;
  bool nothing = false;
  for (auto d : shape) {
    if (d < 0)
      throw ShapeError("axes must not be negative, got an array of shape " + to_string(shape));
    if (d == 0) {
      nothing = true;
    } else {
      if (n > kMostElements / d)
        throw ShapeError("an array of shape " + to_string(shape) +
                         " is too large: it may have at most 2^48 elements");
      n *= d;
    }
  }
  return nothing ? 0 : n;
}

std::string to_string(const Shape& shape) {
  std::string text = "(";
  for (std::size_t i = 0; i < shape.size(); ++i) text += (i ? ", " : "") + std::to_string(shape[i]);
  return text + (shape.size() == 1 ? ",)" : ")");
}

Shape broadcast(const Shape& a, const Shape& b) {
  const Shape& longer = a.size() >= b.size() ? a : b;
  const Shape& shorter = a.size() >= b.size() ? b : a;
  Shape out = longer;
  const std::size_t shift = longer.size() - shorter.size();
  for (std::size_t i = 0; i < shorter.size(); ++i) {
    auto& d = out[i + shift];
    if (d == 1) d = shorter[i];
    else if (shorter[i] != 1 && shorter[i] != d)
      throw ShapeError("operands could not be broadcast together with shapes " + to_string(a) +
                       " " + to_string(b));
  }
  return out;
}

Shape contiguous_strides(const Shape& shape) {
  Shape strides(shape.size());
  std::int64_t step = 1;
  for (std::size_t i = shape.size(); i-- > 0;) {
    strides[i] = step;
    step *= shape[i];
  }
  return strides;
}

// Whether offset + sum i_d strides_d stays in [0, n) over a box of this shape. Axes are checked one
// by one, so that no input overflows.
static bool lies_within(const Shape& shape, std::int64_t offset, const Shape& strides,
                        std::int64_t n) {
  if (size_of(shape) == 0) return true;
  if (offset < 0 || offset >= n) return false;
  std::int64_t low = offset, high = offset;
  for (std::size_t d = 0; d < shape.size(); ++d) {
    if (shape[d] == 1 || strides[d] == 0) continue;
    if (strides[d] <= -n || strides[d] >= n || shape[d] > n) return false;
    const std::int64_t size = strides[d] < 0 ? -strides[d] : strides[d];
    if (shape[d] - 1 > n / size) return false;
    (strides[d] < 0 ? low : high) += (shape[d] - 1) * strides[d];
  }
  return low >= 0 && high < n;
}

Graph::Graph() : buckets_(64, -1) { intern({}); }

std::int32_t Graph::intern(const Shape& shape) {
  // A trace has a handful of shapes, and recent ones are likeliest. With many shapes, a search.
  if (shapes_.size() <= 16) {
    for (std::size_t i = shapes_.size(); i-- > 0;)
      if (shapes_[i] == shape) return position(i, "shapes");
  } else if (const auto known = interned_.find(shape); known != interned_.end()) {
    return known->second;
  }
  size_of(shape);  // checks the shape
  if (shape.size() > kMostAxes)
    throw ShapeError("an array may have at most " + std::to_string(kMostAxes) + " axes, got " +
                     std::to_string(shape.size()));
  const std::int32_t at = position(shapes_.size(), "shapes");
  shapes_.push_back(shape);
  interned_.emplace(shape, at);
  return at;
}

std::int32_t Graph::intern_attributes(std::vector<std::int64_t> a) {
  attributes_.push_back(std::move(a));
  return position(attributes_.size() - 1, "views and sums");
}

// Removes attributes that were added for a node that already exists.
void Graph::forget_attributes(const Node& node) {
  const bool here = node.kind != Kind::Data && node.kind != Kind::Lookup &&
                    node.kind != Kind::Assemble && node.kind != Kind::Routine &&
                    node.attributes >= 0;
  if (here && static_cast<std::size_t>(node.attributes) + 1 == attributes_.size())
    attributes_.pop_back();
}

// Empty arrays differ only in whether they hold truth values or numbers.
NodeId Graph::without_elements(std::int32_t shape, bool truth) {
  const NodeId zero = constant(0.0);
  const NodeId element = truth ? elementwise(kOpcode<ops::Less>, std::array{zero, zero}) : zero;
  const Shape strides(shapes_[static_cast<std::size_t>(shape)].size() + 1, 0);
  return add_node({.kind = Kind::View, .shape = shape, .attributes = intern_attributes(strides)},
                  std::array{element});
}

std::uint64_t Graph::hash(const Node& n, std::span<const NodeId> inputs) const {
  std::uint64_t h = 1469598103934665603u;
  const auto mix = [&h](std::uint64_t x) {
    h = (h ^ x) * 0x9E3779B97F4A7C15u;
    h ^= h >> 29;
  };
  mix(static_cast<std::uint64_t>(n.kind) << 32 | static_cast<std::uint32_t>(n.op));
  mix(static_cast<std::uint64_t>(n.shape) << 1 | n.accumulate);
  mix(std::bit_cast<std::uint64_t>(n.value));
  for (auto i : inputs) mix(static_cast<std::uint64_t>(i));
  if (n.kind == Kind::Data)
    mix(reinterpret_cast<std::uintptr_t>(data_[static_cast<std::size_t>(n.attributes)].first()));
  if (n.kind == Kind::Routine) mix(routines_[static_cast<std::size_t>(n.attributes)]->hash());
  if (n.attributes >= 0 && (n.kind == Kind::Reduce || n.kind == Kind::MatMul ||
                            n.kind == Kind::View || n.kind == Kind::Gather || n.kind == Kind::Scan))
    for (auto a : attributes_[static_cast<std::size_t>(n.attributes)])
      mix(static_cast<std::uint64_t>(a));
  return h;
}

void Graph::grow_table() {
  std::vector<NodeId> bigger(buckets_.size() * 2, -1);
  const std::size_t mask = bigger.size() - 1;
  for (NodeId id : buckets_) {
    if (id < 0) continue;
    std::size_t at = hash((*this)[id], inputs(id)) & mask;
    while (bigger[at] >= 0) at = (at + 1) & mask;
    bigger[at] = id;
  }
  buckets_ = std::move(bigger);
}

NodeId Graph::add(const Node& node, std::span<const NodeId> ins) {
  const bool leaf = node.kind == Kind::Input || node.kind == Kind::Data;
  if (leaf || size_of(shapes_[static_cast<std::size_t>(node.shape)]) > 0)
    return add_node(node, ins);
  forget_attributes(node);
  return without_elements(node.shape, is_boolean(node, ins));
}

// Adds the node, or returns the equal one that exists.
NodeId Graph::add_node(Node node, std::span<const NodeId> ins) {
  const auto same = [&](NodeId id) {
    const Node& o = (*this)[id];
    if (o.kind != node.kind || o.op != node.op || o.shape != node.shape ||
        o.accumulate != node.accumulate ||
        std::bit_cast<std::uint64_t>(o.value) != std::bit_cast<std::uint64_t>(node.value) ||
        !std::ranges::equal(inputs(id), ins))
      return false;
    if (o.attributes < 0 || node.attributes < 0) return o.attributes == node.attributes;
    const auto a = static_cast<std::size_t>(o.attributes),
               b = static_cast<std::size_t>(node.attributes);
    switch (node.kind) {
      case Kind::Data:
        return data_[a].is(data_[b]);
      case Kind::Lookup:
        return tables_[a] == tables_[b];
      case Kind::Routine:
        return routines_[a] == routines_[b] || routines_[a]->equals(*routines_[b]);
      case Kind::Assemble:
        return false;
      default:
        return attributes_[a] == attributes_[b];
    }
  };
  if (nodes_.size() * 2 >= buckets_.size()) grow_table();
  const std::size_t mask = buckets_.size() - 1;
  std::size_t at = hash(node, ins) & mask;
  for (; buckets_[at] >= 0; at = (at + 1) & mask) {
    if (!same(buckets_[at])) continue;
    forget_attributes(node);
    return buckets_[at];
  }
  const NodeId id = position(nodes_.size(), "operations");
  node.first = position(inputs_.size(), "operands");
  node.count = position(ins.size(), "operands");
  inputs_.insert(inputs_.end(), ins.begin(), ins.end());
  nodes_.push_back(node);
  return buckets_[at] = id;
}

NodeId Graph::input(int number, const Shape& shape) {
  return add({.kind = Kind::Input, .op = number, .shape = intern(shape)}, {});
}

NodeId Graph::constant(double value) { return add({.kind = Kind::Constant, .value = value}, {}); }

NodeId Graph::data(DataArray array) {
  if (array.shape.empty()) return constant(array.doubles()[0]);
  const std::int32_t shape = intern(array.shape);
  data_.push_back(std::move(array));
  return add({.kind = Kind::Data,
              .shape = shape,
              .attributes = position(data_.size() - 1, "arrays of data")},
             {});
}

NodeId Graph::elementwise(int opcode, std::span<const NodeId> ins) {
  std::int32_t shape = (*this)[ins[0]].shape;
  for (auto i : ins.subspan(1)) {
    const std::int32_t other = (*this)[i].shape;
    if (other == shape || other == 0) continue;  // 0 is the scalar shape
    shape = shape == 0 ? other
                       : intern(broadcast(shapes_[static_cast<std::size_t>(shape)],
                                          shapes_[static_cast<std::size_t>(other)]));
  }
  return add({.kind = Kind::Elementwise, .op = opcode, .shape = shape}, ins);
}

NodeId Graph::reduce(Reduction kind, NodeId x, std::vector<int> axes, bool keepdims) {
  const Shape in = shape(x);
  const int rank = static_cast<int>(in.size());
  std::vector<bool> gone(in.size(), false);
  for (int a : axes) {
    if (a < -rank || a >= rank)
      throw ShapeError("axis " + std::to_string(a) +
                       " is out of bounds for an array of dimension " + std::to_string(rank));
    if (gone[static_cast<std::size_t>((a + rank) % rank)])
      throw ShapeError("duplicate value in 'axis'");
    gone[static_cast<std::size_t>((a + rank) % rank)] = true;
  }
  Shape kept, out;
  std::vector<int> order, last;
  int first = rank, end = 0;
  for (int i = 0; i < rank; ++i) {
    const auto u = static_cast<std::size_t>(i);
    if (gone[u]) {
      first = std::min(first, i);
      end = i + 1;
      last.push_back(i);
    } else {
      kept.push_back(in[u]);
      order.push_back(i);
    }
    out.push_back(gone[u] ? 1 : in[u]);
  }
  if (!keepdims) out = kept;
  if (last.empty()) return keepdims ? x : reshape(x, out);
  if (end - first != static_cast<int>(last.size())) {  // move reduced axes to the end
    order.insert(order.end(), last.begin(), last.end());
    x = transpose(x, order);
    first = static_cast<int>(kept.size());
    end = rank;
  }
  const Shape now = shape(x);
  const auto product = [&now](int from, int to) {
    return size_of(Shape(now.begin() + from, now.begin() + to));
  };
  return reduce_folded(kind, x, {product(0, first), product(first, end), product(end, rank)}, out);
}

NodeId Graph::reduce_folded(Reduction kind, NodeId x, const Shape& folded, const Shape& out) {
  if (folded.size() != 3 || size_of(folded) != size_of(shape(x)) ||
      size_of({folded[0], folded[2]}) != size_of(out))
    throw ShapeError("reduce: " + to_string(folded) + " does not fold an array of shape " +
                     to_string(shape(x)));
  if (folded[1] == 0) {
    if (kind == Reduction::Max || kind == Reduction::Min)
      throw ShapeError("zero-size array to a maximum or minimum, which has no identity");
    return broadcast_to(constant(kind == Reduction::Prod ? 1.0 : 0.0), out);
  }
  const std::int32_t attributes = intern_attributes(folded);
  return add({.kind = Kind::Reduce,
              .op = static_cast<std::int16_t>(kind),
              .shape = intern(out),
              .attributes = attributes},
             std::array{x});
}

NodeId Graph::matmul(NodeId a, NodeId b, bool ta, bool tb) {
  const Shape &p = shape(a), &q = shape(b);
  if (p.size() != 3 || q.size() != 3 || p[0] != q[0] || p[ta ? 1 : 2] != q[tb ? 2 : 1])
    throw ShapeError("matmul: shapes " + to_string(p) + " and " + to_string(q) + " do not match");
  const Shape product{p[0], p[ta ? 2 : 1], q[tb ? 1 : 2]};
  if (p[ta ? 1 : 2] == 0) return broadcast_to(constant(0.0), product);  // an empty sum
  const std::int32_t out = intern(product);
  return add({.kind = Kind::MatMul, .shape = out, .attributes = intern_attributes({ta, tb})},
             std::array{a, b});
}

NodeId Graph::view(NodeId x, const Shape& out, std::int64_t offset, const Shape& strides) {
  if (offset == 0 && out == shape(x) && strides == contiguous_strides(out)) return x;
  if (strides.size() != out.size() || !lies_within(out, offset, strides, size_of(shape(x))))
    throw ShapeError("view " + to_string(out) + " reaches outside an array of shape " +
                     to_string(shape(x)));
  if (size_of(out) == 1)
    if (const auto [part, e] = part_at(x, offset); part >= 0)
      return view(part, out, e, contiguous_strides(out));
  std::vector<std::int64_t> attributes{offset};
  attributes.insert(attributes.end(), strides.begin(), strides.end());
  const std::int32_t a = intern_attributes(std::move(attributes));
  return add({.kind = Kind::View, .shape = intern(out), .attributes = a}, std::array{x});
}

NodeId Graph::gather(NodeId x, const Shape& out, std::vector<std::int64_t> table) {
  const std::int64_t n = size_of(shape(x));
  if (static_cast<std::int64_t>(table.size()) != size_of(out))
    throw ShapeError("gather: " + std::to_string(table.size()) + " positions for shape " +
                     to_string(out));
  for (auto i : table)
    if (i < 0 || i >= n)
      throw ShapeError("gather: position " + std::to_string(i) + " is outside an array of shape " +
                       to_string(shape(x)));
  const std::int32_t a = intern_attributes(std::move(table));
  return add({.kind = Kind::Gather, .shape = intern(out), .attributes = a}, std::array{x});
}

NodeId Graph::assemble(const Shape& out, std::span<const NodeId> parts, std::vector<Placement> at,
                       bool accumulate) {
  const std::int64_t n = size_of(out);
  if (parts.size() != at.size()) throw ShapeError("assemble: one placement per part is needed");
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const Shape& s = shape(parts[i]);
    const Placement& p = at[i];
    const bool inside =
        p.table.empty()
            ? p.strides.size() == s.size() && lies_within(s, p.offset, p.strides, n)
            : static_cast<std::int64_t>(p.table.size()) == size_of(s) &&
                  std::ranges::all_of(p.table, [n](std::int64_t t) { return t >= 0 && t < n; });
    if (!inside) throw ShapeError("assemble: a part lies outside " + to_string(out));
  }
  const auto is_empty = [this](NodeId part) { return size_of(shape(part)) == 0; };
  if (n > 0 && std::ranges::any_of(parts, is_empty)) {
    std::vector<NodeId> others;
    std::vector<Placement> theirs;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      if (is_empty(parts[i])) continue;
      others.push_back(parts[i]);
      theirs.push_back(std::move(at[i]));
    }
    return assemble(out, others, std::move(theirs), accumulate);
  }
  if (n > 0 && parts.empty()) {
    if (!accumulate) throw ShapeError("assemble: no parts of an array of shape " + to_string(out));
    return broadcast_to(constant(0.0), out);
  }
  placements_.push_back(std::move(at));
  return add({.kind = Kind::Assemble,
              .accumulate = accumulate,
              .shape = intern(out),
              .attributes = position(placements_.size() - 1, "joined arrays")},
             parts);
}

NodeId Graph::scan(NodeId a, NodeId b, int axis, bool reverse) {
  const Shape s = shape(b);
  if (shape(a) != s) throw ShapeError("scan: shapes differ");
  const auto cut = [&s](int from, int to) {
    return size_of(Shape(s.begin() + from, s.begin() + to));
  };
  const int rank = static_cast<int>(s.size());
  const std::int64_t length = s[static_cast<std::size_t>(axis)];
  return scan_folded(a, b, {cut(0, axis), length, cut(axis + 1, rank)}, reverse);
}

NodeId Graph::scan_folded(NodeId a, NodeId b, const Shape& folded, bool reverse) {
  const Shape s = shape(b);
  if (shape(a) != s || folded.size() != 3 || size_of(folded) != size_of(s))
    throw ShapeError("scan: shapes differ");
  const std::int32_t attributes = intern_attributes({folded[0], folded[1], folded[2], reverse});
  return add({.kind = Kind::Scan, .shape = intern(s), .attributes = attributes}, std::array{a, b});
}

NodeId Graph::lookup(NodeId x, std::shared_ptr<const LookupTable> table) {
  if (table->breaks.empty() || table->c0.size() != table->breaks.size() ||
      table->c1.size() != table->breaks.size())
    throw ShapeError("lookup: the table's columns differ in length");
  tables_.push_back(std::move(table));
  return add({.kind = Kind::Lookup,
              .shape = (*this)[x].shape,
              .attributes = position(tables_.size() - 1, "tables")},
             std::array{x});
}

NodeId Graph::routine(std::shared_ptr<const Routine> routine, std::span<const NodeId> ins,
                      const Shape& out) {
  routines_.push_back(std::move(routine));
  return add({.kind = Kind::Routine,
              .shape = intern(out),
              .attributes = position(routines_.size() - 1, "routines")},
             ins);
}

NodeId Graph::reshape(NodeId x, const Shape& out) {
  if (size_of(out) != size_of(shape(x)))
    throw ShapeError("cannot reshape array of shape " + to_string(shape(x)) + " into shape " +
                     to_string(out));
  // A reshape of a reshape is a reshape of the original.
  const auto plain = [this](NodeId v) {
    return (*this)[v].kind == Kind::View && attributes(v)[0] == 0 &&
           size_of(shape(v)) == size_of(shape(inputs(v)[0])) &&
           std::ranges::equal(attributes(v).subspan(1), contiguous_strides(shape(v)));
  };
  while (plain(x)) x = inputs(x)[0];
  return view(x, out, 0, contiguous_strides(out));
}

NodeId Graph::transpose(NodeId x, const std::vector<int>& axes) {
  const Shape in = shape(x), old = contiguous_strides(in);
  Shape out, strides;
  for (int a : axes) {
    out.push_back(in[static_cast<std::size_t>(a)]);
    strides.push_back(old[static_cast<std::size_t>(a)]);
  }
  return view(x, out, 0, strides);
}

NodeId Graph::broadcast_to(NodeId x, const Shape& out) {
  const Shape& in = shape(x);
  if (in == out) return x;
  if (in.size() > out.size() || broadcast(in, out) != out)
    throw ShapeError("cannot broadcast an array of shape " + to_string(in) + " to " +
                     to_string(out));
  const Shape old = contiguous_strides(in);
  Shape strides(out.size(), 0);
  const std::size_t shift = out.size() - in.size();
  for (std::size_t i = 0; i < in.size(); ++i)
    if (in[i] != 1 || out[i + shift] == 1) strides[i + shift] = old[i];
  return view(x, out, 0, strides);
}

bool Graph::is_boolean(NodeId id) const { return is_boolean((*this)[id], inputs(id)); }

bool Graph::is_boolean(const Node& node, std::span<const NodeId> ins) const {
  const Node* n = &node;
  while (n->kind == Kind::View || n->kind == Kind::Gather) {
    n = &(*this)[ins[0]];
    ins = inputs(ins[0]);
  }
  return n->kind == Kind::Elementwise && operations()[static_cast<std::size_t>(n->op)].boolean;
}

}  // namespace thalweg
