// SPDX-License-Identifier: BSD-3-Clause
// Binds derivatives of a graph's nodes, and the search for values that are not finite.
#include <algorithm>

#include "graph.hpp"
#include "thalweg/graph/diagnose.hpp"
#include "thalweg/graph/differentiate.hpp"
#include "thalweg/graph/stable.hpp"

using thalweg::Graph;
using thalweg::NodeId;

namespace {

void bind_products(PyGraph& graph) {
  graph
      .def("vjp",
           holding(+[](Graph& g, const std::vector<NodeId>& outputs,
                       const std::vector<NodeId>& seeds, const std::vector<NodeId>& wrt) {
             return thalweg::vector_jacobian_product(g, checked(g, outputs), checked(g, seeds),
                                                     checked(g, wrt));
           }),
           py::arg("outputs"), py::arg("seeds"), py::arg("wrt"),
           "Reverse mode: nodes of the vector-Jacobian products.")
      .def("jvp",
           holding(+[](Graph& g, const std::vector<NodeId>& outputs, const std::vector<NodeId>& wrt,
                       const std::vector<NodeId>& tangents) {
             return thalweg::jacobian_vector_product(g, checked(g, outputs), checked(g, wrt),
                                                     checked(g, tangents));
           }),
           py::arg("outputs"), py::arg("wrt"), py::arg("tangents"),
           "Forward mode: nodes of the Jacobian-vector products.")
      .def("jacobian", holding(+[](Graph& g, NodeId residuals, NodeId x) {
             return thalweg::jacobian(g, checked(g, residuals), checked(g, x));
           }),
           py::arg("residuals"), py::arg("x"), "The Jacobian of a vector, transposed: (n, m).")
      .def("normal_equations",
           holding(+[](Graph& g, NodeId residuals, NodeId slopes, NodeId weights, NodeId x) {
             if (weights >= 0) checked(g, weights);
             const auto n = thalweg::normal_equations(g, checked(g, residuals), checked(g, slopes),
                                                      weights, checked(g, x));
             return std::pair(n.gradient, n.matrix);
           }),
           py::arg("residuals"), py::arg("slopes"), py::arg("weights"), py::arg("x"),
           "The gradient J'u and the matrix J'diag(w)J for vectors r, u and w (-1: ones), where J "
           "is the Jacobian of r.")
      .def("gradient", holding(+[](Graph& g, NodeId output, NodeId wrt) {
             return thalweg::gradient(g, checked(g, output), checked(g, wrt));
           }),
           py::arg("output"), py::arg("wrt"), "The gradient of an output of one element.")
      .def("stable", holding(+[](Graph& g, const std::vector<NodeId>& nodes) {
             return thalweg::stable(g, checked(g, nodes));
           }),
           py::arg("nodes"), "Equal nodes without forms that overflow.");
}

void bind_faults(PyGraph& graph) {
  graph
      .def(
          "diagnose",
          holding(+[](std::shared_ptr<Graph> g, NodeId output, const std::vector<Array>& inputs)
                      -> std::optional<std::tuple<std::string, std::vector<double>, double, bool>> {
            std::vector<const double*> in;
            for (const Array& a : inputs) in.push_back(a.data());
            checked(*g, output);
            const auto c = thalweg::diagnose(std::move(g), output, in, static_cast<int>(in.size()));
            if (!c) return std::nullopt;
            return std::tuple(c->operation, c->inputs, c->result, c->outside_domain);
          }),
          py::arg("output"), py::arg("inputs"),
          "The first operation whose result is not finite although its operands are: (name, "
          "operands, result, whether an operand is outside its domain).")
      .def("faults",
           holding(+[](std::shared_ptr<Graph> g, NodeId output, const std::vector<Array>& inputs,
                       const std::vector<bool>& varying, std::int64_t k) {
             std::vector<const double*> in;
             for (const Array& a : inputs) in.push_back(a.data());
             checked(*g, output);
             std::vector<thalweg::Fault> found;
             {
               const py::gil_scoped_release nogil;
               found = thalweg::faults(std::move(g), output, in, varying, k, [] {
                 const py::gil_scoped_acquire gil;
                 check_signals();
               });
             }
             py::array_t<std::int8_t> out(k);
             std::ranges::transform(found, out.mutable_data(),
                                    [](thalweg::Fault f) { return static_cast<std::int8_t>(f); });
             return out;
           }),
           py::arg("output"), py::arg("inputs"), py::arg("varying"), py::arg("k"),
           "The Fault of each of k points, as a number.");
}

}  // namespace

void bind_derivatives(py::module_& m, PyGraph& graph) {
  py::enum_<thalweg::Fault>(m, "Fault", "What is wrong with a value.")
      .value("none", thalweg::Fault::None)
      .value("not_finite", thalweg::Fault::NotFinite)
      .value("infinite", thalweg::Fault::Infinite)
      .value("outside_domain", thalweg::Fault::OutsideDomain);
  bind_products(graph);
  bind_faults(graph);
}
