// SPDX-License-Identifier: BSD-3-Clause
// What Python passes to every run of a method: the starts and the functions to call.
#pragma once
#include <optional>
#include <vector>

#include "bind.hpp"
#include "thalweg/descent/objective.hpp"

// k starts x (k, n); the objective's other inputs, with a row per start if they vary; and the
// method's memory, row by row, or nothing.
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

// record: store every point of the first start. callback(iteration, x, f, gradient_norm) returns
// whether to stop. function(x) returns (f, gradient[, matrix]) in place of tapes. progress receives
// the number of starts that have ended.
struct Hooks {
  bool record = false;
  py::object callback = py::none(), function = py::none(), progress = py::none();
};

// None, or lower and upper bounds of n variables, common to all of k starts or of each.
thalweg::Bounds bounds_of(const std::vector<Array>& bounds, std::int64_t n, std::int64_t k = 1);
