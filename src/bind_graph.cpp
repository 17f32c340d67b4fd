// SPDX-License-Identifier: BSD-3-Clause
// Binds the expression graph. In Python, nodes are plain ints.
#include <algorithm>

#include "graph.hpp"

using thalweg::Graph;
using thalweg::NodeId;
using thalweg::Shape;

namespace {

// A node in plain Python, for pickles, with its operation by name: (kind, what, inputs, shape,
// payload).
py::tuple describe(const Graph& g, NodeId id) {
  using thalweg::Kind;
  const thalweg::Node& n = g[checked(g, id)];
  const auto in = g.inputs(id);
  const auto ints = [&] {
    const auto a = g.attributes(id);
    return std::vector<std::int64_t>(a.begin(), a.end());
  };
  const auto made = [&](const char* kind, py::object what, py::object payload) {
    return py::make_tuple(kind, what, std::vector<NodeId>(in.begin(), in.end()),
                          to_tuple(g.shape(id)), payload);
  };
  switch (n.kind) {
    case Kind::Input:
      return made("input", py::int_(n.op), py::none());
    case Kind::Constant:
      return made("constant", py::none(), py::float_(n.value));
    case Kind::Data: {
      auto* array = static_cast<PyObject*>(const_cast<void*>(g.data_of(id).owner.get()));
      return made("data", py::none(),
                  py::module_::import("numpy").attr("array")(py::handle(array)));  // in order "K"
    }
    case Kind::Elementwise:
      return made("elementwise",
                  py::str(thalweg::operations()[static_cast<std::size_t>(n.op)].name), py::none());
    case Kind::Reduce: {
      static constexpr const char* kNames[] = {"sum", "max", "min", "prod"};
      return made("reduce", py::str(kNames[n.op]), py::cast(ints()));
    }
    case Kind::MatMul:
      return made("matmul", py::none(), py::cast(ints()));
    case Kind::View:
      return made("view", py::none(), py::cast(ints()));
    case Kind::Gather:
      return made("gather", py::none(), py::cast(ints()));
    case Kind::Scan:
      return made("scan", py::none(), py::cast(ints()));
    case Kind::Assemble: {
      py::list where;
      for (const thalweg::Placement& p : g.placements(id))
        where.append(py::make_tuple(p.offset, p.strides, p.table));
      return made("assemble", py::bool_(n.accumulate), where);
    }
    case Kind::Routine: {
      const auto [kind, what, payload] = described_routine(g, id);
      return made(kind, what, payload);
    }
    default: {
      const thalweg::LookupTable& t = *g.table_of(id);
      return made("lookup", py::none(), py::make_tuple(t.breaks, t.c0, t.c1, t.below));
    }
  }
}

NodeId elementwise(Graph& g, int code, NodeId a, NodeId b, NodeId c) {
  const std::array<NodeId, 3> in{a, b, c};
  if (code < 0 || code >= static_cast<int>(thalweg::operations().size()))
    throw py::index_error("no operation " + std::to_string(code));
  const auto arity =
      static_cast<std::size_t>(thalweg::operations()[static_cast<std::size_t>(code)].arity);
  for (std::size_t k = 0; k < 3; ++k)
    if (k < arity) checked(g, in[k]);
    else if (in[k] >= 0) throw py::value_error("too many operands");
  return g.elementwise(code, std::span(in).first(arity));
}

void bind_nodes(PyGraph& graph) {
  graph.def(py::init<>())
      .def("__len__", holding(+[](const Graph& g) { return g.size(); }))
      .def("input", holding(+[](Graph& g, int number, const Shape& shape) {
             return g.input(number, shape);
           }),
           py::arg("number"), py::arg("shape"))
      .def("constant", holding(+[](Graph& g, double value) { return g.constant(value); }),
           py::arg("value"))
      .def("data",
           holding(+[](Graph& g, const py::object& array) { return g.data(data_array(array)); }),
           py::arg("array"),
           "An array of native numbers of up to 8 bytes is referenced, not copied.")
      .def("shape",
           holding(+[](const Graph& g, NodeId id) { return to_tuple(g.shape(checked(g, id))); }),
           py::arg("node"))
      .def("is_boolean",
           holding(+[](const Graph& g, NodeId id) { return g.is_boolean(checked(g, id)); }),
           py::arg("node"))
      .def("constant_value", holding(+[](const Graph& g, NodeId id) -> std::optional<double> {
             const thalweg::Node& n = g[checked(g, id)];
             if (n.kind != thalweg::Kind::Constant) return std::nullopt;
             return n.value;
           }),
           py::arg("node"), "The number that a node is, or None.");
}

void bind_operations(PyGraph& graph) {
  graph
      .def("elementwise", holding(&elementwise), py::arg("code"), py::arg("a"), py::arg("b") = -1,
           py::arg("c") = -1,
           "An operation, by its position in operations(), on nodes that broadcast.")
      .def("reduce",
           holding(+[](Graph& g, thalweg::Reduction kind, NodeId x, std::vector<int> axes,
                       bool keepdims) {
             return g.reduce(kind, checked(g, x), std::move(axes), keepdims);
           }),
           py::arg("kind"), py::arg("x"), py::arg("axes"), py::arg("keepdims") = false)
      .def("matmul", holding(+[](Graph& g, NodeId a, NodeId b, bool ta, bool tb) {
             return g.matmul(checked(g, a), checked(g, b), ta, tb);
           }),
           py::arg("a"), py::arg("b"), py::arg("transpose_a") = false,
           py::arg("transpose_b") = false, "(batch, m, k) @ (batch, k, n)")
      .def("scan", holding(+[](Graph& g, NodeId a, NodeId b, int axis, bool reverse) {
             const auto rank = static_cast<int>(g.shape(checked(g, b)).size());
             if (axis < 0 || axis >= rank) throw py::value_error("scan: axis out of bounds");
             return g.scan(checked(g, a), b, axis, reverse);
           }),
           py::arg("a"), py::arg("b"), py::arg("axis"), py::arg("reverse") = false,
           "s_k = a_k s_{k-1} + b_k, s_0 = b_0, along an axis")
      .def("lookup",
           holding(+[](Graph& g, NodeId x, std::vector<double> breaks, std::vector<double> c0,
                       std::vector<double> c1, double below) {
             auto t = std::make_shared<thalweg::LookupTable>();
             t->breaks = std::move(breaks), t->c0 = std::move(c0), t->c1 = std::move(c1),
             t->below = below;
             return g.lookup(checked(g, x), std::move(t));
           }),
           py::arg("x"), py::arg("breaks"), py::arg("c0"), py::arg("c1"), py::arg("below"),
           "Piecewise linear: c0[k] + c1[k] (x - breaks[k]) from breaks[k] on, `below` before the "
           "first");
}

void bind_moves(PyGraph& graph) {
  graph
      .def("view",
           holding(+[](Graph& g, NodeId x, const Shape& shape, std::int64_t offset,
                       const Shape& strides) {
             if (shape.size() != strides.size())
               throw py::value_error("view: one stride per axis is needed");
             return g.view(checked(g, x), shape, offset, strides);
           }),
           py::arg("x"), py::arg("shape"), py::arg("offset"), py::arg("strides"),
           "out[i] = x.flat[offset + sum of i_d strides_d], strides in elements")
      .def("gather",
           holding(+[](Graph& g, NodeId x, const Shape& shape, std::vector<std::int64_t> table) {
             return g.gather(checked(g, x), shape, std::move(table));
           }),
           py::arg("x"), py::arg("shape"), py::arg("table"), "out.flat[i] = x.flat[table[i]]")
      .def("reshape",
           holding(+[](Graph& g, NodeId x, const Shape& s) { return g.reshape(checked(g, x), s); }),
           py::arg("x"), py::arg("shape"))
      .def("transpose", holding(+[](Graph& g, NodeId x, const std::vector<int>& axes) {
             std::vector<bool> seen(g.shape(checked(g, x)).size(), false);
             for (int a : axes) {
               if (a < 0 || a >= static_cast<int>(seen.size()) || seen[static_cast<std::size_t>(a)])
                 throw py::value_error("axes don't match array");
               seen[static_cast<std::size_t>(a)] = true;
             }
             if (axes.size() != seen.size()) throw py::value_error("axes don't match array");
             return g.transpose(x, axes);
           }),
           py::arg("x"), py::arg("axes"))
      .def("broadcast_to", holding(+[](Graph& g, NodeId x, const Shape& s) {
             return g.broadcast_to(checked(g, x), s);
           }),
           py::arg("x"), py::arg("shape"))
      .def(
          "assemble",
          holding(+[](Graph& g, const Shape& shape, const std::vector<NodeId>& parts,
                      const std::vector<std::pair<std::int64_t, Shape>>& at) {
            std::vector<thalweg::Placement> where;
            std::int64_t total = 0;
            for (const auto& [offset, strides] : at) where.push_back({offset, strides, {}});
            for (NodeId p : checked(g, parts)) total += thalweg::size_of(g.shape(p));
            if (total != thalweg::size_of(shape))
              throw py::value_error("assemble: the parts do not tile the whole");
            return g.assemble(shape, parts, std::move(where), false);
          }),
          py::arg("shape"), py::arg("parts"), py::arg("at"),
          "Parts laid side by side: part k's element i goes to flat position offset_k + sum of i_d "
          "strides_kd. They must tile the whole.");
}

// Binds nodes in the form in which pickles store them.
void bind_saved(PyGraph& graph) {
  graph
      .def("describe", holding(&describe), py::arg("node"),
           "A node as plain Python, its operation by name: (kind, what, inputs, shape, payload).")
      .def("reduce_folded",
           holding(+[](Graph& g, thalweg::Reduction kind, NodeId x, const Shape& folded,
                       const Shape& shape) {
             return g.reduce_folded(kind, checked(g, x), folded, shape);
           }),
           py::arg("kind"), py::arg("x"), py::arg("folded"), py::arg("shape"),
           "reduce() in the form of describe(): over the middle of (outer, length, inner).")
      .def("scan_folded",
           holding(+[](Graph& g, NodeId a, NodeId b, const Shape& folded, bool reverse) {
             return g.scan_folded(checked(g, a), checked(g, b), folded, reverse);
           }),
           py::arg("a"), py::arg("b"), py::arg("folded"), py::arg("reverse"),
           "scan() in the form of describe(): along the middle of (outer, length, inner).");
}

}  // namespace

void bind_graph(py::module_& m) {
  py::enum_<thalweg::Reduction>(m, "Reduction")
      .value("sum", thalweg::Reduction::Sum)
      .value("max", thalweg::Reduction::Max)
      .value("min", thalweg::Reduction::Min)
      .value("prod", thalweg::Reduction::Prod);

  PyGraph graph(m, "Graph", "Array-valued expressions; a node is an int.");
  bind_nodes(graph);
  bind_operations(graph);
  bind_moves(graph);
  bind_routines(graph);
  bind_saved(graph);
  bind_derivatives(m, graph);
}
