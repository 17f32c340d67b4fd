// SPDX-License-Identifier: BSD-3-Clause
// What Python hands to every run of a method: where it begins, and what is called meanwhile.
#pragma once
#include <optional>
#include <vector>

#include "bind.hpp"
#include "thalweg/descent/objective.hpp"

// k starts x (k, n); what the objective is given besides, each with a row for every start where it
// varies; and what the method remembers, row by row, or nothing.
struct StartArrays {
  Array x;
  std::vector<Array> args;
  std::vector<bool> varying;
  std::vector<std::optional<Array>> memory;

  StartArrays(Array x, std::vector<Array> args, std::vector<bool> varying,
              std::vector<std::optional<Array>> memory);
  std::int64_t k() const { return x.shape(0); }
  std::int64_t n() const { return x.shape(1); }
};

// record: keep every point of the first start. callback(iteration, x, f, gradient_norm) -> stop?
// function(x) -> (f, gradient[, matrix]), in place of tapes. progress(how many have ended).
struct Hooks {
  bool record = false;
  py::object callback = py::none(), function = py::none(), progress = py::none();
};

// None, or lower and upper bounds of n variables.
thalweg::Bounds bounds_of(const std::vector<Array>& bounds, std::int64_t n);
