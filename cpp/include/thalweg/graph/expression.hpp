// SPDX-License-Identifier: BSD-3-Clause
// The array-valued expression graph: immutable, hash-consed nodes with NumPy's shapes and
// broadcasting, in one arena per trace. Inputs of a node stand before it, so ascending order of ids
// is an order of evaluation and no pass needs recursion.
#pragma once
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "thalweg/graph/numbers.hpp"
#include "thalweg/ops.hpp"
#include "thalweg/sizes.hpp"

namespace thalweg {

using NodeId = std::int32_t;

std::int64_t size_of(const Shape& shape);
std::string to_string(const Shape& shape);  // (3,) as NumPy prints it
Shape broadcast(const Shape& a, const Shape& b);
Shape contiguous_strides(const Shape& shape);

enum class Kind : std::uint8_t {
  Input,        // op: which one
  Constant,     // value: a number
  Data,         // payload: an array that is referenced, not copied
  Elementwise,  // op: the operation; inputs broadcast
  Reduce,       // op: Reduction; attributes {outer, reduced, inner}
  MatMul,       // (b, m, k) @ (b, k, n); attributes {transpose first, transpose second}
  View,         // out[i] = in.flat[offset + sum i_d stride_d]; attributes {offset, strides…}
  Gather,       // out.flat[i] = in.flat[table[i]]; attributes: the table
  Assemble,     // parts laid into one array; attributes: Assembly, then one map a part
  Scan,    // s_k = a_k s_{k-1} + b_k along the middle of {outer, length, inner}; then {reverse}
  Lookup,  // piecewise linear in x; payload: the table
};

// An array of numbers, kept alive by its owner: doubles in C order, or any others.
struct DataArray {
  std::shared_ptr<const void> owner;
  const double* values = nullptr;
  Shape shape;
  std::shared_ptr<const Numbers> others = nullptr;
  const double* doubles() const { return others ? others->doubles() : values; }
  const void* first() const { return others ? static_cast<const void*>(others->first()) : values; }
  // Of arrays of one shape: are they the same memory?
  bool is(const DataArray& o) const {
    return others && o.others ? *others == *o.others : !others && !o.others && values == o.values;
  }
};

// c0[k] + c1[k] (x - breaks[k]) between breaks[k] and breaks[k + 1]; below the first break `below`;
// c0.back() above the last.
struct LookupTable {
  std::vector<double> breaks, c0, c1;
  double below = 0.0;
};

// Where a part lies in an assembled array: a strided box, or a table of flat positions.
struct Placement {
  std::int64_t offset = 0;
  Shape strides;                    // of the part's own axes, in elements of the whole
  std::vector<std::int64_t> table;  // not empty: flat positions instead
};

struct Node {
  Kind kind;
  bool accumulate =
      false;  // Assemble: overlapping parts add up on zeros; otherwise they tile the array
  std::int32_t op = 0;     // operation, reduction or input number
  std::int32_t shape = 0;  // index of an interned shape
  std::int32_t first = 0;  // inputs: inputs_[first, first + count)
  std::int32_t count = 0;
  std::int32_t attributes = -1;
  double value = 0.0;
};
static_assert(sizeof(Node) == 32);  // two in a cache line: graphs may have millions

// Nodes are equal if all they are made of is. An array without elements is one node for each shape,
// and what is added or multiplied over none is a number, so that no node reads an empty one:
// nothing behind the graph meets an axis of length 0, but in inputs and outputs.
class Graph {
 public:
  Graph();
  Graph(const Graph&) = delete;

  // Held by whoever adds nodes or reads them where other threads may add some. Differentiation,
  // lowering, diagnosis and the making of steps hold it themselves; single nodes are added and read
  // by its holder. What was lowered needs the graph no more, but to keep data alive.
  using Hold = std::unique_lock<std::recursive_mutex>;
  [[nodiscard]] Hold hold() const { return Hold(mutex_); }
  std::recursive_mutex& mutex() const { return mutex_; }

  NodeId input(int number, const Shape& shape);
  NodeId constant(double value);
  NodeId data(DataArray array);
  NodeId elementwise(int opcode, std::span<const NodeId> inputs);
  NodeId reduce(Reduction kind, NodeId x, std::vector<int> axes, bool keepdims);
  NodeId matmul(NodeId a, NodeId b, bool transpose_a, bool transpose_b);
  NodeId view(NodeId x, const Shape& shape, std::int64_t offset, const Shape& strides);
  NodeId gather(NodeId x, const Shape& shape, std::vector<std::int64_t> table);
  NodeId assemble(const Shape& shape, std::span<const NodeId> parts, std::vector<Placement> at,
                  bool accumulate);
  NodeId scan(NodeId a, NodeId b, int axis, bool reverse);
  NodeId lookup(NodeId x, std::shared_ptr<const LookupTable> table);

  // As saved: (outer, length, inner) given, with the shape that comes out.
  NodeId reduce_folded(Reduction kind, NodeId x, const Shape& folded, const Shape& out);
  NodeId scan_folded(NodeId a, NodeId b, const Shape& folded, bool reverse);

  // Views that have names.
  NodeId reshape(NodeId x, const Shape& shape);
  NodeId transpose(NodeId x, const std::vector<int>& axes);
  NodeId broadcast_to(NodeId x, const Shape& shape);

  const Node& operator[](NodeId id) const { return nodes_[static_cast<std::size_t>(id)]; }
  NodeId size() const { return static_cast<NodeId>(nodes_.size()); }
  const Shape& shape(NodeId id) const {
    return shapes_[static_cast<std::size_t>((*this)[id].shape)];
  }
  std::span<const NodeId> inputs(NodeId id) const {
    const Node& n = (*this)[id];
    return {inputs_.data() + n.first, static_cast<std::size_t>(n.count)};
  }
  std::span<const std::int64_t> attributes(NodeId id) const {
    return attributes_[static_cast<std::size_t>((*this)[id].attributes)];
  }
  const DataArray& data_of(NodeId id) const {
    return data_[static_cast<std::size_t>((*this)[id].attributes)];
  }
  const std::shared_ptr<const LookupTable>& table_of(NodeId id) const {
    return tables_[static_cast<std::size_t>((*this)[id].attributes)];
  }
  const std::vector<Placement>& placements(NodeId id) const {
    return placements_[static_cast<std::size_t>((*this)[id].attributes)];
  }
  bool is_scalar_number(NodeId id) const { return (*this)[id].kind == Kind::Constant; }
  // Is its value a truth value, 0 or 1?
  bool is_boolean(NodeId id) const;

 private:
  bool is_boolean(const Node& node, std::span<const NodeId> inputs) const;
  NodeId add(const Node& node, std::span<const NodeId> inputs);
  NodeId add_node(Node node, std::span<const NodeId> inputs);
  std::pair<NodeId, std::int64_t> part_at(NodeId assembled, std::int64_t offset) const;
  std::int32_t intern(const Shape& shape);
  std::int32_t intern_attributes(std::vector<std::int64_t> a);
  void forget_attributes(const Node& node);
  NodeId without_elements(std::int32_t shape, bool truth);
  void grow_table();
  std::uint64_t hash(const Node& node, std::span<const NodeId> inputs) const;

  mutable std::recursive_mutex mutex_;
  std::vector<Node> nodes_;
  std::vector<NodeId> inputs_;
  std::map<Shape, std::int32_t> interned_;
  std::deque<Shape> shapes_;  // deques, so that what is handed out stays where it is
  std::deque<std::vector<std::int64_t>> attributes_;
  std::deque<DataArray> data_;
  std::deque<std::shared_ptr<const LookupTable>> tables_;
  std::deque<std::vector<Placement>> placements_;
  std::vector<NodeId> buckets_;  // open addressing over nodes_
};

// What the operations' formulas are written with when they are differentiated: a node, or a number
// that is in no graph yet. Only here is anything simplified (0 + a, 1 * a, -(-a), c1 * (c2 * a)),
// so what a user writes is kept as written.
struct Expr {
  Graph* graph = nullptr;
  NodeId id = -1;
  double number = 0.0;
  Graph* home = nullptr;  // of a number: the graph whose constants it was made from, if any

  Expr() = default;
  Expr(double n, Graph* from = nullptr) : number(n), home(from) {}
  Expr(Graph& g, NodeId node);

  bool is_number() const { return graph == nullptr; }
  bool is_zero() const { return is_number() && number == 0.0; }
  bool is(double n) const { return is_number() && number == n; }
  const Shape& shape() const;
  NodeId in(Graph& g) const { return is_number() ? g.constant(number) : id; }
};

Expr operator+(Expr a, Expr b);
Expr operator-(Expr a, Expr b);
Expr operator*(Expr a, Expr b);
Expr operator/(Expr a, Expr b);
Expr operator-(Expr a);
Expr operator<(Expr a, Expr b);
Expr operator>(Expr a, Expr b);
Expr operator==(Expr a, Expr b);
Expr select(Expr condition, Expr a, Expr b);
// a / b in a slope: where b divides many elements, its reciprocal is made once.
Expr divided(Expr a, Expr b);

Expr elementwise(int opcode, std::span<const Expr> inputs);
template <class Op> Expr apply(Expr a) { return elementwise(kOpcode<Op>, std::array{a}); }
template <class Op> Expr apply(Expr a, Expr b) {
  return elementwise(kOpcode<Op>, std::array{a, b});
}

// What is known of an operation at run time, read from the list.
struct OperationInfo {
  const char* name;
  int arity;
  bool light, boolean;
  const Domain* domain;
  void (*partials)(const Expr* inputs, Expr y, Expr* out);
};
std::span<const OperationInfo> operations();
int find_operation(std::string_view name);  // -1: no such operation

}  // namespace thalweg
