// SPDX-License-Identifier: BSD-3-Clause
// Builds the run-time list of solvers.
#include "thalweg/descent/solver.hpp"

#include <array>

#include "thalweg/solvers/all.hpp"

namespace thalweg {
namespace {

// What a solver may declare: that it decides itself when f has settled; that it knows too little of
// the curvature to tell how far f can fall.
template <class S> constexpr bool settles() {
  if constexpr (requires { S::settles; }) return S::settles;
  else return false;
}
template <class S> constexpr bool models() {
  if constexpr (requires { S::models; }) return S::models;
  else return true;
}
template <class... Ss> constexpr auto solvers_of(OperationList<Ss...>) {
  int index = 0;
  return std::array{Solver{Ss::name, Ss::class_name, Ss::summary, Ss::source, Ss::hyper, Ss::needs,
                           settles<Ss>(), models<Ss>(), index++}...};
}
constexpr auto kSolvers = solvers_of(Solvers{});

}  // namespace

std::span<const Solver> all_solvers() { return kSolvers; }
const Solver* find_solver(std::string_view name) {
  for (const Solver& s : kSolvers)
    if (name == s.name) return &s;
  return nullptr;
}

}  // namespace thalweg
