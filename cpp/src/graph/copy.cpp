// SPDX-License-Identifier: BSD-3-Clause
#include "thalweg/graph/copy.hpp"

#include <algorithm>
#include <array>

#include "graph/reached.hpp"

namespace thalweg {

NodeId copied(Graph& to, const Graph& from, NodeId id, std::span<const NodeId> in) {
  const Node n = from[id];
  const auto a = [&] {
    const auto all = from.attributes(id);
    return std::vector<std::int64_t>(all.begin(), all.end());
  };
  const Shape& shape = from.shape(id);
  switch (n.kind) {
    case Kind::Input:
      return to.input(n.op, shape);
    case Kind::Constant:
      return to.constant(n.value);
    case Kind::Data:
      return to.data(from.data_of(id));
    case Kind::Elementwise:
      return to.elementwise(n.op, in);
    case Kind::Reduce:
      return to.reduce_folded(static_cast<Reduction>(n.op), in[0], a(), shape);
    case Kind::MatMul:
      return to.matmul(in[0], in[1], a()[0] != 0, a()[1] != 0);
    case Kind::View:
      return to.view(in[0], shape, a()[0],
                     Shape(from.attributes(id).begin() + 1, from.attributes(id).end()));
    case Kind::Gather:
      return to.gather(in[0], shape, a());
    case Kind::Assemble:
      return to.assemble(shape, in, from.placements(id), n.accumulate);
    case Kind::Scan: {
      const auto s = a();
      return to.scan_folded(in[0], in[1], {s[0], s[1], s[2]}, s[3] != 0);
    }
    case Kind::Lookup:
      return to.lookup(in[0], from.table_of(id));
    default:
      return to.routine(from.routine_of(id), in, shape);
  }
}

Cut cut(const Graph& graph, std::span<const NodeId> outputs, std::span<const NodeId> inputs) {
  Cut out{std::make_shared<Graph>(), {}, {}};
  Graph& to = *out.graph;
  std::vector<NodeId> made(static_cast<std::size_t>(graph.size()), -1);
  std::vector<bool> inside(made.size(), false);
  std::int32_t count = 0;
  for (const NodeId id : inputs) {
    made[static_cast<std::size_t>(id)] = to.input(count++, graph.shape(id));
    inside[static_cast<std::size_t>(id)] = true;
  }
  const auto in_cut = [&](NodeId id) {
    NodeId& m = made[static_cast<std::size_t>(id)];
    if (m >= 0) return m;
    const Kind kind = graph[id].kind;
    if (kind == Kind::Constant || kind == Kind::Data) return m = copied(to, graph, id, {});
    out.captured.push_back(id);
    return m = to.input(count++, graph.shape(id));
  };
  const std::vector<bool> reached = reached_from(graph, outputs);
  for (NodeId id = 0; id < graph.size(); ++id) {
    const auto u = static_cast<std::size_t>(id);
    const auto in = graph.inputs(id);
    if (!reached[u] || made[u] >= 0 ||
        std::ranges::none_of(in, [&](NodeId i) { return inside[static_cast<std::size_t>(i)]; }))
      continue;
    inside[u] = true;
    std::vector<NodeId> operands;
    for (const NodeId i : in) operands.push_back(in_cut(i));
    made[u] = copied(to, graph, id, operands);
  }
  for (const NodeId o : outputs) out.outputs.push_back(in_cut(o));
  return out;
}

std::vector<std::int32_t> input_numbers(const Graph& graph, NodeId root) {
  const std::vector<bool> reached = reached_from(graph, std::array{root});
  std::vector<std::int32_t> out;
  for (NodeId id = 0; id <= root; ++id)
    if (reached[static_cast<std::size_t>(id)] && graph[id].kind == Kind::Input)
      out.push_back(graph[id].op);
  return out;
}

}  // namespace thalweg
