// SPDX-License-Identifier: BSD-3-Clause
// What the bridge's files share: the list of what is bound, and arrays as the core wants them.
#pragma once
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <memory>
#include <mutex>

#include "thalweg/graph/expression.hpp"
#include "thalweg/rules/rule.hpp"

namespace py = pybind11;

// float64, C order; converted (and so copied) only where it is not that already.
using Array = py::array_t<double, py::array::c_style | py::array::forcecast>;

// A lock on a mutex, waited for without the GIL: who has it may be waiting for that.
template <class Mutex> std::unique_lock<Mutex> locked(Mutex& mutex) {
  std::unique_lock<Mutex> lock(mutex, std::try_to_lock);
  if (!lock) {
    const py::gil_scoped_release nogil;
    lock.lock();
  }
  return lock;
}
// A graph held while its nodes are made or read from Python.
inline auto held(const thalweg::Graph& graph) { return locked(graph.mutex()); }

// Keeps a Python object alive from the core, which knows no Python: let go with the GIL held, from
// whatever thread.
std::shared_ptr<const void> keep_alive(py::object object);

thalweg::Shape shape_of(const py::array& a);

// How numbers of this type are read; null where they cannot be.
thalweg::ReadNumbers reader_of(const py::dtype& type);

// An array that is referenced where its numbers can be read, and else converted.
thalweg::DataArray data_array(const py::object& array);

// Hyper-parameters: (name, default or None, meaning, bounds and whether they are open, whole).
py::list describe_hyper(std::span<const thalweg::rules::Hyper> hyper);

void bind_info(py::module_& m);
void bind_graph(py::module_& m);
void bind_program(py::module_& m);
void bind_stopping(py::module_& m);
void bind_starts(py::module_& m);
void bind_objective(py::module_& m);
void bind_rule(py::module_& m);
void bind_epochs(py::module_& m);
void bind_solver(py::module_& m);
void bind_fit(py::module_& m);
void bind_dialogue(py::module_& m);
