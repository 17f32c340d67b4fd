// SPDX-License-Identifier: BSD-3-Clause
// The common declarations of the bridge: the list of bindings, and conversions of arrays.
#pragma once
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <memory>
#include <mutex>

#include "thalweg/graph/expression.hpp"
#include "thalweg/rules/rule.hpp"

namespace py = pybind11;

// float64 in C order; other arrays are converted, and so copied.
using Array = py::array_t<double, py::array::c_style | py::array::forcecast>;

// Locks a mutex, waiting without the GIL, since the thread that owns the mutex may wait for the
// GIL.
template <class Mutex> std::unique_lock<Mutex> locked(Mutex& mutex) {
  std::unique_lock<Mutex> lock(mutex, std::try_to_lock);
  if (!lock) {
    const py::gil_scoped_release nogil;
    lock.lock();
  }
  return lock;
}
// Raises what the handler of a signal raises. It is asked before Python code is called: what a
// handler raises while garbage is collected, which the objects of a call may cause, Python drops.
inline void check_signals() {
  if (PyErr_CheckSignals() != 0) throw py::error_already_set();
}
// Locks a graph while its nodes are created or read from Python.
inline auto held(const thalweg::Graph& graph) { return locked(graph.mutex()); }

// Keeps a Python object alive for the core, which does not know Python. The object is released with
// the GIL held, in any thread.
std::shared_ptr<const void> keep_alive(py::object object);

thalweg::Shape shape_of(const py::array& a);

// The function that reads numbers of this type; null if they cannot be read.
thalweg::ReadNumbers reader_of(const py::dtype& type);

// References an array whose numbers can be read; otherwise converts it.
thalweg::DataArray data_array(const py::object& array);

// Hyper-parameters: (name, default or None, meaning, bounds and whether they are open, whole).
py::list describe_hyper(std::span<const thalweg::rules::Hyper> hyper);

void bind_info(py::module_& m);
void bind_graph(py::module_& m);
void bind_program(py::module_& m);
void bind_stopping(py::module_& m);
void bind_starts(py::module_& m);
void bind_objective(py::module_& m);
void bind_answer(py::module_& m);
void bind_rule(py::module_& m);
void bind_epochs(py::module_& m);
void bind_solver(py::module_& m);
void bind_fit(py::module_& m);
void bind_dialogue(py::module_& m);
