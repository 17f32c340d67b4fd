// SPDX-License-Identifier: BSD-3-Clause
// The module's table of contents.
#include "bind.hpp"

PYBIND11_MODULE(_core, m, py::mod_gil_not_used()) {
  m.doc() = "The core of thalweg: expressions, tapes and descents in C++.";
  bind_info(m);
  bind_graph(m);
  bind_program(m);
  bind_stopping(m);
  bind_starts(m);
  bind_objective(m);
  bind_answer(m);
  bind_rule(m);
  bind_dialogue(m);
  bind_solver(m);
  bind_fit(m);
  bind_epochs(m);
}
