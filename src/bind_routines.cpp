// SPDX-License-Identifier: BSD-3-Clause
// Binds routines: numerical ones, loops, and calls of Python functions.
#include <algorithm>

#include "graph.hpp"
#include "thalweg/graph/copy.hpp"
#include "thalweg/routines/call.hpp"
#include "thalweg/routines/iteration.hpp"
#include "thalweg/routines/numeric.hpp"

using thalweg::Graph;
using thalweg::NodeId;
using thalweg::Shape;

namespace {

// A loop in plain Python, but for the graph of its body.
py::tuple described_loop(const thalweg::Iteration::Form& f) {
  py::list inputs;
  for (const thalweg::Iteration::Input& i : f.inputs)
    inputs.append(py::make_tuple(i.number, to_tuple(i.shape), static_cast<int>(i.role)));
  return py::make_tuple(f.body, inputs, f.carried, f.given, f.length, f.backward, f.carries_at);
}

NodeId loop(Graph& g, std::shared_ptr<Graph> body,
            const std::vector<std::tuple<std::int32_t, Shape, int>>& inputs,
            std::vector<NodeId> carried, std::vector<NodeId> given, std::int64_t length,
            bool backward, std::int64_t carries_at, std::vector<NodeId> operands) {
  using thalweg::Iteration;
  const auto hold = held(*body);
  Iteration::Form f{body,
                    {},
                    checked(*body, std::move(carried)),
                    checked(*body, std::move(given)),
                    length,
                    backward,
                    carries_at};
  for (const auto& [number, shape, role] : inputs) {
    if (role < 0 || role >= Iteration::kRoles || number < 0) throw py::index_error("no such input");
    f.inputs.push_back({number, shape, static_cast<Iteration::Role>(role)});
  }
  return Iteration::node(g, std::move(f), checked(g, std::move(operands)));
}

// A Python function of an array of n numbers that returns m. The caller keeps it alive.
thalweg::Call::Function called(py::handle function, std::int64_t n, std::int64_t m) {
  if (function.is_none()) return {};
  return [function, n, m](const double* x, double* y) {
    const py::gil_scoped_acquire gil;
    check_signals();
    Array point(std::vector<py::ssize_t>{static_cast<py::ssize_t>(n)});
    std::copy_n(x, n, point.mutable_data());
    const auto found = function(point).cast<Array>();
    if (found.size() != m)
      throw py::value_error("a function must return " + std::to_string(m) + " numbers, got " +
                            std::to_string(found.size()));
    std::copy_n(found.data(), m, y);
  };
}

NodeId call(Graph& g, const py::object& function, const py::object& jacobian, NodeId x,
            const Shape& shape) {
  const std::int64_t n = thalweg::size_of(g.shape(checked(g, x))), m = thalweg::size_of(shape);
  const py::tuple both = py::make_tuple(function, jacobian);
  auto routine = std::make_shared<const thalweg::Call>(
      called(function, n, m), called(jacobian, n, n * m), n, m, keep_alive(both));
  return g.routine(std::move(routine), std::array{x}, shape);
}

}  // namespace

std::tuple<const char*, py::object, py::object> described_routine(const Graph& g, NodeId id) {
  const thalweg::Routine* r = g.routine_of(id).get();
  if (const auto* l = dynamic_cast<const thalweg::Iteration*>(r))
    return {"loop", py::none(), described_loop(l->form())};
  if (const auto* c = dynamic_cast<const thalweg::Call*>(r)) {
    auto* both = static_cast<PyObject*>(const_cast<void*>(c->owner().get()));
    return {"call", py::none(), py::reinterpret_borrow<py::object>(both)};
  }
  return {"routine", py::str(r->name()),
          py::cast(dynamic_cast<const thalweg::Numeric&>(*r).sizes())};
}

void bind_routines(PyGraph& graph) {
  graph
      .def("routine",
           holding(+[](Graph& g, const std::string& name, std::vector<NodeId> inputs,
                       std::vector<std::int64_t> sizes, const Shape& shape) {
             return thalweg::numeric(g, name, checked(g, std::move(inputs)), std::move(sizes),
                                     shape);
           }),
           py::arg("name"), py::arg("inputs"), py::arg("sizes"), py::arg("shape"),
           "A numerical routine on whole arrays; sizes[0] is the batch, the others are its own.")
      .def("loop", holding(&loop), py::arg("body"), py::arg("inputs"), py::arg("carried"),
           py::arg("given"), py::arg("length"), py::arg("backward"), py::arg("carries_at"),
           py::arg("operands"),
           "(c, y_t) = body(c, x_t, k): the last c, then the rows y_t. An input of the body is "
           "(number, shape, role: 0 of c, 1 of x_t, 2 of k).")
      .def("call", holding(&call), py::arg("function"), py::arg("jacobian"), py::arg("x"),
           py::arg("shape"),
           "A Python function of x as a flat array, called at every evaluation, and its Jacobian "
           "or None.")
      .def("input_numbers", holding(+[](const Graph& g, NodeId id) {
             return thalweg::input_numbers(g, checked(g, id));
           }),
           py::arg("node"), "The inputs that a node depends on.")
      .def("cut",
           holding(+[](const Graph& g, const std::vector<NodeId>& outputs,
                       const std::vector<NodeId>& inputs) {
             auto c = thalweg::cut(g, checked(g, outputs), checked(g, inputs));
             return py::make_tuple(c.graph, c.outputs, c.captured);
           }),
           py::arg("outputs"), py::arg("inputs"),
           "The part between inputs and outputs as a graph of its own, with its outputs, and what "
           "else it reads: further inputs.");
}
