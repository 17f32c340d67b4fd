// SPDX-License-Identifier: BSD-3-Clause
// How functions of a graph are bound, for the files that bind them.
#pragma once
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "bind.hpp"

using PyGraph = py::class_<thalweg::Graph, std::shared_ptr<thalweg::Graph>>;

inline thalweg::NodeId checked(const thalweg::Graph& g, thalweg::NodeId id) {
  if (id < 0 || id >= g.size()) throw py::index_error("no node " + std::to_string(id));
  return id;
}
inline std::vector<thalweg::NodeId> checked(const thalweg::Graph& g,
                                            std::vector<thalweg::NodeId> ids) {
  for (const thalweg::NodeId id : ids) checked(g, id);
  return ids;
}

inline const thalweg::Graph& graph_in(const thalweg::Graph& g) { return g; }
inline const thalweg::Graph& graph_in(const std::shared_ptr<thalweg::Graph>& g) { return *g; }

// Binds a function of a graph, which is locked during the call.
template <class R, class G, class... Args> auto holding(R (*f)(G, Args...)) {
  return [f](G g, Args... args) -> R {
    const auto hold = held(graph_in(g));
    return f(std::forward<G>(g), std::forward<Args>(args)...);
  };
}

inline py::tuple to_tuple(const thalweg::Shape& s) {
  py::tuple t(s.size());
  for (std::size_t i = 0; i < s.size(); ++i) t[i] = py::int_(s[i]);
  return t;
}

// The kind, name and payload of a routine, as Graph.describe gives them.
std::tuple<const char*, py::object, py::object> described_routine(const thalweg::Graph& g,
                                                                  thalweg::NodeId id);

void bind_routines(PyGraph& graph);
void bind_derivatives(py::module_& m, PyGraph& graph);
