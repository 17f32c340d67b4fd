// SPDX-License-Identifier: BSD-3-Clause
// Array-valued expressions as a graph of immutable, hash-consed nodes with NumPy's shapes and
// broadcasting, in one arena per trace. The inputs of a node come before it, so ascending ids are
// an order of evaluation, and no pass needs recursion.
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
#include "thalweg/graph/unforked.hpp"
#include "thalweg/ops.hpp"
#include "thalweg/sizes.hpp"

namespace thalweg {

using NodeId = std::int32_t;

std::int64_t size_of(const Shape& shape);
std::string to_string(const Shape& shape);  // (3,) as NumPy prints it
Shape broadcast(const Shape& a, const Shape& b);
Shape contiguous_strides(const Shape& shape);

enum class Kind : std::uint8_t {
  Input,        // op: the input's number
  Constant,     // value: a number
  Data,         // payload: an array, referenced and not copied
  Elementwise,  // op: the operation; inputs broadcast
  Reduce,       // op: Reduction; attributes {outer, reduced, inner}
  MatMul,       // (b, m, k) @ (b, k, n); attributes {transpose first, transpose second}
  View,         // out[i] = in.flat[offset + sum i_d stride_d]; attributes {offset, strides…}
  Gather,       // out.flat[i] = in.flat[table[i]]; attributes: the table
  Assemble,     // parts written into one array; attributes: Assembly, then one map per part
  Scan,     // s_k = a_k s_{k-1} + b_k along the middle of {outer, length, inner}; then {reverse}
  Lookup,   // piecewise linear in x; payload: the table
  Routine,  // whole arrays by an algorithm of its own; payload: the routine
};

// An array of numbers that its owner keeps alive: doubles in C order, or `others` of any kind.
struct DataArray {
  std::shared_ptr<const void> owner;
  const double* values = nullptr;
  Shape shape;
  std::shared_ptr<const Numbers> others = nullptr;
  const double* doubles() const { return others ? others->doubles() : values; }
  const void* first() const { return others ? static_cast<const void*>(others->first()) : values; }
  // Whether two arrays of the same shape share the same memory.
  bool is(const DataArray& o) const {
    return others && o.others ? *others == *o.others : !others && !o.others && values == o.values;
  }
};

// Piecewise linear: c0[k] + c1[k] (x - breaks[k]) between breaks[k] and breaks[k + 1], `below`
// below the first break, and c0.back() above the last.
struct LookupTable {
  std::vector<double> breaks, c0, c1;
  double below = 0.0;
};

class Routine;  // graph/routine.hpp

// Where a part goes in an assembled array: a strided box, or a table of flat positions.
struct Placement {
  std::int64_t offset = 0;
  Shape strides;                    // one stride per axis of the part, in elements of the whole
  std::vector<std::int64_t> table;  // flat positions, used if not empty
};

struct Node {
  Kind kind;
  bool accumulate =
      false;  // Assemble: parts may overlap and are added to zeros; otherwise they tile the array
  std::int32_t op = 0;     // operation, reduction or input number
  std::int32_t shape = 0;  // index of an interned shape
  std::int32_t first = 0;  // inputs: inputs_[first, first + count)
  std::int32_t count = 0;
  std::int32_t attributes = -1;
  double value = 0.0;
};
static_assert(sizeof(Node) == 32);  // two per cache line, since graphs may have millions of nodes

// Nodes are equal if all their fields and inputs are. All empty arrays of one shape share one node,
// and a sum or product over no elements becomes a constant, so no node reads an empty array. Later
// stages meet an axis of length 0 only in inputs and outputs.
class Graph {
 public:
  Graph();
  Graph(const Graph&) = delete;

  // A caller holds this lock while it adds nodes, or reads nodes while other threads may add some.
  // Differentiation, lowering, diagnosis and the building of steps lock it themselves; reading or
  // adding single nodes does not. A lowered program needs the graph only to keep its data alive.
  using Hold = std::unique_lock<UnforkedMutex<std::recursive_mutex>>;
  [[nodiscard]] Hold hold() const { return Hold(mutex_); }
  UnforkedMutex<std::recursive_mutex>& mutex() const { return mutex_; }

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
  NodeId routine(std::shared_ptr<const Routine> routine, std::span<const NodeId> inputs,
                 const Shape& shape);

  // For loading saved graphs: reduces x, folded to (outer, length, inner), to the shape `out`.
  NodeId reduce_folded(Reduction kind, NodeId x, const Shape& folded, const Shape& out);
  NodeId scan_folded(NodeId a, NodeId b, const Shape& folded, bool reverse);

  // Named kinds of views.
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
  const std::shared_ptr<const Routine>& routine_of(NodeId id) const {
    return routines_[static_cast<std::size_t>((*this)[id].attributes)];
  }
  const std::vector<Placement>& placements(NodeId id) const {
    return placements_[static_cast<std::size_t>((*this)[id].attributes)];
  }
  bool is_scalar_number(NodeId id) const { return (*this)[id].kind == Kind::Constant; }
  // Whether every element of the node's value is 0 or 1 and stands for a truth value.
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

  mutable UnforkedMutex<std::recursive_mutex> mutex_;
  std::vector<Node> nodes_;
  std::vector<NodeId> inputs_;
  std::map<Shape, std::int32_t> interned_;
  std::deque<Shape> shapes_;  // deques, so that references to elements stay valid
  std::deque<std::vector<std::int64_t>> attributes_;
  std::deque<DataArray> data_;
  std::deque<std::shared_ptr<const LookupTable>> tables_;
  std::deque<std::shared_ptr<const Routine>> routines_;
  std::deque<std::vector<Placement>> placements_;
  std::vector<NodeId> buckets_;  // hash table over nodes_, with open addressing
};

// The number type for differentiating the operations' formulas: a node, or a number that is in no
// graph yet. Simplification (0 + a, 1 * a, -(-a), c1 * (c2 * a)) happens only here, so what a user
// writes is kept as written.
struct Expr {
  Graph* graph = nullptr;
  NodeId id = -1;
  double number = 0.0;
  Graph* home = nullptr;  // for a number: the graph whose constants it was made from, if any

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
// a / b in a derivative. Where b divides many elements, its reciprocal is computed once.
Expr divided(Expr a, Expr b);

Expr elementwise(int opcode, std::span<const Expr> inputs);
template <class Op> Expr apply(Expr a) {
  if constexpr (std::is_same_v<Op, ops::Isinf>)
    if (a.is_number()) return {std::isinf(a.number) ? 1.0 : 0.0, a.home};
  return elementwise(kOpcode<Op>, std::array{a});
}
template <class Op> Expr apply(Expr a, Expr b) {
  return elementwise(kOpcode<Op>, std::array{a, b});
}
template <class Op> Expr apply(Expr a, Expr b, Expr c) {
  return elementwise(kOpcode<Op>, std::array{a, b, c});
}

// The properties of an operation at run time, read from the list of operations.
struct OperationInfo {
  const char* name;
  int arity;
  bool light, boolean;
  const Domain* domain;
  void (*partials)(const Expr* inputs, Expr y, Expr* out);
};
std::span<const OperationInfo> operations();
int find_operation(std::string_view name);  // -1 if there is no such operation

}  // namespace thalweg
