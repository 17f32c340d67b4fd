// SPDX-License-Identifier: BSD-3-Clause
// Binds lowered programs and their evaluation at many points.
#include "function.hpp"

using namespace thalweg;

Function::Function(const std::shared_ptr<Graph>& graph, const std::vector<NodeId>& outputs,
                   std::size_t inputs)
    : inputs_(inputs), programs_(graph, outputs) {
  const auto hold = held(*graph);
  for (const NodeId o : outputs) sizes_.push_back(size_of(graph->shape(o)));
}

std::vector<Array> Function::operator()(const std::vector<Array>& values,
                                        const std::vector<bool>& varying, std::int64_t k,
                                        int threads) {
  if (values.size() != inputs_ || varying.size() != inputs_)
    throw py::value_error("a value is needed for each input");
  const Kernels& isa = kernels();
  std::vector<Array> out;
  for (auto n : sizes_) out.emplace_back(std::vector<py::ssize_t>{k, static_cast<py::ssize_t>(n)});
  std::vector<const double*> in;
  std::vector<double*> to;
  for (const Array& a : values) in.push_back(a.data());
  for (Array& a : out) to.push_back(a.mutable_data());
  bool done = true;
  {
    const py::gil_scoped_release nogil;
    const Program& p = programs_.for_lanes(varying, isa.width, k);
    for (std::size_t j = 0; j < values.size(); ++j)
      if (values[j].size() < p.input_sizes[j] * (varying[j] ? k : 1))
        throw py::value_error("input " + std::to_string(j) + " has too few values");
    done = evaluate(p, isa, in, to, k, threads, [] {
      const py::gil_scoped_acquire gil;
      return PyErr_CheckSignals() != 0;
    });
  }
  if (!done) throw py::error_already_set();
  return out;
}

bool Function::at(const double* x, const std::vector<Array>& args, std::span<double* const> to,
                  int threads, const std::function<bool()>& stop) {
  std::vector<const double*> in{x};
  for (const Array& a : args) in.push_back(a.data());
  std::vector<bool> varying(inputs_, false);
  varying[0] = true;
  const Kernels& isa = kernels();
  const py::gil_scoped_release nogil;
  return evaluate(programs_.for_lanes(varying, isa.width, 1), isa, in, to, 1, threads, stop);
}

std::string Function::print(const std::vector<bool>& varying) {
  const py::gil_scoped_release nogil;
  return programs_.for_lanes(varying, kernels().width, 2).print();
}

void bind_program(py::module_& m) {
  py::class_<Function, std::shared_ptr<Function>>(m, "Function",
                                                  "Nodes of a graph as a function of its inputs.")
      .def(py::init<std::shared_ptr<Graph>, std::vector<NodeId>, std::size_t>(), py::arg("graph"),
           py::arg("outputs"), py::arg("inputs"))
      .def("__call__", &Function::operator(), py::arg("values"), py::arg("varying"), py::arg("k"),
           py::arg("threads") = 1,
           "Evaluate at k points: values[j] is (k, *shape) if varying[j], else of the input's own "
           "shape. Returns (k, size) for each output.")
      .def("print", &Function::print, py::arg("varying"), "The tape, one line an instruction.");
}
