// SPDX-License-Identifier: BSD-3-Clause
// Binds objectives: a node of a graph, in the form that methods take.
#include "bind.hpp"
#include "thalweg/descent/objective.hpp"

using namespace thalweg;

void bind_objective(py::module_& m) {
  py::class_<Objective>(m, "Objective", "What is minimized: a value in a graph.")
      .def(py::init([](std::shared_ptr<Graph> graph, NodeId f, std::int64_t n, int inputs) {
             return Objective{std::move(graph), f, n, inputs};
           }),
           py::arg("graph"), py::arg("f"), py::arg("n"), py::arg("inputs") = 1,
           "f: its node, -1 where a driver gives values; n: variables; inputs: of the graph, x the "
           "first.")
      .def_readonly("graph", &Objective::graph);
}
