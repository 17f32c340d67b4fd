// SPDX-License-Identifier: BSD-3-Clause
// Builds the run-time list of solvers.
#include "thalweg/descent/solver.hpp"

#include <array>

#include "thalweg/solvers/all.hpp"

namespace thalweg {
namespace {

// Whether a solver declares that it decides itself when f has settled.
template <class S> constexpr bool settles() {
  if constexpr (requires { S::settles; }) return S::settles;
  else return false;
}
template <class... Ss> constexpr auto describe(OperationList<Ss...>) {
  int index = 0;
  return std::array{Solver{Ss::name, Ss::class_name, Ss::summary, Ss::source, Ss::hyper, Ss::needs,
                           settles<Ss>(), index++}...};
}
constexpr auto kSolvers = describe(Solvers{});

}  // namespace

std::span<const Solver> all_solvers() { return kSolvers; }
const Solver* find_solver(std::string_view name) {
  for (const Solver& s : kSolvers)
    if (name == s.name) return &s;
  return nullptr;
}

}  // namespace thalweg
