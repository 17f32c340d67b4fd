// SPDX-License-Identifier: BSD-3-Clause
// The function to minimize, in the form that every method takes.
#pragma once
#include <memory>

#include "thalweg/graph/expression.hpp"

namespace thalweg {

// A node with one element, in a graph whose input 0 is the point x (n). If f is -1, values and
// derivatives come from a driver.
struct Objective {
  std::shared_ptr<Graph> graph;
  NodeId f = -1;
  std::int64_t n = 0;
  int inputs = 1;  // x and the function's other arguments
};

// Bounds of each variable (n), infinite where there is none. The pointers are null without bounds.
struct Bounds {
  const double *lower = nullptr, *upper = nullptr;
  bool each = false;  // whether every start has its own, (k, n)
  explicit operator bool() const { return lower != nullptr; }
};

}  // namespace thalweg
